//! What differs, and what explains it.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use mcp_conform::revision::{Revision, RevisionRange};
use serde::Deserialize;
use serde_json::Value;

/// An entry of the file: what is known to differ.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub revisions: RevisionRange,
    /// What differs, as globs: names of definitions, or methods with "request" or "result".
    pub of: Vec<String>,
    /// Where, as globs of JSON Pointers; an index is a star.
    pub at: Vec<String>,
    pub ours: Ours,
    #[allow(dead_code, reason = "for whoever reads the file")]
    pub why: String,
}

#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Ours {
    Accepts,
    Refuses,
}

/// What differs, and where.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub revision: Revision,
    pub of: String,
    pub at: String,
    pub ours: Ours,
}

#[derive(Default)]
pub struct Seen {
    /// How often, and one of them.
    pub places: BTreeMap<Place, (u32, Value)>,
    pub agreed: u32,
}

impl Seen {
    pub fn differ(&mut self, place: Place, value: &Value) {
        self.places
            .entry(place)
            .or_insert_with(|| (0, value.clone()))
            .0 += 1;
    }
}

/// A pointer with a star for each index.
pub fn anonymous(pointer: &str) -> String {
    let parts = pointer.split('/').map(|part| {
        if part.parse::<usize>().is_ok() {
            "*"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Prints what no entry explains, and the entries that explain nothing. Returns how many there are of both.
pub fn explain(seen: &Seen, differences: &[Difference]) -> u32 {
    let globs: Vec<(GlobSet, GlobSet)> = differences
        .iter()
        .map(|known| (globs(&known.of, false), globs(&known.at, true)))
        .collect();
    let mut used = vec![0; differences.len()];
    let mut unexplained = 0;
    for (place, (count, value)) in &seen.places {
        let explains = |index: &usize| {
            let (known, (of, at)) = (&differences[*index], &globs[*index]);
            known.ours == place.ours
                && known.revisions.contains(place.revision)
                && of.is_match(&place.of)
                && at.is_match(&place.at)
        };
        let mut explained = false;
        for index in (0..differences.len()).filter(explains) {
            used[index] += 1;
            explained = true;
        }
        if !explained {
            unexplained += 1;
            let shown: String = value.to_string().chars().take(300).collect();
            println!(
                "not explained: {} {} at {:?}: ours {:?} ({count} times), such as {shown}",
                place.revision, place.of, place.at, place.ours
            );
        }
    }
    let stale: Vec<&Difference> = differences
        .iter()
        .zip(&used)
        .filter(|(_, used)| **used == 0)
        .map(|(known, _)| known)
        .collect();
    for known in &stale {
        println!("explains nothing: {:?} at {:?}", known.of, known.at);
    }
    println!(
        "{} differences, {unexplained} not explained; {} explanations, {} of nothing",
        seen.places.len(),
        differences.len(),
        stale.len()
    );
    unexplained + u32::try_from(stale.len()).unwrap()
}

fn globs(patterns: &[String], by_part: bool) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(
            GlobBuilder::new(pattern)
                .literal_separator(by_part)
                .build()
                .unwrap(),
        );
    }
    set.build().unwrap()
}
