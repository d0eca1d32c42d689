//! Whether what is cited exists, and says something where it is cited.

use std::collections::{BTreeMap, BTreeSet};

use super::{Located, RuleCitations, unknown_fault};
use crate::catalog::case::{Action, Step};
use crate::catalog::select::{did_you_mean, near};
use crate::catalog::{Case, Catalog, Party, Problem, Requirement};
use crate::judge::trial::silence::{ANSWERED, ANSWERS, STAYS_ALIVE};
use crate::revision::Revision;

/// What rules cite, and which faults they claim.
pub(super) fn of_rules(rules: &[RuleCitations], known: &Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in rules {
        let mut report = |message: String| {
            problems.push(Problem {
                file: rule.name.clone(),
                pointer: String::new(),
                message,
            });
        };
        for id in &rule.requirements {
            match known.requirements.get(id.as_str()) {
                None => report(format!(
                    "cites {id:?}, which is no requirement{}",
                    known.near(id)
                )),
                Some(requirement) if requirement.party == Party::Client => {
                    report(format!("cites {id:?}, which binds clients"));
                }
                Some(_) => {}
            }
        }
        rule.faults
            .iter()
            .filter_map(|fault| unknown_fault(fault))
            .for_each(report);
    }
    problems
}

/// What is cited though no step names it: by the request that follows hostile input, and where an answer is missing.
const UNNAMED: [&str; 3] = [STAYS_ALIVE, ANSWERS, ANSWERED];

/// The requirements that a step names.
fn named_by(step: &Step) -> Vec<&String> {
    let tolerated = step.expect.tolerate.iter().map(|it| &it.requirement);
    let mut named: Vec<&String> = tolerated
        .chain([&step.expect.requirement])
        .flatten()
        .collect();
    if let Action::Together(steps) = &step.action {
        named.extend(steps.iter().flat_map(named_by));
    }
    named
}

/// The requirements that may be cited.
pub(super) struct Known<'a> {
    requirements: BTreeMap<&'a str, &'a Requirement>,
}

impl<'a> Known<'a> {
    pub(super) fn new(base: &'a Catalog, added: &'a [Located<'_, Requirement>]) -> Known<'a> {
        let added = added.iter().map(|found| &found.item);
        let all = base.requirements.values().chain(added);
        Known {
            requirements: all
                .map(|requirement| (requirement.id.as_str(), requirement))
                .collect(),
        }
    }

    fn near(&self, id: &str) -> String {
        did_you_mean(&near(id, self.requirements.keys().copied()))
    }

    pub(super) fn citation_problems(&self, case: &Located<'_, Case>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut cited = Vec::new();
        for (index, id) in case.item.requirements.iter().enumerate() {
            let pointer = format!("/requirements/{index}");
            match self.requirements.get(id.as_str()) {
                None => problems.push(case.problem(
                    &pointer,
                    format!("{id:?} is no requirement{}", self.near(id)),
                )),
                Some(requirement) if requirement.party == Party::Client => {
                    let message = format!("{id:?} binds clients, and the case tests servers");
                    problems.push(case.problem(&pointer, message));
                }
                Some(requirement) => {
                    if !case
                        .item
                        .revisions
                        .iter()
                        .any(|revision| requirement.levels.contains_key(&revision))
                    {
                        let message = format!(
                            "{id:?} has no level at any revision at which the case runs ({})",
                            case.item.revisions
                        );
                        problems.push(case.problem(&pointer, message));
                    }
                    cited.push(requirement);
                }
            }
        }
        // Nothing could be cited there, so nothing could be found.
        let bare = case.item.revisions.iter().filter(|revision| {
            problems.is_empty()
                && !cited
                    .iter()
                    .any(|requirement| requirement.levels.contains_key(revision))
        });
        let bare: Vec<String> = bare.map(|revision| revision.to_string()).collect();
        if !bare.is_empty() {
            let message = format!(
                "none of the requirements cited has a level at {}",
                bare.join(", ")
            );
            problems.push(case.problem("/revisions", message));
        }
        problems.extend(self.never_cited(case));
        problems
    }

    /// Requirements that no finding of the case can cite: no step names them, and where none is named, one that stands
    /// before them is always cited.
    fn never_cited(&self, case: &Located<'_, Case>) -> Vec<Problem> {
        let named: BTreeSet<&String> = case.item.steps.iter().flat_map(named_by).collect();
        let mut bound: BTreeSet<Revision> = BTreeSet::new();
        let mut problems = Vec::new();
        for (index, id) in case.item.requirements.iter().enumerate() {
            let Some(requirement) = self.requirements.get(id.as_str()) else {
                continue;
            };
            let here = |revision: &Revision| requirement.levels.contains_key(revision);
            let here: BTreeSet<Revision> = case.item.revisions.iter().filter(here).collect();
            if here.is_subset(&bound) && !named.contains(id) && !UNNAMED.contains(&id.as_str()) {
                let message =
                    format!("no finding can cite {id:?}: let a step name it, or leave it out");
                problems.push(case.problem(&format!("/requirements/{index}"), message));
            }
            if requirement.when.is_empty() {
                bound.extend(here);
            }
        }
        problems
    }
}
