//! Answers.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{ErrorObject, Id, Object};

/// The `_meta` key under which a result says who answers.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// A response and the HTTP status that goes with it. What all of them have is put in only as they are written: in maps it
/// would be a fifth of the work of a short call.
#[derive(Debug)]
pub struct Reply {
    /// Whose answer it is; none where no id could be read.
    id: Option<Id>,
    /// The result, or why there is none.
    pub outcome: Result<Object, ErrorObject>,
    /// Used when the response is the body of an HTTP response in a modern revision.
    pub status: u16,
    /// Who answers, if the result says so.
    pub server_info: Option<Arc<Value>>,
    /// Sent instead: several answers, or what a fault has made of this one.
    instead: Option<Value>,
}

impl Reply {
    fn new(id: Option<Id>, outcome: Result<Object, ErrorObject>, status: u16) -> Self {
        Self {
            id,
            outcome,
            status,
            server_info: None,
            instead: None,
        }
    }

    /// A success.
    pub fn result(id: &Id, result: Object) -> Self {
        Self::new(Some(id.clone()), Ok(result), 200)
    }

    /// A failure; without an id when none could be read.
    pub fn error(id: Option<&Id>, error: ErrorObject) -> Self {
        let status = error.status;
        Self::new(id.cloned(), Err(error), status)
    }

    /// All answers to a batch, in one array.
    pub fn batch(replies: &[Reply]) -> Self {
        Self {
            instead: Some(json!(replies)),
            ..Self::new(None, Ok(Object::new()), 200)
        }
    }

    /// The message, to be changed as one likes.
    pub fn message_mut(&mut self) -> &mut Value {
        let message = json!(self);
        self.instead.insert(message)
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(instead) = &self.instead {
            return instead.serialize(serializer);
        }
        let mut message = serializer.serialize_map(None)?;
        message.serialize_entry("jsonrpc", "2.0")?;
        if let Some(id) = &self.id {
            message.serialize_entry("id", id)?;
        }
        match &self.outcome {
            Ok(result) => match &self.server_info {
                Some(info) => message.serialize_entry("result", &Signed(result, info))?,
                None => message.serialize_entry("result", result)?,
            },
            Err(error) => message.serialize_entry("error", error)?,
        }
        message.end()
    }
}

/// A result that says who answers.
struct Signed<'a>(&'a Object, &'a Value);

impl Serialize for Signed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(result, info) = self;
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in result.iter().filter(|(name, _)| *name != "_meta") {
            members.serialize_entry(name, value)?;
        }
        let meta = result.get("_meta").and_then(Value::as_object);
        members.serialize_entry("_meta", &SignedMeta(meta, info))?;
        members.end()
    }
}

/// The `_meta` of a result that says who answers, and what else it says.
struct SignedMeta<'a>(Option<&'a Object>, &'a Value);

impl Serialize for SignedMeta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(others, info) = self;
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in others.iter().copied().flatten() {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry(SERVER_INFO, info)?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_written_as_it_is_or_as_it_was_changed() {
        let id = Id::String("one".into());
        let mut result = Reply::result(&id, Object::new());
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            r#"{"jsonrpc":"2.0","id":"one","result":{}}"#
        );
        result.message_mut()["id"] = 2.into();
        result.message_mut()["extra"] = 3.into();
        let changed = json!({"jsonrpc": "2.0", "id": 2, "result": {}, "extra": 3});
        assert_eq!(json!(result), changed);

        let error = ErrorObject::invalid_request("why").data(json!([1]));
        let error = Reply::error(None, error);
        assert_eq!(error.status, 400);
        let message = json!({"code": -32600, "message": "why", "data": [1]});
        let message = json!({"jsonrpc": "2.0", "error": message});
        assert_eq!(
            json!(Reply::batch(&[error, result])),
            json!([message, changed])
        );
    }

    #[test]
    fn a_signature_stands_beside_what_else_is_meta() {
        let info = Arc::new(json!({"name": "me"}));
        for (result, meta) in [
            (json!({"a": 1}), json!({})),
            (json!({"a": 1, "_meta": {"b": 2}}), json!({"b": 2})),
        ] {
            let mut reply =
                Reply::result(&Id::Number(1.into()), result.as_object().unwrap().clone());
            reply.server_info = Some(Arc::clone(&info));
            let (mut expected, mut meta) = (result, meta);
            meta[SERVER_INFO] = json!({"name": "me"});
            expected["_meta"] = meta;
            assert_eq!(json!(reply)["result"], expected);
        }
    }
}
