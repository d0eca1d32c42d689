//! The published protocol revisions, their two eras, and how a request is dressed for each.
//!
//! Eras are the specification's own terms: <https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#terminology>.

pub mod legacy;
pub mod modern;
mod range;

use serde::{Deserialize, Serialize};

pub use range::{RevisionRange, RevisionRangeError};

/// A dated version of the protocol, in order of publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Revision {
    #[serde(rename = "2024-11-05")]
    V2024_11_05,
    #[serde(rename = "2025-03-26")]
    V2025_03_26,
    #[serde(rename = "2025-06-18")]
    V2025_06_18,
    #[serde(rename = "2025-11-25")]
    V2025_11_25,
    #[serde(rename = "2026-07-28")]
    V2026_07_28,
}

/// How a connection comes to know its revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// A session is opened by the `initialize` handshake (up to 2025-11-25).
    Legacy,
    /// Every request carries version and capabilities in `_meta` (2026-07-28 on).
    Modern,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::V2024_11_05,
        Revision::V2025_03_26,
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::V2026_07_28,
    ];

    /// The date by which the protocol names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era it belongs to.
    pub fn era(self) -> Era {
        if self >= Revision::V2026_07_28 {
            Era::Modern
        } else {
            Era::Legacy
        }
    }

    /// Whether requests carry an `MCP-Protocol-Version` header.
    pub fn has_version_header(self) -> bool {
        self >= Revision::V2025_06_18
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, UnknownRevision> {
        Revision::ALL
            .into_iter()
            .find(|revision| revision.as_str() == text)
            .ok_or_else(|| UnknownRevision(text.to_owned()))
    }
}

/// A text that names no published revision.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a published revision (2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28)"
)]
pub struct UnknownRevision(pub String);

/// How we introduce ourselves.
pub fn client_info() -> serde_json::Value {
    serde_json::json!({ "name": "mcp-conform", "version": env!("CARGO_PKG_VERSION") })
}

impl Era {
    /// The method of the cheapest request that every server of the era must answer.
    pub fn alive_method(self) -> &'static str {
        match self {
            Era::Legacy => legacy::ALIVE,
            Era::Modern => modern::ALIVE,
        }
    }
}
