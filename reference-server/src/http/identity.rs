//! Who sent a request: a bearer token or a client certificate says so.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#access-token-usage>

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::Http;
use super::body::Response;
use super::headers::{self, SESSION_ID};
use super::listener::Remote;
use super::respond::{self, Reason};
use crate::auth::{self, Auth, Caller, Refusal, Role};
use crate::faults::F;
use crate::jsonrpc::ErrorObject;
use crate::lock;

/// What a token would be called in a query, where it must not be: queries are logged, and linked to.
const IN_QUERY: &str = "access_token=";

impl Http {
    /// The sender of a request, or the response that refuses it. A session says nothing about who uses it.
    pub fn identify(&self, head: &Parts, remote: &Remote) -> Result<Arc<Caller>, Box<Response>> {
        let Some(auth) = &self.server.auth else {
            return Ok(match self.server.faults.has(F::ConnectionBound) {
                true => Arc::new(Caller {
                    principal: remote.address.to_string(),
                    ..Caller::clone(&self.server.local)
                }),
                false => Arc::clone(&self.server.local),
            });
        };
        match self.known(auth, head, remote) {
            Ok(caller) => Ok(Arc::new(caller)),
            Err(refusal) => Err(Box::new(self.refuse(auth, refusal))),
        }
    }

    fn known(&self, auth: &Auth, head: &Parts, remote: &Remote) -> Result<Caller, Refusal> {
        let faults = &self.server.faults;
        let query = head.uri.query().unwrap_or_default();
        let mut pairs = query.split('&');
        if let Some(token) = pairs.find_map(|pair| pair.strip_prefix(IN_QUERY)) {
            if faults.has(F::QueryTokenServed) {
                return auth.bearer(token, faults);
            }
            return Err(Refusal::Malformed("a token does not belong in a URL"));
        }
        let mut given = head.headers.get_all(header::AUTHORIZATION).iter();
        let header = match (given.next(), given.next()) {
            (Some(_), Some(_)) => return Err(Refusal::Malformed("there are several tokens")),
            (header, _) => header.map(|value| value.to_str().unwrap_or_default()),
        };
        let token = match header.map(auth::token) {
            Some(Ok(None)) => return Err(Refusal::Scheme),
            Some(token) => token?,
            None => None,
        };
        if let Some(token) = token {
            return match auth.bearer(token, faults) {
                Err(_) if faults.has(F::InvalidTokenServed) => {
                    Ok(self.server.local.as_ref().clone())
                }
                caller => caller,
            };
        }
        if faults.has(F::SessionAuthenticates)
            && let Some(owner) = self.owner(&head.headers)
        {
            return Ok(owner);
        }
        let names = remote.subject.iter().flat_map(|subject| {
            let names = subject.common_name.iter().chain(&subject.alternative_names);
            names.map(String::as_str)
        });
        auth.certificate(names).ok_or(Refusal::Missing)
    }

    /// Who opened the session that a request names.
    fn owner(&self, headers: &HeaderMap) -> Option<Caller> {
        let sessions = lock(&self.sessions);
        let session = sessions.get(headers::text(headers, &SESSION_ID)?)?;
        Some(Caller {
            principal: session.owner.clone(),
            ..Caller::local(Role::Reader)
        })
    }

    fn refuse(&self, auth: &Auth, refusal: Refusal) -> Response {
        let faults = &self.server.faults;
        let status = match refusal {
            Refusal::Missing if faults.has(F::TokenMissingStatus) => 403,
            Refusal::Scheme if faults.has(F::SchemeStatus) => 403,
            Refusal::Malformed(_) if faults.has(F::MalformedTokenStatus) => 403,
            Refusal::Scope(_) if faults.has(F::ScopeStatus) => 401,
            refusal => refusal.status(),
        };
        let code = i64::from(status);
        let error = ErrorObject::new(code, refusal.reason()).status(status);
        let mut response = respond::refused(faults, None, error);
        let challenge = refusal.challenge(auth, &self.resource, faults);
        if let Ok(value) = HeaderValue::from_str(&challenge)
            && !faults.has(F::ChallengeMissing)
        {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response.extensions_mut().insert(Reason(refusal.reason()));
        response
    }

    /// The challenge of a call that needs another scope; `details` is the data of its error.
    pub fn scope_challenge(&self, details: &Value) -> Option<String> {
        let auth = self.server.auth.as_ref()?;
        let scope = details["requiredScopes"][0].as_str()?;
        let needed = Role::ALL
            .into_iter()
            .find(|role| auth.scope(*role) == scope)?;
        Some(Refusal::Scope(needed).challenge(auth, &self.resource, &self.server.faults))
    }
}
