//! The members of a message, read without a map of them: that would be half of the work of a short message.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;

use super::params::Params;
use super::strict::{Given, Members, Strict, fill, repeated};

/// What an object has of the members of a message.
#[derive(Debug, Default)]
pub struct Envelope {
    pub jsonrpc: Option<Value>,
    pub id: Option<Value>,
    pub method: Option<Value>,
    pub params: Option<Given<Params>>,
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

impl Members for Envelope {
    fn read<'de, A: MapAccess<'de>>(strict: Strict, mut access: A) -> Result<Self, A::Error> {
        let mut envelope = Self::default();
        let mut others = HashSet::new();
        while let Some(name) = access.next_key()? {
            let (place, name) = match name {
                Name::Jsonrpc => (&mut envelope.jsonrpc, "jsonrpc"),
                Name::Id => (&mut envelope.id, "id"),
                Name::Method => (&mut envelope.method, "method"),
                Name::Result => (&mut envelope.result, "result"),
                Name::Error => (&mut envelope.error, "error"),
                Name::Params => {
                    let params = access.next_value_seed(strict.seed::<Params>())?;
                    fill(&mut envelope.params, params, "params")?;
                    continue;
                }
                Name::Other(name) => {
                    strict.value(&mut access)?;
                    match others.replace(name) {
                        None => continue,
                        Some(name) => return Err(repeated(&name)),
                    }
                }
            };
            fill(place, strict.value(&mut access)?, name)?;
        }
        Ok(envelope)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde::de::DeserializeSeed;

    use super::*;

    fn read(text: &str) -> Result<Envelope, String> {
        let values = Cell::new(11);
        let strict = Strict {
            depth: 3,
            values: &values,
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let envelope = strict.seed().deserialize(&mut reader);
        let envelope = envelope.map_err(|error| error.to_string())?;
        Ok(envelope.object().unwrap())
    }

    #[test]
    fn the_members_of_a_message_are_told_from_others() {
        let envelope = read(r#"{"x":[1],"id":null,"method":"ping","y":2}"#).unwrap();
        assert_eq!(envelope.id, Some(Value::Null));
        assert_eq!(envelope.method, Some("ping".into()));
        assert!(envelope.params.is_none());
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
}
