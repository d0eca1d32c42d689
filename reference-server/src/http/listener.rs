//! Connections: accepting them, what every one of them is held to, and their end.

use std::convert::Infallible;
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

use super::{Http, handle};

/// How long the head of a request may take to come, counted from the end of the request before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open streams may take to end when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after the system had no connection for us, though one was due.
const BREATHER: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection: an extension of each of its requests, as `Arc<Caller>`.
#[derive(Debug)]
pub struct Caller {
    /// Where the connection comes from.
    pub address: SocketAddr,
}

/// Serves connections until `stop` is ready, then lets the open ones finish.
pub async fn serve(http: Arc<Http>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let (http, watcher) = (Arc::clone(&http), connections.watcher());
                tokio::spawn(connection(http, stream, Caller { address }, watcher));
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

async fn connection(http: Arc<Http>, stream: TcpStream, caller: Caller, watcher: Watcher) {
    // Without this, the last packet of each answer may wait for an acknowledgement: 40 ms.
    let _ = stream.set_nodelay(true);
    exchange(http, stream, Arc::new(caller), watcher).await;
}

/// Answers request after request.
async fn exchange(
    http: Arc<Http>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    caller: Arc<Caller>,
    watcher: Watcher,
) {
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
