//! Ids: each input has its own, so that answers can be told apart.

use bytes::Bytes;
use serde_json::Value;

/// Stands for an id that no other input has, followed by a digit and `%`.
const ID: &str = "%ID";
/// Integer ids begin here, above those that sessions use themselves.
pub(super) const FIRST_ID: u64 = 1_000_000;
/// So many ids are kept for each input.
const IDS: u64 = 10;
/// Of longer ids only the beginning is compared.
const MAX_ID: usize = 64;

/// A place for the id of the given number, below ten.
pub(in crate::fuzz) fn id(number: u8) -> Value {
    Value::String(format!("{ID}{number}%"))
}

/// With the ids of the input with this number in their places.
pub(super) fn numbered(bytes: &Bytes, index: u64) -> Bytes {
    let mut places = find_iter(bytes, ID.as_bytes()).peekable();
    if places.peek().is_none() {
        return bytes.clone();
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for place in places {
        let end = place + ID.len() + 2;
        let (Some(start), Some([number @ b'0'..=b'9', b'%', b'"'])) =
            (place.checked_sub(1), bytes.get(end - 2..=end))
        else {
            continue;
        };
        if bytes[start] != b'"' || start < done {
            continue;
        }
        text.extend_from_slice(&bytes[done..start]);
        let id = FIRST_ID + index * IDS + u64::from(number - b'0');
        let id = match index % 2 {
            0 => id.to_string(),
            _ => format!("\"fuzz-{id}\""),
        };
        text.extend_from_slice(id.as_bytes());
        done = end + 1;
    }
    text.extend_from_slice(&bytes[done..]);
    text.into()
}

/// The values of members called `id` that another input may have as well, as far as they are apparent.
pub(super) fn odd(bytes: &[u8]) -> impl Iterator<Item = String> {
    find_iter(bytes, b"\"id\"").filter_map(move |place| {
        let rest = bytes[place + 4..].trim_ascii_start();
        let rest = rest.strip_prefix(b":")?.trim_ascii_start();
        // Behind its second quote a text is over, whatever follows: an answer can have no more than that for its id.
        let (rest, ends): (_, fn(&u8) -> bool) = match rest.strip_prefix(b"\"") {
            Some(text) => (text, |byte| *byte == b'"'),
            None => (rest, |byte| matches!(byte, b',' | b'}')),
        };
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let value = String::from_utf8_lossy(&rest[..end.min(MAX_ID)]);
        let value = value.trim();
        let is_ours = value.starts_with("fuzz-")
            || value
                .parse::<u64>()
                .is_ok_and(|id| (FIRST_ID..1 << 31).contains(&id));
        // Readers take 1.0 for 1.
        let value = || {
            let number = value.parse::<f64>();
            number.map_or_else(|_| value.to_owned(), |number| number.to_string())
        };
        (!is_ours && value() != "null").then(value)
    })
}

/// Where something begins.
fn find_iter<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memchr::memmem::find_iter(bytes, what)
}
