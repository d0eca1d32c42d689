//! Who we are to a reference server that demands tokens: auth.toml knows the key that signs these.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::target::Identities;
use jsonwebtoken::errors::Result;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// It guards nothing: everybody has it.
const KEY: &str = include_str!("issuer-key.pem");

/// The header that lets us in.
///
/// # Errors
/// Where nothing can be signed.
pub fn ours() -> Result<(String, String)> {
    bearer(&[])
}

/// Those of everybody else whom cases know.
///
/// # Errors
/// Where nothing can be signed.
pub fn identities() -> Result<Identities> {
    let changed = [
        ("expired", [("exp", json!(1_000_000_000))]),
        (
            "other-audience",
            [("aud", json!("https://elsewhere.example/mcp"))],
        ),
        ("no-scope", [("scope", json!("openid"))]),
        ("broad-scope", [("scope", json!("mcp:admin"))]),
        ("other-caller", [("sub", json!("somebody else"))]),
        ("in-query", [("sub", json!("tests"))]),
    ];
    changed
        .into_iter()
        .map(|(name, claims)| Ok((name.to_owned(), vec![bearer(&claims)?])))
        .collect()
}

/// A token that would be accepted, but for these claims.
fn bearer(changed: &[(&str, Value)]) -> Result<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut claims = json!({
        "iss": "https://auth.example.com",
        "aud": "https://mcp.example.com/mcp",
        "sub": "tests",
        "exp": now.unwrap_or_default().as_secs() + 24 * 3600,
        "scope": "mcp:read mcp:write mcp:admin",
    });
    for (name, value) in changed {
        claims[*name] = value.clone();
    }
    let key = EncodingKey::from_ec_pem(KEY.as_bytes())?;
    let token = encode(&Header::new(Algorithm::ES256), &claims, &key)?;
    Ok(("Authorization".to_owned(), format!("Bearer {token}")))
}
