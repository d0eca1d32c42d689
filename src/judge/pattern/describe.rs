//! Values in messages: short, on one line, and harmless on a terminal whatever a server sent.

use serde_json::Value;

use super::equal::integer;

/// No quoted text of more characters than this.
const MAX_TEXT: usize = 100;

/// What a value is: its type and, where that is short, itself.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) if integer(number).is_some() => format!("integer {number}"),
        Value::Number(number) => format!("number {number}"),
        Value::String(text) => format!("string {}", quote(text)),
        Value::Array(elements) => format!("array of {}", elements.len()),
        Value::Object(members) => {
            let names: Vec<&str> = members.keys().take(4).map(String::as_str).collect();
            match (names.is_empty(), members.len() > names.len()) {
                (true, _) => "an empty object".to_owned(),
                (false, false) => format!("object with {}", plain(&names.join(", "))),
                (false, true) => format!("object with {}, ...", plain(&names.join(", "))),
            }
        }
    }
}

/// The same for what may not be there.
pub fn describe_or_nothing(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), describe)
}

/// A text in quotes, escaped and cut.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A text without quotes, escaped and cut: control characters, and those that change the direction of text, show as
/// their escapes.
pub fn plain(text: &str) -> String {
    let (kept, dots) = match text.char_indices().nth(2 * MAX_TEXT) {
        Some((end, _)) => (&text[..end], "..."),
        None => (text, ""),
    };
    let escaped: String = kept
        .chars()
        .map(|c| match c {
            '"' | '\'' | '\\' => c.to_string(),
            _ => c.escape_debug().to_string(),
        })
        .collect();
    escaped + dots
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn descriptions_are_short_and_harmless() {
        let table = [
            (json!(null), "null"),
            (json!(-32602), "integer -32602"),
            (json!(1.5), "number 1.5"),
            (
                json!("a\u{1b}[31m\u{202e}b"),
                "string \"a\\u{1b}[31m\\u{202e}b\"",
            ),
            (json!([1, 2]), "array of 2"),
            (json!({}), "an empty object"),
            (json!({"a\n": 1}), "object with a\\n"),
            (
                json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}),
                "object with a, b, c, d, ...",
            ),
        ];
        for (value, expected) in table {
            assert_eq!(describe(&value), expected);
        }
        assert!(describe(&json!("é".repeat(10_000))).len() < 300);
        assert_eq!(describe_or_nothing(None), "nothing");
    }
}
