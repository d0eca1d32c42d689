//! What is wrong with a catalog, beyond what its types can say.

mod citations;
mod content;
mod form;
mod hints;
mod lines;
mod places;
#[cfg(test)]
mod tests;
mod twice;

use std::collections::BTreeSet;

use citations::Known;

use super::coverage::is_tested;
use super::load::{Kind, taken};
use super::{Case, Catalog, Party, Problem, Requirement};
use crate::catalog::load::SourceFile;
use crate::catalog::select::{did_you_mean, near};
use crate::revision::Revision;
use crate::transport::Transport;

/// What a rule says of itself: it is code, and the catalog sees no more of it.
#[derive(Debug, Clone)]
pub struct RuleCitations {
    /// The name of its trials, `rule/NAME`.
    pub name: String,
    /// The ids of the requirements that it cites.
    pub requirements: Vec<String>,
    /// The faults that it catches.
    pub faults: Vec<String>,
    /// Where it is checked.
    pub applies: fn(Revision, Transport) -> bool,
}

/// An item of a file and where it stands.
struct Located<'a, T> {
    file: &'a SourceFile,
    index: usize,
    item: T,
}

impl<T> Located<'_, T> {
    fn problem(&self, pointer: &str, message: String) -> Problem {
        Problem {
            file: self.file.name.clone(),
            pointer: format!("/{}{pointer}", self.index),
            message,
        }
    }
}

/// Everything that is wrong with these files, which add to `base`.
///
/// Requirements that nothing tests are only looked for if the `rules` are given, since they test some of them.
pub fn lint(files: &[SourceFile], base: &Catalog, rules: Option<&[RuleCitations]>) -> Vec<Problem> {
    let mut problems = problems(files, base, rules);
    for problem in &mut problems {
        let file = files.iter().find(|file| file.name == problem.file);
        if let Some(line) = file.and_then(|file| lines::line_of(&file.text, &problem.pointer)) {
            problem.file = format!("{}:{line}", problem.file);
        }
    }
    problems
}

fn problems(files: &[SourceFile], base: &Catalog, rules: Option<&[RuleCitations]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut requirements: Vec<Located<'_, Requirement>> = Vec::new();
    let mut cases: Vec<Located<'_, Case>> = Vec::new();
    for file in files {
        match file.kind {
            Kind::Requirements => collect(form::items(file), &mut requirements, &mut problems),
            Kind::Cases => collect(form::items(file), &mut cases, &mut problems),
        }
    }
    // Whatever does not have the right form is missing from here on: what is said of the rest would mislead.
    if !problems.is_empty() {
        return problems;
    }
    let known = Known::new(base, &requirements);
    problems.extend(
        requirements
            .iter()
            .filter_map(|found| area_problem(found, &found.item.id)),
    );
    problems.extend(
        cases
            .iter()
            .filter_map(|found| area_problem(found, &found.item.id)),
    );
    let taken_by_base = |id: &str| base.requirements.contains_key(id);
    problems.extend(duplicates(
        &requirements,
        |requirement| &requirement.id,
        taken_by_base,
    ));
    problems.extend(duplicates(
        &cases,
        |case| &case.id,
        |id| base.case(id).is_some(),
    ));
    for case in &cases {
        problems.extend(known.citation_problems(case));
        problems.extend(fault_problems(case));
        problems.extend(content::problems(case));
        problems.extend(places::of_case(case));
        problems.extend(hints::problems(case, &case.item.hints));
    }
    for requirement in &requirements {
        problems.extend(places::of_requirement(requirement));
        problems.extend(hints::of_requirement(requirement));
    }
    if let Some(rules) = rules {
        problems.extend(citations::of_rules(rules, &known));
        problems.extend(dead_requirements(&requirements, &cases, rules));
    }
    problems
}

fn collect<T>(
    found: Result<Vec<T>, Vec<Problem>>,
    items: &mut Vec<T>,
    problems: &mut Vec<Problem>,
) {
    match found {
        Ok(found) => items.extend(found),
        Err(found) => problems.extend(found),
    }
}

fn area_problem<T>(found: &Located<'_, T>, id: &str) -> Option<Problem> {
    let stem = found.file.stem();
    let area = super::area(id);
    (area != stem).then(|| {
        found.problem(
            "/id",
            format!(
                "{id:?} belongs in {area}.json: the first part of an id is the name of its file"
            ),
        )
    })
}

fn duplicates<'a, T>(
    items: &'a [Located<'_, T>],
    id: impl Fn(&'a T) -> &'a str,
    taken_before: impl Fn(&str) -> bool,
) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    items
        .iter()
        .filter(|found| {
            let id = id(&found.item);
            !seen.insert(id) || taken_before(id)
        })
        .map(|found| taken(found.file, found.index, id(&found.item)))
        .collect()
}

fn fault_problems(case: &Located<'_, Case>) -> Vec<Problem> {
    let faults = case.item.faults.iter().enumerate();
    faults
        .filter_map(|(index, fault)| {
            let message = unknown_fault(fault)?;
            Some(case.problem(&format!("/faults/{index}"), message))
        })
        .collect()
}

/// What is to be said of a fault that does not exist.
fn unknown_fault(fault: &str) -> Option<String> {
    let known = mcp_reference_server::faults()
        .iter()
        .map(|fault| fault.name);
    if known.clone().any(|name| name == fault) {
        return None;
    }
    let near = did_you_mean(&near(fault, known));
    Some(format!("the reference server has no fault {fault:?}{near}"))
}

fn dead_requirements(
    requirements: &[Located<'_, Requirement>],
    cases: &[Located<'_, Case>],
    rules: &[RuleCitations],
) -> Vec<Problem> {
    let by_cases = cases.iter().flat_map(|case| &case.item.requirements);
    let cited: BTreeSet<&String> = by_cases
        .chain(rules.iter().flat_map(|rule| &rule.requirements))
        .collect();
    let mut problems = Vec::new();
    for found in requirements
        .iter()
        .filter(|found| found.item.party != Party::Client)
    {
        let requirement = &found.item;
        let is_cited = cited.contains(&requirement.id);
        match (is_cited, &requirement.untested) {
            (false, None) => problems.push(found.problem(
                "",
                format!(
                    "{:?} is tested by no case and no rule: test it, or say in `untested` why not",
                    requirement.id
                ),
            )),
            (true, Some(_)) if is_tested_everywhere(requirement, cases, rules) => {
                problems.push(found.problem(
                    "/untested",
                    format!(
                        "{:?} is tested, so there is no reason why it is not",
                        requirement.id
                    ),
                ));
            }
            _ => {}
        }
    }
    problems
}

/// Whether nothing is missing: at each revision, on each transport that the requirement concerns there.
fn is_tested_everywhere(
    requirement: &Requirement,
    cases: &[Located<'_, Case>],
    rules: &[RuleCitations],
) -> bool {
    requirement.levels.keys().all(|revision| {
        requirement.transports(*revision).all(|transport| {
            let cases = cases.iter().map(|found| &found.item);
            is_tested(cases, rules, requirement, *revision, transport)
        })
    })
}
