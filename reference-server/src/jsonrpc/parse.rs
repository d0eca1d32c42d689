//! From bytes to a valid message, or to the reason why not.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::envelope::Envelope;
use super::strict::{Given, Strict};
use super::{ErrorObject, Id, MAX_ID_BYTES, Message, Params};

/// Longest message in bytes, on either transport.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024 * 1024;
/// Deepest nesting of arrays and objects in a message.
pub const MAX_DEPTH: usize = 100;
/// Most values in a message, those within others included.
pub const MAX_VALUES: usize = 100_000;
/// Most messages in a batch (2025-03-26).
pub const MAX_BATCH: usize = 100;

/// What arrived in one line or one HTTP body.
#[derive(Debug)]
pub enum Packet {
    /// One message.
    Single(Result<Message, Rejection>),
    /// A JSON array, which only 2025-03-26 allows.
    Batch(Vec<Result<Message, Rejection>>),
}

/// Why something is no valid message.
#[derive(Debug)]
pub struct Rejection {
    /// The id, where one could be read.
    pub id: Option<Id>,
    /// What to answer.
    pub error: Box<ErrorObject>,
    /// Whether it looks like a response: those are never answered.
    pub response: bool,
}

impl Rejection {
    fn new(id: Option<Id>, error: ErrorObject) -> Self {
        Self {
            id,
            error: Box::new(error),
            response: false,
        }
    }
}

/// Parses one line or body. A byte-order mark before it is ignored, as RFC 8259 permits.
pub fn parse(bytes: &[u8]) -> Packet {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Once for all: the reader would look at each text in it.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let error = ErrorObject::parse(format!("Parse error: {error}"));
            return Packet::Single(Err(Rejection::new(None, error)));
        }
    };
    let strict = Strict {
        depth: MAX_DEPTH,
        values: &Cell::new(MAX_VALUES),
    };
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => match read(text, Batch(strict)) {
            Err(rejection) => Packet::Single(Err(rejection)),
            Ok(items) if items.is_empty() => Packet::Single(Err(invalid(None, "an empty batch"))),
            Ok(items) if items.len() > MAX_BATCH => {
                let error = format!("a batch has at most {MAX_BATCH} messages");
                Packet::Single(Err(invalid(None, error)))
            }
            Ok(items) => Packet::Batch(items.into_iter().map(message).collect()),
        },
        _ => Packet::Single(read(text, strict.seed()).and_then(message)),
    }
}

/// Reads an array of what should be messages.
struct Batch<'a>(Strict<'a>);

impl<'de> DeserializeSeed<'de> for Batch<'_> {
    type Value = Vec<Given<Envelope>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Batch<'_> {
    type Value = Vec<Given<Envelope>>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let strict = self.0.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(strict.seed())? {
            // One too many shows that there are too many; the others need no room.
            if items.len() <= MAX_BATCH {
                items.push(item);
            }
        }
        Ok(items)
    }
}

/// Reads the one document that there must be.
fn read<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, Rejection> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| match error.classify() {
        Category::Data => invalid(peek_id(text), error.to_string()),
        _ => Rejection::new(None, ErrorObject::parse(format!("Parse error: {error}"))),
    })
}

/// The id of a message that is JSON but was refused as a whole.
fn peek_id(text: &str) -> Option<Id> {
    #[derive(Deserialize)]
    struct Peek {
        id: Value,
    }
    let peek: Peek = serde_json::from_str(text).ok()?;
    Id::from_value(&peek.id)
}

fn invalid(id: Option<Id>, why: impl std::fmt::Display) -> Rejection {
    Rejection::new(
        id,
        ErrorObject::invalid_request(format!("Invalid request: {why}")),
    )
}

fn message(given: Given<Envelope>) -> Result<Message, Rejection> {
    let Given::Object(envelope) = given else {
        return Err(invalid(None, "a message is an object"));
    };
    let id = envelope.id.as_ref().and_then(Id::from_value);
    let answers = envelope.result.is_some() || envelope.error.is_some();
    let rejected = |why: &str| Rejection {
        response: answers && envelope.method.is_none(),
        ..invalid(id.clone(), why)
    };
    if envelope.jsonrpc.as_ref().and_then(Value::as_str) != Some("2.0") {
        return Err(rejected("jsonrpc is \"2.0\""));
    }
    if envelope.id.is_some() && id.is_none() {
        return Err(rejected("an id is a string or an integer"));
    }
    if matches!(&id, Some(Id::String(text)) if text.len() > MAX_ID_BYTES) {
        let error = format!("an id has at most {MAX_ID_BYTES} bytes");
        return Err(Rejection {
            id: None,
            ..rejected(&error)
        });
    }
    match (envelope.method.is_some(), answers) {
        (true, false) => call(id, envelope),
        (false, true) => response(id, envelope),
        (true, true) => Err(rejected("a call has neither result nor error")),
        (false, false) => Err(rejected("there is no method")),
    }
}

fn call(id: Option<Id>, envelope: Envelope) -> Result<Message, Rejection> {
    let Some(Value::String(method)) = envelope.method else {
        return Err(invalid(id, "a method is a string"));
    };
    let params = match envelope.params {
        None => Params::default(),
        Some(Given::Object(params)) => params,
        Some(Given::Other(_)) => {
            let error = ErrorObject::invalid_params("params is an object").status(400);
            return Err(Rejection::new(id, error));
        }
    };
    Ok(match id {
        Some(id) => Message::Request { id, method, params },
        None => Message::Notification { method, params },
    })
}

fn response(id: Option<Id>, envelope: Envelope) -> Result<Message, Rejection> {
    let outcome = match (envelope.result, envelope.error) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        _ => {
            return Err(Rejection {
                response: true,
                ..invalid(id, "a response has a result or an error")
            });
        }
    };
    match id {
        Some(id) => Ok(Message::Response { id, outcome }),
        None => Err(Rejection {
            response: true,
            ..invalid(None, "a response has an id")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<(i64, String)> {
        match parse(text.as_bytes()) {
            Packet::Single(Err(rejection)) => Some((rejection.error.code, rejection.error.message)),
            _ => None,
        }
    }

    #[test]
    fn what_is_refused_as_a_whole() {
        let message = r#"{"jsonrpc":"2.0","method":"x"}"#;
        let batch = |count: usize| format!("[{}]", vec![message; count].join(","));
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"jsonrpc":"2.0","method":"x","y":{open}{close}}}"#)
        };
        let numbers = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        let table = [
            ("[]".to_owned(), -32600, "an empty batch"),
            (batch(101), -32600, "at most 100 messages"),
            (numbers(MAX_VALUES), -32600, "at most 100 messages"),
            (numbers(MAX_VALUES + 1), -32600, "too many values"),
            (nested(100), -32600, "nested"),
            (format!("[{}]", nested(99)), -32600, "nested"),
            (format!("{message}}}"), -32700, "trailing"),
            (format!("{},", batch(2)), -32700, "trailing"),
            (format!("[{message}"), -32700, "EOF"),
            (String::new(), -32700, "EOF"),
            ("null".to_owned(), -32600, "a message is an object"),
        ];
        for (text, code, why) in table {
            let start = &text[..text.len().min(60)];
            let (found, message) = refused(&text).expect(start);
            assert_eq!(found, code, "{start}: {message}");
            assert!(message.contains(why), "{start}: {message}");
        }
        for text in [message.to_owned(), nested(99), format!("\u{feff}{message}")] {
            assert_eq!(refused(&text), None, "{text}");
        }
        let Packet::Batch(messages) = parse(batch(100).as_bytes()) else {
            panic!("these are no more than there may be");
        };
        assert_eq!(messages.len(), 100);
    }
}
