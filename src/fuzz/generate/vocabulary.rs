//! What the generators draw from: the messages of a revision, and what may be called.

use std::sync::Arc;

use bytes::Bytes;
use proptest::test_runner::{RngAlgorithm, TestRng};
use regex::bytes::Regex;
use serde_json::{Map, Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::super::schema::Schema;
use crate::drive::Shot;
use crate::message;
use crate::revision::{Era, Revision, modern};
use crate::transport::Transport;
use crate::wire;

/// So many valid messages of each method are prepared.
const SAMPLES: u8 = 12;
/// A name that no server offers.
pub(super) const NO_SUCH_TOOL: &str = "no-such-tool";

/// Methods that change what the session is, or stay open: no other input could be judged after them.
const LEFT_OUT: [&str; 4] = [
    "initialize",
    "subscriptions/listen",
    "tasks/result",
    "notifications/initialized",
];

/// A tool that may be called.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// Its name.
    pub name: String,
    /// Its `inputSchema`.
    pub schema: Schema,
    /// Arguments that are known to be good.
    pub arguments: Option<Value>,
}

/// What the generators draw from.
#[derive(Debug)]
pub struct Vocabulary {
    /// The revision spoken.
    pub revision: Revision,
    /// The transport used.
    pub transport: Transport,
    /// Valid messages of a client, with their schemas.
    pub messages: Vec<(Schema, Value)>,
    /// The tools that may be called.
    pub allowed: Vec<Allowed>,
    /// The names of the tools that may not be called.
    forbidden: Vec<String>,
    /// Finds any of them.
    names: Option<Regex>,
}

impl Vocabulary {
    /// The messages of a revision, and the tools that a server lists.
    pub fn new(
        revision: Revision,
        transport: Transport,
        tools: &[Value],
        allowed: Vec<Allowed>,
    ) -> Vocabulary {
        let names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
        let forbidden: Vec<String> = names
            .filter(|name| !allowed.iter().any(|allowed| allowed.name == *name))
            .map(str::to_owned)
            .collect();
        Vocabulary {
            revision,
            transport,
            messages: messages(revision),
            allowed,
            names: any_of(&forbidden),
            forbidden,
        }
    }

    /// Whether it is HTTP, of either kind.
    pub fn is_http(&self) -> bool {
        self.transport != Transport::Stdio
    }

    /// A valid message.
    pub(super) fn message(&self, dice: &mut Dice) -> Value {
        dice.pick(&self.messages)
            .map_or_else(|| self.alive(), |(_, message)| message.clone())
    }

    /// The cheapest valid request.
    pub(super) fn alive(&self) -> Value {
        self.request(self.revision.era().alive_method(), json!({}))
    }

    /// A request with what the revision asks of each.
    pub(super) fn request(&self, method: &str, params: Value) -> Value {
        dressed(
            self.revision,
            json!({ "jsonrpc": "2.0", "id": id(0), "method": method, "params": params }),
        )
    }

    /// Whether an input calls no tool but those that may be called, however it spells their names.
    pub(super) fn allows(&self, input: &Input) -> bool {
        let bytes = input.shots.iter().map(Shot::bytes);
        // Only what holds a name, or could hold one in escapes, need be read.
        let is_open = |bytes: &&Bytes| {
            memchr::memchr(b'\\', bytes).is_some()
                || self
                    .names
                    .as_ref()
                    .is_none_or(|names| names.is_match(bytes))
        };
        bytes.into_iter().filter(is_open).all(|bytes| {
            // A byte-order mark or a second line hides nothing from a reader that skips it.
            bytes
                .split(|byte| *byte == b'\n')
                .chain([&bytes[..]])
                .all(|line| {
                    let start = line
                        .iter()
                        .position(|byte| matches!(byte, b'{' | b'['))
                        .unwrap_or(0);
                    let document = serde_json::Deserializer::from_slice(&line[start..])
                        .into_iter::<Value>()
                        .flatten();
                    document.into_iter().all(|document| {
                        message::messages(&document)
                            .iter()
                            .all(|message| self.is_allowed(message))
                    })
                })
        })
    }

    fn is_allowed(&self, message: &Value) -> bool {
        let name = message.pointer("/params/name").and_then(Value::as_str);
        name.is_none_or(|name| !self.forbidden.iter().any(|tool| tool == name))
    }
}

/// Finds any of these names in bytes; none where there are too many of them.
fn any_of(names: &[String]) -> Option<Regex> {
    let names: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    // Without names a class of nothing, which never matches.
    let pattern = match names.is_empty() {
        true => "[a&&b]".to_owned(),
        false => names.join("|"),
    };
    Regex::new(&pattern).ok()
}

/// Valid messages of a client, the same ones in every run.
fn messages(revision: Revision) -> Vec<(Schema, Value)> {
    let Ok(document) = wire::document(revision).map(Arc::new) else {
        return Vec::new();
    };
    let table = |name: &str, member: &str| -> Vec<(String, Value)> {
        let entries = document["x-mcp"][name].as_object();
        let ours = entries.into_iter().flatten().filter(|(method, entry)| {
            entry["from"] != "server" && !LEFT_OUT.contains(&method.as_str())
        });
        ours.map(|(method, entry)| (method.clone(), json!({ "$ref": entry[member] })))
            .collect()
    };
    let mut methods = table("requests", "request");
    methods.extend(table("notifications", "notification"));
    let mut messages = Vec::new();
    for (method, schema) in methods {
        let schema = Schema::within(&document, schema);
        for sample in 0..SAMPLES {
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[sample; 32]);
            let rolled = schema.roll(&mut Dice::new(rng));
            let message = dressed(revision, named(&method, rolled));
            if is_valid(revision, &message) {
                messages.push((schema.clone(), message));
            }
        }
    }
    messages
}

/// The method itself, an id to be replaced, and no name or id that could be somebody's.
fn named(method: &str, mut message: Value) -> Value {
    message["method"] = json!(method);
    if message.get("id").is_some() {
        message["id"] = id(0);
    }
    if method == "tools/call" {
        message["params"]["name"] = json!(NO_SUCH_TOOL);
    }
    if method == "notifications/cancelled" {
        message["params"]["requestId"] = json!("never-used");
    }
    message
}

/// With the `_meta` that a modern request must have.
fn dressed(revision: Revision, mut message: Value) -> Value {
    if revision.era() == Era::Modern && message.get("id").is_some() {
        if !message["params"].is_object() {
            message["params"] = Value::Object(Map::new());
        }
        message["params"]["_meta"] = modern::meta(revision, &json!({}));
    }
    message
}

fn is_valid(revision: Revision, message: &Value) -> bool {
    wire::schemas(revision).is_some_and(|schemas| schemas.client_message(message, None).is_empty())
}
