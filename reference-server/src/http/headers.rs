//! What the headers of a request say, and whether the body agrees.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata>

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::http::header::AsHeaderName;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::faults::{F, Faults};
use crate::features::tools;
use crate::jsonrpc::{ErrorObject, Message, Object};
use crate::modern;
use crate::revision::{Eras, Revision};

/// The header with the revision, in both eras.
pub static PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The header with the session id (legacy).
pub static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The header with the method of a request (modern).
static METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The header with the name of what a request is about (modern).
static NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Before what is encoded, because a header could not carry it as it is.
const MARKER: &str = "=?base64?";

/// Which era a message belongs to.
#[derive(Debug, PartialEq, Eq)]
pub enum Era {
    /// Handshake and session.
    Legacy,
    /// Everything in the request itself.
    Modern,
}

/// A header's value as text; a value that is no text reads as one that matches nothing.
pub fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("\u{fffd}"))
}

/// Whether the client names a revision of the modern era.
pub fn speaks_modern(headers: &HeaderMap) -> bool {
    let version = text(headers, &PROTOCOL_VERSION).and_then(Revision::parse);
    version.is_some_and(Revision::is_modern)
}

/// The era of a message: its own metadata decides, or else the version header. Where neither
/// says anything, it is for a session. A server may speak only one.
pub fn era(spoken: Eras, headers: &HeaderMap, message: &Message) -> Era {
    match spoken {
        Eras::Modern => return Era::Modern,
        Eras::Legacy => return Era::Legacy,
        Eras::Both => {}
    }
    let meant = match message {
        Message::Request { method, params, .. } => modern::is_meant(method, params.meta()),
        _ => false,
    };
    match meant || speaks_modern(headers) {
        true => Era::Modern,
        false => Era::Legacy,
    }
}

/// Whether the body is declared as JSON: what a web page can send to a stranger without being asked is not.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Checks that the body is JSON and that both kinds of answer are welcome.
pub fn check_post(faults: &Faults, headers: &HeaderMap) -> Result<(), StatusCode> {
    let parameters = |value: &HeaderValue| value.as_bytes().contains(&b';');
    if faults.has(F::MediaTypeParameters) && headers.values().any(parameters) {
        return Err(StatusCode::NOT_ACCEPTABLE);
    }
    if !is_json(headers) {
        faults.on_wrong_content_type();
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let both = accepts(headers, "application/json") && accepts(headers, "text/event-stream");
    both.then_some(()).ok_or(StatusCode::NOT_ACCEPTABLE)
}

/// Whether a media type may be sent; without an Accept header, anything may.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    if accepted.peek().is_none() {
        return true;
    }
    let media_type = media_type.as_bytes();
    accepted
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|range| until(range, b';').trim_ascii())
        .any(|range| match range.strip_suffix(b"/*") {
            Some(family) => family == b"*" || family == until(media_type, b'/'),
            None => range.eq_ignore_ascii_case(media_type),
        })
}

/// What stands before the first `end`.
fn until(bytes: &[u8], end: u8) -> &[u8] {
    bytes.split(|byte| *byte == end).next().unwrap_or_default()
}

/// Compares the headers of a modern request with its body.
pub struct Mirror<'a> {
    /// What to overlook.
    pub faults: &'a Faults,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl Mirror<'_> {
    /// `MCP-Protocol-Version` is the version in the body.
    pub fn version(&self, body: &str) -> Result<(), ErrorObject> {
        match text(self.headers, &PROTOCOL_VERSION) {
            Some(value) if value == body || self.faults.has(F::HeaderVersionUnchecked) => Ok(()),
            None if self.faults.has(F::HeaderVersionOptional) => Ok(()),
            value => self.mismatch("MCP-Protocol-Version", value, body),
        }
    }

    /// `Mcp-Method`, `Mcp-Name` and every `Mcp-Param-` repeat what the body says.
    pub fn call(&self, method: &str, params: &Object) -> Result<(), ErrorObject> {
        match text(self.headers, &METHOD) {
            Some("\u{fffd}") if self.faults.has(F::HeaderInvalid) => {}
            Some(value) if self.same(value, method) => {}
            Some(_) if self.faults.has(F::HeaderMethodUnchecked) => {}
            None if self.faults.has(F::HeaderMethodOptional) => {}
            value => return self.mismatch("Mcp-Method", value, method),
        }
        let name = match method {
            "tools/call" | "prompts/get" => params.get("name"),
            "resources/read" => params.get("uri"),
            "tasks/get" | "tasks/update" | "tasks/cancel" => params.get("taskId"),
            _ => return Ok(()),
        };
        // A body without a name is malformed, and its own error says so.
        let Some(name) = name.and_then(Value::as_str) else {
            return Ok(());
        };
        match text(self.headers, &NAME) {
            Some("\u{fffd}") if self.faults.has(F::HeaderInvalid) => {}
            Some(value)
                if self
                    .decoded(value)
                    .is_some_and(|value| self.same(&value, name)) => {}
            Some(_) if self.faults.has(F::HeaderNameUnchecked) => {}
            None if self.faults.has(F::HeaderNameOptional) => {}
            value => return self.mismatch("Mcp-Name", value, name),
        }
        match method {
            "tools/call" => self.arguments(name, params),
            _ => Ok(()),
        }
    }

    fn arguments(&self, tool: &str, params: &Object) -> Result<(), ErrorObject> {
        let Some(tool) = tools::find(tool, Revision::LATEST) else {
            return Ok(());
        };
        let arguments = params.get("arguments").unwrap_or(&Value::Null);
        let demands_null = self.faults.has(F::HeaderParamNullDemanded);
        for (suffix, argument) in tools::mirrored(tool, arguments) {
            let name = format!("Mcp-Param-{suffix}");
            let value = text(self.headers, name.to_lowercase());
            let same = match (value, argument.and_then(plain)) {
                (None, None) if demands_null && argument.is_some() => false,
                (None, None) => !self.faults.has(F::HeaderParamDemanded),
                (None, Some(_)) => self.faults.has(F::HeaderParamOptional),
                (Some(_), None) => self.faults.has(F::HeaderParamUnchecked),
                (Some(value), Some(body)) => {
                    self.faults.has(F::HeaderParamUnchecked)
                        || self.same_argument(value, argument.unwrap_or(&Value::Null), &body)
                }
            };
            if !same {
                let body = argument.and_then(plain).unwrap_or_default();
                return self.mismatch(&name, value, &body);
            }
        }
        Ok(())
    }

    fn same_argument(&self, value: &str, argument: &Value, body: &str) -> bool {
        let Some(value) = self.decoded(value) else {
            return self.faults.has(F::HeaderParamInvalid);
        };
        if value == "\u{fffd}" && self.faults.has(F::HeaderParamInvalid) {
            return true;
        }
        match argument {
            Value::Number(number) if !self.faults.has(F::HeaderParamTextual) => {
                value.parse::<f64>().ok() == number.as_f64()
            }
            _ => self.same(&value, body),
        }
    }

    fn same(&self, value: &str, body: &str) -> bool {
        value == body || (self.faults.has(F::HeaderAnyCase) && value.eq_ignore_ascii_case(body))
    }

    /// The value behind `=?base64?...?=`, or the value itself.
    fn decoded<'v>(&self, value: &'v str) -> Option<Cow<'v, str>> {
        let any_case = self.faults.has(F::HeaderMarkersAnyCase);
        let is_marker =
            |start: &str| start == MARKER || any_case && start.eq_ignore_ascii_case(MARKER);
        let encoded = value
            .split_at_checked(MARKER.len())
            .filter(|(start, _)| is_marker(start))
            .and_then(|(_, rest)| rest.strip_suffix("?="));
        match encoded {
            Some(encoded) if !self.faults.has(F::HeaderUndecoded) => {
                let bytes = STANDARD.decode(encoded).ok()?;
                String::from_utf8(bytes).ok().map(Cow::Owned)
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn mismatch(&self, name: &str, value: Option<&str>, body: &str) -> Result<(), ErrorObject> {
        let header = match value {
            Some(value) => format!("is {value:?}"),
            None => "is missing".into(),
        };
        let error = format!("Header mismatch: {name} {header}, but the body says {body:?}");
        let code = if self.faults.has(F::HeaderMismatchCode) {
            -32600
        } else {
            -32020
        };
        let status = if self.faults.has(F::HeaderMismatchStatus) {
            200
        } else {
            400
        };
        Err(ErrorObject::new(code, error).status(status))
    }
}

/// An argument as a header spells it; nothing for what is mirrored only when present.
fn plain(argument: &Value) -> Option<String> {
    match argument {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
