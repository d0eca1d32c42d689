//! JSON-RPC messages: the raw bytes beside the parsed value.
//!
//! Both are kept because duplicate keys, byte-order marks and invalid UTF-8 are invisible once parsed.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#messages>

use serde_json::Value;

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
    match (
        object.get("method").and_then(Value::as_str),
        object.get("id"),
    ) {
        (Some(method), Some(id)) => Kind::Request { id, method },
        (Some(method), None) => Kind::Notification { method },
        (None, id) if object.contains_key("result") || object.contains_key("error") => {
            Kind::Response { id }
        }
        _ => Kind::Other,
    }
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

/// Whether a value is what MCP accepts as a request id: a string or an integer.
pub fn is_valid_id(id: &Value) -> bool {
    match id {
        Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}
