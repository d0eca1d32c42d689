//! One thing to try on a server.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::catalog::case::{Action, Call, Expectation, HttpStep, Step};
use crate::drive::Shot;
use crate::transport::HttpRequest;

/// Stands for an id that no other input has, followed by a digit and `%`.
const ID: &str = "%ID";
/// Integer ids begin here, above those that sessions use themselves.
const FIRST_ID: u64 = 1_000_000;
/// So many ids are kept for each input.
const IDS: u64 = 10;
/// Of longer ids only the beginning is compared.
const MAX_ID: usize = 64;

/// What is sent together, and where it comes from.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The generator that made it.
    pub generator: &'static str,
    /// The method that it is about, where there is one.
    pub method: Option<String>,
    /// What is wrong with it: a keyword of JSON Schema, or the kind of input.
    pub keyword: &'static str,
    /// What is sent.
    pub shots: Vec<Shot>,
}

impl Input {
    /// Bytes as one message.
    pub(super) fn bytes(keyword: &'static str, bytes: impl Into<Bytes>) -> Input {
        Input {
            keyword,
            shots: vec![Shot::message(bytes.into())],
            ..Input::default()
        }
    }

    /// JSON as one message.
    pub(super) fn json(keyword: &'static str, message: &Value) -> Input {
        let method = message.get("method").and_then(Value::as_str);
        Input {
            method: method.map(str::to_owned),
            ..Input::bytes(keyword, message.to_string())
        }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.shots.iter().map(Shot::len).sum()
    }

    /// Whether nothing is sent.
    pub fn is_empty(&self) -> bool {
        self.shots.is_empty()
    }

    /// The same with ids of its own: integers for one half of all inputs, strings for the other.
    pub(super) fn numbered(mut self, index: u64) -> Input {
        for shot in &mut self.shots {
            let bytes = shot.bytes_mut();
            *bytes = numbered(bytes, index);
        }
        self
    }

    /// Its ids that are not its own.
    pub(super) fn odd_ids(&self) -> Vec<String> {
        let bytes = self.shots.iter().filter_map(|shot| match shot {
            Shot::Message { bytes, .. } => Some(bytes),
            // They are answered on streams of their own.
            Shot::Http(_) | Shot::Aborted(_) => None,
        });
        bytes.flat_map(|bytes| odd_ids(bytes)).collect()
    }

    /// What two inputs have in common that break a server in the same way, as a number.
    pub(super) fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for shot in &self.shots {
            match shot {
                Shot::Http(request) => {
                    request.method.hash(&mut hasher);
                    shape_of(&request.body).hash(&mut hasher);
                }
                Shot::Message { bytes, .. } => shape_of(bytes).hash(&mut hasher),
                Shot::Aborted(bytes) => ("aborted", shape_of(bytes)).hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// The same as steps of a case.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.shots.iter().flat_map(steps).collect()
    }

    /// Several, one behind the other, as a case file has them.
    pub(super) fn all_steps(inputs: &[Input]) -> Value {
        json!(inputs.iter().flat_map(Input::steps).collect::<Vec<_>>())
    }

    /// What steps of a case send; none where they do anything else.
    pub(super) fn of_steps(steps: &[Step]) -> Option<Input> {
        let mut shots: Vec<Shot> = Vec::new();
        let mut first: Option<Bytes> = None;
        for step in steps {
            match (&step.action, first.take()) {
                (Action::Alive, None) => {}
                // A line in two writes.
                (Action::Bytes { bytes, newline, .. }, None) if !newline => {
                    first = Some(read(bytes)?);
                }
                (_, None) => shots.push(shot(step)?),
                (_, Some(first)) => shots.push(joined(&first, shot(step)?)?),
            }
        }
        if first.is_some() {
            return None;
        }
        Some(Input {
            generator: "replay",
            shots,
            ..Input::default()
        })
    }
}

fn joined(first: &Bytes, second: Shot) -> Option<Shot> {
    match second {
        Shot::Message { bytes, headers, .. } => Some(Shot::Message {
            bytes: [&first[..], &bytes[..]].concat().into(),
            split: Some(first.len()),
            headers,
        }),
        Shot::Http(_) | Shot::Aborted(_) => None,
    }
}

/// A place for the id of the given number, below ten.
pub(super) fn id(number: u8) -> Value {
    Value::String(format!("{ID}{number}%"))
}

/// With the ids of the input with this number in their places.
fn numbered(bytes: &Bytes, index: u64) -> Bytes {
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
fn odd_ids(bytes: &[u8]) -> impl Iterator<Item = String> {
    find_iter(bytes, b"\"id\"").filter_map(move |place| {
        let rest = bytes[place + 4..].trim_ascii_start();
        let rest = rest.strip_prefix(b":")?.trim_ascii_start();
        let ends = |byte: &u8| matches!(byte, b',' | b'}');
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let value = String::from_utf8_lossy(&rest[..end.min(MAX_ID)]);
        let value = value.trim().trim_matches('"');
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

/// JSON without its values; of anything else the kind.
fn shape_of(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => skeleton(&value, 0),
        Err(_) if bytes.is_empty() => "empty".to_owned(),
        Err(_) if std::str::from_utf8(bytes).is_err() => "not UTF-8".to_owned(),
        Err(_) if bytes.starts_with("\u{feff}".as_bytes()) => "byte-order mark".to_owned(),
        Err(_) => "not JSON".to_owned(),
    }
}

fn skeleton(value: &Value, depth: usize) -> String {
    let inner = |value: &Value| skeleton(value, depth + 1);
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "fraction".to_owned(),
        Value::Number(_) => "integer".to_owned(),
        Value::String(_) => "string".to_owned(),
        _ if depth > 3 => "…".to_owned(),
        Value::Array(items) => format!("[{}]", items.first().map(inner).unwrap_or_default()),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match name.as_str() {
                "method" => format!("method:{value}"),
                _ => format!("{name}:{}", inner(value)),
            };
            let mut members: Vec<String> = members.iter().map(member).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn steps(shot: &Shot) -> Vec<Step> {
    let step = |action| Step {
        identity: None,
        action,
        expect: Expectation::default(),
    };
    let piece = |bytes: &[u8], newline, headers: &Map<String, Value>| {
        step(Action::Bytes {
            bytes: written(bytes),
            newline,
            headers: headers.clone(),
        })
    };
    match shot {
        Shot::Message {
            bytes,
            split: Some(at),
            headers,
        } if *at < bytes.len() => vec![
            piece(&bytes[..*at], false, headers),
            piece(&bytes[*at..], true, headers),
        ],
        Shot::Message { bytes, headers, .. } => vec![piece(bytes, true, headers)],
        Shot::Aborted(bytes) => started(bytes).map(step).into_iter().collect(),
        Shot::Http(request) => vec![step(Action::Http(HttpStep {
            method: request.method.clone(),
            path: request.path.clone().map(Value::String),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect(),
            body: (!request.body.is_empty()).then(|| written(&request.body)),
        }))],
    }
}

/// The nearest that a case can say: a request whose answer nobody waits for.
fn started(bytes: &[u8]) -> Option<Action> {
    let message: Value = serde_json::from_slice(bytes).ok()?;
    let call = Call {
        method: message.get("method")?.as_str()?.to_owned(),
        params: message.get("params").cloned(),
        headers: Map::new(),
        bare: false,
        invalid: true,
    };
    let name = "aborted".to_owned();
    Some(Action::Start { name, call })
}

/// Bytes as a case writes them: as text unless that would be read as something else.
fn written(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains("${") => Value::String(text.to_owned()),
        _ => json!({ "$base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    }
}

fn read(value: &Value) -> Option<Bytes> {
    use base64::Engine as _;
    match value {
        Value::String(text) => Some(Bytes::from(text.clone())),
        value => {
            let encoded = value.get("$base64")?.as_str()?;
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
            bytes.ok().map(Bytes::from)
        }
    }
}

fn shot(step: &Step) -> Option<Shot> {
    match &step.action {
        Action::Start { call, .. } => {
            let message = json!({
                "jsonrpc": "2.0",
                "id": FIRST_ID,
                "method": call.method,
                "params": call.params.clone().unwrap_or_else(|| json!({})),
            });
            Some(Shot::Aborted(message.to_string().into()))
        }
        Action::Bytes {
            bytes,
            headers,
            newline: true,
        } => Some(Shot::Message {
            bytes: read(bytes)?,
            split: None,
            headers: headers.clone(),
        }),
        Action::Http(http) => Some(Shot::Http(HttpRequest {
            replica: 0,
            method: http.method.clone(),
            path: match &http.path {
                Some(path) => Some(path.as_str()?.to_owned()),
                None => None,
            },
            headers: http
                .headers
                .iter()
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()?,
            body: match &http.body {
                Some(body) => read(body)?,
                None => Bytes::new(),
            },
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shots() -> impl Strategy<Value = Shot> {
        let bytes = prop_oneof![
            any::<Vec<u8>>(),
            any::<String>().prop_map(String::into_bytes),
            Just(b"${id}".to_vec())
        ];
        bytes.prop_map(|bytes| Shot::message(bytes.into()))
    }

    proptest! {
        #[test]
        fn what_is_saved_is_read_again(shots in prop::collection::vec(shots(), 1..4)) {
            let input = Input { shots, ..Input::default() };
            let again = Input::of_steps(&input.steps()).unwrap();
            prop_assert_eq!(again.shots, input.shots);
        }

        #[test]
        fn a_line_in_two_writes_is_read_again(bytes in "[a-z]{2,20}", at in 1..20_usize) {
            let split = Some(at).filter(|at| *at < bytes.len());
            let shot = Shot::Message { bytes: bytes.into(), split, headers: Map::new() };
            let input = Input { shots: vec![shot], ..Input::default() };
            prop_assert_eq!(Input::of_steps(&input.steps()).unwrap().shots, input.shots);
        }

        #[test]
        fn ids_differ_between_inputs(one in 0..u64::from(u32::MAX), other in 0..u64::from(u32::MAX)) {
            let message = json!({ "id": id(0), "other": id(9) });
            let numbered = |index| Input::json("", &message).numbered(index).shots;
            prop_assert_eq!(numbered(one) == numbered(other), one == other);
        }
    }

    #[test]
    fn ids_that_others_may_have_are_known() {
        let odd = |text: &str| Input::bytes("", text.to_owned()).odd_ids();
        assert_eq!(odd(r#"{"id": 1.0}"#), odd(r#"{"id":"1"}"#));
        assert_eq!(odd(r#"{"id":"","x":{"id":-1}}"#), ["", "-1"]);
        assert_eq!(odd(r#"{"id":null,"method":"id"}"#), [""; 0]);
        let own = json!({ "id": id(0), "params": { "id": id(1) } });
        for index in 0..2 {
            assert_eq!(Input::json("", &own).numbered(index).odd_ids(), [""; 0]);
        }
    }

    #[test]
    fn only_whole_places_are_numbered() {
        let text = r#"%ID1% "%ID" "%IDx%" "%ID3%" "%ID4%"#;
        let numbered = Input::bytes("", text.to_owned()).numbered(0);
        let expected = r#"%ID1% "%ID" "%IDx%" 1000003 "%ID4%"#;
        assert_eq!(numbered.shots[0].bytes(), expected);
    }

    #[test]
    fn the_shape_forgets_values_but_not_methods() {
        let shape = |text: &str| Input::bytes("", text.to_owned()).shape();
        assert_eq!(
            shape(r#"{"id":1,"method":"a"}"#),
            shape(r#"{"method":"a","id":2}"#)
        );
        assert_ne!(
            shape(r#"{"id":1,"method":"a"}"#),
            shape(r#"{"method":"b","id":1}"#)
        );
        assert_ne!(shape(r#"{"id":1}"#), shape(r#"{"id":"1"}"#));
        assert_eq!(shape("{"), shape("]"));
        assert_ne!(shape("{"), shape(""));
    }
}
