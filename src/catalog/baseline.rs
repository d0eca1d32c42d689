//! What coverage was, so that it cannot go down unseen: `cases/coverage.json`.
//!
//! Counts may always get better, so whoever adds cases need not touch the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::coverage::{Coverage, Share};
use crate::revision::Revision;

/// Counts by area and revision.
type Counts = BTreeMap<String, BTreeMap<Revision, usize>>;

/// The counts of an earlier coverage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Cases that no fault proves.
    pub unproven_cases: usize,
    /// Rules that no fault proves.
    pub unproven_rules: usize,
    /// Requirements that are cited, and that no fault shows to be tested.
    pub unproven_requirements: usize,
    /// Faults that nothing catches.
    pub uncaught_faults: usize,
    /// Requirements that were tested.
    pub tested: Counts,
    /// Requirements that were open, where there were any.
    pub open: Counts,
}

fn missing(share: Share) -> usize {
    share.all - share.some
}

impl Baseline {
    /// The counts of this coverage.
    pub fn of(coverage: &Coverage) -> Baseline {
        let counts = |count: fn(&super::coverage::Cell) -> usize| -> Counts {
            let areas = coverage.areas.iter().map(|(area, cells)| {
                let cells = cells
                    .iter()
                    .map(|(revision, cell)| (*revision, count(cell)));
                (
                    area.clone(),
                    cells.filter(|(_, count)| *count > 0).collect(),
                )
            });
            areas
                .filter(|(_, cells): &(_, BTreeMap<_, _>)| !cells.is_empty())
                .collect()
        };
        Baseline {
            unproven_cases: missing(coverage.proven_cases),
            unproven_rules: missing(coverage.proven_rules),
            unproven_requirements: missing(coverage.proven_requirements),
            uncaught_faults: missing(coverage.caught_faults),
            tested: counts(|cell| cell.tested),
            open: counts(|cell| cell.open),
        }
    }

    /// What is worse now than it was, a line each.
    pub fn worse(&self, coverage: &Coverage) -> Vec<String> {
        let now = Baseline::of(coverage);
        let mut worse = Vec::new();
        let rising = [
            (
                "cases that no fault proves",
                self.unproven_cases,
                now.unproven_cases,
            ),
            (
                "rules that no fault proves",
                self.unproven_rules,
                now.unproven_rules,
            ),
            (
                "requirements that are cited and that no fault proves",
                self.unproven_requirements,
                now.unproven_requirements,
            ),
            (
                "faults that nothing catches",
                self.uncaught_faults,
                now.uncaught_faults,
            ),
        ];
        for (what, before, after) in rising {
            if after > before {
                worse.push(format!("{what}: {before} before, now {after}"));
            }
        }
        for (area, revision, before) in each(&self.tested) {
            let after = count(&now.tested, area, revision);
            if after < before {
                worse.push(format!(
                    "{area} at {revision}: {before} tested before, now {after}"
                ));
            }
        }
        for (area, revision, after) in each(&now.open) {
            let before = count(&self.open, area, revision);
            if after > before {
                worse.push(format!(
                    "{area} at {revision}: {before} open before, now {after}"
                ));
            }
        }
        worse
    }

    /// The file: a line for each area, so that changes can be read and merged.
    pub fn to_json(&self) -> String {
        let mut text = String::from("{\n");
        for (name, count) in [
            ("unproven_cases", self.unproven_cases),
            ("unproven_rules", self.unproven_rules),
            ("unproven_requirements", self.unproven_requirements),
            ("uncaught_faults", self.uncaught_faults),
        ] {
            let _ = writeln!(text, "  \"{name}\": {count},");
        }
        let _ = writeln!(text, "  \"tested\": {},", rows(&self.tested));
        let _ = writeln!(text, "  \"open\": {}\n}}", rows(&self.open));
        text
    }
}

fn each(counts: &Counts) -> impl Iterator<Item = (&str, Revision, usize)> {
    counts.iter().flat_map(|(area, cells)| {
        let cells = cells.iter();
        cells.map(move |(revision, count)| (area.as_str(), *revision, *count))
    })
}

fn count(counts: &Counts, area: &str, revision: Revision) -> usize {
    let cells = counts.get(area);
    cells
        .and_then(|cells| cells.get(&revision))
        .copied()
        .unwrap_or(0)
}

fn rows(counts: &Counts) -> String {
    let rows = counts.iter().map(|(area, cells)| {
        let cells = cells.iter();
        let cells: Vec<String> = cells
            .map(|(revision, count)| format!("\"{revision}\": {count}"))
            .collect();
        format!("\n    \"{area}\": {{ {} }}", cells.join(", "))
    });
    let rows: Vec<String> = rows.collect();
    match rows.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{{}\n  }}", rows.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::coverage::tests::{FAULTS, catalog, rules};
    use super::*;

    fn coverage() -> Coverage {
        Coverage::of(&catalog(), &rules(), &FAULTS)
    }

    #[test]
    fn the_file_can_be_read_back() {
        let baseline = Baseline::of(&coverage());
        let read: Baseline = serde_json::from_str(&baseline.to_json()).unwrap();
        assert_eq!(read, baseline);
        assert_eq!(baseline.worse(&coverage()), Vec::<String>::new());
        let empty: Baseline = serde_json::from_str(&Baseline::default().to_json()).unwrap();
        assert_eq!(empty, Baseline::default());
    }

    #[test]
    fn what_got_better_needs_no_new_file() {
        let baseline = Baseline::of(&coverage());
        let mut better = catalog();
        let mut case = (*better.cases[0]).clone();
        case.requirements = vec!["a/half".to_owned(), "a/case".to_owned()];
        case.revisions = "all".parse().unwrap();
        better.cases.push(case.into());
        let better = Coverage::of(&better, &rules(), &FAULTS[..2]);
        assert_eq!(baseline.worse(&better), Vec::<String>::new());
        assert!(!Baseline::of(&better).worse(&coverage()).is_empty());
    }

    #[test]
    fn what_got_worse_is_told() {
        let baseline = Baseline::of(&coverage());
        let mut worse = catalog();
        worse.cases.truncate(1);
        let mut case = (*worse.cases[0]).clone();
        case.id = "a/z".into();
        case.faults.clear();
        worse.cases.push(case.clone().into());
        worse.cases.push(case.into());
        let worse = Coverage::of(&worse, &rules()[..1], &FAULTS);
        let expected = [
            "cases that no fault proves: 1 before, now 2",
            "a at 2025-11-25: 3 tested before, now 2",
            "a at 2025-11-25: 1 open before, now 2",
        ];
        assert_eq!(baseline.worse(&worse), expected);
    }
}
