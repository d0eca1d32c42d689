//! Lists in pages, with cursors that only we can read.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/pagination>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::context::{Answer, Context};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};

/// The page of `items` that `params` asks for, as the member `name` of a result.
///
/// A cursor names its list and the index of the page's first item. Nothing is kept for it, so any
/// server with the same items can continue the list.
pub fn page(
    context: &Context,
    params: &Object,
    name: &str,
    items: Vec<Value>,
    size: usize,
) -> Answer {
    let faults = &context.server.faults;
    let worn_out = |cursor: &Value| faults.is_worn_out(cursor.as_str().unwrap_or_default());
    let start = match params.get("cursor") {
        None => 0,
        Some(cursor) => match cursor.as_str().and_then(|text| decode(text, name)) {
            Some(start) if start < items.len() && !worn_out(cursor) => start,
            _ if context.fault(F::BadCursorAccepted) => 0,
            _ => {
                faults.on_bad_cursor();
                let code = if context.fault(F::BadCursorCode) {
                    -32603
                } else {
                    -32602
                };
                return Err(ErrorObject::new(code, "Invalid cursor").into());
            }
        },
    };
    let end = items.len().min(start + size);
    let more = end < items.len();
    let mut result = Object::new();
    let page = items.into_iter().skip(start).take(size).collect();
    result.insert(name.into(), Value::Array(page));
    if more {
        result.insert("nextCursor".into(), encode(name, end).into());
    }
    if !more && context.fault(F::PagesEndless) {
        result.insert("nextCursor".into(), encode(name, 0).into());
    }
    Ok(result)
}

fn encode(list: &str, start: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{start}"))
}

fn decode(cursor: &str, list: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let start = text.strip_prefix(list)?.strip_prefix(':')?.parse().ok()?;
    // Only what we would have written ourselves: no leading zeros or signs.
    (encode(list, start) == cursor).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_belong_to_their_list() {
        let cursor = encode("tools", 10);
        assert_eq!(decode(&cursor, "tools"), Some(10));
        assert_eq!(decode(&cursor, "prompts"), None);
        assert_eq!(decode("10", "tools"), None);
        assert_eq!(decode(&URL_SAFE_NO_PAD.encode("tools:+1"), "tools"), None);
    }
}
