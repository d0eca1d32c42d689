//! Who asks, and what they may do.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization>
//!
//! Over HTTP `--auth FILE` demands a bearer token, or a client certificate that the file knows. What is in the file is in
//! [`config`]; a token is an API key ([`keys`]) or a JWT ([`jwt`]).

mod challenge;
mod config;
mod jwt;
mod keys;
mod metadata;

use std::fmt;

pub use challenge::Refusal;
pub use config::AuthError;
pub use metadata::{document, is_well_known};

use crate::faults::Faults;
use config::Certificate;
use jwt::Issuer;
use keys::Key;

/// What a caller may do. Each role may also do what those before it may.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    #[default]
    Reader,
    /// Change data.
    Writer,
    /// Change what data there can be.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Writer, Self::Admin];
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        })
    }
}

/// Who asks. Known to everything that handles a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A name that nobody else has, and no secret: whatever is kept for a caller is kept under it.
    pub principal: String,
    /// What the caller may do.
    pub role: Role,
}

impl Caller {
    /// Whoever started us, or came without having to say who it is.
    pub fn local(role: Role) -> Self {
        Self {
            principal: "local".into(),
            role,
        }
    }
}

/// The callers that are known, and by what.
#[derive(Debug)]
pub struct Auth {
    /// The URL of the endpoint as clients know it; `None` is where we listen.
    pub resource: Option<String>,
    servers: Vec<String>,
    scopes: Scopes,
    keys: Vec<Key>,
    issuer: Option<Issuer>,
    certificates: Vec<Certificate>,
}

/// What each role is called in tokens and challenges.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    reader: String,
    writer: String,
    admin: String,
}

impl Default for Scopes {
    fn default() -> Self {
        Self {
            reader: "mcp:read".into(),
            writer: "mcp:write".into(),
            admin: "mcp:admin".into(),
        }
    }
}

impl Scopes {
    /// What a role is called.
    pub fn name(&self, role: Role) -> &str {
        match role {
            Role::Reader => &self.reader,
            Role::Writer => &self.writer,
            Role::Admin => &self.admin,
        }
    }

    /// The highest role among those that are named.
    fn role(&self, named: &[String]) -> Option<Role> {
        let granted = |role: &Role| named.iter().any(|name| name == self.name(*role));
        Role::ALL.into_iter().rfind(granted)
    }
}

impl Auth {
    /// What the role is called that something needs.
    pub fn scope(&self, needed: Role) -> &str {
        self.scopes.name(needed)
    }

    /// Who a bearer token belongs to.
    pub fn bearer(&self, token: &str, faults: &Faults) -> Result<Caller, Refusal> {
        if let Some(caller) = keys::find(&self.keys, token) {
            return Ok(caller);
        }
        match &self.issuer {
            Some(issuer) => issuer.caller(token, &self.scopes, faults),
            None => Err(Refusal::Invalid("the token is not known")),
        }
    }

    /// Who one of the names in a client's certificate stands for.
    pub fn certificate<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<Caller> {
        names.find_map(|name| {
            let known = self.certificates.iter().find(|known| known.name == name)?;
            Some(Caller {
                principal: format!("certificate:{name}"),
                role: known.role,
            })
        })
    }
}

/// The token in an `Authorization` header: nothing if there is none or it is of another scheme.
pub fn token(header: &str) -> Result<Option<&str>, Refusal> {
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    match !body.is_empty() && body.bytes().all(allowed) {
        true => Ok(Some(token)),
        false => Err(Refusal::Malformed("the bearer token is malformed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_strictly() {
        assert_eq!(token("Bearer abc.d-e_f~+/=="), Ok(Some("abc.d-e_f~+/==")));
        assert_eq!(token("bEARER  abc"), Ok(Some("abc")));
        assert_eq!(token("Basic abc"), Ok(None));
        assert_eq!(token("Bearerabc"), Ok(None));
        for malformed in ["Bearer", "Bearer ", "Bearer a b", "Bearer =", "Bearer a,b"] {
            assert!(token(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn a_broader_scope_includes_the_narrower_ones() {
        let scopes = Scopes::default();
        let role = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            scopes.role(&names)
        };
        assert_eq!(role(&["mcp:read", "mcp:admin"]), Some(Role::Admin));
        assert_eq!(role(&["openid", "mcp:write"]), Some(Role::Writer));
        assert_eq!(role(&["openid"]), None);
        assert!(Role::Reader < Role::Writer && Role::Writer < Role::Admin);
    }
}
