//! Our schemas beside the published ones: they accept and refuse the same, but for what `interop/schema-differences.json`
//! explains. `interop/schemas.sh` runs this.

mod differences;
mod examples;
mod pairs;
mod wrong;

use std::collections::BTreeMap;
use std::path::Path;

use mcp_conform::revision::Revision;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::Value;

use self::differences::{Difference, Ours, Place, Seen, anonymous, explain};
use self::examples::examples;
use self::pairs::{Pair, pairs};
use self::wrong::wrongs;
use super::document::Document;
use super::generate::instance;

/// So many instances are made of each schema, by ours and by the published one.
const INSTANCES: usize = 40;
/// In so many of them, one thing after the other is made wrong.
const BROKEN: usize = 12;

/// What is known of the published schemas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// Published definitions with the part of ours that says the same.
    definitions: BTreeMap<String, String>,
    /// Those of which ours says more: their examples are valid.
    narrower: BTreeMap<String, String>,
    /// Published examples that break the published schema as well, with what is wrong.
    examples: BTreeMap<String, String>,
    differences: Vec<Difference>,
}

#[test]
#[ignore = "needs a folder with the published schemas, in MCP_CONFORM_SCHEMAS"]
fn published_schemas_say_the_same() {
    let folder = std::env::var_os("MCP_CONFORM_SCHEMAS").unwrap();
    let known = include_str!("../../../interop/schema-differences.json");
    let known: Known = serde_json::from_str(known).unwrap();
    let mut seen = Seen::default();
    let mut failures = 0;
    for revision in Revision::ALL {
        let path = Path::new(&folder)
            .join(revision.as_str())
            .join("schema.json");
        let ours = Document::ours(revision);
        let theirs = Document::new(read(&path));
        let pairs = pairs(&ours, &theirs, &known.definitions);
        let (before, mut valid) = (seen.agreed, 0);
        for pair in &pairs {
            valid += compare(revision, &ours, &theirs, pair, &mut seen);
        }
        let differs = seen
            .places
            .keys()
            .filter(|place| place.revision == revision)
            .count();
        let agreed = seen.agreed - before;
        println!(
            "{revision}: {} definitions, {valid} valid instances, the same answer {agreed} times, {differs} differences",
            pairs.len()
        );
        failures += examples(&path.with_file_name("examples"), &ours, &pairs, &known);
    }
    failures += explain(&seen, &known.differences);
    assert_eq!(failures, 0, "see above");
}

fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares the answers to instances of either schema, and to these with one thing wrong. Returns how many were valid.
fn compare(
    revision: Revision,
    ours: &Document,
    theirs: &Document,
    pair: &Pair,
    seen: &mut Seen,
) -> usize {
    let our_validator = ours.validator(pair.ours);
    let their_validator = theirs.validator(pair.theirs);
    // Whether both say the same of a value, which was changed at the pointer.
    let mut agree = |value: &Value, changed: Option<&str>| {
        let errors = (
            our_validator.iter_errors(value).next(),
            their_validator.iter_errors(value).next(),
        );
        let (answer, error) = match errors {
            (Some(error), None) => (Ours::Refuses, error),
            (None, Some(error)) => (Ours::Accepts, error),
            _ => {
                seen.agreed += 1;
                return true;
            }
        };
        let place = Place {
            revision,
            of: pair.name.clone(),
            at: anonymous(changed.unwrap_or(error.instance_path().as_str())),
            ours: answer,
        };
        seen.differ(place, value);
        false
    };
    let mut runner = TestRunner::deterministic();
    let numbers = proptest::collection::vec(any::<u16>(), 20..120);
    let mut valid = 0;
    for (document, schema) in [(theirs, pair.theirs), (ours, pair.ours)] {
        let own = document.validator(schema);
        let mut changed = 0;
        for _ in 0..INSTANCES {
            let numbers = numbers.new_tree(&mut runner).unwrap().current();
            let made = instance(document, schema, numbers);
            if !own.is_valid(&made) {
                continue;
            }
            valid += 1;
            if agree(&made, None) && changed < BROKEN {
                changed += 1;
                for (at, wrong) in wrongs(&made) {
                    agree(&wrong, Some(&at));
                }
            }
        }
    }
    assert!(
        valid > 5,
        "{revision} {}: too few valid instances",
        pair.name
    );
    valid
}
