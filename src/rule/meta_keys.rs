//! The keys of `_meta` have the form that the specification gives them.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#_meta>

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::look::received;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;
use crate::transcript::What;

pub(super) const RULE: Rule = Rule {
    name: "meta-keys",
    title: "The keys of _meta are a name, with a prefix or without",
    why: "Prefixes keep the keys of different people apart. A key of another form may be refused by \
        a strict reader.",
    requirements: &["meta/key-form", "meta/trace-context"],
    faults: &["meta-key-malformed", "trace-context-malformed"],
    applies: |revision, _| revision >= Revision::V2025_06_18,
    check,
};

/// Members that hold anything, so that what is called `_meta` in them is not that of MCP.
const OPAQUE: [&str; 10] = [
    "inputSchema",
    "outputSchema",
    "requestedSchema",
    "structuredContent",
    "arguments",
    "input",
    "data",
    "experimental",
    "extensions",
    "settings",
];

static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?)*$")
        .ok()
});
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$").ok());
static TRACEPARENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$").ok());

fn check(session: &Session<'_>, sight: &mut Sight) {
    let mut judged = HashSet::new();
    for received in received(session) {
        let mut found = Vec::new();
        collect(received.message, &mut found, 0);
        for meta in found {
            sight.observe();
            for (key, value) in meta.iter().filter(|(key, _)| {
                // What was seen in one message is the same in the next.
                *key == "traceparent" || judged.insert(key.as_str())
            }) {
                judge(session, received.entry, key, value, sight);
            }
        }
    }
}

fn judge(session: &Session<'_>, entry: usize, key: &str, value: &Value, sight: &mut Sight) {
    if !is_well_formed(key) && !is_echo(session, key) {
        let message = "a key of _meta is malformed";
        let expected = "a name, or labels joined by dots, a slash and a name";
        sight.violation("meta/key-form", &[entry], message, expected, key);
    }
    let is_trace = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| matches(&TRACEPARENT, text))
    };
    if key == "traceparent" && !is_trace(value) {
        let message = "traceparent has not the format of W3C Trace Context";
        sight.violation(
            "meta/trace-context",
            &[entry],
            message,
            "00-TRACE-PARENT-FLAGS",
            value.clone(),
        );
    }
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>, depth: usize) {
    match value {
        Value::Object(members) if depth < 16 => {
            for (name, member) in members {
                match member {
                    Value::Object(meta) if name == "_meta" => found.push(meta),
                    _ if OPAQUE.contains(&name.as_str()) => {}
                    member => collect(member, found, depth + 1),
                }
            }
        }
        Value::Array(elements) if depth < 16 => elements
            .iter()
            .for_each(|element| collect(element, found, depth + 1)),
        _ => {}
    }
}

fn is_well_formed(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => matches(&PREFIX, prefix) && matches(&NAME, name),
        None => matches(&NAME, key),
    }
}

/// An expression that does not compile refuses nothing; a test proves that they do.
fn matches(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

/// What we sent may come back.
fn is_echo(session: &Session<'_>, key: &str) -> bool {
    let quoted = Value::String(key.to_owned()).to_string();
    session.entries.iter().any(|entry| match &entry.what {
        What::Sent { raw, .. } => String::from_utf8_lossy(&raw.0).contains(&quoted),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn keys() {
        assert!(PREFIX.is_some() && NAME.is_some() && TRACEPARENT.is_some());
        for key in [
            "progressToken",
            "a",
            "",
            "com.example/a",
            "com.example/",
            "x-y.z9/a_b.c-d",
            "mcp/1",
        ] {
            assert!(is_well_formed(key), "{key:?}");
        }
        for key in [
            "-a",
            "a-",
            "a b",
            "/a",
            "com..example/a",
            "9a/b",
            "a-/b",
            "a/b/c",
            "ключ",
        ] {
            assert!(!is_well_formed(key), "{key:?}");
        }
    }

    #[test]
    fn places() {
        let bad = json!({ "-bad-": 1 });
        passes(
            &RULE,
            &legacy().result(1, json!({ "_meta": { "a.b/c": 1 } })),
        );
        finds(
            &RULE,
            &legacy().result(1, json!({ "tools": [{ "_meta": bad }] })),
            &["meta/key-form"],
        );
        sees_nothing(
            &RULE,
            &legacy().result(1, json!({ "structuredContent": { "_meta": bad } })),
        );
        passes(
            &RULE,
            &legacy()
                .asks(1, "ping", json!({ "_meta": bad }))
                .result(1, json!({ "_meta": bad })),
        );
    }

    #[test]
    fn traces() {
        let trace = |text: &str| modern().result(1, json!({ "_meta": { "traceparent": text } }));
        passes(
            &RULE,
            &trace("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"),
        );
        finds(&RULE, &trace("1"), &["meta/trace-context"]);
    }
}
