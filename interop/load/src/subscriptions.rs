//! What open subscriptions cost a server.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;
use crate::exchange::request;
use crate::http::head;
use crate::server::HttpServer;

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const CHANGED: &str = "notifications/tools/list_changed";
/// How long any one of them may take to say what is awaited.
const PATIENCE: Duration = Duration::from_secs(30);

/// Resident memory with many subscriptions.
#[derive(Serialize)]
pub struct Cost {
    /// How many were open, and how many were told of a change.
    pub subscriptions: usize,
    /// Bytes before any was open.
    pub before: u64,
    /// Bytes when all of them were open.
    pub open: u64,
    /// Bytes after all of them were told of a change.
    pub told: u64,
    /// Bytes for each of them, in the worse case.
    pub each: u64,
}

/// Opens subscriptions, each on a connection of its own, and has all of them told of a change.
pub async fn cost(server: &HttpServer, count: usize) -> Result<Cost, Failure> {
    let before = server.process.resident()?;
    let mut streams = Vec::with_capacity(count);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    for number in 0..count {
        let body = request(number as u64, "subscriptions/listen", filter.clone()).to_string();
        let mut stream = post(server, &[("Mcp-Method", "subscriptions/listen")], &body).await?;
        hears(&mut stream, ACKNOWLEDGED).await?;
        streams.push(stream);
    }
    let open = server.process.resident()?;
    let name = "test_trigger_tool_change";
    let body = request(0, "tools/call", json!({"name": name})).to_string();
    let headers = [("Mcp-Method", "tools/call"), ("Mcp-Name", name)];
    let mut trigger = post(server, &headers, &body).await?;
    hears(&mut trigger, "\"result\"").await?;
    for stream in &mut streams {
        hears(stream, CHANGED).await?;
    }
    let told = server.process.resident()?;
    Ok(Cost {
        subscriptions: count,
        before,
        open,
        told,
        each: open.max(told).saturating_sub(before) / count as u64,
    })
}

async fn post(
    server: &HttpServer,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(&server.address).await?;
    let mut bytes = head(server, headers, body.len());
    bytes.extend_from_slice(body.as_bytes());
    stream.write_all(&bytes).await?;
    Ok(stream)
}

/// Reads until `what` was said.
async fn hears(stream: &mut TcpStream, what: &str) -> Result<(), Failure> {
    let mut heard = Vec::new();
    let reading = async {
        while memchr::memmem::find(&heard, what.as_bytes()).is_none() {
            if stream.read_buf(&mut heard).await? == 0 {
                return Err::<_, Failure>("a stream ended".into());
            }
        }
        Ok(())
    };
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(heard) => heard,
        Err(_) => Err(format!("{what} was not told").into()),
    }
}
