//! The parameters of a message, and what the message says of itself.

use std::ops::Deref;
use std::sync::LazyLock;

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Object;
use super::strict::{Given, Members, Strict, fill};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// The parameters of a request or notification. Its `_meta` is apart.
#[derive(Debug, Default, Serialize)]
pub struct Params {
    #[serde(flatten)]
    members: Object,
    /// Boxed, because parameters are moved around, and most have none.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Box<Meta>>,
}

/// The `_meta` of a message. What every request of 2026-07-28 has is read without a map of it: that would be a third of the
/// work of a short one.
///
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic#meta>
#[derive(Debug, Default, Serialize)]
pub struct Meta {
    /// `io.modelcontextprotocol/protocolVersion`
    #[serde(
        rename = "io.modelcontextprotocol/protocolVersion",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<Value>,
    /// `io.modelcontextprotocol/clientCapabilities`
    #[serde(
        rename = "io.modelcontextprotocol/clientCapabilities",
        skip_serializing_if = "Option::is_none"
    )]
    pub capabilities: Option<Value>,
    /// `io.modelcontextprotocol/clientInfo`
    #[serde(
        rename = "io.modelcontextprotocol/clientInfo",
        skip_serializing_if = "Option::is_none"
    )]
    pub client: Option<Given<Client>>,
    /// Everything else.
    #[serde(flatten)]
    pub others: Object,
    /// Whether there is one that is no object.
    #[serde(skip)]
    pub is_malformed: bool,
}

/// Who a client says it is.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Client {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Value>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Value>,
    #[serde(flatten)]
    others: Object,
}

impl Deref for Params {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.members
    }
}

impl Params {
    /// What the message says of itself.
    pub fn meta(&self) -> &Meta {
        static NOTHING: LazyLock<Meta> = LazyLock::new(Meta::default);
        self.meta.as_deref().unwrap_or(&NOTHING)
    }
}

impl From<Given<Meta>> for Meta {
    fn from(given: Given<Meta>) -> Self {
        given.object().unwrap_or_else(|| Self {
            is_malformed: true,
            ..Self::default()
        })
    }
}

impl Members for Params {
    fn read<'de, A: MapAccess<'de>>(strict: Strict, mut access: A) -> Result<Self, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier)]
        enum Member {
            #[serde(rename = "_meta")]
            Meta,
            Other(String),
        }
        let mut params = Self::default();
        while let Some(name) = access.next_key()? {
            match name {
                Member::Meta => {
                    let value = access.next_value_seed(strict.seed::<Meta>())?;
                    fill(&mut params.meta, Box::new(value.into()), "_meta")?;
                }
                Member::Other(name) => strict.insert(name, &mut access, &mut params.members)?,
            }
        }
        Ok(params)
    }
}

impl Members for Meta {
    fn read<'de, A: MapAccess<'de>>(strict: Strict, mut access: A) -> Result<Self, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier)]
        enum Member {
            #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
            Version,
            #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
            Capabilities,
            #[serde(rename = "io.modelcontextprotocol/clientInfo")]
            Client,
            Other(String),
        }
        let mut meta = Self::default();
        while let Some(name) = access.next_key()? {
            match name {
                Member::Version => {
                    fill(&mut meta.version, strict.value(&mut access)?, VERSION)?;
                }
                Member::Capabilities => {
                    let value = strict.value(&mut access)?;
                    fill(&mut meta.capabilities, value, CAPABILITIES)?;
                }
                Member::Client => {
                    let value = access.next_value_seed(strict.seed::<Client>())?;
                    fill(&mut meta.client, value, CLIENT)?;
                }
                Member::Other(name) => strict.insert(name, &mut access, &mut meta.others)?,
            }
        }
        Ok(meta)
    }
}

impl Members for Client {
    fn read<'de, A: MapAccess<'de>>(strict: Strict, mut access: A) -> Result<Self, A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Member {
            Name,
            Version,
            Other(String),
        }
        let mut client = Self::default();
        while let Some(name) = access.next_key()? {
            match name {
                Member::Name => fill(&mut client.name, strict.value(&mut access)?, "name")?,
                Member::Version => {
                    fill(&mut client.version, strict.value(&mut access)?, "version")?
                }
                Member::Other(name) => strict.insert(name, &mut access, &mut client.others)?,
            }
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde::de::DeserializeSeed;

    use super::*;

    fn read(text: &str) -> Result<Params, String> {
        let values = Cell::new(100);
        let strict = Strict {
            depth: 9,
            values: &values,
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let given = strict.seed().deserialize(&mut reader);
        given
            .map(|given| given.object().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_message_says_of_itself_is_apart() {
        let params = read(
            r#"{"name":"x","_meta":{"a":1,
                "io.modelcontextprotocol/protocolVersion":"v",
                "io.modelcontextprotocol/clientCapabilities":{"b":2},
                "io.modelcontextprotocol/clientInfo":{"name":"n","version":3,"title":"t"}}}"#,
        )
        .unwrap();
        assert_eq!(params.keys().collect::<Vec<_>>(), ["name"]);
        let meta = params.meta();
        assert_eq!(meta.others.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(meta.version, Some("v".into()));
        assert_eq!(meta.capabilities.as_ref().unwrap()["b"], 2);
        let Some(Given::Object(client)) = &meta.client else {
            panic!("{meta:?}");
        };
        assert_eq!(client.name, Some("n".into()));
        assert_eq!(client.version, Some(3.into()));
        assert!(!meta.is_malformed);
    }

    #[test]
    fn what_was_read_apart_is_written_together() {
        let text = r#"{"name":"x","_meta":{"io.modelcontextprotocol/protocolVersion":"v","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"n","version":"1","title":"t"},"a":1}}"#;
        let params = read(text).unwrap();
        assert_eq!(serde_json::to_string(&params).unwrap(), text);
        assert_eq!(serde_json::to_string(&read("{}").unwrap()).unwrap(), "{}");
    }

    #[test]
    fn what_is_no_object_is_told_from_what_is_not_there() {
        assert!(read(r#"{"_meta":null}"#).unwrap().meta().is_malformed);
        assert!(!read("{}").unwrap().meta().is_malformed);
        let text = r#"{"_meta":{"io.modelcontextprotocol/clientInfo":[]}}"#;
        let params = read(text).unwrap();
        assert!(matches!(params.meta().client, Some(Given::Other(_))));
    }

    #[test]
    fn no_name_is_repeated_anywhere() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":{"a":1,"a":1}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":1,"io.modelcontextprotocol\/protocolVersion":1}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"a":1,"a":1}}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":1,"name":1}}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/clientInfo":{"title":1,"title":1}}}"#,
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("is repeated"), "{text}: {error}");
        }
    }
}
