//! Drives a session: sends, waits, records. It never judges.

mod listen;
mod record;
mod replies;
mod resume;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::conversation::Exchange;
use crate::host::{Connected, Host, HostError};
use crate::judge::duty::Duty;
use crate::message::Kind;
use crate::process::Group;
use crate::redact::Redactor;
use crate::revision::{Era, Revision, legacy, modern};
use crate::transcript::{Entry, Raw, StepRef, What};
use crate::transport::http::{Address, ResolveError};
use crate::transport::{HttpRequest, Link, Outgoing, StreamId, Transport};

pub use record::Recorder;
pub use steps::{Played, after_last};

/// How many times as long as for a request we wait for the first word of a process: it may still be starting.
const STARTING: u32 = 3;

/// How long the exit of a process may follow the end of its output.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a session is for.
#[derive(Clone)]
pub struct Spec {
    /// Where to connect.
    pub host: Arc<Host>,
    /// The revision to speak.
    pub revision: Revision,
    /// The client capabilities to declare.
    pub client: Value,
    /// How long a request may take.
    pub timeout: Duration,
    /// Keeps secrets out of the transcript.
    pub redactor: Redactor,
    /// Names for values that steps may use: see cases/README.md.
    pub vars: Arc<BTreeMap<String, Value>>,
    /// The tools listed by the probe, whose schemas say what HTTP headers mirror.
    pub tools: Arc<Vec<Value>>,
}

impl Spec {
    /// The transport spoken.
    pub fn transport(&self) -> Transport {
        self.host.transport()
    }

    fn era(&self) -> Era {
        self.revision.era()
    }
}

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// What was waited for is there.
    Done,
    /// The time is up.
    Deadline,
    /// It cannot come any more: the connection is gone.
    Gone,
}

/// An open session.
pub struct Session {
    /// What it is for.
    pub spec: Spec,
    /// Which start of the server it talks to, where several sessions share one.
    pub generation: usize,
    /// What happened.
    pub record: Recorder,
    link: Link,
    group: Option<Group>,
    /// The index of the first entry of this connection.
    connected: usize,
    session_id: Option<String>,
    /// The URL, over HTTP.
    address: Option<Arc<Address>>,
    /// HTTP+SSE: where to post, once the server has said it.
    endpoint: Option<Result<String, ResolveError>>,
    opened: bool,
    next_id: u64,
    next_stream: StreamId,
    next_seq: u64,
    replies: BTreeMap<String, Value>,
    replied: usize,
    started: BTreeMap<String, usize>,
    resumption: resume::Resumption,
    vars: BTreeMap<String, Value>,
}

/// Something to send, and how.
struct Outbound {
    bytes: Bytes,
    /// The parsed message, as far as it is one: HTTP headers mirror it.
    message: Value,
    step: Option<StepRef>,
    deliberate: bool,
    /// Set or left out (null).
    headers: Map<String, Value>,
    bare: bool,
    newline: bool,
}

impl Session {
    /// Connects, and opens nothing yet.
    ///
    /// # Errors
    /// Where no connection can be made.
    pub async fn connect(spec: Spec) -> Result<Session, HostError> {
        let Connected {
            link,
            group,
            url,
            address,
        } = spec.host.connect().await?;
        let record = Recorder::new(spec.revision, spec.transport(), spec.redactor.clone());
        let mut session = Session {
            generation: spec.host.generation(),
            vars: BTreeMap::new(),
            record,
            link,
            group,
            connected: 0,
            session_id: None,
            address,
            endpoint: None,
            opened: false,
            next_id: 1,
            next_stream: 1,
            next_seq: 0,
            replies: BTreeMap::new(),
            replied: 0,
            started: BTreeMap::new(),
            resumption: resume::Resumption::default(),
            spec,
        };
        session.reset_vars(url);
        session.listen().await;
        Ok(session)
    }

    fn reset_vars(&mut self, url: Option<String>) {
        let url = url
            .map(Value::String)
            .or_else(|| self.vars.get("url").cloned());
        self.vars = (*self.spec.vars).clone();
        self.vars
            .insert("revision".to_owned(), json!(self.spec.revision.as_str()));
        self.vars.extend(url.map(|url| ("url".to_owned(), url)));
        self.vars.extend(
            self.session_id
                .clone()
                .map(|id| ("session".to_owned(), Value::String(id))),
        );
        let endpoint = self.posting_path();
        self.vars
            .extend(endpoint.map(|path| ("endpoint".to_owned(), Value::String(path))));
    }

    /// Plays the opening of the era: the `initialize` handshake, or nothing. Returns whether requests may follow.
    pub async fn open(&mut self) -> bool {
        if !self.is_connected() {
            return false;
        }
        if self.spec.era() == Era::Modern {
            self.opened = true;
            return true;
        }
        let params = legacy::initialize(self.spec.revision, &self.spec.client);
        let sent = self.request("initialize", Some(params), None);
        self.wait_answer(sent, None).await;
        let Some(result) = self
            .answer_to(sent)
            .and_then(|answer| answer.get("result").cloned())
        else {
            return false;
        };
        self.take_session_id(sent);
        if result.get("protocolVersion").and_then(Value::as_str)
            != Some(self.spec.revision.as_str())
        {
            return false;
        }
        self.opened = true;
        let sent = self.send(self.notification("notifications/initialized", None));
        if self.is_http() {
            self.wait_for(None, "the response to initialized", move |record| {
                is_settled(record, sent)
            })
            .await;
        }
        if self.spec.transport() == Transport::Http {
            self.open_get_stream();
        }
        true
    }

    /// Of a session that did not open: waits a little for the exit and the last words on stderr, which explain it.
    pub async fn hear_out(&mut self) {
        let deadline = Instant::now() + LAST_WORDS;
        while self.record.gone && !self.record.exited && Instant::now() < deadline {
            match tokio::time::timeout_at(deadline.into(), self.link.rx.recv()).await {
                Ok(Some(incoming)) => drop(self.record.take(incoming)),
                _ => return,
            }
        }
    }

    /// A request of ours outside any case. Returns the index of its entry.
    pub fn request(&mut self, method: &str, params: Option<Value>, step: Option<StepRef>) -> usize {
        let id = self.fresh_id();
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if let Some(params) = self.dress_params(params) {
            message["params"] = params;
        }
        self.send(self.outbound(message, step))
    }

    /// A request outside any case, and its answer if one comes. Returns the index of its entry.
    pub async fn ask(&mut self, method: &str, params: Option<Value>) -> usize {
        let sent = self.request(method, params, None);
        self.wait_answer(sent, None).await;
        sent
    }

    /// The cheapest valid request, and whether it was answered in time.
    pub async fn alive(&mut self, step: Option<StepRef>) -> bool {
        let sent = self.request(self.spec.era().alive_method(), None, step);
        self.wait_answer(sent, step).await == Wait::Done && self.answer_to(sent).is_some()
    }

    /// The parsed answer to what was sent with this entry.
    pub fn answer_to(&self, sent: usize) -> Option<&Value> {
        let exchange = self.exchange(sent)?;
        self.record.entries[exchange.answer?].json.as_deref()
    }

    /// Status and headers of the response on a stream, waited for no longer than this.
    pub async fn response_head(
        &mut self,
        stream: StreamId,
        patience: Duration,
    ) -> Option<(u16, &[(String, String)])> {
        let deadline = Instant::now() + patience.min(self.spec.timeout);
        let has_head = |record: &Recorder| head_of(record, stream).is_some();
        self.pump(deadline, has_head).await;
        head_of(&self.record, stream)
    }

    /// Ends the session and gives up its entries.
    pub async fn close(mut self) -> Vec<Entry> {
        if let (true, Some(id)) = (self.is_http() && self.opened, self.session_id.clone()) {
            let headers = legacy::headers(self.spec.revision, Some(&id));
            let stream = self.exchange_order("DELETE", None, headers, Bytes::new(), None);
            let limit = self.spec.timeout.min(Duration::from_secs(2));
            self.pump(Instant::now() + limit, |record| {
                stream_ended(record, stream)
            })
            .await;
        }
        self.record.note(0, What::Closed { step: None });
        let _ = self.link.tx.send(Outgoing::EndInput);
        if let Some(group) = self.group.take() {
            // Nothing of the end is judged: the run need not wait for it.
            tokio::spawn(group.end());
        }
        std::mem::take(&mut self.record.entries)
    }

    fn is_http(&self) -> bool {
        self.spec.transport() != Transport::Stdio
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn exchange(&self, sent: usize) -> Option<&Exchange> {
        self.record
            .conversation
            .exchanges
            .iter()
            .rev()
            .find(|exchange| exchange.sent == sent)
    }

    fn take_session_id(&mut self, sent: usize) {
        let head = self.exchange(sent).and_then(|exchange| exchange.head);
        let Some(What::HttpResponse { headers, .. }) =
            head.map(|head| &self.record.entries[head].what)
        else {
            return;
        };
        let id = headers
            .iter()
            .find(|(name, _)| name == "mcp-session-id")
            .map(|(_, value)| value.clone());
        self.session_id = id;
        self.reset_vars(None);
    }

    /// Whether the server issued a session id.
    pub fn has_session_id(&self) -> bool {
        self.session_id.is_some()
    }

    fn dress_params(&self, params: Option<Value>) -> Option<Value> {
        if self.spec.era() == Era::Legacy {
            return params;
        }
        let mut params = params.unwrap_or_else(|| json!({}));
        let Some(object) = params.as_object_mut() else {
            return Some(params);
        };
        let meta = object.entry("_meta").or_insert_with(|| json!({}));
        if meta.get("$omit").is_some() {
            return Some(params);
        }
        if let (Some(meta), Value::Object(required)) = (meta.as_object_mut(), self.meta()) {
            for (key, value) in required {
                meta.entry(key).or_insert(value);
            }
        }
        Some(params)
    }

    /// The `_meta` that the revision requires of a request.
    fn meta(&self) -> Value {
        match self.spec.era() {
            Era::Legacy => json!({}),
            Era::Modern => modern::meta(self.spec.revision, &self.spec.client),
        }
    }

    fn notification(&self, method: &str, params: Option<Value>) -> Outbound {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(params) = params {
            message["params"] = params;
        }
        self.outbound(message, None)
    }

    fn outbound(&self, message: Value, step: Option<StepRef>) -> Outbound {
        Outbound {
            bytes: Bytes::from(message.to_string()),
            message,
            step,
            deliberate: false,
            headers: Map::new(),
            bare: false,
            newline: true,
        }
    }

    /// Sends; returns the index of the entry.
    fn send(&mut self, outbound: Outbound) -> usize {
        if self.is_http() {
            let headers = self.http_headers(&outbound);
            let Outbound {
                bytes,
                step,
                deliberate,
                ..
            } = outbound;
            return self.post(headers, bytes, step, deliberate);
        }
        let seq = self.fresh_seq();
        let raw = Raw(outbound.bytes.clone());
        let what = What::Sent {
            raw,
            step: outbound.step,
            deliberate: outbound.deliberate,
            elided: None,
        };
        let index = self.record.note_order(seq, 0, what);
        let _ = self.link.tx.send(Outgoing::Write {
            seq,
            bytes: outbound.bytes,
            newline: outbound.newline,
        });
        index
    }

    fn fresh_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    fn http_headers(&self, outbound: &Outbound) -> Vec<(String, String)> {
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        if self.spec.transport() == Transport::Http {
            let accept = "application/json, text/event-stream";
            headers.push(("Accept".to_owned(), accept.to_owned()));
        }
        if !outbound.bare {
            headers.extend(match self.spec.era() {
                Era::Modern => {
                    modern::headers(self.spec.revision, &outbound.message, &self.spec.tools)
                }
                Era::Legacy if self.opened => {
                    legacy::headers(self.spec.revision, self.session_id.as_deref())
                }
                Era::Legacy => Vec::new(),
            });
        }
        headers.extend(self.spec.host.headers().iter().cloned());
        overridden(headers, &outbound.headers)
    }

    fn post(
        &mut self,
        headers: Vec<(String, String)>,
        bytes: Bytes,
        step: Option<StepRef>,
        deliberate: bool,
    ) -> usize {
        let raw = Raw(bytes.clone());
        let path = self.posting_path();
        let stream = self.exchange_order("POST", path, headers, bytes, step);
        self.record.note_order(
            self.next_seq,
            stream,
            What::Sent {
                raw,
                step,
                deliberate,
                elided: None,
            },
        )
    }

    /// Orders an HTTP exchange and records its head; returns its stream.
    fn exchange_order(
        &mut self,
        method: &str,
        path: Option<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
        step: Option<StepRef>,
    ) -> StreamId {
        let stream = self.next_stream;
        self.next_stream += 1;
        self.order_on(stream, method, path, headers, body, step);
        stream
    }

    fn order_on(
        &mut self,
        stream: StreamId,
        method: &str,
        path: Option<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
        step: Option<StepRef>,
    ) {
        let seq = self.fresh_seq();
        let what = What::HttpRequest {
            method: method.to_owned(),
            path: path.clone(),
            headers: headers.clone(),
            step,
        };
        self.record.note_order(seq, stream, what);
        let request = HttpRequest {
            method: method.to_owned(),
            path,
            headers,
            body,
        };
        let _ = self.link.tx.send(Outgoing::Exchange {
            seq,
            stream,
            request,
        });
    }

    /// Waits until what was sent with this entry is answered, or cannot be any more.
    async fn wait_answer(&mut self, sent: usize, step: Option<StepRef>) -> Wait {
        let what = self
            .exchange(sent)
            .and_then(|e| e.method.clone())
            .unwrap_or_else(|| "an answer".to_owned());
        self.wait_for(step, &what, move |record| is_settled(record, sent))
            .await
    }

    /// Waits for a condition no longer than a request may take, and records it if the time is up.
    async fn wait_for(
        &mut self,
        step: Option<StepRef>,
        what: &str,
        done: impl Fn(&Recorder) -> bool,
    ) -> Wait {
        let deadline = Instant::now() + self.patience();
        let wait = self.pump(deadline, done).await;
        if wait == Wait::Deadline {
            self.record.note(
                0,
                What::Deadline {
                    waiting_for: what.to_owned(),
                    step,
                },
            );
        }
        wait
    }

    /// How long to wait for what comes next. Over HTTP the host has waited until the server listened.
    fn patience(&self) -> Duration {
        let of_connection = &self.record.entries[self.connected..];
        let has_spoken = || {
            of_connection
                .iter()
                .any(|entry| matches!(entry.what, What::Received { .. }))
        };
        match self.is_http() || has_spoken() {
            true => self.spec.timeout,
            false => self.spec.timeout * STARTING,
        }
    }

    /// Takes in what comes, and answers what the other side asks, until the condition holds.
    async fn pump(&mut self, deadline: Instant, done: impl Fn(&Recorder) -> bool) -> Wait {
        loop {
            if done(&self.record) {
                return Wait::Done;
            }
            if self.record.gone {
                return Wait::Gone;
            }
            // Looked at here, because a peer that never pauses would always be ready before any timer.
            if Instant::now() >= deadline {
                return Wait::Deadline;
            }
            let until = self.resume_due().map_or(deadline, |due| due.min(deadline));
            match tokio::time::timeout_at(until.into(), self.link.rx.recv()).await {
                Ok(Some(incoming)) => {
                    self.note_endpoint(&incoming);
                    let ended = self.record.take(incoming);
                    self.reply_to_requests();
                    if let Some(index) = ended {
                        self.note_resumption(index);
                    }
                }
                Ok(None) => return Wait::Gone,
                Err(_) if Instant::now() < deadline => self.resume(),
                Err(_) => {}
            }
        }
    }

    /// Ends the process or connection and makes another, within the same transcript.
    async fn reconnect(&mut self, step: StepRef) -> bool {
        let Ok(connected) = self.spec.host.connect().await else {
            return false;
        };
        (self.link, self.address) = (connected.link, connected.address);
        if let Some(old) = std::mem::replace(&mut self.group, connected.group) {
            tokio::spawn(old.end());
        }
        (self.session_id, self.opened) = (None, false);
        self.record.gone = false;
        self.record.exited = false;
        self.connected = self.record.entries.len();
        self.record.note(0, What::Reconnected { step });
        self.listen().await;
        self.open().await
    }
}

/// Whether nothing more is to be expected for what was sent with this entry: an answer came, or its stream ended.
fn is_settled(record: &Recorder, sent: usize) -> bool {
    record
        .conversation
        .exchanges
        .iter()
        .rev()
        .find(|exchange| exchange.sent == sent)
        .is_some_and(|exchange| {
            exchange.answer.is_some()
                || exchange.ended.is_some()
                || (exchange.stream == 0 && exchange.due.duty == Duty::MustNot)
        })
}

fn head_of(record: &Recorder, stream: StreamId) -> Option<(u16, &[(String, String)])> {
    record.entries.iter().find_map(|entry| match &entry.what {
        What::HttpResponse { status, headers } if entry.stream == stream => {
            Some((*status, headers.as_slice()))
        }
        _ => None,
    })
}

fn stream_ended(record: &Recorder, stream: StreamId) -> bool {
    record
        .conversation
        .exchanges
        .iter()
        .rev()
        .any(|exchange| exchange.stream == stream && exchange.ended.is_some())
}

/// Headers with those of a step set, replaced or (null) left out.
fn overridden(
    mut headers: Vec<(String, String)>,
    changes: &Map<String, Value>,
) -> Vec<(String, String)> {
    for (name, value) in changes {
        headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        headers.extend(
            values
                .into_iter()
                .filter_map(Value::as_str)
                .map(|value| (name.clone(), value.to_owned())),
        );
    }
    headers
}

/// Whether a parsed message is a request.
fn is_request(message: &Value) -> bool {
    matches!(crate::message::kind(message), Kind::Request { .. })
}
