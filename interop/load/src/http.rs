//! Calls over HTTP: connections that are kept open, each with one call at a time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::exchange::Calls;
use crate::server::HttpServer;
use crate::{Failure, Played, histogram};

/// The longest a turn may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has `calls` calls answered over `connections` connections.
pub async fn play(
    server: &HttpServer,
    connections: usize,
    calls: usize,
) -> Result<Played, Failure> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Client::connect(server).await?);
    }
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for client in open {
        clients.spawn(client.play(calls / connections));
    }
    let mut times = histogram()?;
    let all = async {
        while let Some(joined) = clients.join_next().await {
            for nanoseconds in joined?.map_err(|failure| format!("{}: {failure}", server.name))? {
                times.record(nanoseconds)?;
            }
        }
        Ok::<_, Failure>(())
    };
    let late = format!("{}: a turn took more than {PATIENCE:?}", server.name);
    tokio::time::timeout(PATIENCE, all)
        .await
        .map_err(|_| late)??;
    Ok(Played {
        times,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

struct Client {
    stream: TcpStream,
    calls: Calls,
    received: Vec<u8>,
}

impl Client {
    async fn connect(server: &HttpServer) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let headers = [
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "test_simple_text"),
        ];
        Ok(Self {
            stream,
            calls: Calls::new(|length| head(server, &headers, length), b"")?,
            received: Vec::with_capacity(16 * 1024),
        })
    }

    async fn play(mut self, calls: usize) -> Result<Vec<u64>, String> {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let time = self.call().await.map_err(|failure| failure.to_string())?;
            times.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(times)
    }

    async fn call(&mut self) -> Result<Duration, Failure> {
        self.received.clear();
        let begun = Instant::now();
        self.stream.write_all(self.calls.next()).await?;
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection was closed".into());
            }
            if is_whole(&self.received)? {
                break;
            }
        }
        let time = begun.elapsed();
        self.calls.check(&self.received)?;
        Ok(time)
    }
}

/// The head of a request with a body of that length.
pub fn head(server: &HttpServer, headers: &[(&str, &str)], length: usize) -> Vec<u8> {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n",
        server.address
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {length}\r\n\r\n"));
    head.into_bytes()
}

/// Whether this is a whole response. Its status is 200, or the call has failed.
fn is_whole(bytes: &[u8]) -> Result<bool, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = response.parse(bytes)? else {
        return Ok(false);
    };
    if response.code != Some(200) {
        return Err(format!("no success: {}", String::from_utf8_lossy(bytes)).into());
    }
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    match length {
        Some(length) => {
            let length: usize = std::str::from_utf8(length.value)?.parse()?;
            Ok(bytes.len() >= body + length)
        }
        None => are_all_chunks(&bytes[body..]),
    }
}

fn are_all_chunks(mut bytes: &[u8]) -> Result<bool, Failure> {
    loop {
        let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(bytes)
        else {
            return Ok(false);
        };
        let end = start + usize::try_from(length)? + 2;
        match bytes.get(end..) {
            Some(_) if length == 0 => return Ok(true),
            Some(rest) => bytes = rest,
            None => return Ok(false),
        }
    }
}
