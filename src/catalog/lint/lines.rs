//! On which line of a file something stands.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The line, from 1, of what a JSON Pointer names, or of what holds it if it is not there. None if the text is no JSON.
pub(super) fn line_of(text: &str, pointer: &str) -> Option<usize> {
    let mut at: &RawValue = serde_json::from_str(text).ok()?;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let Some(inner) = member(at, &token) else {
            break;
        };
        at = inner;
    }
    // A raw value is a piece of the text.
    let offset = at.get().as_ptr().addr() - text.as_ptr().addr();
    let before = text.as_bytes().get(..offset)?;
    Some(1 + before.iter().filter(|byte| **byte == b'\n').count())
}

fn member<'t>(value: &'t RawValue, token: &str) -> Option<&'t RawValue> {
    let text = value.get();
    match text.starts_with('[') {
        true => serde_json::from_str::<Vec<&RawValue>>(text)
            .ok()?
            .get(token.parse::<usize>().ok()?)
            .copied(),
        false => serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
            .ok()?
            .remove(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "\n[\n  { \"a/b\": \"\\n\",\n    \"c\": [1,\n 2] }\n, 3]\n";
        let table = [
            ("", 2),
            ("/0", 3),
            ("/0/a~1b", 3),
            ("/0/c", 4),
            ("/0/c/1", 5),
            ("/1", 6),
            ("/0/none", 3),
            ("/0/c/9", 4),
        ];
        for (pointer, line) in table {
            assert_eq!(line_of(text, pointer), Some(line), "{pointer}");
        }
        assert_eq!(line_of("[", "/0"), None);
    }
}
