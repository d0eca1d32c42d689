//! The call that everybody gets, over and over, each time with another id.

use serde_json::{Value, json};

/// Ids have nine digits each, so that all requests have the same length.
const FIRST_ID: u64 = 100_000_000;

/// What is called.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// How many bytes the argument has; without an argument another tool is called.
    pub payload: usize,
    /// At 2026-07-28, or at 2025-11-25.
    pub modern: bool,
}

impl Call {
    /// The name of the era.
    pub fn era(self) -> &'static str {
        if self.modern { "modern" } else { "legacy" }
    }

    /// The revision.
    pub fn revision(self) -> &'static str {
        if self.modern {
            "2026-07-28"
        } else {
            "2025-11-25"
        }
    }

    /// The tool.
    pub fn tool(self) -> &'static str {
        match self.payload {
            0 => "test_simple_text",
            _ => "echo",
        }
    }

    fn message(self) -> Value {
        let arguments = match self.payload {
            0 => json!({}),
            bytes => json!({ "text": "x".repeat(bytes) }),
        };
        let mut params = json!({ "name": self.tool(), "arguments": arguments });
        if self.modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.revision(),
                "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        json!({ "jsonrpc": "2.0", "id": FIRST_ID, "method": "tools/call", "params": params })
    }
}

/// The messages that open a legacy session.
pub fn opening(revision: &str) -> [String; 2] {
    let params = json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": { "name": "bench", "version": "1" },
    });
    [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
    ]
    .map(|message| message.to_string())
}

/// Gives the bytes of one request after the other.
pub struct Requests {
    bytes: Vec<u8>,
    /// Where the digits of the id are.
    at: usize,
    id: u64,
}

impl Requests {
    /// Of this call, with something behind each.
    pub fn new(call: Call, tail: &str) -> Requests {
        let text = format!("{}{tail}", call.message());
        Requests {
            at: text.find(&FIRST_ID.to_string()).unwrap(),
            bytes: text.into_bytes(),
            id: FIRST_ID,
        }
    }

    /// The bytes of the next one.
    pub fn next(&mut self) -> &[u8] {
        self.id += 1;
        let digits = self.id.to_string();
        self.bytes[self.at..self.at + digits.len()].copy_from_slice(digits.as_bytes());
        &self.bytes
    }

    /// How long each is.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Whether an answer is what is wanted: `mark` is in its first half hundred bytes or so, or in its last.
pub fn check(answer: &[u8], mark: &[u8]) {
    let found = memchr::memmem::find(answer, mark).is_some();
    assert!(found, "{}", String::from_utf8_lossy(answer));
}
