//! Which calls are made: what every server must answer, its lists, and tools that may be called.

use serde_json::{Value, json};

use super::message::{self, Template};
use super::text;
use crate::fuzz::HARMLESS;
use crate::profile::{Offer, Profile};

/// A call that is measured.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is sent.
    pub template: Template,
    /// So many bytes took the place of `{payload}`; 0: the arguments as given.
    pub payload: usize,
}

impl Call {
    /// What is called, and how.
    pub fn load(&self, concurrency: usize) -> String {
        text::load(&self.template.name, concurrency, self.payload)
    }
}

/// A list with the method that reads it and the member that holds its items.
pub const LISTS: [(&str, &str, &str); 3] = [
    ("tools/list", "tools", "tools"),
    ("resources/list", "resources", "resources"),
    ("prompts/list", "prompts", "prompts"),
];

/// The tool of the official fixture whose arguments have room for a payload; the reference server repeats them.
const ECHO: &str = "json_schema_2020_12_tool";

/// What is measured: the calls that the user named, or else all that can do no harm.
pub fn calls(profile: &Profile, offer: &Offer, payloads: &[usize]) -> Vec<Call> {
    if !profile.calls.is_empty() {
        let calls = profile.calls.iter();
        return calls
            .flat_map(|(name, arguments)| tool(offer, name, arguments, payloads))
            .collect();
    }
    let plain = |method: &str| Call {
        template: Template::new(offer.revision, method, None, &offer.tools),
        payload: 0,
    };
    let mut calls = vec![plain(offer.revision.era().alive_method())];
    calls.extend(lists(offer).map(|(method, _)| plain(method)));
    for (name, arguments) in allowed(profile, offer) {
        let wants_payload = payloads.iter().any(|payload| *payload > 0);
        if name == ECHO && !wants_payload {
            continue;
        }
        calls.extend(tool(offer, &name, &arguments, payloads));
    }
    calls
}

/// The lists that the server declares, with the member that holds their items.
pub fn lists(offer: &Offer) -> impl Iterator<Item = (&'static str, &'static str)> {
    let declared = |capability: &&str| {
        let value = offer.capabilities.get(capability);
        value.is_some_and(|value| !value.is_null())
    };
    let lists = LISTS.iter();
    lists
        .filter(move |(_, capability, _)| declared(capability))
        .map(|(method, _, member)| (*method, *member))
}

/// The tools that nobody named, but that may be called: two of the fixture, or else one that is read-only and wants
/// nothing, if such are allowed.
fn allowed(profile: &Profile, offer: &Offer) -> Vec<(String, Value)> {
    let names = offer.tools.iter().filter_map(|tool| tool["name"].as_str());
    if profile.official_fixture {
        let arguments = |name: &str| match name {
            ECHO => json!({"name": message::PAYLOAD, "email": "bench@example.org"}),
            _ => json!({}),
        };
        return names
            .filter(|name| ["test_simple_text", ECHO].contains(name))
            .filter(|name| HARMLESS.contains(name))
            .map(|name| (name.to_owned(), arguments(name)))
            .collect();
    }
    let wants_nothing = |tool: &&Value| {
        let required = tool.pointer("/inputSchema/required");
        let is_read_only = tool.pointer("/annotations/readOnlyHint") == Some(&json!(true));
        is_read_only && required.and_then(Value::as_array).is_none_or(Vec::is_empty)
    };
    let first = offer.tools.iter().find(wants_nothing);
    let name = first.and_then(|tool| tool["name"].as_str());
    name.filter(|_| profile.call_read_only)
        .map(|name| (name.to_owned(), json!({})))
        .into_iter()
        .collect()
}

/// A call of a tool with each payload; once if its arguments have no place for one.
fn tool(offer: &Offer, name: &str, arguments: &Value, payloads: &[usize]) -> Vec<Call> {
    let payloads = match message::takes_payload(arguments) {
        true => payloads,
        false => &[0],
    };
    let call = |payload: &usize| Call {
        template: called(offer, name, &message::filled(arguments, *payload), None),
        payload: *payload,
    };
    payloads.iter().map(call).collect()
}

fn called(offer: &Offer, name: &str, arguments: &Value, token: Option<&str>) -> Template {
    let mut params = json!({ "name": name, "arguments": arguments });
    if let Some(token) = token {
        params["_meta"] = json!({ "progressToken": token });
    }
    Template::new(offer.revision, "tools/call", Some(params), &offer.tools)
}

/// Calls that may tell in pieces how far they are, and are asked to.
pub fn streaming(profile: &Profile, offer: &Offer, is_bundled: bool) -> Vec<Call> {
    let told = |name: &str, arguments: &Value| Call {
        template: called(offer, name, arguments, Some("bench")),
        payload: 0,
    };
    if !profile.calls.is_empty() {
        let calls = profile.calls.iter();
        return calls
            .map(|(name, arguments)| told(name, arguments))
            .collect();
    }
    let has = |wanted: &str| offer.tools.iter().any(|tool| tool["name"] == wanted);
    if is_bundled && has("report") {
        return vec![told("report", &json!({"parts": 100, "part_ms": 0}))];
    }
    match profile.official_fixture && has("test_tool_with_progress") {
        true => vec![told("test_tool_with_progress", &json!({}))],
        false => Vec::new(),
    }
}
