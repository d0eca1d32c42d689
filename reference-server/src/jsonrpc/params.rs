//! The parameters of a message, and what the message says of itself.

use std::ops::Deref;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;

use super::Object;
use super::strict::{Given, Members, Strict, fill};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// The parameters of a request or notification. Its `_meta` is apart.
#[derive(Debug, Default)]
pub struct Params {
    members: Object,
    /// Boxed, because parameters are moved around, and most have none.
    meta: Option<Box<Meta>>,
}

/// The `_meta` of a message. What every request of 2026-07-28 has is read without a map of it: that would be a third of the
/// work of a short one.
///
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic#meta>
#[derive(Debug, Default)]
pub struct Meta {
    /// `io.modelcontextprotocol/protocolVersion`
    pub version: Option<Value>,
    /// `io.modelcontextprotocol/clientCapabilities`
    pub capabilities: Option<Value>,
    /// `io.modelcontextprotocol/clientInfo`
    pub client: Option<Given<Client>>,
    /// Everything else.
    pub others: Object,
    /// Whether there is one that is no object.
    pub is_malformed: bool,
}

/// Who a client says it is.
#[derive(Debug, Default, PartialEq)]
pub struct Client {
    /// Its name.
    pub name: Option<Value>,
    /// Its version.
    pub version: Option<Value>,
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
