//! What the generators draw from: the messages of a revision, and what may be called.

use std::sync::Arc;

use bytes::Bytes;
use proptest::test_runner::{RngAlgorithm, TestRng};
use regex::bytes::Regex;
use serde_json::{Map, Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::super::schema::Schema;
use crate::condition::TASKS_EXTENSION;
use crate::drive::Shot;
use crate::message::{self, items};
use crate::profile::{Items, Offer};
use crate::revision::{Era, Revision, modern};
use crate::transport::Transport;
use crate::wire;

/// So many valid messages of each method are prepared.
const SAMPLES: u8 = 12;
/// A name that no server offers.
pub(super) const NO_SUCH_TOOL: &str = "no-such-tool";

/// Methods that change what the session is, or stay open: no other input could be judged after them.
const LEFT_OUT: [&str; 3] = [
    "initialize",
    "subscriptions/listen",
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

/// Who else may be asking.
#[derive(Debug)]
pub(super) struct Callers {
    /// The names of the identities whose credentials are known.
    pub(super) identities: Vec<String>,
    /// The call whose scope one of them lacks.
    pub(super) call: Option<(String, Value)>,
}

/// The tools that may be called, by what for.
#[derive(Debug, Clone, Default)]
pub struct Callable {
    /// With any arguments.
    pub plain: Vec<Allowed>,
    /// To be asked for something.
    pub asking: Vec<Allowed>,
    /// As tasks.
    pub lasting: Vec<Allowed>,
}

impl Callable {
    fn has(&self, name: &str) -> bool {
        let all = [&self.plain, &self.asking, &self.lasting];
        all.into_iter().flatten().any(|tool| tool.name == name)
    }
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
    /// The tools that may be called with any arguments.
    pub allowed: Vec<Allowed>,
    /// Those that may ask for something.
    pub asking: Vec<Allowed>,
    /// Those that may be called as tasks.
    pub lasting: Vec<Allowed>,
    /// What is listed, whose schemas say which headers there are.
    pub(super) tools: Items,
    /// The prompts that are listed.
    pub(super) prompts: Items,
    /// The resources that are listed.
    pub(super) resources: Items,
    /// The templates of resources that are listed.
    pub(super) templates: Items,
    /// Whether the server is known to speak the modern era alone.
    pub(super) modern_only: bool,
    /// Further tools that are called once, without arguments: all inputs beside them wait as long as they take.
    pub(super) once: Vec<String>,
    /// Who may be asking, where the server wants to know.
    pub(super) callers: Option<Callers>,
    /// The names of the tools that may not be called.
    forbidden: Vec<String>,
    /// Finds any of them.
    names: Option<Regex>,
}

impl Vocabulary {
    /// The messages of a revision, and what a server lists.
    pub fn new(offer: &Offer, callable: Callable, modern_only: bool) -> Vocabulary {
        let Offer {
            revision,
            transport,
            ..
        } = *offer;
        let names = offer
            .tools
            .iter()
            .filter_map(|tool| tool.get("name")?.as_str());
        let forbidden: Vec<String> = names
            .filter(|name| !callable.has(name))
            .map(str::to_owned)
            .collect();
        Vocabulary {
            revision,
            transport,
            messages: messages(offer),
            tools: offer.tools.clone(),
            prompts: offer.prompts.clone(),
            resources: offer.resources.clone(),
            templates: offer.templates.clone(),
            modern_only,
            once: Vec::new(),
            callers: None,
            allowed: callable.plain,
            asking: callable.asking,
            lasting: callable.lasting,
            names: any_of(&forbidden),
            forbidden,
        }
    }

    /// The same, where these tools are called once if they are listed and not called anyway.
    pub fn with_once(mut self, names: &[&str]) -> Vocabulary {
        let forbidden = self.forbidden.iter();
        let once = forbidden.filter(|name| names.contains(&name.as_str()));
        self.once = once.cloned().collect();
        self
    }

    /// The same about a server that wants to know who is asking.
    pub fn with_callers(
        mut self,
        identities: &[String],
        call: Option<(String, Value)>,
    ) -> Vocabulary {
        self.callers = Some(Callers {
            identities: identities.to_vec(),
            call,
        });
        self
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

    /// A request of a client that can do this, where each request says so.
    pub(super) fn request_of(&self, client: Value, method: &str, params: Value) -> Value {
        let mut request = self.request(method, params);
        if let Some(meta) = request["params"].get_mut("_meta") {
            meta[modern::CLIENT_KEY] = client;
        }
        request
    }

    /// A call of a tool that may be called, with arguments that it accepts; one that the user gave, if there are any.
    pub(super) fn call(&self, dice: &mut Dice) -> Option<Value> {
        let given: Vec<&Allowed> = self
            .allowed
            .iter()
            .filter(|tool| tool.arguments.is_some())
            .collect();
        let tool = match dice.pick(&given) {
            Some(tool) if dice.one_in(2) => tool,
            _ => dice.pick(&self.allowed)?,
        };
        let known = tool.arguments.clone();
        let arguments = known.unwrap_or_else(|| tool.schema.roll(dice));
        Some(self.request(
            "tools/call",
            json!({ "name": tool.name, "arguments": arguments }),
        ))
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

/// Valid messages of a client, the same ones in every run. Half of those that name something name what is listed.
fn messages(offer: &Offer) -> Vec<(Schema, Value)> {
    let revision = offer.revision;
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
            let rolled = match sample % 2 {
                0 => named(&method, rolled),
                _ => listed(
                    &method,
                    named(&method, rolled),
                    usize::from(sample / 2),
                    offer,
                ),
            };
            let message = dressed(revision, rolled);
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

/// The same about something that the server lists.
fn listed(method: &str, mut message: Value, number: usize, offer: &Offer) -> Value {
    let pick = |list: &Items| list.get(number % list.len().max(1)).cloned();
    match (method, pick(&offer.prompts), pick(&offer.resources)) {
        ("prompts/get", Some(prompt), _) => {
            let arguments =
                items(&prompt, "arguments").filter_map(|argument| argument["name"].as_str());
            // Every other time the last one is missing, which may be required.
            let given = items(&prompt, "arguments").count()
                - usize::from(number % 2 == 1 && prompt["arguments"][0].is_object());
            let arguments: Map<String, Value> = arguments
                .take(given)
                .map(|name| (name.to_owned(), json!("a")))
                .collect();
            message["params"]["name"] = prompt["name"].clone();
            message["params"]["arguments"] = Value::Object(arguments);
        }
        ("completion/complete", Some(prompt), _) => {
            let argument = items(&prompt, "arguments").next();
            let name = argument.map_or(json!("a"), |argument| argument["name"].clone());
            message["params"]["ref"] = json!({ "type": "ref/prompt", "name": prompt["name"] });
            message["params"]["argument"] = json!({ "name": name, "value": "a" });
        }
        ("resources/read", _, Some(resource)) => message["params"]["uri"] = resource["uri"].clone(),
        _ => {}
    }
    message
}

/// With the `_meta` that a modern request must have. Whoever asks about tasks must say that it knows them.
fn dressed(revision: Revision, mut message: Value) -> Value {
    if revision.era() == Era::Modern && message.get("id").is_some() {
        if !message["params"].is_object() {
            message["params"] = Value::Object(Map::new());
        }
        let about_tasks = message["method"]
            .as_str()
            .is_some_and(|method| method.starts_with("tasks/"));
        let client = match about_tasks {
            true => json!({ "extensions": { TASKS_EXTENSION: {} } }),
            false => json!({}),
        };
        message["params"]["_meta"] = modern::meta(revision, &client);
    }
    message
}

fn is_valid(revision: Revision, message: &Value) -> bool {
    wire::schemas(revision).is_some_and(|schemas| schemas.client_message(message, None).is_empty())
}
