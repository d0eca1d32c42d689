//! HTTP seen as exchanges: each request opens a stream of events. Both transports over HTTP are made of them.
//!
//! HTTP/1.1 on connections of our own (crate hyper), redirects not followed, proxies not used: what the server does is
//! what the transcript shows. <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>

mod connection;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming as Body;
use tokio::sync::mpsc;

use super::{
    Happened, HttpRequest, Incoming, Link, MAX_MESSAGE, Outgoing, SseParser, StreamId,
    is_event_stream,
};

use connection::Connections;
pub use connection::{Address, AddressError, Opened, ResolveError, Sender, open};

const QUEUE: usize = 1024;

/// Makes a link to an HTTP endpoint, or to all processes that serve it. Nothing is connected before the first exchange.
pub fn connect(addresses: Vec<Arc<Address>>) -> Link {
    let (tx, mut orders) = mpsc::unbounded_channel();
    let (events, rx) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let replicas: Vec<_> = addresses
            .into_iter()
            .map(|address| Arc::new(Connections::new(address)))
            .collect();
        let mut running = HashMap::new();
        while let Some(order) = orders.recv().await {
            match order {
                Outgoing::Exchange {
                    seq,
                    stream,
                    request,
                } => {
                    let Some(connections) = replicas.get(request.replica) else {
                        continue;
                    };
                    let exchange = Exchange {
                        connections: connections.clone(),
                        events: events.clone(),
                        stream,
                    };
                    running.retain(|_, task: &mut AbortOnDrop| !task.0.is_finished());
                    running.insert(
                        stream,
                        AbortOnDrop(tokio::spawn(exchange.run(seq, request))),
                    );
                }
                Outgoing::Abandon(stream) => drop(running.remove(&stream)),
                Outgoing::Write { .. } | Outgoing::Hold(_) | Outgoing::EndInput => {}
            }
        }
    });
    Link { tx, rx }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Exchange {
    connections: Arc<Connections>,
    events: mpsc::Sender<Incoming>,
    stream: StreamId,
}

impl Exchange {
    async fn run(self, seq: u64, request: HttpRequest) {
        let last = match self.exchange(seq, &request).await {
            Ok(()) => Happened::End,
            Err(reason) => Happened::Broken(reason),
        };
        self.report(last).await;
    }

    async fn report(&self, what: Happened) {
        let incoming = Incoming {
            at: Instant::now(),
            stream: self.stream,
            what,
        };
        let _ = self.events.send(incoming).await;
    }

    async fn exchange(&self, seq: u64, request: &HttpRequest) -> Result<(), String> {
        let request = self.connections.address().request(request)?;
        let (response, sender) = self.send(seq, request).await?;
        let (head, body) = response.into_parts();
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let is_stream = is_event_stream(&headers);
        self.report(Happened::Response {
            status: head.status.as_u16(),
            headers,
        })
        .await;
        if is_stream {
            self.read_events(body).await?;
        } else {
            self.read_body(body).await?;
        }
        // A server that refused a request may not have read it to its end: what comes next on the connection is open.
        if head.status.as_u16() < 400 {
            self.connections.give_back(sender);
        }
        Ok(())
    }

    /// Sends on an idle connection if there is one; if that one turns out to be dead, once more on a new one.
    async fn send(
        &self,
        seq: u64,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<(hyper::Response<Body>, Sender), String> {
        if let Some(mut sender) = self.connections.idle() {
            self.report(Happened::Written { seq }).await;
            match sender.try_send_request(request.clone()).await {
                Ok(response) => return Ok((response, sender)),
                // Only what the server never saw may be sent again.
                Err(error) if error.message().is_none() && !error.error().is_closed() => {
                    return Err(describe(error.error()));
                }
                Err(_) => {}
            }
        }
        let mut sender = self.connections.open().await?;
        self.report(Happened::Written { seq }).await;
        match sender.send_request(request).await {
            Ok(response) => Ok((response, sender)),
            Err(error) => Err(describe(&error)),
        }
    }

    async fn read_body(&self, mut body: Body) -> Result<(), String> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| describe(&error))?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > MAX_MESSAGE {
                return Err(format!("a body of more than {MAX_MESSAGE} bytes"));
            }
        }
        if !bytes.is_empty() {
            self.report(Happened::Body(Bytes::from(bytes))).await;
        }
        Ok(())
    }

    async fn read_events(&self, mut body: Body) -> Result<(), String> {
        let mut parser = SseParser::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| describe(&error))?;
            let Some(data) = frame.data_ref() else {
                continue;
            };
            for event in parser.feed(data) {
                self.report(Happened::Event(event)).await;
            }
            if parser.pending() > MAX_MESSAGE {
                return Err(format!("an event of more than {MAX_MESSAGE} bytes"));
            }
        }
        Ok(())
    }
}

/// An error with what caused it.
pub fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
