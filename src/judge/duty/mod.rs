//! Whether what was sent must, may or must not be answered: the one place that decides it, for judge and fuzzer alike.
//!
//! Where JSON, JSON-RPC 2.0 and MCP leave several answers open, all of them are accepted:
//!
//! | what was sent | answer | with the id | source |
//! | --- | --- | --- | --- |
//! | a request | must come | its own | [response object] |
//! | a request whose `params` are no object | may come; a result only if they are null or an array | its own or none | [parameters], [messages] |
//! | a notification | must not come | | [notification] |
//! | a response, legacy | must not come | | [response object] |
//! | a response, modern, where clients send none | may come: an error | its own or none | [stdio] |
//! | an id that is null | may come: an error, or silence as for a notification | none | [messages] |
//! | an id that is fractional or beyond 2^53 - 1 | may come | its own, rounded, or none | [request object], [numbers] |
//! | an id that is neither string nor number | may come: an error | its own or none | [messages] |
//! | `jsonrpc` missing or wrong | may come | its own or none | [request object] |
//! | any other object | may come | its own or none | [error object] |
//! | an array, at 2025-03-26 | as its elements ask | theirs | [batch], [batching] |
//! | an array, at other revisions | may come | theirs or none | [batch] |
//! | no JSON, several documents, other JSON | may come | any that can be made out, or none | [error object] |
//! | a carriage return within a line, over stdio | may come | its own or none | [framing] |
//! | duplicate names | may come | any of them or none | [objects] |
//! | a byte-order mark, invalid UTF-8 | may come, also as if it were repaired | its own or none | [encoding] |
//! | deep or large beyond what every parser reads | may come | its own or none | [parsers] |
//!
//! "None" is an absent or a null id. Over HTTP no status code is an answer: over HTTP+SSE it says at
//! most that one is to come on the stream.
//!
//! [request object]: https://www.jsonrpc.org/specification#request_object
//! [response object]: https://www.jsonrpc.org/specification#response_object
//! [error object]: https://www.jsonrpc.org/specification#error_object
//! [notification]: https://www.jsonrpc.org/specification#notification
//! [parameters]: https://www.jsonrpc.org/specification#parameter_structures
//! [batch]: https://www.jsonrpc.org/specification#batch
//! [batching]: https://modelcontextprotocol.io/specification/2025-03-26/basic#batching
//! [messages]: https://modelcontextprotocol.io/specification/2025-11-25/basic#messages
//! [stdio]: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio#sending-messages
//! [framing]: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
//! [objects]: https://www.rfc-editor.org/rfc/rfc8259#section-4
//! [numbers]: https://www.rfc-editor.org/rfc/rfc8259#section-6
//! [encoding]: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
//! [parsers]: https://www.rfc-editor.org/rfc/rfc8259#section-9

mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::pattern::equal::{canonical, equal, integer};
use crate::message::is_valid_id;
use crate::revision::{Era, Revision};
use crate::transport::Transport;
use scan::Scan;

/// What is nested deeper than this is beyond the default of some widely used parser, and may be refused.
pub const SANE_DEPTH: usize = 64;

/// What is larger than this (1 MiB) may be refused.
pub const SANE_SIZE: usize = 1 << 20;

/// Integers up to this are the same number to every parser.
const SAFE_INTEGER: i128 = (1 << 53) - 1;

/// Whether an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// It must.
    Must,
    /// It may; silence is as good.
    May,
    /// It must not.
    MustNot,
}

/// What is due for something that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// Whether an answer comes.
    pub duty: Duty,
    /// The ids that an answer may carry. A null among them means that it may be null or absent as well; empty: nothing
    /// but that.
    pub ids: Vec<Value>,
    /// Whether a result is acceptable. If not, an answer is an error.
    pub valid: bool,
}

impl Due {
    /// Whether an answer may carry this id; `None` is an absent one.
    pub fn accepts(&self, id: Option<&Value>) -> bool {
        match id {
            None | Some(Value::Null) => self.ids.is_empty() || self.ids.contains(&Value::Null),
            Some(id) => {
                let mut ids = self.ids.iter();
                ids.any(|ours| equal(ours, id) || is_rounded(ours, id))
            }
        }
    }

    fn may(id: Option<&Value>, valid: bool) -> Due {
        let ids = id.into_iter().cloned().collect();
        Due {
            duty: Duty::May,
            ids,
            valid,
        }
        .loosened()
    }

    const MUST_NOT: Due = Due {
        duty: Duty::MustNot,
        ids: Vec::new(),
        valid: false,
    };

    /// A parser may refuse it before it has seen anything, or not.
    fn loosened(mut self) -> Due {
        self.duty = Duty::May;
        self.add_ids([Value::Null]);
        self
    }

    fn add_ids(&mut self, ids: impl IntoIterator<Item = Value>) {
        let mut known: HashSet<String> = self.ids.iter().map(canonical).collect();
        self.ids
            .extend(ids.into_iter().filter(|id| known.insert(canonical(id))));
    }

    /// What is due for several messages together.
    fn of_all(dues: impl Iterator<Item = Due>) -> Due {
        let mut all = Due::MUST_NOT;
        let mut known = HashSet::new();
        // One after the other: an array may have very many.
        for due in dues {
            all.duty = match (all.duty, due.duty) {
                (Duty::Must, _) | (_, Duty::Must) => Duty::Must,
                (Duty::May, _) | (_, Duty::May) => Duty::May,
                (Duty::MustNot, Duty::MustNot) => Duty::MustNot,
            };
            all.valid |= due.valid;
            let new = due.ids.into_iter().filter(|id| known.insert(canonical(id)));
            all.ids.extend(new);
        }
        all
    }
}

/// What is due for these bytes: one line or several (stdio), or the body of a POST. Total: it knows an answer for any
/// bytes, in linear time.
pub fn due(bytes: &[u8], revision: Revision, transport: Transport) -> Due {
    // Of what is larger nothing is read.
    let small = (bytes.len() <= SANE_SIZE).then_some(bytes);
    let read: Option<Value> = small.and_then(|bytes| serde_json::from_slice(bytes).ok());
    due_of(bytes, read.as_ref(), revision, transport)
}

/// The same for bytes that were read before: as one JSON document, or as none.
pub fn due_of(bytes: &[u8], read: Option<&Value>, revision: Revision, transport: Transport) -> Due {
    let text = String::from_utf8_lossy(bytes);
    let unclean = matches!(text, Cow::Owned(_)) || text.starts_with('\u{feff}');
    let text = text.trim_start_matches('\u{feff}');
    let cleaned = unclean.then(|| parsed(text)).flatten();
    let read = match unclean {
        true => cleaned.as_ref(),
        false => read,
    };
    let mut due = match transport {
        // Anything goes, so nothing so large need be parsed.
        _ if bytes.len() > SANE_SIZE => huge(text),
        Transport::Stdio => lines(text, read, revision),
        Transport::Http | Transport::Sse => document(text, read, revision),
    };
    if unclean {
        due = due.loosened();
    }
    if due.ids.iter().all(Value::is_null) {
        due.ids.clear();
        // A result needs an id.
        due.valid = false;
    }
    due
}

fn huge(text: &str) -> Due {
    let scan = Scan::of(text);
    let mut due = Due {
        duty: Duty::May,
        ids: Vec::new(),
        valid: true,
    };
    due.add_ids(scan.ids);
    due.loosened()
}

/// Each line is a message of its own. One that is spread over lines breaks the framing; a parser that reads on finds
/// it nevertheless.
fn lines(text: &str, read: Option<&Value>, revision: Revision) -> Due {
    let lines: Vec<&str> = text
        .split('\n')
        .filter(|line| !line.trim().is_empty())
        .collect();
    // Some readers end a line at a carriage return, too, and the text does not say what a newline is.
    let is_split = lines.iter().any(|line| line.trim().contains('\r'));
    let due = match lines[..] {
        [] | [_] => document(text, read, revision),
        _ if lines
            .iter()
            .all(|line| serde_json::from_str::<IgnoredAny>(line).is_ok()) =>
        {
            let due = |line| document(line, parsed(line).as_ref(), revision);
            Due::of_all(lines.into_iter().map(due))
        }
        _ => document(text, read, revision).loosened(),
    };
    match is_split {
        true => due.loosened(),
        false => due,
    }
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn document(text: &str, read: Option<&Value>, revision: Revision) -> Due {
    let scan = Scan::of(text);
    match read {
        Some(value) if scan.duplicates || scan.depth > SANE_DEPTH => {
            let mut due = message(value, revision).loosened();
            // With duplicates, each of several readings may be the valid one.
            due.valid |= scan.duplicates;
            due.add_ids(scan.ids);
            due
        }
        Some(value) => message(value, revision),
        None => unreadable(text, scan, revision),
    }
}

/// What we cannot read as one document others perhaps can: no limit on depth, several documents in a row, numbers out of
/// range, lone surrogates.
fn unreadable(text: &str, scan: Scan, revision: Revision) -> Due {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut valid = false;
    let mut start = 0;
    while let Some(Ok(_)) = documents.next() {
        let end = documents.byte_offset();
        let value = text.get(start..end).map(serde_json::from_str::<Value>);
        valid |=
            value.is_some_and(|value| value.map_or(true, |value| message(&value, revision).valid));
        start = end;
    }
    let mut due = Due::may(None, valid);
    due.add_ids(scan.ids);
    due
}

fn message(value: &Value, revision: Revision) -> Due {
    match value {
        Value::Object(members) => object(members, revision),
        Value::Array(elements) => batch(elements, revision),
        _ => Due::may(None, false),
    }
}

fn batch(elements: &[Value], revision: Revision) -> Due {
    let element = |value: &Value| match value {
        Value::Object(members) => object(members, revision),
        _ => Due::may(None, false),
    };
    if elements.is_empty() {
        return Due::may(None, false);
    }
    let mut due = Due::of_all(elements.iter().map(element));
    // Who refuses it as a whole does so by one error without an id.
    if due.duty == Duty::Must {
        due.add_ids([Value::Null]);
    }
    // Requests and notifications may share an array, responses are among themselves. JSON-RPC answers whatever else is
    // among them one by one; MCP lets a server refuse the whole.
    let is_call = |value: &&Value| value.get("method").is_some();
    let calls = elements.iter().filter(is_call).count();
    let mixed = calls != 0 && calls != elements.len();
    match revision {
        Revision::V2025_03_26 if !mixed => due,
        _ => due.loosened(),
    }
}

fn object(members: &Map<String, Value>, revision: Revision) -> Due {
    let versioned = members
        .get("jsonrpc")
        .is_some_and(|version| version == "2.0");
    let id = members.get("id");
    let (result, error) = (
        members.contains_key("result"),
        members.contains_key("error"),
    );
    match members.get("method") {
        Some(Value::String(_)) if !result && !error => call(versioned, members.get("params"), id),
        // At once a call and a response: whoever sees the call may answer it.
        Some(Value::String(_)) => Due::may(id, true),
        None if versioned && result != error && revision.era() == Era::Legacy => Due::MUST_NOT,
        _ => Due::may(id, false),
    }
}

fn call(versioned: bool, params: Option<&Value>, id: Option<&Value>) -> Due {
    let structured = params.is_none_or(Value::is_object);
    // Nothing can be called with a scalar. Null is often taken for absent, and JSON-RPC knows parameters by position.
    let valid =
        params.is_none_or(|params| params.is_null() || params.is_array() || params.is_object());
    match id {
        None if versioned && structured => Due::MUST_NOT,
        None | Some(Value::Null) => Due::may(None, false),
        Some(id) if versioned && is_plain_id(id) => {
            let due = Due {
                duty: Duty::Must,
                ids: vec![id.clone()],
                valid,
            };
            // MCP knows no request with other params, so a reader may drop it as it drops what is no message; JSON-RPC
            // would answer, with a null id if it did not detect the id.
            if structured { due } else { due.loosened() }
        }
        Some(Value::String(_) | Value::Number(_)) => Due::may(id, valid),
        _ => Due::may(id, false),
    }
}

/// A string, or an integer that every parser reads alike.
fn is_plain_id(id: &Value) -> bool {
    is_valid_id(id) && id.as_number().is_none_or(is_exact)
}

fn is_exact(number: &Number) -> bool {
    integer(number).is_some_and(|integer| integer.abs() <= SAFE_INTEGER)
}

/// Whether it is our number as a reader has it to whom all numbers are doubles, however many digits that one then writes.
fn is_rounded(ours: &Value, id: &Value) -> bool {
    match (ours.as_number(), id.as_number()) {
        (Some(ours), Some(id)) => !is_exact(ours) && ours.as_f64() == id.as_f64(),
        _ => false,
    }
}
