//! What is sent again and again, and what is looked for in the answer: as little as will do.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::profile::Items;
use crate::revision::{Era, Revision, modern};

/// Stands for as many bytes as a payload has, in the arguments of a call.
pub const PAYLOAD: &str = "{payload}";

/// A request to be sent many times: all but its id.
#[derive(Debug, Clone)]
pub struct Template {
    /// The method, and behind it the name of the tool.
    pub name: String,
    /// The bytes behind the id.
    rest: Bytes,
    /// What HTTP repeats of it in headers.
    pub headers: Vec<(String, String)>,
}

/// The bytes before the id.
const START: &[u8] = br#"{"jsonrpc":"2.0","id":"#;

impl Template {
    /// A request as the revision wants it. `tools` are those whose schemas name parameters that headers mirror.
    pub fn new(revision: Revision, method: &str, params: Option<Value>, tools: &Items) -> Template {
        let mut rest = json!({ "method": method });
        let params = match revision.era() {
            Era::Legacy => params,
            Era::Modern => Some(with_meta(revision, params)),
        };
        if let Some(params) = params {
            rest["params"] = params;
        }
        let headers = match revision.era() {
            Era::Legacy => Vec::new(),
            Era::Modern => modern::headers(revision, &rest, tools),
        };
        let tool = match method {
            "tools/call" => rest.pointer("/params/name").and_then(Value::as_str),
            _ => None,
        };
        let name = tool.map_or(method.to_owned(), |tool| format!("{method} {tool}"));
        // The object goes on where that of the id began.
        let rest = Bytes::from(format!(",{}", &rest.to_string()[1..]));
        Template {
            name,
            rest,
            headers,
        }
    }

    /// Appends the request with this id.
    pub fn write(&self, id: u64, to: &mut Vec<u8>) {
        to.extend_from_slice(START);
        // Twenty digits are enough for any number.
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut left = id;
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        to.extend_from_slice(&digits[at..]);
        to.extend_from_slice(&self.rest);
    }

    /// How many bytes it has with an id of five digits.
    pub fn size(&self) -> usize {
        START.len() + 5 + self.rest.len()
    }
}

fn with_meta(revision: Revision, params: Option<Value>) -> Value {
    let mut params = params.unwrap_or_else(|| json!({}));
    let mut meta = modern::meta(revision, &json!({}));
    if let (Some(given), Some(meta)) = (
        params.get("_meta").and_then(Value::as_object),
        meta.as_object_mut(),
    ) {
        meta.extend(given.clone());
    }
    params["_meta"] = meta;
    params
}

/// The arguments with this many bytes in the place of `{payload}`; as they are if that is none.
pub fn filled(arguments: &Value, payload: usize) -> Value {
    match arguments {
        _ if payload == 0 => arguments.clone(),
        Value::String(text) if text.contains(PAYLOAD) => {
            let filling: String = ('a'..='z').cycle().take(payload).collect();
            Value::String(text.replace(PAYLOAD, &filling))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, payload)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, member)| (name.clone(), filled(member, payload)))
                .collect()
        }
        other => other.clone(),
    }
}

/// Whether arguments have a place for a payload.
pub fn takes_payload(arguments: &Value) -> bool {
    match arguments {
        Value::String(text) => text.contains(PAYLOAD),
        Value::Array(items) => items.iter().any(takes_payload),
        Value::Object(members) => members.values().any(takes_payload),
        _ => false,
    }
}

/// A message that came, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// A result for this id.
    Result(u64),
    /// An answer for this id, but no result; the text says of which kind.
    Failure(u64, String),
    /// A request of the server, which wants an answer; with its id as it stands there.
    Request(String, String),
    /// An answer with an id that no request of ours has.
    Astray,
    /// Something that is told on the way.
    Notification,
    /// No message, or none that names a request of ours.
    Noise,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    result: Option<Outcome<'a>>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(rename = "isError", default)]
    is_error: Option<bool>,
    #[serde(borrow, rename = "resultType", default)]
    kind: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: Option<i64>,
}

/// What a call failed of that was answered under another id.
pub const ASTRAY: &str = "answer with another id";

/// Says what a message is, without keeping any of it.
pub fn look(message: &[u8]) -> Came {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(message) else {
        return odd(message);
    };
    if let Some(method) = envelope.method {
        return match envelope.id {
            Some(id) => Came::Request(id.get().to_owned(), method.into_owned()),
            None => Came::Notification,
        };
    }
    let Some(id) = envelope.id else {
        return Came::Noise;
    };
    let Ok(id) = id.get().parse() else {
        return match id.get() != "null" && (envelope.result.is_some() || envelope.error.is_some()) {
            true => Came::Astray,
            false => Came::Noise,
        };
    };
    match (envelope.result, envelope.error) {
        (_, Some(error)) => {
            let code = error
                .code
                .map_or_else(String::new, |code| format!(" {code}"));
            Came::Failure(id, format!("error{code}"))
        }
        (Some(result), None) if result.is_error == Some(true) => {
            Came::Failure(id, "isError".to_owned())
        }
        (Some(result), None) => match result.kind {
            Some(kind) if kind != "complete" => Came::Failure(id, format!("resultType {kind}")),
            _ => Came::Result(id),
        },
        (None, None) => Came::Failure(id, "no result".to_owned()),
    }
}

/// What cannot be read as a message, though it may name a request: a result that is no object, say.
fn odd(message: &[u8]) -> Came {
    #[derive(Deserialize)]
    struct Named {
        id: u64,
        #[serde(default, rename = "result")]
        _result: IgnoredAny,
    }
    match serde_json::from_slice::<Named>(message) {
        Ok(named) => Came::Failure(named.id, "malformed".to_owned()),
        Err(_) => Came::Noise,
    }
}

/// What we answer to a request of the server: we declared nothing that it could ask for.
pub fn reply(id: &str, method: &str) -> Vec<u8> {
    let rest = match method {
        "ping" => r#""result":{}"#,
        _ => r#""error":{"code":-32601,"message":"Method not found"}"#,
    };
    format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(template: &Template, id: u64) -> Value {
        let mut bytes = Vec::new();
        template.write(id, &mut bytes);
        assert_eq!(bytes.len(), template.size() - 5 + id.to_string().len());
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn requests_are_dressed_for_their_era() {
        let tools = Items::default();
        let ping = Template::new(Revision::V2025_11_25, "ping", None, &tools);
        assert_eq!(
            written(&ping, 7),
            json!({"jsonrpc": "2.0", "id": 7, "method": "ping"})
        );
        let params = json!({"name": "echo", "arguments": {}, "_meta": {"progressToken": 1}});
        let call = Template::new(Revision::V2026_07_28, "tools/call", Some(params), &tools);
        assert_eq!(call.name, "tools/call echo");
        let request = written(&call, 0);
        assert_eq!(request["params"]["_meta"]["progressToken"], 1);
        assert_eq!(
            request["params"]["_meta"][modern::VERSION_KEY],
            "2026-07-28"
        );
        assert!(call.headers.contains(&("Mcp-Name".into(), "echo".into())));
    }

    #[test]
    fn a_payload_takes_the_place_of_its_name() {
        let arguments = json!({"a": ["<{payload}>"], "b": 1});
        assert!(takes_payload(&arguments));
        assert_eq!(filled(&arguments, 3), json!({"a": ["<abc>"], "b": 1}));
        assert_eq!(filled(&arguments, 0), arguments);
        assert!(!takes_payload(&json!({"{payload}": 1})));
    }

    #[test]
    fn what_a_message_is() {
        let table = [
            (r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, Came::Result(3)),
            (
                r#"{"id":3,"result":{"resultType":"complete","content":[]}}"#,
                Came::Result(3),
            ),
            (
                r#"{"id":3,"result":{"resultType":"input_required"}}"#,
                Came::Failure(3, "resultType input_required".into()),
            ),
            (
                r#"{"id":3,"result":{"isError":true}}"#,
                Came::Failure(3, "isError".into()),
            ),
            (
                r#"{"id":3,"error":{"code":-32602,"message":"x"}}"#,
                Came::Failure(3, "error -32602".into()),
            ),
            (r#"{"id":3}"#, Came::Failure(3, "no result".into())),
            (
                r#"{"id":3,"result":[1]}"#,
                Came::Failure(3, "malformed".into()),
            ),
            (
                r#"{"id":"a","method":"ping"}"#,
                Came::Request("\"a\"".into(), "ping".into()),
            ),
            (r#"{"method":"notifications/progress"}"#, Came::Notification),
            (r#"{"id":null,"error":{"code":-32700}}"#, Came::Noise),
            (r#"{"id":"3","result":{}}"#, Came::Astray),
            (r#"{"id":"3"}"#, Came::Noise),
            ("starting up", Came::Noise),
        ];
        for (message, expected) in table {
            assert_eq!(look(message.as_bytes()), expected, "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_id_is_written_and_found_again(id: u64) {
            let template = Template::new(Revision::V2025_11_25, "ping", None, &Items::default());
            prop_assert_eq!(&written(&template, id)["id"], &json!(id));
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string();
            prop_assert_eq!(look(answer.as_bytes()), Came::Result(id));
        }

        #[test]
        fn whatever_comes_is_looked_at(bytes: Vec<u8>) {
            look(&bytes);
        }

        #[test]
        fn our_replies_are_messages(id in "0|[1-9][0-9]{0,8}|\"[a-z]{0,9}\"", method: String) {
            let reply: Value = serde_json::from_slice(&reply(&id, &method)).unwrap();
            prop_assert!(reply["result"].is_object() || reply["error"]["code"] == -32601);
        }
    }
}
