//! The legacy era: sessions opened by a handshake.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle>

use serde_json::{Value, json};

use super::Revision;

/// The request that asks for nothing and must be answered.
pub const ALIVE: &str = "ping";

/// The params of `initialize`.
pub fn initialize(revision: Revision, client: &Value) -> Value {
    json!({
        "protocolVersion": revision.as_str(),
        "capabilities": client,
        "clientInfo": super::client_info(),
    })
}

/// The headers that a message of an opened session carries.
pub fn headers(revision: Revision, session_id: Option<&str>) -> Vec<(String, String)> {
    let version = revision.has_version_header().then(|| {
        (
            "MCP-Protocol-Version".to_owned(),
            revision.as_str().to_owned(),
        )
    });
    let session = session_id.map(|id| ("Mcp-Session-Id".to_owned(), id.to_owned()));
    version.into_iter().chain(session).collect()
}
