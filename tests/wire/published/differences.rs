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

/// Prints what each entry explains, what none does, and the entries that explain nothing. Returns how many there are of the
/// last two.
pub fn explain(seen: &Seen, differences: &[Difference]) -> usize {
    let mut unexplained: Vec<&Place> = seen.places.keys().collect();
    let mut stale = 0;
    for known in differences {
        let (of, at) = (globs(&known.of, false), globs(&known.at, true));
        let explains = |place: &&Place| {
            known.ours == place.ours
                && known.revisions.contains(place.revision)
                && of.is_match(&place.of)
                && at.is_match(&place.at)
        };
        let mut explained: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for place in seen.places.keys().filter(explains) {
            let revisions = explained.entry((&place.of, &place.at)).or_default();
            revisions.push(place.revision.as_str());
        }
        println!("ours {:?}: {}", known.ours, known.why);
        for ((of, at), revisions) in &explained {
            println!("  {of} at {at:?} ({})", revisions.join(", "));
        }
        if explained.is_empty() {
            stale += 1;
            println!("  EXPLAINS NOTHING: {:?} at {:?}", known.of, known.at);
        }
        unexplained.retain(|place| !explains(place));
    }
    for place in &unexplained {
        let Place {
            revision,
            of,
            at,
            ours,
        } = place;
        let (count, value) = &seen.places[*place];
        let shown: String = value.to_string().chars().take(300).collect();
        println!(
            "NOT EXPLAINED: ours {ours:?} {of} at {at:?} ({revision}), {count} times, such as {shown}"
        );
    }
    println!(
        "{} differences, {} not explained; {} explanations, {stale} of nothing",
        seen.places.len(),
        unexplained.len(),
        differences.len()
    );
    unexplained.len() + stale
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
