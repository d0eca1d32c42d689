//! Requirements: what the specification asks, in our words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Hint;
use crate::revision::Revision;
use crate::transport::Transport;
use crate::verdict::Level;

/// One statement of the specification.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Area and kebab name, without a revision.
    pub id: String,
    /// Our paraphrase.
    pub text: String,
    /// Whom it binds.
    pub party: Party,
    /// Which transport it concerns.
    pub transport: Concern,
    /// The conditions under which it binds, in the words of a case's `needs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// Level and place, per revision that has it.
    pub levels: BTreeMap<Revision, Clause>,
    /// Why no case can test it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
    /// What a missing answer is, in a step that names this requirement; none if it is about something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// What often causes a finding that cites it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
}

/// How a missing answer violates a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unanswered {
    /// It says that the answer comes: cited in place of our own `robust/answers-in-time`.
    Alone,
    /// It says what a server has to get over: cited beside that.
    Too,
}

/// Whom a requirement binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Party {
    Server,
    Client,
    Both,
}

/// Which transport a requirement concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Concern {
    Any,
    Stdio,
    Http,
    Sse,
}

impl Concern {
    /// Whether it concerns this transport. `http` is both transports over HTTP.
    pub fn includes(self, transport: Transport) -> bool {
        match self {
            Concern::Any => true,
            Concern::Stdio => transport == Transport::Stdio,
            Concern::Http => transport != Transport::Stdio,
            Concern::Sse => transport == Transport::Sse,
        }
    }
}

impl Requirement {
    /// The first part of the id.
    pub fn area(&self) -> &str {
        super::area(&self.id)
    }

    /// The transports that it concerns, of those that the revision has.
    pub fn transports(&self, revision: Revision) -> impl Iterator<Item = Transport> + use<> {
        let concern = self.transport;
        Transport::ALL
            .into_iter()
            .filter(move |transport| concern.includes(*transport) && transport.carries(revision))
    }
}

/// The level of a requirement at one revision and where it stands; written `LEVEL PAGE#ANCHOR`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clause {
    /// The level.
    pub level: Level,
    /// The page with its anchor, or a URL. What is ours (ROBUST) has none, and points to the base protocol.
    pub page: String,
}

impl Clause {
    /// The URL of the text.
    pub fn url(&self, revision: Revision) -> String {
        if self.page.starts_with("https://") {
            return self.page.clone();
        }
        let page = if self.page.is_empty() {
            "basic"
        } else {
            &self.page
        };
        format!("https://modelcontextprotocol.io/specification/{revision}/{page}")
    }
}

impl TryFrom<String> for Clause {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (level, page) = text.split_once(' ').unwrap_or((&text, ""));
        let level = match level {
            "MUST" => Level::Must,
            "SHOULD" => Level::Should,
            "STATED" => Level::Stated,
            "ROBUST" => Level::Robust,
            other => {
                return Err(format!(
                    "{other:?} is no level: write MUST, SHOULD, STATED or ROBUST"
                ));
            }
        };
        if page.is_empty() && level != Level::Robust {
            return Err(format!("{text:?} is not of the form \"LEVEL PAGE#ANCHOR\""));
        }
        Ok(Clause {
            level,
            page: page.trim().to_owned(),
        })
    }
}

impl From<Clause> for String {
    fn from(clause: Clause) -> String {
        format!("{} {}", clause.level, clause.page)
            .trim_end()
            .to_owned()
    }
}
