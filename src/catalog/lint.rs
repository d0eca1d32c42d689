//! What is wrong with a catalog, beyond what its types can say.

mod content;
mod form;

use std::collections::{BTreeMap, BTreeSet};

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
    }
    if let Some(rules) = rules {
        problems.extend(rule_problems(rules, &known));
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
    let area = id.split('/').next().unwrap_or(id);
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
    id: impl Fn(&'a T) -> &'a String,
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
    let known: Vec<&str> = mcp_reference_server::faults()
        .iter()
        .map(|fault| fault.name)
        .collect();
    let faults = case.item.faults.iter().enumerate();
    faults
        .filter(|(_, fault)| !known.contains(&fault.as_str()))
        .map(|(index, fault)| {
            let near = did_you_mean(&near(fault, known.iter().copied()));
            case.problem(
                &format!("/faults/{index}"),
                format!("the reference server has no fault {fault:?}{near}"),
            )
        })
        .collect()
}

fn rule_problems(rules: &[RuleCitations], known: &Known<'_>) -> Vec<Problem> {
    let cited = rules
        .iter()
        .flat_map(|rule| rule.requirements.iter().map(move |id| (&rule.name, id)));
    cited
        .filter(|(_, id)| !known.requirements.contains_key(id.as_str()))
        .map(|(name, id)| Problem {
            file: name.clone(),
            pointer: String::new(),
            message: format!("cites {id:?}, which is no requirement{}", known.near(id)),
        })
        .collect()
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
        match (cited.contains(&requirement.id), &requirement.untested) {
            (false, None) => problems.push(found.problem(
                "",
                format!(
                    "{:?} is tested by no case and no rule: test it, or say in `untested` why not",
                    requirement.id
                ),
            )),
            (true, Some(_)) => problems.push(found.problem(
                "/untested",
                format!(
                    "{:?} is tested, so there is no reason why it is not",
                    requirement.id
                ),
            )),
            _ => {}
        }
    }
    problems
}

/// The requirements that may be cited.
struct Known<'a> {
    requirements: BTreeMap<&'a str, &'a Requirement>,
}

impl<'a> Known<'a> {
    fn new(base: &'a Catalog, added: &'a [Located<'_, Requirement>]) -> Known<'a> {
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

    fn citation_problems(&self, case: &Located<'_, Case>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut cited = Vec::new();
        for (index, id) in case.item.requirements.iter().enumerate() {
            let pointer = format!("/requirements/{index}");
            match self.requirements.get(id.as_str()) {
                None => problems.push(case.problem(
                    &pointer,
                    format!("{id:?} is no requirement{}", self.near(id)),
                )),
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
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: Kind, name: &str, text: &str) -> SourceFile {
        SourceFile {
            name: name.to_owned(),
            kind,
            text: text.to_owned().into(),
        }
    }

    const REQUIREMENTS: &str = r#"[
        { "id": "tools/one", "text": "One", "party": "server", "transport": "any",
          "levels": { "2025-11-25": "MUST server/tools#one" } },
        { "id": "tools/two", "text": "Two", "party": "server", "transport": "any",
          "levels": { "2025-11-25": "MUST server/tools#two" } }
    ]"#;

    fn lint_case(case: &str) -> Vec<String> {
        let files = [
            file(Kind::Requirements, "requirements/tools.json", REQUIREMENTS),
            file(Kind::Cases, "tools.json", &format!("[{case}]")),
        ];
        lint(&files, &Catalog::default(), None)
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn each_problem_is_named_with_its_place() {
        let table = [
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                  "steps": [{ "alive": true }] }"#,
                "",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "steps": [{ "alive": true }],
                  "stepz": 1 }"#,
                "/0: Additional properties are not allowed ('stepz' was unexpected)",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                  "needs": ["toolz"], "steps": [{ "alive": true }] }"#,
                "/0/needs/0: \"toolz\" does not match",
            ),
            (
                r#"{ "id": "other/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                  "steps": [{ "alive": true }] }"#,
                "/0/id: \"other/a\" belongs in other.json",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/oen"], "revisions": "=2025-11-25",
                  "steps": [{ "alive": true }] }"#,
                "/0/requirements/0: \"tools/oen\" is no requirement (did you mean tools/one",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": ">=2025-06-18",
                  "steps": [{ "alive": true }] }"#,
                "/0/revisions: none of the requirements cited has a level at 2025-06-18",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-06-18",
                  "steps": [{ "alive": true }] }"#,
                "/0/requirements/0: \"tools/one\" has no level",
            ),
            (
                r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                  "steps": [{ "alive": true }], "faults": ["no-such-thing"] }"#,
                "/0/faults/0: the reference server has no fault",
            ),
        ];
        for (case, expected) in table {
            let found = lint_case(case);
            match expected {
                "" => assert_eq!(found, Vec::<String>::new()),
                _ => assert!(
                    found.iter().any(|line| line.contains(expected)),
                    "{expected}\n{found:#?}"
                ),
            }
        }
    }

    #[test]
    fn ids_are_unique_and_requirements_are_alive() {
        let twice = r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                         "steps": [{ "alive": true }] }"#;
        let files = [
            file(Kind::Requirements, "requirements/tools.json", REQUIREMENTS),
            file(Kind::Cases, "tools.json", &format!("[{twice}, {twice}]")),
        ];
        let rules = [RuleCitations {
            name: "rule/x".to_owned(),
            requirements: vec!["tools/none".to_owned()],
            faults: Vec::new(),
            applies: |_, _| true,
        }];
        let found: Vec<String> = lint(&files, &Catalog::default(), Some(&rules))
            .iter()
            .map(Problem::to_string)
            .collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(
            found[0].starts_with("tools.json: /1/id: \"tools/a\" is taken"),
            "{found:#?}"
        );
        assert!(
            found[1].starts_with("rule/x: cites \"tools/none\""),
            "{found:#?}"
        );
        assert!(
            found[2].starts_with("requirements/tools.json: /1: \"tools/two\" is tested by no case"),
            "{found:#?}"
        );
    }

    #[test]
    fn all_problems_of_form_are_told_and_nothing_else() {
        let files = [
            file(Kind::Cases, "a.json", "[{}, 1]"),
            file(Kind::Cases, "b.json", "[\n1"),
        ];
        let found = lint(&files, &Catalog::default(), Some(&[]));
        assert!(found.len() >= 6, "{found:#?}");
        assert!(
            found
                .iter()
                .any(|problem| problem.file.starts_with("b.json:2:"))
        );
    }
}
