//! The same client for whoever speaks HTTP: hyper, connections that stay open, one call at a time on each.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Load;
use crate::calls::{Call, Requests, check, opening};
use crate::peer::Kind;

/// Connections, each with its calls.
pub struct Clients {
    runtime: Runtime,
    idle: Vec<Client>,
}

struct Client {
    sender: SendRequest<Full<Bytes>>,
    requests: Requests,
    head: Head,
    mark: &'static [u8],
}

/// What is before each body.
#[derive(Clone)]
struct Head {
    host: String,
    call: Call,
    session: Option<String>,
}

impl Clients {
    /// Connects, and opens a legacy session that all connections share.
    pub fn connect(address: &str, kind: Kind, load: Load) -> Clients {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let idle = runtime.block_on(async {
            let mut head = Head {
                host: address.to_owned(),
                call: load.call,
                session: None,
            };
            if kind == Kind::Reference && !load.call.modern {
                head.session = open_session(&head).await;
            }
            let mut idle = Vec::new();
            for _ in 0..load.concurrency {
                idle.push(Client {
                    sender: connect(address).await,
                    requests: Requests::new(load.call, ""),
                    head: head.clone(),
                    mark: kind.mark(),
                });
            }
            idle
        });
        Clients { runtime, idle }
    }

    /// The time of so many calls.
    pub fn calls(&mut self, count: u64) -> Duration {
        let clients = std::mem::take(&mut self.idle);
        let many = clients.len() as u64;
        let begun = Instant::now();
        self.idle = self.runtime.block_on(async {
            let mut calling = JoinSet::new();
            for (client, index) in clients.into_iter().zip(0..) {
                let share = count / many + u64::from(index < count % many);
                calling.spawn(client.calls(share));
            }
            calling.join_all().await
        });
        begun.elapsed()
    }
}

impl Client {
    async fn calls(mut self, count: u64) -> Client {
        for _ in 0..count {
            let body = Bytes::copy_from_slice(self.requests.next());
            let response = self.sender.send_request(self.head.request(body)).await;
            check(&whole(response.unwrap()).await, self.mark);
        }
        self
    }
}

impl Head {
    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::post("/mcp")
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", self.call.revision());
        if self.call.modern {
            request = request
                .header("mcp-method", "tools/call")
                .header("mcp-name", self.call.tool());
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request.body(Full::new(body)).unwrap()
    }
}

async fn open_session(head: &Head) -> Option<String> {
    let mut sender = connect(&head.host).await;
    let mut head = head.clone();
    for message in opening(head.call.revision()) {
        let response = sender
            .send_request(head.request(message.into()))
            .await
            .unwrap();
        if let Some(id) = response.headers().get("mcp-session-id") {
            head.session = Some(id.to_str().unwrap().to_owned());
        }
        whole(response).await;
    }
    head.session
}

async fn connect(address: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn whole(response: Response<Incoming>) -> Bytes {
    assert!(response.status().is_success(), "{response:?}");
    response.into_body().collect().await.unwrap().to_bytes()
}
