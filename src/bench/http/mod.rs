//! Calls over HTTP: as many kept connections as callers, each with one call at a time.
//!
//! All of it runs on the thread that measures, so that no call waits for a thread change of ours.

mod callers;
mod exchange;
mod lean;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use tokio::runtime::Runtime;

use super::lane::{Answer, CallError, Down};
use super::message::Template;
use super::pace::{Load, Pace, Patience};
use super::samples::Samples;
use crate::revision::{Era, Revision, legacy};
use crate::transport::http::{Address, Opened, Sender};
use exchange::{answer, broken, connect, cut, patiently, settle};
use lean::{Lean, Wire};

/// An HTTP server that is talked to.
pub struct Web {
    runtime: Runtime,
    place: Place,
    /// Kept connections.
    connections: Vec<Sender>,
    /// Those that need no runtime.
    wires: Vec<Wire>,
    next_id: u64,
}

/// Where requests go, and what all of them carry.
#[derive(Clone)]
struct Place {
    address: Arc<Address>,
    uri: Uri,
    headers: HeaderMap,
}

impl Web {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// Where there are no threads, or the headers are none.
    pub fn new(address: Arc<Address>, headers: &[(String, String)]) -> Result<Web, Down> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Down(format!("cannot wait for connections: {error}")))?;
        let uri = address.target().parse();
        let uri = uri.map_err(|error| Down(format!("no URL that HTTP can carry: {error}")))?;
        let mut place = Place {
            address,
            uri,
            headers: HeaderMap::new(),
        };
        let host = place.address.authority().to_owned();
        let ours = [
            ("Host", host.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        place.carry(ours)?;
        place.carry(headers.iter().map(|(name, value)| (&**name, &**value)))?;
        Ok(Web {
            runtime,
            place,
            connections: Vec::new(),
            wires: Vec::new(),
            next_id: 0,
        })
    }

    /// Gets a connection, to be used by what comes next.
    ///
    /// # Errors
    /// Where there is none.
    pub fn connect(&mut self) -> Result<(), Down> {
        let connecting = connect(&self.place.address);
        let opened = self.runtime.block_on(connecting).map_err(CallError::down)?;
        self.connections.push(opened.sender);
        Ok(())
    }

    /// Opens a session, if the revision has such.
    pub fn open(&mut self, revision: Revision, patience: Patience<'_>) -> Result<(), CallError> {
        if revision.era() == Era::Modern {
            return Ok(());
        }
        let params = legacy::initialize(revision, &serde_json::json!({}));
        let initialize = Template::new(revision, "initialize", Some(params), &Arc::default());
        let (_, headers) = self.exchange(&initialize, patience)?;
        let id = headers.get("mcp-session-id");
        let id = id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        let more = legacy::headers(revision, id.as_deref());
        self.place
            .carry(more.iter().map(|(name, value)| (&**name, &**value)))?;
        let initialized = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        self.deliver(Method::POST, Bytes::from_static(initialized), patience)?;
        Ok(())
    }

    /// Ends the session: those who keep it can forget it.
    pub fn close(mut self, patience: Patience<'_>) {
        if self.place.headers.contains_key("mcp-session-id") {
            // Servers may refuse that, and nothing depends on it.
            let _ = self.deliver(Method::DELETE, Bytes::new(), patience);
        }
        self.connections.clear();
        self.runtime.shutdown_background();
    }

    /// One call on a kept connection, with all that is told on the way to its answer.
    pub fn call(
        &mut self,
        template: &Template,
        patience: Patience<'_>,
    ) -> Result<Answer, CallError> {
        self.exchange(template, patience).map(|(answer, _)| answer)
    }

    /// One call on a new connection: how long it took to connect, and the answer; and whether the connection lives on.
    pub fn cold_call(
        &mut self,
        template: &Template,
        patience: Patience<'_>,
    ) -> Result<(Opened, Answer, bool), CallError> {
        let place = self.place.carrying(template)?;
        let request = self.request(&place, template);
        self.runtime.block_on(async {
            let began = Instant::now();
            let mut opened = connect(&place.address).await?;
            let answer = patiently(patience, answer(&mut opened.sender, request, began)).await?;
            // A server that closes does so at once.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let lives = !opened.sender.is_closed();
            Ok((opened, answer.0, lives))
        })
    }

    fn exchange(
        &mut self,
        template: &Template,
        patience: Patience<'_>,
    ) -> Result<(Answer, HeaderMap), CallError> {
        let place = self.place.carrying(template)?;
        let request = self.request(&place, template);
        let kept = self.connections.pop();
        let exchange = async |sender: &mut Sender| {
            let began = Instant::now();
            patiently(patience, answer(sender, request.clone(), began)).await
        };
        let (sender, answer) = self
            .runtime
            .block_on(over_connection(kept, &place, exchange))?;
        self.connections.push(sender);
        Ok(answer)
    }

    /// Sends something that has no answer, or whose answer does not matter.
    fn deliver(
        &mut self,
        method: Method,
        body: Bytes,
        patience: Patience<'_>,
    ) -> Result<(), CallError> {
        let mut request = self.place.request(body);
        *request.method_mut() = method;
        let kept = self.connections.pop();
        let place = &self.place;
        let deliver = async |sender: &mut Sender| {
            let sending = async {
                let sent = sender.send_request(request.clone());
                let response = sent.await.map_err(broken)?;
                let status = response.status();
                response.into_body().collect().await.map_err(cut)?;
                match status.is_success() {
                    true => Ok(()),
                    false => Err(CallError::Failed(format!("HTTP {}", status.as_u16()))),
                }
            };
            patiently(patience, sending).await
        };
        let (sender, ()) = self
            .runtime
            .block_on(over_connection(kept, place, deliver))?;
        self.connections.push(sender);
        Ok(())
    }

    fn request(&mut self, place: &Place, template: &Template) -> (u64, Request<Full<Bytes>>) {
        self.next_id += 1;
        let mut body = Vec::with_capacity(template.size() + 20);
        template.write(self.next_id, &mut body);
        (self.next_id, place.request(Bytes::from(body)))
    }

    /// Makes calls for some time.
    ///
    /// # Errors
    /// Where the server is gone. What was measured until then is in the samples.
    pub fn run(
        &mut self,
        template: &Template,
        load: Load<'_>,
        samples: &mut Samples,
    ) -> Result<(), Down> {
        let place = self.place.carrying(template)?;
        if !place.address.is_encrypted() {
            let mut lean = Lean::new(&place, template, self.next_id);
            let done = lean.run(&mut self.wires, load, samples);
            self.next_id = lean.next_id;
            return done;
        }
        let mut connections = std::mem::take(&mut self.connections);
        let next_id = self.next_id;
        let done = self.runtime.block_on(async {
            settle().await;
            connections.retain(|sender| !sender.is_closed());
            while connections.len() < load.concurrency {
                let opened = connect(&place.address).await.map_err(CallError::down)?;
                connections.push(opened.sender);
            }
            let pace = Pace::start(load);
            Ok::<_, Down>(callers::make_calls(connections, &place, template, pace, next_id).await)
        })?;
        self.connections = done.connections;
        self.next_id = done.next_id;
        samples.add(&done.samples);
        done.gone.map_or(Ok(()), |reason| Err(Down(reason)))
    }
}

/// Does something over the connection that was kept, or over a new one. A server may close what is idle whenever it likes, and
/// then has not seen the request: so it goes out once more.
async fn over_connection<T>(
    kept: Option<Sender>,
    place: &Place,
    work: impl AsyncFn(&mut Sender) -> Result<T, CallError>,
) -> Result<(Sender, T), CallError> {
    settle().await;
    if let Some(mut kept) = kept.filter(|kept| !kept.is_closed()) {
        match work(&mut kept).await {
            Err(CallError::Broken(_)) => {}
            done => return done.map(|done| (kept, done)),
        }
    }
    let mut sender = connect(&place.address).await?.sender;
    let done = work(&mut sender).await?;
    Ok((sender, done))
}

impl Place {
    fn carry<'a>(
        &mut self,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Down> {
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes());
            let (Ok(known), Ok(value)) = (HeaderName::try_from(name), value) else {
                return Err(Down(format!("HTTP cannot carry the header {name:?}")));
            };
            self.headers.insert(known, value);
        }
        Ok(())
    }

    /// The same with the headers that mirror a request.
    fn carrying(&self, template: &Template) -> Result<Place, Down> {
        let mut place = self.clone();
        let mirrored = template.headers.iter();
        place.carry(mirrored.map(|(name, value)| (&**name, &**value)))?;
        Ok(place)
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}
