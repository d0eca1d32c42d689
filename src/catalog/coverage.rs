//! How much of the specification is tested, by area and revision.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lint::RuleCitations;
use super::{Catalog, Party, Requirement};
use crate::revision::Revision;

/// What is tested of what the specification asks of servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Counts by area and revision.
    pub areas: BTreeMap<String, BTreeMap<Revision, Cell>>,
    /// Requirements that no case can test, with the reason.
    pub untested: BTreeMap<String, String>,
    /// Requirements that neither are tested nor say why not, with the revisions where that is so.
    pub open: BTreeMap<String, Vec<Revision>>,
    /// Cases that a fault of the reference server shows to be able to fail.
    pub proven_cases: Share,
    /// The same of rules.
    pub proven_rules: Share,
}

/// How many of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Those that are meant.
    pub some: usize,
    /// All.
    pub all: usize,
}

impl Share {
    /// Counts the `true` among all.
    pub fn of(all: impl Iterator<Item = bool>) -> Share {
        all.fold(Share::default(), |share, is_meant| Share {
            some: share.some + usize::from(is_meant),
            all: share.all + 1,
        })
    }
}

/// The requirements of one area at one revision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Cited by a case that runs there, or by a rule.
    pub tested: usize,
    /// Not testable, with a reason.
    pub untested: usize,
    /// Neither.
    pub open: usize,
}

impl Cell {
    /// How many requirements there are.
    pub fn total(self) -> usize {
        self.tested + self.untested + self.open
    }
}

impl std::ops::AddAssign for Cell {
    fn add_assign(&mut self, other: Cell) {
        self.tested += other.tested;
        self.untested += other.untested;
        self.open += other.open;
    }
}

impl Coverage {
    /// Counts what the cases and rules of a catalog cite.
    pub fn of(catalog: &Catalog, rules: &[RuleCitations], proven_rules: Share) -> Coverage {
        let proven = catalog.cases.iter().map(|case| !case.faults.is_empty());
        let mut coverage = Coverage {
            proven_cases: Share::of(proven),
            proven_rules,
            areas: BTreeMap::new(),
            untested: BTreeMap::new(),
            open: BTreeMap::new(),
        };
        let of_servers = catalog
            .requirements
            .values()
            .filter(|requirement| requirement.party != Party::Client);
        for requirement in of_servers {
            let area = requirement.id.split('/').next().unwrap_or_default();
            for revision in requirement.levels.keys().copied() {
                let cell = coverage
                    .areas
                    .entry(area.to_owned())
                    .or_default()
                    .entry(revision)
                    .or_default();
                if is_tested(catalog, rules, requirement, revision) {
                    cell.tested += 1;
                } else if let Some(reason) = &requirement.untested {
                    cell.untested += 1;
                    coverage
                        .untested
                        .insert(requirement.id.clone(), reason.clone());
                } else {
                    cell.open += 1;
                    coverage
                        .open
                        .entry(requirement.id.clone())
                        .or_default()
                        .push(revision);
                }
            }
        }
        coverage
    }

    /// All areas together, by revision.
    pub fn totals(&self) -> BTreeMap<Revision, Cell> {
        let mut totals: BTreeMap<Revision, Cell> = BTreeMap::new();
        for (revision, cell) in self.areas.values().flatten() {
            *totals.entry(*revision).or_default() += *cell;
        }
        totals
    }
}

fn is_tested(
    catalog: &Catalog,
    rules: &[RuleCitations],
    requirement: &Requirement,
    revision: Revision,
) -> bool {
    let by_rule = rules
        .iter()
        .any(|(_, cited)| cited.contains(&requirement.id));
    by_rule
        || catalog.cases.iter().any(|case| {
            case.revisions.contains(revision) && case.requirements.contains(&requirement.id)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tested_with_reason_and_open_add_up() {
        let requirements = [
            r#"{ "id": "a/case", "text": "t", "party": "server", "transport": "any",
                 "levels": { "2025-06-18": "MUST p", "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/rule", "text": "t", "party": "both", "transport": "any", "levels": { "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/reason", "text": "t", "party": "server", "transport": "any", "untested": "invisible",
                 "levels": { "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/client", "text": "t", "party": "client", "transport": "any", "levels": { "2025-11-25": "MUST p" } }"#,
        ];
        let mut catalog = Catalog::default();
        for text in requirements {
            let requirement: Requirement = serde_json::from_str(text).unwrap();
            catalog
                .requirements
                .insert(requirement.id.clone(), requirement);
        }
        catalog.cases.push(
            serde_json::from_str(
                r#"{ "id": "a/x", "title": "t", "requirements": ["a/case"], "revisions": "2025-11-25",
                     "steps": [{ "alive": true }] }"#,
            )
            .unwrap(),
        );
        let coverage = Coverage::of(
            &catalog,
            &[("rule/r".to_owned(), vec!["a/rule".to_owned()])],
            Share::of([true].into_iter()),
        );
        assert_eq!(coverage.proven_cases, Share { some: 0, all: 1 });
        let newest = coverage.areas["a"][&Revision::V2025_11_25];
        assert_eq!(
            newest,
            Cell {
                tested: 2,
                untested: 1,
                open: 0
            }
        );
        assert_eq!(newest.total(), 3);
        assert_eq!(coverage.open["a/case"], [Revision::V2025_06_18]);
        assert_eq!(coverage.untested["a/reason"], "invisible");
        assert_eq!(coverage.totals()[&Revision::V2025_06_18].open, 1);
    }
}
