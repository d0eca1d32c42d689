//! Drives a session: sends, waits, records. It never judges.

mod connect;
mod listen;
mod record;
mod replica;
mod replies;
mod resume;
mod said;
mod send;
mod sent;
mod shot;
mod started;
mod steps;
mod verbatim;
mod wait;
mod window;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::conversation::{Conversation, Exchange};
use crate::host::{Connected, Host, HostError};
use crate::message::Kind;
use crate::process::Group;
use crate::redact::Redactor;
use crate::revision::{Era, Revision, legacy};
use crate::target::IN_QUERY;
use crate::transcript::{Entry, StepRef, What};
use crate::transport::http::{Address, ResolveError};
use crate::transport::{Link, Outgoing, StreamId, Transport};

pub use record::Recorder;
pub use said::{Part, parts, repeats, said};
pub use shot::{ENDPOINT, LEFT_OUT, PATH_WITH_TOKEN, SESSION, Shot};
pub use steps::{Played, after_last};
pub use wait::Wait;
use wait::{is_settled, stream_ended};
pub use window::{Care, are_garbled};

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
    replies: BTreeMap<String, Option<Value>>,
    replied: usize,
    started: BTreeMap<String, usize>,
    /// HTTP: exchanges that we gave up.
    abandoned: HashSet<StreamId>,
    resumption: resume::Resumption,
    vars: BTreeMap<String, Value>,
    /// Whose credentials the step sends in the place of ours.
    identity: Option<String>,
    /// Which process of the server got the last request.
    turn: replica::Turn,
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
            abandoned: HashSet::new(),
            resumption: resume::Resumption::default(),
            identity: None,
            turn: replica::Turn::default(),
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
        if let Some(address) = &self.address {
            self.vars.insert("path".to_owned(), address.path().into());
            let token = self.spec.host.token(IN_QUERY);
            let leaky = token.map(|token| address.path_with_token(token));
            self.vars
                .extend(leaky.map(|path| ("path-with-token".to_owned(), path.into())));
        }
    }

    /// The headers that say who is asking.
    fn credentials(&self) -> Vec<(String, String)> {
        let host = &self.spec.host;
        let others = self
            .identity
            .as_deref()
            .and_then(|name| host.headers_of(name));
        others.unwrap_or_else(|| host.headers().to_vec())
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
        // Whoever got the last request is asked whether it is well.
        self.turn.stays = true;
        let sent = self.request(self.spec.era().alive_method(), None, step);
        self.turn.stays = false;
        self.wait_answer(sent, step).await == Wait::Done && self.answer_to(sent).is_some()
    }

    /// The parsed answer to what was sent with this entry.
    pub fn answer_to(&self, sent: usize) -> Option<&Value> {
        let exchange = self.exchange(sent)?;
        self.record.entries[exchange.answer?].json()
    }

    /// Ends the session and gives up its entries, and what they make.
    pub async fn close(mut self) -> (Vec<Entry>, Conversation) {
        if let (true, Some(id)) = (self.is_http() && self.opened, self.session_id.clone()) {
            let mut headers = legacy::headers(self.spec.revision, Some(&id));
            headers.extend(self.credentials());
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
        (self.record.entries, self.record.conversation)
    }

    /// Whether what is sent over stdio waits from now on, to go out in one write.
    fn hold(&self, holds: bool) {
        let _ = self.link.tx.send(Outgoing::Hold(holds));
    }

    /// Gives up an HTTP exchange. What was under way on it is not recorded any more: it would look like an event of
    /// whatever comes next.
    fn abandon(&mut self, stream: StreamId) {
        let _ = self.link.tx.send(Outgoing::Abandon(stream));
        self.record.note(stream, What::Abandoned);
        self.abandoned.insert(stream);
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

    /// The number of the process behind it, if we started one.
    pub async fn pid(&self) -> Option<u32> {
        match &self.group {
            Some(group) => Some(group.pid()),
            None => self.spec.host.pid().await,
        }
    }

    /// Whether the server issued a session id.
    pub fn has_session_id(&self) -> bool {
        self.session_id.is_some()
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

/// Whether a parsed message is a request.
fn is_request(message: &Value) -> bool {
    matches!(crate::message::kind(message), Kind::Request { .. })
}
