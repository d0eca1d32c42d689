//! The protocol revisions and what came with which.

use std::fmt;
use std::ops::RangeInclusive;

/// A dated protocol revision, ordered by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches, audio, tool annotations, progress messages.
    V2025_03_26,
    /// 2025-06-18: elicitation, structured output, resource links, titles.
    V2025_06_18,
    /// 2025-11-25: icons, richer elicitation, input errors as results.
    V2025_11_25,
    /// 2026-07-28: stateless, per-request metadata.
    V2026_07_28,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];
    /// The newest revision that opens with a handshake.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The date that names the revision on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that date, if this server speaks it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether requests carry their own metadata instead of a handshake.
    pub fn is_modern(self) -> bool {
        self >= Self::V2026_07_28
    }
}

/// The eras that a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Eras {
    /// Every revision
    #[default]
    Both,
    /// Only revisions in which each request carries its own metadata
    Modern,
    /// Only revisions that open with a handshake
    Legacy,
}

impl Eras {
    /// Whether it is worth a handshake.
    pub fn has_legacy(self) -> bool {
        self != Self::Modern
    }

    /// Whether requests may carry their own metadata.
    pub fn has_modern(self) -> bool {
        self != Self::Legacy
    }

    /// The revisions of these eras.
    pub fn revisions(self) -> RangeInclusive<Revision> {
        match self {
            Self::Both => Revision::ALL[0]..=Revision::LATEST,
            Self::Modern => Revision::LATEST..=Revision::LATEST,
            Self::Legacy => Revision::ALL[0]..=Revision::LATEST_LEGACY,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
