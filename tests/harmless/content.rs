//! The same message, said differently.

use serde_json::{Map, Value, json};

use crate::difference::{Difference, Differences};

/// A notification that no revision knows.
pub const UNKNOWN: &str = r#"{"jsonrpc":"2.0","method":"notifications/example.harmless/heard","params":{"of":"nothing"}}"#;

/// Objects whose members are data, names or schemas: a member more would change what is said.
const CLOSED: [&str; 13] = [
    "arguments",
    "structuredContent",
    "inputSchema",
    "outputSchema",
    "requestedSchema",
    "schema",
    "data",
    "properties",
    "inputRequests",
    "inputResponses",
    "extensions",
    "experimental",
    "metadata",
];
/// What is worded for people.
const WORDS: [&str; 3] = ["description", "title", "instructions"];

/// Makes a message say something else, or in another way.
type Change = fn(&mut Value);

/// The text of a message, with the difference in it. What is no JSON stays as it is.
pub fn differently(played: &Differences, text: &str) -> String {
    let mut text = text.to_owned();
    let changes: [(Difference, Change); 3] = [
        (Difference::OtherWording, reword),
        (Difference::ExtraMembers, extend),
        (Difference::ReorderedKeys, reorder),
    ];
    let changes: Vec<Change> = changes
        .into_iter()
        .filter(|(part, _)| played.has(*part))
        .map(|(_, change)| change)
        .collect();
    if let (false, Ok(mut message)) = (changes.is_empty(), serde_json::from_str(&text)) {
        changes.iter().for_each(|change| change(&mut message));
        text = message.to_string();
    }
    if played.has(Difference::EscapedText) && is_json(&text) {
        text = escaped(&text);
    }
    if played.has(Difference::WhiteSpace) && is_json(&text) {
        text = spaced(&text);
    }
    text
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn reorder(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut reversed: Vec<(String, Value)> = std::mem::take(members).into_iter().collect();
            reversed.reverse();
            reversed.iter_mut().for_each(|(_, value)| reorder(value));
            *members = reversed.into_iter().collect();
        }
        Value::Array(items) => items.iter_mut().for_each(reorder),
        _ => {}
    }
}

fn extend(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in &mut *members {
                if name == "inputRequests" {
                    members_of(member).for_each(extend);
                } else if is_empty_result(name, member) {
                    // The text wants it empty.
                } else if !CLOSED.contains(&name.as_str()) {
                    extend(member);
                }
            }
            members.insert(
                "example.harmless/more".to_owned(),
                json!({ "n": [1, null] }),
            );
        }
        Value::Array(items) => items.iter_mut().for_each(extend),
        _ => {}
    }
}

fn is_empty_result(name: &str, value: &Value) -> bool {
    name == "result" && value.as_object().is_some_and(Map::is_empty)
}

fn members_of(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn reword(value: &mut Value) {
    let Value::Object(members) = value else {
        if let Value::Array(items) = value {
            items.iter_mut().for_each(reword);
        }
        return;
    };
    if let Some(message) = members
        .get_mut("error")
        .and_then(|error| error.get_mut("message"))
    {
        *message = json!("Das geht nicht: «niemals» 🙈");
    }
    for (name, member) in &mut *members {
        match member {
            Value::String(text) if WORDS.contains(&name.as_str()) => {
                *text = "In other words — ¿qué?".to_owned();
            }
            _ if matches!(name.as_str(), "structuredContent" | "data" | "properties") => {}
            _ => reword(member),
        }
    }
}

/// Walks through JSON, telling for each character whether it stands in a string; escapes come whole.
fn walk(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut inside = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match (inside, first) {
            (true, '\\') if rest[1..].starts_with('u') => 6,
            (true, '\\') => 2,
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if token == "\"" {
            each(token, false);
            inside = !inside;
        } else {
            each(token, inside);
        }
        rest = after;
    }
}

/// With spaces and tabs wherever JSON lets them stand.
pub fn spaced(text: &str) -> String {
    let mut spaced = String::from("\t ");
    walk(text, |token, inside| match token {
        "{" | "}" | "[" | "]" | "," | ":" if !inside => {
            spaced.push_str(" \t");
            spaced.push_str(token);
            spaced.push_str("  ");
        }
        _ => spaced.push_str(token),
    });
    spaced
}

/// The same over several lines.
pub fn in_lines(text: &str) -> Option<String> {
    let mut lines = String::new();
    walk(text, |token, inside| {
        lines.push_str(token);
        if !inside && token == "," {
            lines.push('\n');
        }
    });
    is_json(&lines).then_some(lines)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    walk(text, |token, inside| match token {
        "/" if inside => escaped.push_str("\\/"),
        _ if inside && !token.starts_with('\\') => {
            let mut units = [0; 2];
            for character in token.chars() {
                for unit in character.encode_utf16(&mut units) {
                    escaped.push_str(&match *unit % 2 {
                        0 => format!("\\u{unit:04x}"),
                        _ => format!("\\u{unit:04X}"),
                    });
                }
            }
        }
        _ => escaped.push_str(token),
    });
    escaped
}

/// The tests of all this: a difference makes one, and not more.
pub fn tests() -> Vec<libtest_mimic::Trial> {
    let sample = json!({
        "jsonrpc": "2.0",
        "id": "a\\\"/\u{1}é🙈",
        "result": { "tools": [{ "name": "x", "description": "y", "inputSchema": { "type": "object" } }], "n": 1.5e3 },
    });
    type Writes = fn(&Value) -> String;
    let same: [(&str, Writes); 4] = [
        ("reordered-keys", |sample| {
            differently(
                &Differences::of(&[Difference::ReorderedKeys]),
                &sample.to_string(),
            )
        }),
        ("white-space", |sample| spaced(&sample.to_string())),
        ("escaped-text", |sample| escaped(&sample.to_string())),
        ("lines", |sample| in_lines(&sample.to_string()).unwrap()),
    ];
    let says_the_same = same.map(|(name, change)| {
        let sample = sample.clone();
        libtest_mimic::Trial::test(format!("content/{name} say the same"), move || {
            let text = change(&sample);
            assert_ne!(text, sample.to_string());
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), sample);
            Ok(())
        })
    });
    let says_more = libtest_mimic::Trial::test("content/members and words are others", move || {
        let mut changed = sample.clone();
        extend(&mut changed);
        reword(&mut changed);
        assert_eq!(changed.as_object().unwrap().len(), 4);
        let tool = &changed["result"]["tools"][0];
        assert_eq!(tool["inputSchema"], json!({ "type": "object" }));
        assert!(tool["name"] == "x" && tool["description"] != "y");
        let mut error = json!({ "error": { "code": 1, "message": "no" }, "result": {} });
        extend(&mut error);
        reword(&mut error);
        assert!(error["error"]["message"] != "no" && error["result"] == json!({}));
        Ok(())
    });
    says_the_same.into_iter().chain([says_more]).collect()
}
