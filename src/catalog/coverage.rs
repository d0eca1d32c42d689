//! How much of the specification is tested, by area and revision.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::lint::RuleCitations;
use super::{Case, Catalog, Party, Requirement};
use crate::revision::Revision;
use crate::transport::Transport;

/// What is tested of what the specification asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Counts of what servers are asked, by area and revision.
    pub areas: BTreeMap<String, BTreeMap<Revision, Cell>>,
    /// How many requirements of clients there are, by area and revision. None is tested yet.
    pub clients: BTreeMap<String, BTreeMap<Revision, usize>>,
    /// Requirements that no case can test, with the reason.
    pub untested: BTreeMap<String, String>,
    /// Requirements that neither are tested nor say why not, with the places where that is so.
    pub open: BTreeMap<String, BTreeMap<Revision, Vec<Transport>>>,
    /// Cases that a fault of the reference server shows to be able to fail.
    pub proven_cases: Share,
    /// The same of rules.
    pub proven_rules: Share,
    /// Requirements that are cited, and broken by a fault that a case or rule which cites them catches.
    pub proven_requirements: Share,
    /// The others that are cited: nothing shows that they are tested.
    pub unproven_requirements: BTreeSet<String>,
    /// Faults that a case or a rule catches, of those that a conversation can show.
    pub caught_faults: Share,
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
    /// On each transport that they concern, a case that runs there or a rule cites them.
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
    /// Counts what the cases and rules of a catalog cite, and which of these faults they claim to catch: each with
    /// the requirement that it breaks.
    pub fn of(catalog: &Catalog, rules: &[RuleCitations], faults: &[(&str, &str)]) -> Coverage {
        let by_cases = catalog.cases().iter().flat_map(|case| &case.faults);
        let by_rules = rules.iter().flat_map(|rule| &rule.faults);
        let caught: BTreeSet<&str> = by_cases.chain(by_rules).map(String::as_str).collect();
        let cited = citations(catalog, rules, faults);
        let unproven = cited.iter().filter(|(_, is_proven)| !**is_proven);
        let proven = |claims: &[String]| !claims.is_empty();
        let mut coverage = Coverage {
            proven_cases: Share::of(catalog.cases().iter().map(|case| proven(&case.faults))),
            proven_rules: Share::of(rules.iter().map(|rule| proven(&rule.faults))),
            proven_requirements: Share::of(cited.values().copied()),
            unproven_requirements: unproven.map(|(id, _)| (*id).to_owned()).collect(),
            caught_faults: Share::of(faults.iter().map(|(fault, _)| caught.contains(fault))),
            ..Coverage::default()
        };
        for requirement in catalog.requirements.values() {
            for revision in requirement.levels.keys().copied() {
                if requirement.party != Party::Client {
                    coverage.add(catalog, rules, requirement, revision);
                }
                if requirement.party != Party::Server {
                    let area = coverage.clients.entry(requirement.area().to_owned());
                    *area.or_default().entry(revision).or_default() += 1;
                }
            }
        }
        coverage
    }

    fn add(
        &mut self,
        catalog: &Catalog,
        rules: &[RuleCitations],
        requirement: &Requirement,
        revision: Revision,
    ) {
        let area = self.areas.entry(requirement.area().to_owned()).or_default();
        let cell = area.entry(revision).or_default();
        let missing: Vec<Transport> = requirement
            .transports(revision)
            .filter(|transport| {
                let cases = catalog.cases().iter().map(AsRef::as_ref);
                !is_tested(cases, rules, requirement, revision, *transport)
            })
            .collect();
        if missing.is_empty() {
            cell.tested += 1;
        } else if let Some(reason) = &requirement.untested {
            cell.untested += 1;
            self.untested.insert(requirement.id.clone(), reason.clone());
        } else {
            cell.open += 1;
            let places = self.open.entry(requirement.id.clone()).or_default();
            places.insert(revision, missing);
        }
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

/// What is cited, and whether a fault that breaks it is caught by a case or rule which cites it.
fn citations<'a>(
    catalog: &'a Catalog,
    rules: &'a [RuleCitations],
    faults: &[(&str, &str)],
) -> BTreeMap<&'a str, bool> {
    let cases = catalog.cases().iter();
    let cases = cases.map(|case| (&case.requirements, &case.faults));
    let rules = rules.iter().map(|rule| (&rule.requirements, &rule.faults));
    let mut cited = BTreeMap::new();
    for (requirements, claims) in cases.chain(rules) {
        for requirement in requirements {
            let breaks = |(fault, broken): &(&str, &str)| {
                broken == requirement && claims.iter().any(|claim| claim == fault)
            };
            *cited.entry(requirement.as_str()).or_default() |= faults.iter().any(breaks);
        }
    }
    cited
}

/// Whether one of these cases or rules tests a requirement at this place.
pub(super) fn is_tested<'a>(
    cases: impl IntoIterator<Item = &'a Case>,
    rules: &[RuleCitations],
    requirement: &Requirement,
    revision: Revision,
    transport: Transport,
) -> bool {
    let id = &requirement.id;
    let by_rule = rules
        .iter()
        .any(|rule| rule.requirements.contains(id) && (rule.applies)(revision, transport));
    by_rule
        || cases.into_iter().any(|case| {
            case.is_over(transport)
                && case.revisions.contains(revision)
                && case.requirements.contains(id)
        })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::catalog) fn catalog() -> Catalog {
        let requirements = [
            r#"{ "id": "a/case", "text": "t", "party": "server", "transport": "any",
                 "levels": { "2025-06-18": "MUST p", "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/rule", "text": "t", "party": "both", "transport": "any", "levels": { "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/half", "text": "t", "party": "server", "transport": "any",
                 "levels": { "2024-11-05": "MUST p", "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/http", "text": "t", "party": "server", "transport": "http",
                 "levels": { "2024-11-05": "MUST p", "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "a/reason", "text": "t", "party": "server", "transport": "any", "untested": "invisible",
                 "levels": { "2025-11-25": "MUST p" } }"#,
            r#"{ "id": "b/client", "text": "t", "party": "client", "transport": "any", "levels": { "2025-11-25": "MUST p" } }"#,
        ];
        let mut catalog = Catalog::default();
        for text in requirements {
            let requirement: Requirement = serde_json::from_str(text).unwrap();
            catalog
                .requirements
                .insert(requirement.id.clone(), requirement);
        }
        let cases = [
            r#"{ "id": "a/x", "title": "t", "requirements": ["a/case"], "revisions": "2025-11-25",
                 "steps": [{ "alive": true }], "faults": ["f"] }"#,
            r#"{ "id": "a/y", "title": "t", "requirements": ["a/http"], "transports": ["http"],
                 "steps": [{ "alive": true }] }"#,
        ];
        for text in cases {
            catalog
                .cases
                .push(std::sync::Arc::new(serde_json::from_str(text).unwrap()));
        }
        catalog
    }

    /// Only who cites a requirement proves that it is tested.
    pub(in crate::catalog) const FAULTS: [(&str, &str); 3] =
        [("f", "a/case"), ("g", "a/rule"), ("h", "a/http")];

    pub(in crate::catalog) fn rules() -> [RuleCitations; 2] {
        let rule = |id: &str, applies| RuleCitations {
            name: format!("rule/{id}"),
            requirements: vec![format!("a/{id}")],
            faults: vec!["g".to_owned()],
            applies,
        };
        [
            rule("rule", |_, _| true),
            rule("half", |_, transport| transport == Transport::Stdio),
        ]
    }

    #[test]
    fn tested_with_reason_and_open_add_up() {
        let coverage = Coverage::of(&catalog(), &rules(), &FAULTS);
        assert_eq!(coverage.proven_cases, Share { some: 1, all: 2 });
        assert_eq!(coverage.proven_rules, Share { some: 2, all: 2 });
        assert_eq!(coverage.proven_requirements, Share { some: 2, all: 4 });
        let unproven = ["a/half", "a/http"].map(str::to_owned);
        assert_eq!(coverage.unproven_requirements, unproven.into());
        assert_eq!(coverage.caught_faults, Share { some: 2, all: 3 });
        let newest = coverage.areas["a"][&Revision::V2025_11_25];
        let expected = Cell {
            tested: 3,
            untested: 1,
            open: 1,
        };
        assert_eq!(newest, expected);
        assert_eq!(newest.total(), 5);
        assert_eq!(coverage.untested["a/reason"], "invisible");
        assert_eq!(coverage.totals()[&Revision::V2025_06_18].open, 1);
    }

    #[test]
    fn each_transport_counts() {
        let open = Coverage::of(&catalog(), &rules(), &[]).open;
        let at = |id: &str, revision| open[id][&revision].clone();
        assert_eq!(
            at("a/case", Revision::V2025_06_18),
            [Transport::Stdio, Transport::Http]
        );
        assert_eq!(at("a/half", Revision::V2025_11_25), [Transport::Http]);
        assert_eq!(at("a/half", Revision::V2024_11_05), [Transport::Sse]);
        assert_eq!(at("a/http", Revision::V2024_11_05), [Transport::Sse]);
        assert_eq!(open["a/http"].len(), 1, "over HTTP it is tested");
    }

    #[test]
    fn what_binds_clients_is_counted_apart() {
        let coverage = Coverage::of(&catalog(), &rules(), &[]);
        let clients = |area: &str| coverage.clients[area][&Revision::V2025_11_25];
        assert_eq!((clients("a"), clients("b")), (1, 1));
        assert!(!coverage.areas.contains_key("b"));
    }
}
