//! The call that every server gets, and what is right as an answer.

use memchr::memmem;
use serde_json::{Value, json};

use crate::Failure;

const TEXT: &str = "This is a simple text response for testing.";
/// Ids have nine digits each, so that all requests have the same length.
const FIRST_ID: u64 = 100_000_000;

/// A request of the modern era.
pub fn request(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The call of the simple text tool, over and over with new ids.
pub struct Calls {
    bytes: Vec<u8>,
    /// Where the digits of the id are.
    at: usize,
    id: u64,
}

impl Calls {
    /// Puts the call between `head` and `tail`.
    pub fn new(head: impl Fn(usize) -> Vec<u8>, tail: &[u8]) -> Result<Self, Failure> {
        let params = json!({"name": "test_simple_text", "arguments": {}});
        let body = request(FIRST_ID, "tools/call", params).to_string();
        let digits = FIRST_ID.to_string();
        let mut bytes = head(body.len());
        let offset = memmem::find(body.as_bytes(), digits.as_bytes()).ok_or("no id")?;
        let at = bytes.len() + offset;
        bytes.extend_from_slice(body.as_bytes());
        bytes.extend_from_slice(tail);
        Ok(Self {
            bytes,
            at,
            id: FIRST_ID,
        })
    }

    /// The bytes of the next call.
    pub fn next(&mut self) -> &[u8] {
        self.id += 1;
        let digits = self.id.to_string();
        self.bytes[self.at..self.at + digits.len()].copy_from_slice(digits.as_bytes());
        &self.bytes
    }

    /// Whether `answer`, which may be an event of a stream, is the right answer to the last call.
    pub fn check(&self, answer: &[u8]) -> Result<(), Failure> {
        let has = |needle: &str| memmem::find(answer, needle.as_bytes()).is_some();
        let right = has(TEXT)
            && has(&format!("\"id\":{}", self.id))
            && has("\"result\":{")
            && !has("\"isError\":true");
        let parsed = || {
            let start = memchr::memchr(b'{', answer)?;
            let mut values = serde_json::Deserializer::from_slice(&answer[start..]).into_iter();
            let value: Value = values.next()?.ok()?;
            (value["result"]["content"][0]["text"] == TEXT && value["id"] == self.id).then_some(())
        };
        // All are looked at; some are read.
        let right = right && (self.id % 100 != 1 || parsed().is_some());
        let wrong = || format!("a wrong answer: {}", String::from_utf8_lossy(answer));
        right.then_some(()).ok_or_else(|| wrong().into())
    }
}
