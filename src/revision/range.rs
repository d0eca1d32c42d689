//! Which revisions a case or a pattern is for: `all`, `legacy`, `modern` or comparisons.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Era, Revision, UnknownRevision};

/// A set of revisions, kept with the text that it was written as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RevisionRange {
    text: String,
    members: Vec<Revision>,
}

/// Why a text is no range of revisions.
#[derive(Debug, thiserror::Error)]
pub enum RevisionRangeError {
    /// A bound names no revision.
    #[error(transparent)]
    Unknown(#[from] UnknownRevision),
    /// Neither a word nor a comparison.
    #[error(
        "{0:?} is no range of revisions: write all, legacy, modern, a revision, or comparisons like \">=2025-06-18, <2026-07-28\""
    )]
    Syntax(String),
    /// No revision fits.
    #[error("{0:?} contains no published revision")]
    Empty(String),
}

impl RevisionRange {
    /// Whether the revision belongs to the range.
    pub fn contains(&self, revision: Revision) -> bool {
        self.members.contains(&revision)
    }

    /// The members, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Revision> + '_ {
        self.members.iter().copied()
    }
}

impl Default for RevisionRange {
    fn default() -> Self {
        RevisionRange {
            text: "all".to_owned(),
            members: Revision::ALL.to_vec(),
        }
    }
}

impl FromStr for RevisionRange {
    type Err = RevisionRangeError;

    fn from_str(text: &str) -> Result<Self, RevisionRangeError> {
        let mut members = Revision::ALL.to_vec();
        for term in text.split(',') {
            let keep = term_predicate(term.trim())?;
            members.retain(|revision| keep(*revision));
        }
        if members.is_empty() {
            return Err(RevisionRangeError::Empty(text.to_owned()));
        }
        Ok(RevisionRange {
            text: text.to_owned(),
            members,
        })
    }
}

type Predicate = Box<dyn Fn(Revision) -> bool>;

fn term_predicate(term: &str) -> Result<Predicate, RevisionRangeError> {
    Ok(match term {
        "all" => Box::new(|_| true),
        "legacy" => Box::new(|r| r.era() == Era::Legacy),
        "modern" => Box::new(|r| r.era() == Era::Modern),
        _ => comparison(term)?,
    })
}

fn comparison(term: &str) -> Result<Predicate, RevisionRangeError> {
    let split = term
        .find(|c: char| c.is_ascii_digit())
        .ok_or_else(|| RevisionRangeError::Syntax(term.to_owned()))?;
    let (operator, date) = term.split_at(split);
    let bound: Revision = date.trim().parse()?;
    Ok(match operator.trim() {
        ">=" => Box::new(move |r| r >= bound),
        "<=" => Box::new(move |r| r <= bound),
        ">" => Box::new(move |r| r > bound),
        "<" => Box::new(move |r| r < bound),
        "" | "=" => Box::new(move |r| r == bound),
        _ => return Err(RevisionRangeError::Syntax(term.to_owned())),
    })
}

impl TryFrom<String> for RevisionRange {
    type Error = RevisionRangeError;

    fn try_from(text: String) -> Result<Self, RevisionRangeError> {
        text.parse()
    }
}

impl From<RevisionRange> for String {
    fn from(range: RevisionRange) -> String {
        range.text
    }
}

impl std::fmt::Display for RevisionRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_comparisons() {
        let members = |text: &str| text.parse::<RevisionRange>().unwrap().members;
        assert_eq!(members("all").len(), 5);
        assert_eq!(members("legacy").len(), 4);
        assert_eq!(members("modern"), [Revision::V2026_07_28]);
        assert_eq!(
            members(">=2025-03-26, <2025-11-25"),
            [Revision::V2025_03_26, Revision::V2025_06_18]
        );
        assert_eq!(members("2024-11-05"), [Revision::V2024_11_05]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "newest", ">=2025", "~2025-06-18", ">2026-07-28"] {
            assert!(text.parse::<RevisionRange>().is_err(), "{text}");
        }
    }
}
