//! JSON-RPC messages: the raw bytes beside the parsed value.
//!
//! Both are kept because duplicate keys, byte-order marks and invalid UTF-8 are invisible once parsed.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#messages>

use serde_json::{Map, Value};

/// Where a notification names the subscription that it belongs to.
pub const SUBSCRIPTION_ID: &str = "/params/_meta/io.modelcontextprotocol~1subscriptionId";

/// What a JSON value is, seen as a JSON-RPC message.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// Has `method` and `id`.
    Request {
        /// The id, whatever its type.
        id: &'a Value,
        /// The method name.
        method: &'a str,
    },
    /// Has `method` and no `id`.
    Notification {
        /// The method name.
        method: &'a str,
    },
    /// Has `result` or `error`. The id may be missing.
    Response {
        /// The id, if there is one.
        id: Option<&'a Value>,
    },
    /// None of these.
    Other,
}

/// Sorts a parsed message by its members, leniently: a wrong `jsonrpc` or a null id still counts.
pub fn kind(message: &Value) -> Kind<'_> {
    let Some(object) = message.as_object() else {
        return Kind::Other;
    };
    let member = |name| member(object, name);
    match (member("method").and_then(Value::as_str), member("id")) {
        (Some(method), Some(id)) => Kind::Request { id, method },
        (Some(method), None) => Kind::Notification { method },
        (None, id) if member("result").or(member("error")).is_some() => Kind::Response { id },
        _ => Kind::Other,
    }
}

/// A member of a message. To look at each of a few costs less than to hash the name.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match object.len() {
        0..=8 => object
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value),
        _ => object.get(name),
    }
}

/// A JSON text in which escapes of half a surrogate pair, which grammar allows and our parser does not, are replaced by
/// the replacement character; none if it has none.
pub fn with_whole_characters(text: &str) -> Option<String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let (first, second) = (unit(escape), escape.get(6..).and_then(unit));
        let (length, is_half) = match (first, second) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            _ => (escape.chars().take(2).map(char::len_utf8).sum(), false),
        };
        found |= is_half;
        whole.push_str(if is_half {
            "\\ufffd"
        } else {
            &escape[..length]
        });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    found.then_some(whole)
}

/// The code unit that an escape at the beginning of a text stands for.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// The messages in a parsed document: itself, or the members of a batch.
pub fn messages(document: &Value) -> &[Value] {
    match document {
        Value::Array(batch) => batch,
        single => std::slice::from_ref(single),
    }
}

/// The items of one page of a list.
pub fn items<'a>(page: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    let items = page.get(member).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// The cursor of the page that follows.
pub fn next_cursor(page: &Value) -> Option<&str> {
    page.get("nextCursor")?.as_str()
}

/// How deep a value may be of which we write a copy: readers stop at 128 levels, and it stands some levels down.
const MAX_DEPTH: usize = 100;

/// The value, and null for what is nested too deeply in it to be read again where we write it.
pub fn shallow(value: &Value) -> Value {
    within(value, MAX_DEPTH)
}

/// Whether [`shallow`] would leave something out.
pub fn is_deep(value: &Value) -> bool {
    fn exceeds(value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(elements) => {
                levels == 0 || elements.iter().any(|v| exceeds(v, levels - 1))
            }
            Value::Object(members) => {
                levels == 0 || members.values().any(|v| exceeds(v, levels - 1))
            }
            _ => false,
        }
    }
    exceeds(value, MAX_DEPTH)
}

fn within(value: &Value, levels: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => Value::Null,
        Value::Array(elements) => elements
            .iter()
            .map(|element| within(element, levels - 1))
            .collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, member)| (name.clone(), within(member, levels - 1)))
                .collect()
        }
        plain => plain.clone(),
    }
}

/// Whether a value is what MCP accepts as a request id: a string or an integer.
pub fn is_valid_id(id: &Value) -> bool {
    match id {
        Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_can_be_read_again() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({ "a": [inner] }));
        for (value, deep) in [
            (json!([1, {"a": null}]), false),
            (nested(50), false),
            (nested(51), true),
        ] {
            let kept = shallow(&value);
            assert_eq!((is_deep(&value), kept == value), (deep, !deep));
            assert!(!is_deep(&kept));
        }
    }

    #[test]
    fn half_a_pair_is_replaced_and_nothing_else() {
        let whole = |text: &str| with_whole_characters(text);
        assert_eq!(
            whole(r#"["\ud800","\udc00\ud800x"]"#).as_deref(),
            Some(r#"["\ufffd","\ufffd\ufffdx"]"#)
        );
        for kept in [
            r#""\ud83d\ude00""#,
            r#""\\ud800""#,
            r#""\u00e9 \n""#,
            "\\",
            "\\u12",
            "é",
        ] {
            assert_eq!(whole(kept), None, "{kept}");
        }
    }
}
