//! A relay that holds bytes back, so that a server nearby costs what one far away would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How many pieces may be under way in one direction.
const UNDER_WAY: usize = 1024;
/// How much is taken at once.
const CHUNK: usize = 64 << 10;

/// Listens on a loopback address, and passes on there what comes here, as much later in each direction. It runs until the
/// runtime ends.
///
/// # Errors
/// Where there is no free port.
pub async fn relay(to: (&str, u16), delay: Duration) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (host, port) = (to.0.to_owned(), to.1);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let host = host.clone();
            tokio::spawn(async move {
                // The handshake of TCP crosses the network once in each direction, too.
                tokio::time::sleep(2 * delay).await;
                // Who cannot be reached ends the connection, as it would without us.
                if let Ok(far) = TcpStream::connect((host.as_str(), port)).await {
                    pass_on(near, far, delay).await;
                }
            });
        }
    });
    Ok(address)
}

async fn pass_on(near: TcpStream, far: TcpStream, delay: Duration) {
    let _ = near.set_nodelay(true);
    let _ = far.set_nodelay(true);
    let (near_reads, near_writes) = near.into_split();
    let (far_reads, far_writes) = far.into_split();
    tokio::join!(
        hold_back(near_reads, far_writes, delay),
        hold_back(far_reads, near_writes, delay),
    );
}

/// Each piece goes out when its time has come, whatever is behind it: what is delayed is not slowed down.
async fn hold_back(
    mut reads: tokio::net::tcp::OwnedReadHalf,
    mut writes: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    let (tx, mut rx) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let reading = async move {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count) = reads.read(&mut chunk).await {
            let piece = (Instant::now() + delay, chunk[..count].to_vec());
            // Nothing read is the end, which is passed on like everything else.
            if tx.send(piece).await.is_err() || count == 0 {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((at, bytes)) = rx.recv().await {
            sleep_until(at).await;
            if bytes.is_empty() || writes.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = writes.shutdown().await;
    };
    tokio::join!(reading, writing);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_later_and_whole_in_both_directions() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = server.local_addr().unwrap().port();
        let delay = Duration::from_millis(30);
        let address = relay(("127.0.0.1", port), delay).await.unwrap();
        let echo = async {
            let (mut stream, _) = server.accept().await.unwrap();
            let (mut reads, mut writes) = stream.split();
            tokio::io::copy(&mut reads, &mut writes).await.unwrap()
        };
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let began = Instant::now();
            let sent: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
            let (mut reads, mut writes) = stream.split();
            let write = async {
                writes.write_all(&sent).await.unwrap();
                writes.shutdown().await.unwrap();
            };
            let mut came = Vec::new();
            let (read, ()) = tokio::join!(reads.read_to_end(&mut came), write);
            read.unwrap();
            assert_eq!(came, sent);
            assert!(began.elapsed() >= 2 * delay, "nothing can come earlier");
        };
        let (echoed, ()) = tokio::join!(echo, client);
        assert_eq!(echoed, 200_000);
    }
}
