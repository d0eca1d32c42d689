//! JSON-RPC 2.0 as MCP uses it: envelopes, ids and error objects.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic#messages>

mod envelope;
mod params;
mod parse;
mod reply;
mod size;
mod strict;

pub use params::{Client, Meta, Params};
pub use parse::{MAX_MESSAGE_BYTES, Packet, Rejection, parse};
pub use reply::Reply;
pub use size::size;
pub use strict::Given;

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use crate::auth::Role;

/// The members of a `params` or `result` object.
pub type Object = Map<String, Value>;

/// The longest id or progress token in bytes: both are repeated in whatever is sent about a request.
pub const MAX_ID_BYTES: usize = 4096;

/// A request id: a string or an integer, never `null`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// A string id.
    String(String),
    /// An integer id.
    Number(Number),
}

impl Id {
    /// The id in `value`, if it is one that MCP allows.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Number(number) if is_integer(number) => Some(Self::Number(number.clone())),
            _ => None,
        }
    }

    /// The id as JSON.
    pub fn to_value(&self) -> Value {
        match self {
            Self::String(text) => Value::String(text.clone()),
            Self::Number(number) => Value::Number(number.clone()),
        }
    }
}

/// `1.0` is an integer in JSON Schema's eyes; `1.5` is not.
pub fn is_integer(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
}

/// One valid incoming message.
#[derive(Debug)]
pub enum Message {
    /// Asks for an answer.
    Request {
        /// Echoed in the answer.
        id: Id,
        /// What is asked.
        method: String,
        /// Its parameters, empty when absent.
        params: Params,
    },
    /// Is never answered.
    Notification {
        /// What happened.
        method: String,
        /// Its parameters, empty when absent.
        params: Params,
    },
    /// Answers a request of ours (legacy revisions only).
    Response {
        /// The id of our request.
        id: Id,
        /// The result, or the error object.
        outcome: Result<Value, Value>,
    },
}

/// The error member of a response.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorObject {
    /// An integer error code.
    pub code: i64,
    /// One sentence for people.
    pub message: String,
    /// Details for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The HTTP status where the specification binds one to this error (modern revisions).
    #[serde(skip)]
    pub status: u16,
}

impl ErrorObject {
    /// An error without details, sent with HTTP status 200.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
            status: 200,
        }
    }

    /// -32700: the bytes are not JSON.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(-32700, message).status(400)
    }

    /// -32600: JSON, but no valid message.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(-32600, message).status(400)
    }

    /// -32601: no such method here.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(-32601, format!("Method not found: {method}")).status(404)
    }

    /// -32602: the parameters do not fit the method.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// -32603: our own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// -32603: too much is being done for this client already.
    pub fn busy() -> Self {
        Self::internal("too many requests at once: await or cancel some").status(503)
    }

    /// 403: the caller's token lacks this scope. Codes of our own are outside the range that JSON-RPC reserves.
    pub fn forbidden(needed: Role, scope: &str) -> Self {
        Self::new(403, format!("Forbidden: this needs the role {needed}"))
            .data(json!({"requiredScopes": [scope]}))
            .status(403)
    }

    /// 429: the caller calls too often, and may call again after `wait`.
    pub fn too_many(wait: Duration) -> Self {
        let wait = wait.as_millis() + 1;
        Self::new(429, "Too many calls")
            .data(json!({"retryAfterMs": u64::try_from(wait).unwrap_or(u64::MAX)}))
            .status(429)
    }

    /// The same error with details.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// The same error with the HTTP status it must have.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// A notification ready to send.
pub fn notification(method: &str, params: Value) -> Value {
    // What goes into it is moved: `json!` would copy it.
    let mut message = Object::with_capacity(4);
    message.insert("jsonrpc".into(), "2.0".into());
    message.insert("method".into(), method.into());
    if !params.is_null() {
        message.insert("params".into(), params);
    }
    Value::Object(message)
}
