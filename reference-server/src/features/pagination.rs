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
pub fn page(
    context: &Context,
    params: &Object,
    name: &str,
    mut items: Vec<Value>,
    size: usize,
) -> Answer {
    let count = items.len();
    page_of(context, params, name, count, size, |index| {
        items[index].take()
    })
}

/// The same of `count` items that are made when they are asked for.
///
/// A cursor names its list and the index of the page's first item. Nothing is kept for it, so any
/// server with the same items can continue the list.
pub fn page_of(
    context: &Context,
    params: &Object,
    name: &str,
    count: usize,
    size: usize,
    item: impl FnMut(usize) -> Value,
) -> Answer {
    let start = position(context, params, name, |start| start < count as u64)?;
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let end = count.min(start + size);
    let more = end < count;
    let mut result = Object::new();
    let page = (start..end).map(item).collect();
    result.insert(name.into(), Value::Array(page));
    if more {
        let cursor = encode(name, end as u64);
        let cursor = context.server.faults.mark_cursor(cursor);
        result.insert("nextCursor".into(), cursor.into());
    }
    if !more && context.fault(F::PagesEndless) {
        result.insert("nextCursor".into(), encode(name, 0).into());
    }
    Ok(result)
}

/// The position that the cursor of `params` stands for, 0 without a cursor; an error unless it is `valid`.
pub fn position(
    context: &Context,
    params: &Object,
    name: &str,
    valid: impl Fn(u64) -> bool,
) -> Result<u64, ErrorObject> {
    let faults = &context.server.faults;
    if faults.is_upset() {
        return Err(ErrorObject::internal("there was an invalid cursor"));
    }
    let Some(cursor) = params.get("cursor") else {
        return Ok(0);
    };
    let text = faults.unmark_cursor(cursor.as_str().unwrap_or_default());
    match decode(text, name) {
        Some(start) if valid(start) && !faults.is_worn_out(text) => Ok(start),
        _ if context.fault(F::BadCursorAccepted) => Ok(0),
        _ => {
            faults.on_bad_cursor();
            let code = if context.fault(F::BadCursorCode) {
                -32603
            } else {
                -32602
            };
            Err(ErrorObject::new(code, "Invalid cursor"))
        }
    }
}

/// The cursor for a position of a list.
pub fn encode(list: &str, start: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{start}"))
}

fn decode(cursor: &str, list: &str) -> Option<u64> {
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
