//! Patterns in words, so that a report can be read aloud.

use serde_json::{Map, Value};

/// What an answer must be: `an error: code is -32602`.
pub(super) fn answer(pattern: &Value) -> String {
    match matcher(pattern) {
        Some(("$absent", _)) => "no answer".to_owned(),
        Some(("$any-of", Value::Array(patterns))) => alternatives(patterns, answer),
        Some(("$by-revision", Value::Object(ranges))) => by_revision(ranges, answer),
        Some(("$not", pattern)) => format!("anything but {}", answer(pattern)),
        Some(_) => phrase(pattern),
        None => match pattern.as_object() {
            Some(members) => message(members),
            None => phrase(pattern),
        },
    }
}

fn message(members: &Map<String, Value>) -> String {
    let kind = match (members.get("error"), members.get("result")) {
        (Some(error), None) if matcher(error).is_none() => ("error", "an error"),
        (None, Some(result)) if matcher(result).is_none_or(|(name, _)| name == "$any") => {
            ("result", "a result")
        }
        _ => ("", "a message"),
    };
    let mut clauses = Vec::new();
    for (name, pattern) in members {
        match pattern {
            Value::Object(inner) if name == kind.0 && matcher(pattern).is_none() => {
                for (name, pattern) in inner {
                    add_clauses(name, pattern, &mut clauses);
                }
            }
            _ if name == kind.0 => {}
            _ => add_clauses(name, pattern, &mut clauses),
        }
    }
    match clauses.is_empty() {
        true => kind.1.to_owned(),
        false => format!("{}: {}", kind.1, clauses.join(", ")),
    }
}

/// What a value must be, as a noun: `a string`, `one of 1, 2`.
pub(super) fn phrase(pattern: &Value) -> String {
    if let Some((name, argument)) = matcher(pattern) {
        return matched(name, argument).unwrap_or_else(|| pattern.to_string());
    }
    match pattern {
        Value::Object(members) if members.is_empty() => "an object".to_owned(),
        Value::Object(members) => {
            let mut clauses = Vec::new();
            for (name, pattern) in members {
                add_clauses(name, pattern, &mut clauses);
            }
            format!("an object in which {}", clauses.join(", "))
        }
        Value::Array(elements) if elements.is_empty() => "an empty array".to_owned(),
        Value::Array(_) if is_literal(pattern) => pattern.to_string(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(phrase).collect();
            format!("an array of exactly {}", elements.join(", then "))
        }
        value => value.to_string(),
    }
}

/// Whether it matches nothing but itself.
fn is_literal(pattern: &Value) -> bool {
    match pattern {
        Value::Object(_) => false,
        Value::Array(elements) => elements.iter().all(is_literal),
        _ => true,
    }
}

/// What holds of an element: `is a string`, `has: method is "ping"`.
fn quality(pattern: &Value) -> String {
    match phrase(pattern).strip_prefix("an object in which ") {
        Some(clauses) => format!("has: {clauses}"),
        None => format!("is {}", phrase(pattern)),
    }
}

/// Members of members are named by their path.
fn add_clauses(path: &str, pattern: &Value, clauses: &mut Vec<String>) {
    match (matcher(pattern), pattern) {
        (Some(("$absent", _)), _) => clauses.push(format!("no {path}")),
        (Some(("$any", _)), _) => clauses.push(format!("{path} is there")),
        (None, Value::Object(members)) if !members.is_empty() => {
            for (name, pattern) in members {
                add_clauses(&format!("{path}.{name}"), pattern, clauses);
            }
        }
        _ => clauses.push(format!("{path} is {}", phrase(pattern))),
    }
}

fn matcher(pattern: &Value) -> Option<(&str, &Value)> {
    let members = pattern.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    name.starts_with('$').then_some((name, argument))
}

/// None for what has no words: then the JSON speaks for itself.
fn matched(name: &str, argument: &Value) -> Option<String> {
    Some(match (name, argument) {
        ("$any", _) => "anything".to_owned(),
        ("$absent", _) => "nothing".to_owned(),
        ("$literal", value) => format!("exactly {value}"),
        ("$in", Value::Array(values)) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            format!("one of {}", values.join(", "))
        }
        ("$type", Value::String(name)) => typed(name),
        ("$type", Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str).map(typed);
            names.collect::<Vec<_>>().join(" or ")
        }
        ("$regex", Value::String(regex)) => format!("text like `{regex}`"),
        ("$any-of", Value::Array(patterns)) => alternatives(patterns, phrase),
        ("$all-of", Value::Array(patterns)) => {
            let patterns: Vec<String> = patterns.iter().map(phrase).collect();
            patterns.join(", and also ")
        }
        ("$not", pattern) => format!("anything but {}", phrase(pattern)),
        ("$each", pattern) => format!("a list, and each element {}", quality(pattern)),
        ("$some", pattern) => format!("a list with an element that {}", quality(pattern)),
        ("$unique", pointer) => format!("a list without two of the same{}", at(pointer)),
        ("$increasing", pointer) => format!("a list that rises{}", at(pointer)),
        ("$length", bounds) => format!("of length {}", bounded(bounds)?),
        ("$range", bounds) => bounded(bounds)?,
        ("$base64", _) => "Base64".to_owned(),
        ("$uri", _) => "a URI".to_owned(),
        ("$uri-template", _) => "a URI template".to_owned(),
        ("$media-type", _) => "a media type".to_owned(),
        ("$date-time", _) => "a date with a time".to_owned(),
        ("$json", pattern) => format!("a string whose JSON is {}", phrase(pattern)),
        ("$valid-schema", _) => "a valid JSON Schema".to_owned(),
        ("$conforms", schema) => format!("what the schema accepts: {}", phrase(schema)),
        ("$by-revision", Value::Object(ranges)) => by_revision(ranges, phrase),
        ("$var", Value::String(name)) => format!("the {name} from before"),
        _ => return None,
    })
}

fn alternatives(patterns: &[Value], words: fn(&Value) -> String) -> String {
    let patterns: Vec<String> = patterns.iter().map(words).collect();
    let plain = patterns.iter().all(|words| !words.contains(", "));
    patterns.join(if plain { " or " } else { "; or " })
}

fn by_revision(ranges: &Map<String, Value>, words: fn(&Value) -> String) -> String {
    let ranges = ranges.iter();
    let ranges = ranges.map(|(range, pattern)| {
        let range = range.trim_start_matches('=');
        format!("{} ({range})", words(pattern))
    });
    ranges.collect::<Vec<_>>().join("; ")
}

fn typed(name: &str) -> String {
    match name {
        "null" => "null".to_owned(),
        "integer" | "object" | "array" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn at(pointer: &Value) -> String {
    match pointer.as_str() {
        None | Some("") => String::new(),
        Some(pointer) => format!(" at {pointer}"),
    }
}

fn bounded(bounds: &Value) -> Option<String> {
    Some(match (bounds.get("min"), bounds.get("max")) {
        (Some(min), Some(max)) if min == max => min.to_string(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers() {
        let table = [
            (json!({ "error": {} }), "an error"),
            (
                json!({ "error": { "code": -32602 } }),
                "an error: code is -32602",
            ),
            (json!({ "result": { "$any": true } }), "a result"),
            (
                json!({ "id": null, "error": { "code": { "$in": [-32700, -32600] } } }),
                "an error: id is null, code is one of -32700, -32600",
            ),
            (
                json!({ "result": { "a": { "b": { "$type": ["string", "integer"] } }, "c": { "$absent": true } } }),
                "a result: a.b is a string or an integer, no c",
            ),
            (json!({ "$absent": true }), "no answer"),
            (
                json!({ "$any-of": [{ "$absent": true }, { "error": {} }] }),
                "no answer or an error",
            ),
            (
                json!({ "$by-revision": { "legacy": { "error": {} }, "modern": { "result": {} } } }),
                "an error (legacy); a result (modern)",
            ),
            (json!({ "$not": { "error": {} } }), "anything but an error"),
            (json!({ "exited": true }), "a message: exited is true"),
            (
                json!({ "result": { "rows": [[1, "a"]] } }),
                "a result: rows is [[1,\"a\"]]",
            ),
        ];
        for (pattern, words) in table {
            assert_eq!(answer(&pattern), words);
        }
    }

    #[test]
    fn each_matcher_has_words() {
        let arguments = json!({
            "$any": true, "$absent": true, "$literal": 1, "$in": [1], "$type": "string", "$any-of": [1, 2],
            "$all-of": [1], "$not": 1, "$by-revision": { "all": 1 }, "$var": "x", "$each": 1, "$some": 1,
            "$unique": "/id", "$increasing": "", "$length": { "min": 1 }, "$range": { "min": 1, "max": 2 },
            "$regex": "x", "$base64": true, "$uri": true, "$uri-template": true, "$media-type": true,
            "$date-time": true, "$json": {}, "$valid-schema": true, "$conforms": { "$var": "x" }
        });
        for name in crate::judge::pattern::names() {
            assert!(
                matched(name, &arguments[name]).is_some(),
                "{name} has no words"
            );
        }
        assert_eq!(phrase(&json!({ "$odd": 1 })), "{\"$odd\":1}");
    }
}
