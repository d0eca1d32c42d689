//! `--revision`: which revisions are meant.

use std::str::FromStr;

use super::Failure;
use crate::revision::{Revision, UnknownRevision};

/// One word behind `--revision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Revisions {
    Auto,
    All,
    One(Revision),
}

impl FromStr for Revisions {
    type Err = String;

    fn from_str(text: &str) -> Result<Revisions, String> {
        match text {
            "auto" => Ok(Revisions::Auto),
            "all" => Ok(Revisions::All),
            date => date
                .parse()
                .map(Revisions::One)
                .map_err(|error: UnknownRevision| {
                    format!("{error}; all and auto are possible as well")
                }),
        }
    }
}

/// Those asked for together; none if the choice is left to the server.
pub(super) fn asked(words: &[Revisions]) -> Result<Option<Vec<Revision>>, Failure> {
    if words.iter().all(|word| *word == Revisions::Auto) {
        return Ok(None);
    }
    let mut revisions = Vec::new();
    for word in words {
        match word {
            Revisions::All => revisions.extend(Revision::ALL),
            Revisions::One(revision) => revisions.push(*revision),
            Revisions::Auto => {
                return Err(Failure::usage(
                    "--revision auto leaves the choice to the server: it cannot be combined with others",
                ));
            }
        }
    }
    revisions.sort();
    revisions.dedup();
    Ok(Some(revisions))
}
