//! The relay over HTTP: whoever is on the other side of each connection is asked on a connection of its own.

use std::convert::Infallible;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::response::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mcp_conform::transport::{SseEvent, SseParser};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver};

use crate::content::differently;
use crate::difference::{Difference, Differences};
use crate::events;
use crate::relay::{SLOWNESS, chat, end_like, pieces, start};

/// What the relay knows.
struct Relay {
    played: Differences,
    /// The port of the server.
    inner: u16,
    requests: AtomicUsize,
}

/// Listens on the port, and relays until the server ends.
pub fn relay(played: Differences, port: u16, words: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let inner = free.local_addr().unwrap().port();
        drop(free);
        let fill = |word: &String| word.replace("{inner}", &inner.to_string());
        let words: Vec<String> = words.iter().map(fill).collect();
        let server = start(&words, Stdio::null);
        std::thread::spawn(move || end_like(server));
        while TcpStream::connect(("127.0.0.1", inner)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let relay = Arc::new(Relay {
            played,
            inner,
            requests: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        while let Ok((connection, _)) = listener.accept().await {
            let _ = connection.set_nodelay(true);
            tokio::spawn(serve(relay.clone(), connection));
        }
    });
}

async fn serve(relay: Arc<Relay>, connection: TcpStream) {
    let played = relay.played.clone();
    let service = service_fn(move |request| {
        let relay = relay.clone();
        async move { Ok::<_, Infallible>(relay.answer(request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .title_case_headers(played.has(Difference::OtherHeaders))
        .keep_alive(!played.has(Difference::ConnectionClose))
        .max_buf_size(1 << 20)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

impl Relay {
    async fn answer(&self, request: Request<Incoming>) -> Response<Pieces> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return refused();
        };
        let body = body.to_bytes();
        let asked = Asked {
            is_single: is_single_request(&body),
            takes_streams: head.headers.get_all(ACCEPT).iter().any(|value| {
                value
                    .to_str()
                    .is_ok_and(|value| value.contains("text/event-stream"))
            }) && !is_poll(&body),
        };
        let mut onward = Request::new(Full::new(body));
        *onward.method_mut() = head.method;
        *onward.uri_mut() = head.uri;
        *onward.headers_mut() = head.headers;
        onward.headers_mut().remove(CONTENT_LENGTH);
        onward.headers_mut().remove(TRANSFER_ENCODING);
        onward.headers_mut().remove(CONNECTION);
        let late = match number % 2 {
            _ if self.played.has(Difference::Slow) => SLOWNESS,
            0 if self.played.has(Difference::OutOfOrder) => 2 * SLOWNESS,
            _ => Duration::ZERO,
        };
        tokio::time::sleep(late).await;
        chat(&self.played);
        let Some((response, connection)) = self.ask(onward).await else {
            return refused();
        };
        self.pass_on(asked, response, connection).await
    }

    /// The server's response, and the connection that must live as long as its body is read.
    async fn ask(&self, request: Request<Full<Bytes>>) -> Option<(Response<Incoming>, Connection)> {
        let stream = TcpStream::connect(("127.0.0.1", self.inner)).await.ok()?;
        let _ = stream.set_nodelay(true);
        let builder = hyper::client::conn::http1::Builder::new();
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
        let response = sender.send_request(request).await.ok()?;
        Some((response, connection))
    }

    async fn pass_on(
        &self,
        asked: Asked,
        response: Response<Incoming>,
        connection: Connection,
    ) -> Response<Pieces> {
        let (mut head, body) = response.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.remove(CONNECTION);
        let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let (is_json, is_stream) = (
            kind == Some(b"application/json"),
            kind == Some(b"text/event-stream"),
        );
        let (tx, rx) = mpsc::channel(64);
        let mut writer = Writer {
            played: self.played.clone(),
            has_told: !asked.is_single,
            count: 0,
            tx,
        };
        if is_stream {
            let mut source = Source {
                body,
                parser: SseParser::default(),
                ready: Vec::new(),
                _connection: connection,
            };
            let mut first = Vec::new();
            let as_json = self.played.has(Difference::AnswersAsJson) && asked.is_single;
            match as_json {
                true => match source.single_answer(&mut first).await {
                    Some(answer) => {
                        set(&mut head.headers, "application/json");
                        return self.json(head, &answer, writer, rx);
                    }
                    None => drop(tokio::spawn(
                        async move { writer.stream(first, source).await },
                    )),
                },
                false => drop(tokio::spawn(
                    async move { writer.stream(first, source).await },
                )),
            }
        } else {
            let Ok(body) = body.collect().await else {
                return refused();
            };
            let bytes = body.to_bytes();
            if !is_json {
                self.dress(&mut head.headers);
                return Response::from_parts(head, Pieces::whole(bytes));
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let may_stream =
                asked.is_single && asked.takes_streams && head.status == StatusCode::OK;
            if !may_stream || !self.played.has(Difference::AnswersAsStreams) {
                return self.json(head, &text, writer, rx);
            }
            set(&mut head.headers, "text/event-stream");
            head.headers
                .insert("x-accel-buffering", HeaderValue::from_static("no"));
            let event = SseEvent {
                data: Some(text),
                ..SseEvent::default()
            };
            tokio::spawn(async move { writer.event(&event).await });
        }
        self.dress(&mut head.headers);
        Response::from_parts(head, Pieces::Several(rx))
    }

    fn json(
        &self,
        mut head: Parts,
        text: &str,
        mut writer: Writer,
        rx: Receiver<Bytes>,
    ) -> Response<Pieces> {
        self.dress(&mut head.headers);
        let text = differently(&self.played, text);
        if !self.played.has(Difference::ByteWise) {
            return Response::from_parts(head, Pieces::whole(text.into()));
        }
        tokio::spawn(async move { writer.bytes(text.as_bytes()).await });
        Response::from_parts(head, Pieces::Several(rx))
    }

    /// Other headers, in the opposite order.
    fn dress(&self, headers: &mut HeaderMap) {
        if !self.played.has(Difference::OtherHeaders) {
            return;
        }
        let mut others = HeaderMap::new();
        others.insert("x-harmless", HeaderValue::from_static("a, b; c=\"d\""));
        others.append("vary", HeaderValue::from_static("Accept"));
        others.append("vary", HeaderValue::from_static("Origin"));
        let mut old: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        old.reverse();
        for (name, value) in old {
            let value = match name == CONTENT_TYPE {
                true => format!("{}; charset=UTF-8", value.to_str().unwrap())
                    .parse()
                    .unwrap(),
                false => value,
            };
            others.append(name, value);
        }
        *headers = others;
    }
}

/// What a request leaves open.
struct Asked {
    /// It brings one request, whose answer ends the response.
    is_single: bool,
    /// It may be answered by a stream.
    takes_streams: bool,
}

/// Polls should not be answered by a stream:
/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks#getting-tasks>
fn is_poll(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|message| message["method"] == "tasks/get")
}

fn is_single_request(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|message| {
        message.get("id").is_some()
            && message
                .get("method")
                .is_some_and(|method| method != "subscriptions/listen")
    })
}

fn set(headers: &mut HeaderMap, kind: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
}

/// The server is gone; the harness sees a broken connection from a server, and a bad gateway from us.
fn refused() -> Response<Pieces> {
    let mut response = Response::new(Pieces::whole(Bytes::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Closes the connection when nobody needs it any more.
struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The server's event stream.
struct Source {
    body: Incoming,
    parser: SseParser,
    ready: Vec<SseEvent>,
    _connection: Connection,
}

impl Source {
    /// The next event; none at the end.
    async fn next(&mut self) -> Option<SseEvent> {
        while self.ready.is_empty() {
            let frame = self.body.frame().await?.ok()?;
            self.ready = self.parser.feed(&frame.into_data().unwrap_or_default());
        }
        Some(self.ready.remove(0))
    }

    /// The answer, if the stream brings nothing else; what was read of it otherwise.
    async fn single_answer(&mut self, read: &mut Vec<SseEvent>) -> Option<String> {
        loop {
            let event = self.next().await?;
            let message = event.data.as_deref().map(serde_json::from_str::<Value>);
            read.push(event.clone());
            match message {
                Some(Ok(message)) if message.get("method").is_none() => return event.data,
                Some(Ok(_)) => return None,
                _ => {}
            }
        }
    }
}

/// Writes a body piece by piece.
struct Writer {
    played: Differences,
    /// Whether a notification that nobody knows came already, or must not come.
    has_told: bool,
    count: usize,
    tx: mpsc::Sender<Bytes>,
}

impl Writer {
    /// Passes a stream on, until either side closes it.
    async fn stream(&mut self, first: Vec<SseEvent>, mut source: Source) {
        for event in first {
            self.event(&event).await;
        }
        loop {
            let tx = self.tx.clone();
            let event = tokio::select! {
                event = source.next() => event,
                () = tx.closed() => return,
            };
            let Some(event) = event else { return };
            if self.played.has(Difference::Slow) {
                tokio::time::sleep(SLOWNESS / 5).await;
            }
            chat(&self.played);
            self.event(&event).await;
        }
    }

    async fn event(&mut self, event: &SseEvent) {
        // The first event may be one that only gives the stream an id.
        let says = event.data.as_ref().is_some_and(|data| !data.is_empty());
        if self.played.has(Difference::UnknownNotifications) && says && !self.has_told {
            self.has_told = true;
            self.write(&events::unknown()).await;
        }
        self.write(event).await;
    }

    async fn write(&mut self, event: &SseEvent) {
        let text = events::write(&self.played, event, self.count);
        self.count += 1;
        self.bytes(text.as_bytes()).await;
    }

    async fn bytes(&mut self, bytes: &[u8]) {
        let several = self.played.has(Difference::ByteWise);
        let pieces: Vec<&[u8]> = match several {
            true => pieces(bytes).collect(),
            false => vec![bytes],
        };
        for piece in pieces {
            if self.tx.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
            if several {
                // Each goes out by itself.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// A body with a known length, or in chunks.
enum Pieces {
    Whole(Full<Bytes>),
    Several(Receiver<Bytes>),
}

impl Pieces {
    fn whole(bytes: Bytes) -> Pieces {
        Pieces::Whole(Full::new(bytes))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Pieces::Whole(whole) => Pin::new(whole).poll_frame(context),
            Pieces::Several(several) => several
                .poll_recv(context)
                .map(|piece| Some(Ok(Frame::data(piece?)))),
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Pieces::Whole(whole) => whole.size_hint(),
            Pieces::Several(_) => hyper::body::SizeHint::default(),
        }
    }
}
