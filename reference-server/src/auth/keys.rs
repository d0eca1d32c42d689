//! API keys. Only their SHA-256 digests are known here, so that the file is no treasure; a key is random and long, so that
//! a fast digest is enough.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Role};

/// A key, as the file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    sha256: String,
    principal: String,
    role: Role,
}

/// A key and whom it belongs to.
#[derive(Debug)]
pub struct Key {
    digest: [u8; 32],
    principal: String,
    role: Role,
}

impl TryFrom<Described> for Key {
    type Error = String;

    fn try_from(described: Described) -> Result<Self, String> {
        let digest = digest(&described.sha256);
        let digest = digest.ok_or_else(|| {
            let whose = &described.principal;
            format!("sha256 of the key of {whose:?} is not 64 hexadecimal digits")
        })?;
        Ok(Self {
            digest,
            principal: format!("key:{}", described.principal),
            role: described.role,
        })
    }
}

fn digest(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hexadecimal.len() != 64 || !hexadecimal.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hexadecimal[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(digest)
}

/// Whom a key belongs to. How long this takes says nothing about any key.
pub fn find(keys: &[Key], token: &str) -> Option<Caller> {
    let given = Sha256::digest(token.as_bytes());
    let mut found = None;
    for key in keys {
        if bool::from(key.digest.ct_eq(given.as_slice())) {
            found = Some(key);
        }
    }
    found.map(|key| Caller {
        principal: key.principal.clone(),
        role: key.role,
    })
}
