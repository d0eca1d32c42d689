//! What is wrong with the headers of a request.

use serde_json::Value;
use url::Url;

use super::Refusal;
use super::call::is_version;
use crate::revision::{Era, Revision, modern};
use crate::transport::header;

/// How a request was sent, and what is known of the session.
pub struct Headers<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// What was sent.
    pub sent: &'a [(String, String)],
    /// The request or notification in the body, if it has one.
    pub message: Option<&'a Value>,
    /// The revision spoken.
    pub revision: Revision,
    /// The ids of sessions that the server gave us, if it gives any.
    pub sessions: &'a [&'a str],
    /// Whether that session was ended before.
    pub ended: bool,
    /// The tools whose schemas say what headers mirror.
    pub tools: &'a [Value],
    /// Whether the server is one of this machine, so that foreign pages must be kept out.
    pub is_own: bool,
}

/// The requirement by which a request with these headers was to be refused; none if it was not.
pub fn refused_headers(headers: &Headers<'_>) -> Option<Refusal> {
    let of_era = match headers.revision.era() {
        Era::Legacy => legacy(headers),
        Era::Modern => mirrored(headers),
    };
    let refusal = of_era.map(Refusal::by_error);
    refusal.or_else(|| headers.is_foreign().then(|| headers.origin()))
}

impl Headers<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        header(self.sent, name).map(str::trim)
    }

    /// Before 2025-11-25 the text does not say what follows from a foreign origin: there the cases tolerate a result.
    fn origin(&self) -> Refusal {
        Refusal {
            tolerated: self.revision < Revision::V2025_11_25,
            ..Refusal::by_error("http/origin-validated")
        }
    }

    /// Whether a page of another machine sent it.
    fn is_foreign(&self) -> bool {
        let origin = self
            .value("Origin")
            .and_then(|origin| Url::parse(origin).ok());
        let host = origin.as_ref().and_then(Url::host_str);
        let is_local =
            |host: &str| host == "localhost" || host.starts_with("127.") || host == "[::1]";
        self.is_own
            && self.revision >= Revision::V2025_03_26
            && host.is_some_and(|host| !is_local(host))
    }
}

fn legacy(headers: &Headers<'_>) -> Option<&'static str> {
    // An empty value many readers take for none.
    let version = headers
        .value("MCP-Protocol-Version")
        .filter(|version| !version.is_empty());
    if version.is_some_and(|version| !is_version(version)) {
        return Some("http/version-header-invalid-400");
    }
    let opens = headers
        .message
        .is_some_and(|message| message["method"] == "initialize");
    if opens || headers.sessions.is_empty() {
        return None;
    }
    match headers.value("Mcp-Session-Id").filter(|id| !id.is_empty()) {
        None => Some("http/session-missing-400"),
        Some(id) if !headers.sessions.contains(&id) => Some("http/session-unknown-404"),
        Some(_) => headers.ended.then_some("http/session-terminated-404"),
    }
}

/// The headers say what the body says.
fn mirrored(headers: &Headers<'_>) -> Option<&'static str> {
    if ["GET", "DELETE"].contains(&headers.method) {
        return Some("http/no-get-delete");
    }
    let message = headers
        .message
        .filter(|message| message.get("id").is_some())?;
    let expected = modern::headers(headers.revision, message, headers.tools);
    expected.iter().find_map(|(name, expected)| {
        let of = |standard, param, version| match name.as_str() {
            "MCP-Protocol-Version" => version,
            _ if name.starts_with("Mcp-Param-") => param,
            _ => standard,
        };
        let Some(value) = headers.value(name) else {
            return Some(of(
                "headers/required-present",
                "headers/param-required",
                "headers/version-required",
            ));
        };
        let is_plain = value
            .bytes()
            .all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let (value, expected) = (modern::decode(value), modern::decode(expected));
        if !is_plain || value.is_none() {
            return Some(of(
                "headers/invalid-characters",
                "headers/param-invalid-characters",
                "headers/version-matches",
            ));
        }
        if value == expected || is_same_number(value.as_deref(), expected.as_deref()) {
            return None;
        }
        let lower = |text: Option<&String>| text.map(|text| text.to_lowercase());
        if lower(value.as_ref()) == lower(expected.as_ref()) {
            return Some("headers/values-case-sensitive");
        }
        Some(of(
            "headers/match-body",
            "headers/param-matches",
            "headers/version-matches",
        ))
    })
}

/// 42.0 in a header is the 42 in the body.
fn is_same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    number(one).is_some() && number(one) == number(other)
}
