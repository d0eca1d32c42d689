//! The same for programs.

use serde_json::{Value, json};

use super::{Item, cites, named};
use crate::catalog::{Catalog, Requirement};
use crate::rule::RULES;

/// An array, an object for each item.
pub(super) fn items(items: &[Item<'_>], catalog: &Catalog) -> Value {
    items.iter().map(|item| one(item, catalog)).collect()
}

fn one(item: &Item<'_>, catalog: &Catalog) -> Value {
    match item {
        Item::Case(case) => {
            let mut value = json!(case);
            value["kind"] = json!("case");
            value["requirements"] = requirements(&case.requirements, catalog);
            value["faults"] = faults(&case.faults);
            value
        }
        Item::Rule(rule) => json!({
            "kind": "rule",
            "id": named(rule),
            "title": rule.title,
            "why": rule.why,
            "requirements": requirements(rule.requirements, catalog),
            "faults": faults(rule.faults),
        }),
        Item::Requirement(requirement) => {
            let id = requirement.id.as_str();
            let cases = catalog.cases().iter().filter(|case| cites(case, id));
            let rules = RULES.iter().filter(|rule| rule.requirements.contains(&id));
            let mut value = with_urls(requirement);
            value["kind"] = json!("requirement");
            value["tested_by"] = cases
                .map(|case| case.id.to_string())
                .chain(rules.map(named))
                .collect();
            value
        }
    }
}

fn requirements(ids: &[impl AsRef<str>], catalog: &Catalog) -> Value {
    let found = ids.iter().filter_map(|id| catalog.requirement(id.as_ref()));
    found.map(with_urls).collect()
}

fn with_urls(requirement: &Requirement) -> Value {
    let mut value = json!(requirement);
    let levels = requirement.levels.iter().map(|(revision, clause)| {
        let level = json!({ "level": clause.level, "url": clause.url(*revision) });
        (revision.to_string(), level)
    });
    value["levels"] = levels.collect::<serde_json::Map<String, Value>>().into();
    value
}

fn faults(names: &[impl AsRef<str>]) -> Value {
    let known = mcp_reference_server::faults();
    let found = names.iter().filter_map(|name| {
        let fault = known.iter().find(|fault| fault.name == name.as_ref())?;
        Some(json!({
            "name": fault.name,
            "breaks": fault.requirement,
            "explanation": fault.explanation,
        }))
    });
    found.collect()
}
