//! The members of a message, read without a map of them: that would be half of the work of a short message.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::Object;
use super::strict::{Strict, repeated};

/// What an object has of the members of a message.
#[derive(Debug, Default)]
pub struct Envelope {
    pub jsonrpc: Option<Value>,
    pub id: Option<Value>,
    pub method: Option<Value>,
    pub params: Option<Value>,
    pub result: Option<Value>,
    pub error: Option<Value>,
}

/// The name of a member.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    /// It is read and has no meaning.
    Other(String),
}

impl Envelope {
    fn member(&mut self, name: &str) -> Option<&mut Option<Value>> {
        Some(match name {
            "jsonrpc" => &mut self.jsonrpc,
            "id" => &mut self.id,
            "method" => &mut self.method,
            "params" => &mut self.params,
            "result" => &mut self.result,
            "error" => &mut self.error,
            _ => return None,
        })
    }
}

impl From<Object> for Envelope {
    fn from(members: Object) -> Self {
        let mut envelope = Self::default();
        for (name, value) in members {
            if let Some(member) = envelope.member(&name) {
                *member = Some(value);
            }
        }
        envelope
    }
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Jsonrpc => "jsonrpc",
            Self::Id => "id",
            Self::Method => "method",
            Self::Params => "params",
            Self::Result => "result",
            Self::Error => "error",
            Self::Other(name) => name,
        }
    }
}

/// Reads an object as strictly as any other value.
pub struct Reader<'a>(pub Strict<'a>);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Envelope, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Envelope;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Envelope, A::Error> {
        let inner = self.0.deeper()?;
        let mut envelope = Envelope::default();
        let mut others = HashSet::new();
        while let Some(name) = access.next_key::<Name>()? {
            let value = access.next_value_seed(inner)?;
            let is_new = match envelope.member(name.as_str()) {
                Some(member) => member.replace(value).is_none(),
                None => others.insert(name.as_str().to_owned()),
            };
            if !is_new {
                return Err(A::Error::custom(repeated(name.as_str())));
            }
        }
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn read(text: &str) -> Result<Envelope, String> {
        let values = Cell::new(10);
        let strict = Strict {
            depth: 3,
            values: &values,
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let envelope = Reader(strict).deserialize(&mut reader);
        envelope.map_err(|error| error.to_string())
    }

    #[test]
    fn the_members_of_a_message_are_told_from_others() {
        let envelope = read(r#"{"x":[1],"id":null,"method":"ping","y":2}"#).unwrap();
        assert_eq!(envelope.id, Some(Value::Null));
        assert_eq!(envelope.method, Some("ping".into()));
        assert_eq!(envelope.params, None);
    }

    #[test]
    fn it_is_as_strict_as_with_any_other_value() {
        for (text, wrong) in [
            (r#"{"id":1,"id":null}"#, r#""id" is repeated"#),
            (r#"{"id":null,"i\u0064":null}"#, r#""id" is repeated"#),
            (r#"{"x":1,"x":1}"#, r#""x" is repeated"#),
            (r#"{"params":{"a":1,"a":1}}"#, r#""a" is repeated"#),
            (r#"{"params":[[[1]]]}"#, "nested too deeply"),
            (r#"{"x":[[[1]]]}"#, "nested too deeply"),
            (r#"{"x":[1,2,3,4,5,6,7,8,9,10]}"#, "too many values"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
        assert!(read(r#"{"params":[[1]],"x":[1,2,3]}"#).is_ok());
    }

    #[test]
    fn an_object_of_a_batch_is_read_like_a_line() {
        let text = r#"{"jsonrpc":"2.0","id":1,"result":{},"x":1}"#;
        let object: Object = serde_json::from_str(text).unwrap();
        let (one, other) = (Envelope::from(object), read(text).unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
}
