//! JSON Web Tokens of one issuer, signed with the one algorithm that the file names.
//!
//! The token has no say in how it is checked: its header is compared with the file, and a key is only ever used with
//! the algorithm it was given for.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use super::{Caller, Refusal, Role, Scopes};
use crate::faults::{F, Faults};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Whose tokens are accepted.
pub struct Issuer {
    keys: Keys,
    validation: Validation,
}

/// What signatures are checked with.
pub enum Keys {
    /// The one key.
    One(Box<DecodingKey>),
    /// Several, each under the name that a token gives it.
    Named(Vec<(String, DecodingKey)>),
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("Issuer")
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    scp: Value,
}

impl Keys {
    /// A public key in PEM.
    pub fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, String> {
        use Algorithm::{ES256, ES384, EdDSA};
        let key = match algorithm {
            ES256 | ES384 => DecodingKey::from_ec_pem(pem),
            EdDSA => DecodingKey::from_ed_pem(pem),
            _ => DecodingKey::from_rsa_pem(pem),
        };
        let key = key.map_err(|_| format!("there is no public key for {algorithm:?} in it"))?;
        Ok(Self::One(Box::new(key)))
    }

    /// A JSON Web Key Set; keys of other kinds or without a name are of no use.
    pub fn from_jwks(algorithm: Algorithm, text: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let named = set.keys.iter().filter_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, key))
        });
        let named: Vec<_> = named
            .filter(|(_, key)| key.family() == algorithm.family())
            .collect();
        match named.is_empty() {
            true => Err(format!(
                "there is no key with a kid for {algorithm:?} in it"
            )),
            false => Ok(Self::Named(named)),
        }
    }

    fn get(&self, name: Option<&str>) -> Option<&DecodingKey> {
        match self {
            Self::One(key) => Some(key),
            Self::Named(keys) => {
                let known = keys.iter().find(|(known, _)| Some(known.as_str()) == name);
                known.map(|(_, key)| key)
            }
        }
    }
}

impl Issuer {
    /// Tokens by `issuer` for `audience`; clocks may differ by `leeway` seconds.
    pub fn new(
        keys: Keys,
        algorithm: Algorithm,
        issuer: &str,
        audience: &str,
        leeway: u64,
    ) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.algorithms = vec![algorithm];
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = leeway;
        Self { keys, validation }
    }

    /// Who a token speaks for.
    pub fn caller(&self, token: &str, scopes: &Scopes, faults: &Faults) -> Result<Caller, Refusal> {
        let unknown = Refusal::Invalid("the token is not known");
        if token.len() > MAX_TOKEN {
            return Err(unknown);
        }
        let header = decode_header(token).map_err(|_| unknown)?;
        // What the issuer calls critical must be understood, and we understand none of it (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Err(Refusal::Invalid("the token has critical extensions"));
        }
        let key = self.keys.get(header.kid.as_deref()).ok_or(unknown)?;
        let mut validation = self.validation.clone();
        validation.validate_exp = !faults.has(F::ExpiredServed);
        validation.validate_aud = !faults.has(F::AudienceUnchecked);
        let token = decode::<Claims>(token, key, &validation);
        let claims = token
            .map_err(|error| Refusal::Invalid(reason(error.kind())))?
            .claims;
        if claims.sub.is_empty() {
            return Err(Refusal::Invalid("the token lacks a claim"));
        }
        let named = named(&claims);
        let unchecked = Some(Role::Reader).filter(|_| faults.has(F::ScopeUnchecked));
        let exact = |_: &Role| {
            let narrowest = scopes.name(Role::Reader);
            !faults.has(F::ScopeExact) || named.iter().any(|name| name == narrowest)
        };
        match scopes.role(&named).filter(exact).or(unchecked) {
            Some(role) => Ok(Caller {
                principal: format!("jwt:{}", claims.sub),
                role,
            }),
            None => Err(Refusal::Scope(Role::Reader)),
        }
    }
}

/// The scopes of a token: words in one string, or a list.
fn named(claims: &Claims) -> Vec<String> {
    let mut names = Vec::new();
    for claim in [&claims.scope, &claims.scp] {
        match claim {
            Value::String(text) => names.extend(text.split_ascii_whitespace().map(str::to_owned)),
            Value::Array(list) => {
                names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned))
            }
            _ => {}
        }
    }
    names
}

fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for somebody else",
        ErrorKind::InvalidIssuer => "the token is by somebody else",
        ErrorKind::InvalidAlgorithm => "the token is signed with another algorithm",
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks a claim",
        _ => "the token is malformed",
    }
}
