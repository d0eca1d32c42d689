//! What was expected against what came, where both are JSON.
//!
//! A pattern names only what it is about. So the expected side of the diff is the answer itself with those parts
//! replaced that do not match: what differs is what is wrong, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::escape::excerpt;
use crate::judge::pattern::{Scope, matches};
use crate::revision::Revision;

/// Larger values are quoted, not compared.
const MAX_JSON: usize = 64 << 10;
const MAX_LINES: usize = 40;
const MAX_LINE: usize = 160;
const CONTEXT: usize = 3;

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `-` expected, `+` came, space: both.
    pub sign: char,
    /// Made visible and bounded.
    pub text: String,
}

/// The diff, or nothing where there is nothing to compare line by line.
pub fn lines(expected: &Value, actual: &Value, revision: Revision) -> Option<Vec<Line>> {
    let structured = |value: &Value| value.is_object() || value.is_array();
    if !structured(expected) || !structured(actual) {
        return None;
    }
    let expected = pretty(&overlay(expected, actual, revision))?;
    let actual = pretty(actual)?;
    let [old, new] = [&expected, &actual].map(|text| text.lines().collect::<Vec<_>>());
    // A member that is the last on one side only is the same member.
    let [old_members, new_members] = [&old, &new].map(|lines| members(lines));
    let diff = TextDiff::configure()
        .timeout(Duration::from_millis(200))
        .diff_slices(&old_members, &new_members);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            lines.push(Line {
                sign: ' ',
                text: "...".to_owned(),
            });
        }
        for change in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.new_index().and_then(|index| new.get(index));
            let line = line.or_else(|| old.get(change.old_index()?));
            lines.push(Line {
                sign,
                text: excerpt(line.unwrap_or(&""), MAX_LINE),
            });
        }
    }
    if lines.is_empty() {
        return None;
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(Line {
            sign: ' ',
            text: format!("... {more} more lines; --report json has them all"),
        });
    }
    Some(lines)
}

/// The lines without the commas between them.
fn members<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let member = |line: &&'a str| line.strip_suffix(',').unwrap_or(line);
    lines.iter().map(member).collect()
}

fn pretty(value: &Value) -> Option<String> {
    let text = serde_json::to_string_pretty(value).ok()?;
    (text.len() <= MAX_JSON).then_some(text)
}

/// The answer with those parts replaced that do not match the pattern.
fn overlay(pattern: &Value, actual: &Value, revision: Revision) -> Value {
    let vars = BTreeMap::new();
    let scope = Scope {
        revision,
        vars: &vars,
    };
    if matches(pattern, Some(actual), &scope).is_ok() {
        return actual.clone();
    }
    match (pattern, actual) {
        (Value::Object(pattern), Value::Object(actual)) if !is_matcher(pattern) => {
            let mut expected = Map::new();
            for (name, value) in actual {
                match pattern.get(name) {
                    None => drop(expected.insert(name.clone(), value.clone())),
                    Some(pattern) if pattern.get("$absent").is_some() => {}
                    Some(pattern) => {
                        drop(expected.insert(name.clone(), overlay(pattern, value, revision)))
                    }
                }
            }
            for (name, pattern) in pattern {
                if !actual.contains_key(name) && matches(pattern, None, &scope).is_err() {
                    expected.insert(name.clone(), pattern.clone());
                }
            }
            Value::Object(expected)
        }
        (Value::Array(pattern), Value::Array(actual)) if pattern.len() == actual.len() => {
            let pairs = pattern.iter().zip(actual);
            pairs
                .map(|(pattern, actual)| overlay(pattern, actual, revision))
                .collect()
        }
        _ => pattern.clone(),
    }
}

fn is_matcher(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|name| name.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(expected: &Value, actual: &Value) -> String {
        let lines = lines(expected, actual, Revision::V2025_11_25).unwrap_or_default();
        lines
            .iter()
            .map(|line| format!("{}{}\n", line.sign, line.text))
            .collect()
    }

    #[test]
    fn only_what_is_wrong_differs() {
        let expected = json!({ "error": { "code": -32602, "message": { "$type": "string" } } });
        let actual =
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32603, "message": "no" } });
        let expected_diff =
            "   \"id\": 1,\n   \"error\": {\n-    \"code\": -32602,\n+    \"code\": -32603,\n";
        assert!(
            text(&expected, &actual).contains(expected_diff),
            "{}",
            text(&expected, &actual)
        );
        assert_eq!(text(&expected, &actual).matches('-').count(), 3);
    }

    #[test]
    fn members_may_be_missing_or_too_many() {
        let diff = text(
            &json!({ "error": {}, "result": { "$absent": true } }),
            &json!({ "result": [] }),
        );
        assert!(diff.contains("+  \"result\": []\n"), "{diff}");
        assert!(diff.contains("-  \"error\": {}\n"), "{diff}");
        // The comma behind what was the last member is none of it.
        let diff = text(
            &json!({ "error": {} }),
            &json!({ "id": 0, "result": { "a": 1 } }),
        );
        assert_eq!(diff.matches(['-', '+']).count(), 1, "{diff}");
    }

    #[test]
    fn it_stays_readable() {
        let many: Vec<Value> = (0..200)
            .map(|n| json!({ "n": n, "text": "x".repeat(500) }))
            .collect();
        let lines = lines(&json!([1, 2]), &Value::Array(many), Revision::V2025_11_25);
        assert_eq!(lines, None, "too large to compare");
        let many: Vec<Value> = (0..200).map(|n| json!(n)).collect();
        let lines =
            super::lines(&json!(["x"]), &Value::Array(many), Revision::V2025_11_25).unwrap();
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(text(&json!("one sentence"), &json!({})), "");
    }
}
