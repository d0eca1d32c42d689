//! `requestState`: what we know so far, kept by the client and therefore signed.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>
//!
//! A state is `base64url(payload).base64url(hmac-sha256(payload))`. The payload names the request
//! it belongs to, the caller and when it lapses, so it can be used neither elsewhere nor by others nor later. Two servers
//! with the same key understand each other's states.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::jsonrpc::{ErrorObject, Object};

/// How long a client may take for one round.
const LIFETIME: Duration = Duration::from_secs(600);

/// Signs and verifies states.
pub struct Signer {
    key: Vec<u8>,
}

/// What a state carries.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Seconds since 1970 after which the state is refused.
    expires: u64,
    /// Whose request this state belongs to, and which.
    origin: Origin,
    /// The input requests already answered, with their answers.
    pub answers: Object,
}

/// Where a state comes from, and so the only place where it may come back.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    principal: String,
    request: String,
}

impl Origin {
    /// A request of `principal`, told from others by everything that must not change between its rounds.
    pub fn new(principal: &str, method: &str, params: &Object) -> Self {
        Self {
            principal: principal.into(),
            request: digest(method, params),
        }
    }
}

impl Signer {
    /// Signs with `key`; any length will do, 32 random bytes are best.
    pub fn new(key: Vec<u8>) -> Self {
        Self { key }
    }

    fn mac(&self, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(payload);
        Some(mac)
    }

    /// The state to send to where it shall come back from.
    pub fn seal(&self, origin: Origin, answers: Object) -> Result<String, ErrorObject> {
        let state = State {
            expires: now() + LIFETIME.as_secs(),
            origin,
            answers,
        };
        self.sign(&state)
            .ok_or_else(|| ErrorObject::internal("cannot seal the request state"))
    }

    fn sign(&self, state: &State) -> Option<String> {
        let payload = serde_json::to_vec(state).ok()?;
        let tag = self.mac(&payload)?.finalize().into_bytes();
        let [payload, tag] = [&payload[..], &tag[..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(format!("{payload}.{tag}"))
    }

    /// The state in `text`, if we sealed it, for this origin, not too long ago.
    pub fn open(&self, text: &str, origin: &Origin, check: Check) -> Result<State, ErrorObject> {
        let state = self
            .verified(text, check)
            .ok_or_else(|| refused("it is not one of ours"))?;
        if check.principal && state.origin.principal != origin.principal {
            return Err(refused("it belongs to somebody else"));
        }
        if check.request && state.origin.request != origin.request {
            return Err(refused("it belongs to another request"));
        }
        if check.expiry && state.expires < now() {
            return Err(refused("it has expired"));
        }
        Ok(state)
    }

    fn verified(&self, text: &str, check: Check) -> Option<State> {
        let (payload, tag) = text.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        if check.signature {
            let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
            self.mac(&payload)?.verify_slice(&tag).ok()?;
        }
        serde_json::from_slice(&payload).ok()
    }
}

/// What is verified about a state; everything, unless a fault says otherwise.
#[derive(Clone, Copy)]
pub struct Check {
    /// The signature is ours.
    pub signature: bool,
    /// The state belongs to this caller.
    pub principal: bool,
    /// The state belongs to this request.
    pub request: bool,
    /// The state has not lapsed.
    pub expiry: bool,
}

fn refused(why: &str) -> ErrorObject {
    ErrorObject::invalid_params(format!("requestState refused: {why}"))
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

fn digest(method: &str, params: &Object) -> String {
    let mut hash = Sha256::new();
    hash.update(method);
    for member in ["name", "uri", "arguments"] {
        let value = params.get(member).map(canonical).unwrap_or_default();
        hash.update([0]);
        hash.update(value);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// JSON text that does not depend on the order of members.
fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<_> = members
                .into_iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ALL: Check = Check {
        signature: true,
        principal: true,
        request: true,
        expiry: true,
    };

    fn object(value: serde_json::Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_state_comes_back_only_unchanged_and_to_its_request() {
        let signer = Signer::new(vec![7; 32]);
        let params = object(json!({"name": "a"}));
        let ours = || Origin::new("alice", "tools/call", &params);
        let sealed = signer.seal(ours(), object(json!({"step": 1}))).unwrap();
        let state = signer.open(&sealed, &ours(), ALL).unwrap();
        assert_eq!(state.answers["step"], 1);
        let open = |signer: &Signer, text: &str, origin| signer.open(text, &origin, ALL);
        assert!(open(&signer, &format!("{sealed}x"), ours()).is_err());
        let elsewhere = Origin::new("alice", "prompts/get", &params);
        assert!(open(&signer, &sealed, elsewhere).is_err());
        let somebody_else = Origin::new("bob", "tools/call", &params);
        assert!(open(&signer, &sealed, somebody_else).is_err());
        assert!(open(&Signer::new(vec![8; 32]), &sealed, ours()).is_err());
    }

    #[test]
    fn a_state_lapses() {
        let signer = Signer::new(vec![7; 32]);
        let lapsed = State {
            expires: now() - 1,
            ..State::default()
        };
        let text = signer.sign(&lapsed).unwrap();
        let error = signer.open(&text, &lapsed.origin, ALL).unwrap_err();
        assert!(error.message.contains("expired"), "{}", error.message);
    }

    #[test]
    fn the_digest_ignores_member_order_and_request_metadata() {
        let one = object(json!({"name": "a", "arguments": {"x": 1, "y": 2}, "_meta": {}}));
        let two = object(json!({"arguments": {"y": 2, "x": 1}, "name": "a"}));
        assert_eq!(digest("m", &one), digest("m", &two));
        assert_ne!(digest("m", &one), digest("n", &one));
    }
}
