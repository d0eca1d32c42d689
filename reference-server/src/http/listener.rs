//! Connections: accepting them, what every one of them is held to, and their end.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::patient::Patient;
use super::tls::{self, Subject};
use super::{Http, handle};

/// The most bytes that are read ahead, or wait to be written; the head of a request fits into these.
const BUFFER: usize = 64 * 1024;
/// How long open streams may take to end when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after the system had no connection for us, though one was due.
const BREATHER: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection.
#[derive(Debug)]
pub struct Remote {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// Whom its certificate is for, if it was asked for one (--tls-client-ca).
    pub subject: Option<Subject>,
}

impl fmt::Display for Remote {
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
    let room = Arc::new(Semaphore::new(http.limits.max_connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // Without room the connection is closed at once.
                if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
                    let connection = Connection {
                        http: Arc::clone(&http),
                        address,
                        watcher: connections.watcher(),
                        _permit: permit,
                    };
                    tokio::spawn(connection.serve(stream, tls.clone()));
                }
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

/// A connection that was accepted.
struct Connection {
    http: Arc<Http>,
    address: SocketAddr,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let patience = self.http.limits.client_timeout;
        // A system that cannot do one of these serves its clients nevertheless.
        let _ = prepare(&stream, patience);
        let Some(tls) = tls else {
            return self.exchange(stream, None).await;
        };
        let accepting = Box::pin(tls::accept(&tls, stream));
        let accepted = tokio::time::timeout(patience, accepting).await;
        // Whoever fails here knows why, or is not worth a word.
        if let Ok(Ok((stream, subject))) = accepted {
            // Boxed, so that connections without TLS need no room for it.
            Box::pin(self.exchange(stream, subject)).await;
        }
    }

    /// Answers request after request.
    async fn exchange(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        subject: Option<Subject>,
    ) {
        let (http, address) = (self.http, self.address);
        let patience = http.limits.client_timeout;
        let remote = Arc::new(Remote { address, subject });
        let service = service_fn(|request: Request<Incoming>| {
            let (head, body) = request.into_parts();
            // Boxed, so that a stream that is open for long takes no room for what was done before.
            let response = Box::pin(handle(Arc::clone(&http), Arc::clone(&remote), head, body));
            async move { Ok::<_, Infallible>(response.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Patient::new(stream, patience)), service);
        // The client may leave at any time, and in any way.
        if let Err(error) = self.watcher.watch(connection).await {
            http.server.log.message(|| format!("- {remote}: {error:?}"));
        }
    }
}

/// Sends small packets at once, and notices when the other side is there no more: after twice that time at the latest.
fn prepare(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    // Without this, the last packet of each answer may wait for an acknowledgement: 40 ms.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(patience);
    socket.set_tcp_keepalive(&keepalive.with_interval(patience))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}
