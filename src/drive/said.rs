//! What a message repeats of an earlier answer: the id of a task that was begun, a state to bring back.

use bytes::Bytes;

/// Begins what stands, in a string of JSON, for what an earlier answer said: a JSON Pointer and `%` follow.
const SAID: &str = "%SAID";

/// Stands, in a string of JSON, for the string that an earlier answer to the same input has at this place.
pub fn said(pointer: &str) -> String {
    format!("{SAID}{pointer}%")
}

/// A part of a text: as it is, or the pointer to what stands in its place.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// As it is.
    Text(&'a str),
    /// What an earlier answer has at this pointer.
    Said(&'a str),
}

/// The parts of a text.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(SAID) {
        let Some((pointer, after)) = from.split_once('%') else {
            break;
        };
        parts.extend((!before.is_empty()).then_some(Part::Text(before)));
        parts.push(Part::Said(pointer));
        rest = after;
    }
    parts.extend((!rest.is_empty()).then_some(Part::Text(rest)));
    parts
}

/// Whether something in these bytes stands for what an earlier answer said.
pub fn repeats(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, SAID.as_bytes()).is_some()
}

/// The bytes with what was said; what was not stays as it is.
pub(super) fn filled(bytes: &Bytes, of: impl Fn(&str) -> Option<String>) -> Bytes {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.clone();
    };
    let filled = parts(text).into_iter().map(|part| match part {
        Part::Text(text) => text.to_owned(),
        Part::Said(pointer) => match of(pointer) {
            Some(value) => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            None => said(pointer),
        },
    });
    filled.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_put_in_as_json_has_it() {
        let bytes = Bytes::from(format!(
            r#"{{"a":"{}-x","b":"{}"}}"#,
            said("/a/b"),
            said("/c")
        ));
        assert!(repeats(&bytes));
        let of = |pointer: &str| (pointer == "/a/b").then(|| "say \"it\"".to_owned());
        assert_eq!(filled(&bytes, of), r#"{"a":"say \"it\"-x","b":"%SAID/c%"}"#);
        assert!(!repeats(b"{}"));
    }

    #[test]
    fn a_text_is_taken_apart() {
        assert_eq!(parts("plain"), [Part::Text("plain")]);
        assert_eq!(parts("%SAID/x"), [Part::Text("%SAID/x")]);
        let all = "a%SAID/x%%SAID/y%b";
        let expected = [
            Part::Text("a"),
            Part::Said("/x"),
            Part::Said("/y"),
            Part::Text("b"),
        ];
        assert_eq!(parts(all), expected);
    }
}
