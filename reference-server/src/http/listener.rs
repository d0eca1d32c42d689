//! Connections: accepting them, what every one of them is held to, and their end.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use tokio_rustls::TlsAcceptor;

use super::tls::{self, Subject};
use super::{Http, handle};

/// How long the head of a request may take to come, counted from the end of the request before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long open streams may take to end when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after the system had no connection for us, though one was due.
const BREATHER: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection: an extension of each of its requests, as `Arc<Caller>`.
#[derive(Debug)]
pub struct Caller {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// Whom its certificate is for, if it was asked for one (--tls-client-ca).
    pub subject: Option<Subject>,
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let subject = self.subject.as_ref();
        match subject.and_then(|subject| subject.common_name.as_ref()) {
            Some(name) => write!(formatter, "{} {name:?}", self.address),
            None => self.address.fmt(formatter),
        }
    }
}

/// Serves connections until `stop` is ready, then lets the open ones finish.
pub async fn serve(
    http: Arc<Http>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // Without this, the last packet of each answer may wait for an acknowledgement: 40 ms.
                let _ = stream.set_nodelay(true);
                let http = Arc::clone(&http);
                let watcher = connections.watcher();
                match tls.clone() {
                    Some(tls) => tokio::spawn(encrypted(http, stream, address, watcher, tls)),
                    None => tokio::spawn(exchange(
                        http,
                        stream,
                        Caller {
                            address,
                            subject: None,
                        },
                        watcher,
                    )),
                };
            }
            // Most often there are too many open files: others must end first.
            Err(_) => tokio::time::sleep(BREATHER).await,
        }
    }
    drop(listener);
    http.stop();
    // Whoever has not finished by then is cut off.
    let _ = tokio::time::timeout(LAST_WORDS, connections.shutdown()).await;
}

async fn encrypted(
    http: Arc<Http>,
    stream: TcpStream,
    address: SocketAddr,
    watcher: Watcher,
    tls: TlsAcceptor,
) {
    let accepted = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls::accept(&tls, stream)).await;
    // Whoever fails here knows why, or is not worth a word.
    if let Ok(Ok((stream, subject))) = accepted {
        exchange(http, stream, Caller { address, subject }, watcher).await;
    }
}

/// Answers request after request.
async fn exchange(
    http: Arc<Http>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    caller: Caller,
    watcher: Watcher,
) {
    let caller = Arc::new(caller);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&caller));
        let http = Arc::clone(&http);
        async move { Ok::<_, Infallible>(handle(&http, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // The client may leave at any time, and in any way.
    let _ = watcher.watch(connection).await;
}
