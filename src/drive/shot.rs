//! What the fuzzer sends: exactly as it is, but for what only the session knows.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::said::repeats;
use crate::transport::HttpRequest;

/// As the value of a header of an exchange: the id of the session; without one the header is left out.
pub const SESSION: &str = "%SESSION%";
/// As the value of a header of an exchange: the header is left out, even if the user gave it.
pub const LEFT_OUT: &str = "%LEFT-OUT%";
/// As the path of an exchange: that of the endpoint, with the token of the identity `in-query`.
pub const PATH_WITH_TOKEN: &str = "%PATH-WITH-TOKEN%";
/// At the beginning of the path of an exchange: where messages are posted.
pub const ENDPOINT: &str = "%ENDPOINT%";

/// Something to send, exactly as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shot {
    /// A line, or the body of a POST that is dressed as usual.
    Message {
        /// The bytes.
        bytes: Bytes,
        /// stdio: where it is split into two writes.
        split: Option<usize>,
        /// HTTP headers to set, or (null) to leave out.
        headers: Map<String, Value>,
        /// Whose credentials are sent in the place of ours.
        identity: Option<String>,
    },
    /// One HTTP exchange.
    Http(HttpRequest),
    /// HTTP: a request whose connection is closed as soon as it is written.
    Aborted(Bytes),
}

impl Shot {
    /// A message in one piece.
    pub fn message(bytes: Bytes) -> Shot {
        Shot::Message {
            bytes,
            split: None,
            headers: Map::new(),
            identity: None,
        }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Shot::Message { bytes, .. } | Shot::Aborted(bytes) => bytes,
            Shot::Http(request) => &request.body,
        }
    }

    /// Whether the session that it is sent in is over behind it.
    pub fn ends_session(&self) -> bool {
        let names_it = |request: &HttpRequest| {
            let mut values = request.headers.iter().map(|(_, value)| value);
            request.method == "DELETE" && values.any(|value| value == SESSION)
        };
        matches!(self, Shot::Http(request) if names_it(request))
    }

    /// Whether it has to wait for the answers to what was sent before it.
    pub fn waits(&self, before: Option<&Shot>) -> bool {
        repeats(self.bytes()) || before.is_some_and(Shot::ends_session)
    }

    /// The same, to be changed.
    pub fn bytes_mut(&mut self) -> &mut Bytes {
        match self {
            Shot::Message { bytes, .. } | Shot::Aborted(bytes) => bytes,
            Shot::Http(request) => &mut request.body,
        }
    }
}
