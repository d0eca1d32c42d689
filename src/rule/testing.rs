//! Small transcripts, and what a rule says of them.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::{Rule, RuleOutcome};
use crate::catalog::Catalog;
use crate::conversation::Conversation;
use crate::judge::Session;
use crate::profile::{Offer, Profile};
use crate::revision::{Revision, modern};
use crate::transcript::{Entry, FORMAT, Header, Raw, StepRef, What};
use crate::transport::{SseEvent, StreamId, Transport};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::builtin().unwrap());

/// A transcript in the making. Each call adds entries, a millisecond apart.
#[derive(Clone)]
pub struct Script {
    revision: Revision,
    transport: Transport,
    capabilities: Value,
    client: Value,
    entries: Vec<Entry>,
    at_us: u64,
    stream: StreamId,
}

/// stdio at 2025-11-25.
pub fn legacy() -> Script {
    Script::new(Revision::V2025_11_25, Transport::Stdio)
}

/// stdio at 2026-07-28.
pub fn modern() -> Script {
    Script::new(Revision::V2026_07_28, Transport::Stdio)
}

/// HTTP at 2025-11-25.
pub fn legacy_http() -> Script {
    Script::new(Revision::V2025_11_25, Transport::Http)
}

/// HTTP at 2026-07-28.
pub fn modern_http() -> Script {
    Script::new(Revision::V2026_07_28, Transport::Http)
}

/// HTTP+SSE at 2024-11-05, not yet answered.
pub fn sse_get() -> Script {
    let what = What::HttpRequest {
        replica: 0,
        method: "GET".to_owned(),
        path: None,
        headers: Vec::new(),
        identity: None,
        step: None,
    };
    Script::new(Revision::V2024_11_05, Transport::Sse).what(what)
}

/// HTTP+SSE at 2024-11-05, with an open event stream.
pub fn sse() -> Script {
    sse_get().head(200, &[("content-type", "text/event-stream")])
}

impl Script {
    pub fn new(revision: Revision, transport: Transport) -> Script {
        let (capabilities, client) = (
            json!({ "tools": {}, "resources": {}, "prompts": {}, "logging": {} }),
            json!({}),
        );
        Script {
            revision,
            transport,
            capabilities,
            client,
            entries: Vec::new(),
            at_us: 0,
            stream: 0,
        }
    }

    /// What the server declared.
    pub fn server(mut self, capabilities: Value) -> Script {
        self.capabilities = capabilities;
        self
    }

    /// What we declared.
    pub fn client(mut self, capabilities: Value) -> Script {
        self.client = capabilities;
        self
    }

    pub fn what(mut self, what: What) -> Script {
        self.at_us += 1_000;
        self.entries.push(Entry::new(self.at_us, self.stream, what));
        self
    }

    /// Time passes.
    pub fn later(mut self, millis: u64) -> Script {
        self.at_us += millis * 1_000;
        self
    }

    pub fn trial(self, name: &str) -> Script {
        self.what(What::Trial {
            name: name.to_owned(),
        })
    }

    /// We write a message.
    pub fn sends(self, message: Value) -> Script {
        self.writes(message.to_string().as_bytes(), false)
    }

    /// We write something that is wrong on purpose.
    pub fn hostile(self, bytes: impl AsRef<[u8]>) -> Script {
        self.writes(bytes.as_ref(), true)
    }

    fn writes(self, bytes: &[u8], deliberate: bool) -> Script {
        self.what(What::Sent {
            raw: Raw(bytes.to_vec().into()),
            step: Some(StepRef(0, 0)),
            deliberate,
            elided: None,
        })
    }

    /// We write a modern request.
    pub fn asks(self, id: u64, method: &str, mut params: Value) -> Script {
        if self.revision >= Revision::V2026_07_28 {
            let own = params.get("_meta").cloned().unwrap_or_else(|| json!({}));
            params["_meta"] = modern::meta(self.revision, &self.client);
            for (key, value) in own.as_object().unwrap() {
                params["_meta"][key] = value.clone();
            }
        }
        self.sends(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    /// We wait in vain for what the step asked.
    pub fn waits(self) -> Script {
        let step = Some(StepRef(0, 0));
        self.what(What::Deadline {
            waiting_for: "an answer".to_owned(),
            step,
        })
    }

    /// A message comes.
    pub fn gets(self, message: Value) -> Script {
        self.line(message.to_string())
    }

    /// A result comes.
    pub fn result(self, id: u64, result: Value) -> Script {
        self.gets(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    /// A notification comes.
    pub fn notified(self, method: &str, params: Value) -> Script {
        self.gets(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Any bytes come.
    pub fn line(self, bytes: impl AsRef<[u8]>) -> Script {
        self.what(What::Received {
            raw: Raw(bytes.as_ref().to_vec().into()),
            event: None,
        })
    }

    /// The handshake, with what the server declares.
    pub fn opened(self) -> Script {
        let params = json!({ "protocolVersion": self.revision, "capabilities": self.client });
        let result = json!({
            "protocolVersion": self.revision,
            "capabilities": self.capabilities,
            "serverInfo": { "name": "s", "version": "1" },
        });
        self.what_request("initialize", params)
            .result(0, result)
            .initialized()
    }

    /// A request that is no step's.
    pub fn what_request(self, method: &str, params: Value) -> Script {
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        self.what(What::Sent {
            raw: Raw(message.to_string().into()),
            step: None,
            deliberate: false,
            elided: None,
        })
    }

    pub fn initialized(self) -> Script {
        self.sends(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
    }

    /// The head of an HTTP request on a stream of its own; what follows happens on it.
    pub fn http(self, method: &str, headers: &[(&str, &str)]) -> Script {
        self.exchange(method, None, headers)
    }

    /// The head of a POST with the credentials of somebody else.
    pub fn posted_as(self, name: &str, headers: &[(&str, &str)]) -> Script {
        let mut script = self.http("POST", headers);
        if let Some(What::HttpRequest { identity, .. }) =
            script.entries.last_mut().map(|entry| &mut entry.what)
        {
            *identity = Some(name.to_owned());
        }
        script
    }

    /// The head of a POST to another path than that of the endpoint.
    pub fn posted_to(self, path: &str) -> Script {
        self.exchange("POST", Some(path.to_owned()), &[])
    }

    /// The head of a GET for another path than that of the endpoint.
    pub fn get(self, path: &str) -> Script {
        self.exchange("GET", Some(path.to_owned()), &[])
    }

    fn exchange(mut self, method: &str, path: Option<String>, headers: &[(&str, &str)]) -> Script {
        let last = self
            .entries
            .iter()
            .map(|entry| entry.stream)
            .max()
            .unwrap_or_default();
        self.stream = last + 1;
        let (method, headers) = (method.to_owned(), owned(headers));
        self.what(What::HttpRequest {
            replica: 0,
            method,
            path,
            headers,
            identity: None,
            step: None,
        })
    }

    /// A request in a POST, and the head of an event stream.
    pub fn streams(self, id: u64, method: &str, params: Value) -> Script {
        self.http("POST", &[])
            .asks(id, method, params)
            .head(200, &[("content-type", "text/event-stream")])
    }

    /// The head of an HTTP response.
    pub fn head(self, status: u16, headers: &[(&str, &str)]) -> Script {
        let headers = owned(headers);
        self.what(What::HttpResponse { status, headers })
    }

    /// An event.
    pub fn event(self, id: Option<&str>, data: &str) -> Script {
        let event = SseEvent {
            id: id.map(str::to_owned),
            ..SseEvent::default()
        };
        self.what(match data {
            "" => What::Event { event },
            data => What::Received {
                raw: Raw(data.to_owned().into()),
                event: Some(event),
            },
        })
    }

    /// An event of a type, or of none, of a server of HTTP+SSE.
    pub fn typed_event(self, kind: Option<&str>, data: &str) -> Script {
        let event = SseEvent {
            event: kind.map(str::to_owned),
            ..SseEvent::default()
        };
        self.on_channel().what(What::Received {
            raw: Raw(data.to_owned().into()),
            event: Some(event),
        })
    }

    /// What follows happens on the stream on which the server of HTTP+SSE speaks.
    pub fn on_channel(mut self) -> Script {
        self.stream = 0;
        self
    }

    /// The event that says where to post.
    pub fn endpoint(self, reference: &str) -> Script {
        self.typed_event(Some("endpoint"), reference)
    }

    /// Over HTTP+SSE: `initialize` is posted, accepted and answered.
    pub fn posts_initialize(self) -> Script {
        let (revision, capabilities) = (self.revision, self.capabilities.clone());
        let result = json!({
            "protocolVersion": revision,
            "capabilities": capabilities,
            "serverInfo": { "name": "s", "version": "1" },
        });
        let answer = json!({ "jsonrpc": "2.0", "id": 0, "result": result });
        self.http("POST", &[])
            .what_request("initialize", json!({ "protocolVersion": revision }))
            .head(202, &[])
            .ends()
            .typed_event(Some("message"), &answer.to_string())
    }

    /// An event with a message.
    pub fn event_of(self, message: Value) -> Script {
        self.event(None, &message.to_string())
    }

    pub fn ends(self) -> Script {
        self.what(What::End)
    }

    /// What a rule says of it.
    pub fn judged(&self, rule: &Rule) -> RuleOutcome {
        assert!(
            (rule.applies)(self.revision, self.transport),
            "{} does not apply",
            rule.name
        );
        self.seen(|session| super::outcome(rule, session))
    }

    /// What comes of the session as the judge sees it.
    pub fn seen<T>(&self, judge: impl FnOnce(&Session<'_>) -> T) -> T {
        let offer = Offer {
            capabilities: self.capabilities.clone(),
            session_id: true,
            ..Offer::closed(self.revision, self.transport)
        };
        let header = Header {
            format: FORMAT.to_owned(),
            session: "s".to_owned(),
            revision: self.revision,
            transport: self.transport,
            client: self.client.clone(),
            superseded: Vec::new(),
            profile: Arc::new(Profile {
                offers: vec![offer],
                legacy_tried: vec![self.transport],
                authorization: true,
                official_fixture: true,
                ..Profile::default()
            }),
            catalog: CATALOG.hash.clone(),
            select: Vec::new(),
            command_line: Arc::default(),
        };
        let conversation = Conversation::of(self.revision, self.transport, &self.entries);
        let session = Session {
            header: &header,
            entries: &self.entries,
            conversation: &conversation,
            catalog: &CATALOG,
        };
        judge(&session)
    }
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A rule finds nothing wrong where there was something to look at.
#[track_caller]
pub fn passes(rule: &Rule, script: &Script) {
    let outcome = script.judged(rule);
    assert!(outcome.observed, "{}: not observed", rule.name);
    assert_eq!(found(&outcome), Vec::<String>::new(), "{}", rule.name);
}

/// A rule finds violations of just these requirements.
#[track_caller]
pub fn finds(rule: &Rule, script: &Script, requirements: &[&str]) {
    let outcome = script.judged(rule);
    let found: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| finding.requirement.as_str())
        .collect();
    assert_eq!(
        found,
        requirements,
        "{}: {:?}",
        rule.name,
        self::found(&outcome)
    );
    assert!(
        requirements
            .iter()
            .all(|requirement| rule.requirements.contains(requirement)),
        "{}",
        rule.name
    );
}

/// A rule finds nothing to look at.
#[track_caller]
pub fn sees_nothing(rule: &Rule, script: &Script) {
    let outcome = script.judged(rule);
    assert!(!outcome.observed, "{}: {:?}", rule.name, found(&outcome));
}

fn found(outcome: &RuleOutcome) -> Vec<String> {
    outcome
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.requirement, finding.message))
        .collect()
}
