//! How a caller is refused, and told what is missing.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#error-handling>,
//! <https://www.rfc-editor.org/rfc/rfc6750#section-3>

use super::{Auth, Role, metadata};
use crate::faults::{F, Faults};

/// Why a caller is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no token.
    Missing,
    /// There are credentials, but of another scheme.
    Scheme,
    /// What there is, is no proper token.
    Malformed(&'static str),
    /// The token is not accepted.
    Invalid(&'static str),
    /// The token is accepted, but not for this: it lacks the scope of a role.
    Scope(Role),
}

impl Refusal {
    /// The status of the response.
    pub fn status(self) -> u16 {
        match self {
            Self::Missing | Self::Scheme | Self::Invalid(_) => 401,
            Self::Malformed(_) => 400,
            Self::Scope(_) => 403,
        }
    }

    /// A sentence for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing | Self::Scheme => "a bearer token is needed",
            Self::Malformed(why) | Self::Invalid(why) => why,
            Self::Scope(_) => "the token lacks the scope for this",
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            // Whoever brought nothing made no mistake.
            Self::Missing | Self::Scheme => None,
            Self::Malformed(_) => Some("invalid_request"),
            Self::Invalid(_) => Some("invalid_token"),
            Self::Scope(_) => Some("insufficient_scope"),
        }
    }

    /// The value of `WWW-Authenticate`.
    pub fn challenge(self, auth: &Auth, resource: &str, faults: &Faults) -> String {
        let needed = match self {
            Self::Scope(role) => role,
            _ => Role::Reader,
        };
        let mut scope = auth.scope(needed).to_owned();
        if faults.has(F::ChallengeOfflineAccess) {
            scope.push_str(" offline_access");
        }
        let bare = matches!(self, Self::Scope(_)) && faults.has(F::ScopeChallengeBare);
        let hidden =
            bare || faults.has(F::ChallengeWithoutMetadata) || faults.has(F::MetadataUnreachable);
        let location = metadata::location(resource).filter(|_| !hidden);
        let untold = matches!(self, Self::Invalid(_)) && faults.has(F::InvalidTokenUntold);
        let code = self.code().filter(|_| !untold);
        let described = code.map(|_| self.reason());
        let parameters = [
            ("error", code.map(str::to_owned)),
            ("error_description", described.map(str::to_owned)),
            (
                "scope",
                Some(scope).filter(|_| !bare && !faults.has(F::ChallengeWithoutScope)),
            ),
            ("resource_metadata", location),
        ];
        let given = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
        let given: Vec<String> = given.collect();
        format!("Bearer {}", given.join(", "))
    }
}
