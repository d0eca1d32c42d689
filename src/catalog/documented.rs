//! The documentation of the case format is true: its examples load and match, and the JSON Schemas have the fields that
//! the loader has.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::lint::lint;
use super::load::{Kind, SourceFile};
use super::{Case, Catalog, Hint, HttpStep, Problem, Requirement, Step, Tolerance};
use crate::judge::pattern::{self, Scope};
use crate::revision::Revision;

const README: &str = include_str!("../../cases/README.md");
const CASE_SCHEMA: &str = include_str!("../../cases/case.schema.json");
const REQUIREMENT_SCHEMA: &str = include_str!("../../cases/requirement.schema.json");

/// The JSON of all blocks that are fenced with this info string.
fn blocks(info: &str) -> Vec<Value> {
    let fence = format!("```json {info}\n");
    let blocks = README.split(fence.as_str()).skip(1);
    let json = blocks.map(|rest| rest.split("```").next().unwrap());
    let parsed: Vec<Value> = json
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    assert!(!parsed.is_empty(), "there is no block {info}");
    parsed
}

/// What lint says of requirements and cases, each in the file of its area.
fn problems(requirements: &[Value], cases: &[Value]) -> Vec<String> {
    let file = |kind: Kind, item: &Value| {
        let area = super::area(item["id"].as_str().unwrap());
        SourceFile {
            name: format!("{area}.json"),
            kind,
            text: json!([item]).to_string().into(),
        }
    };
    let requirements = requirements
        .iter()
        .map(|item| file(Kind::Requirements, item));
    let files: Vec<SourceFile> = requirements
        .chain(cases.iter().map(|item| file(Kind::Cases, item)))
        .collect();
    let problems = lint(&files, &Catalog::default(), None);
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_examples_of_requirements_and_cases_are_in_order() {
    let found = problems(&blocks("requirement"), &blocks("case"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_examples_of_steps_are_in_order_and_show_each_verb() {
    let mut shown = BTreeSet::new();
    for (info, transports) in [
        ("steps", json!(["stdio", "http"])),
        ("steps http", json!(["http"])),
        ("steps stdio", json!(["stdio"])),
    ] {
        for steps in blocks(info) {
            for step in steps.as_array().unwrap() {
                shown.extend(step.as_object().unwrap().keys().cloned());
            }
            let requirement = json!({
                "id": "readme/example", "text": "It is an example", "party": "server", "transport": "any",
                "levels": { "2025-11-25": "STATED basic" }
            });
            let case = json!({
                "id": "readme/example", "title": "It is an example", "requirements": ["readme/example"],
                "revisions": "2025-11-25", "transports": transports, "steps": steps
            });
            assert_eq!(problems(&[requirement], &[case]), Vec::<String>::new());
        }
    }
    let schema: Value = serde_json::from_str(CASE_SCHEMA).unwrap();
    let verbs = &schema["$defs"]["step"]["then"]["propertyNames"]["enum"];
    let missing: Vec<&str> = verbs
        .as_array()
        .unwrap()
        .iter()
        .map(|verb| verb.as_str().unwrap())
        .filter(|verb| !shown.contains(*verb))
        .collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn the_examples_of_patterns_match_and_show_each_matcher() {
    let vars = BTreeMap::from([("saved".to_owned(), json!("what was saved"))]);
    let scope = Scope {
        revision: Revision::V2025_11_25,
        vars: &vars,
    };
    let blocks = blocks("patterns");
    for example in blocks.iter().flat_map(|block| block.as_array().unwrap()) {
        let pattern = &example["pattern"];
        let matches = |value: &Value| pattern::matches(pattern, Some(value), &scope).is_ok();
        assert_eq!(
            pattern::check(pattern).map_err(|error| error.message),
            Ok(())
        );
        assert!(matches(&example["matches"]), "{example}");
        assert!(!matches(&example["not"]), "{example}");
    }
    let text = json!(blocks).to_string();
    for name in pattern::names() {
        assert!(text.contains(&format!("{name:?}:")), "no example of {name}");
        assert!(
            README.contains(&format!("`{{\"{name}\"")),
            "no row for {name}"
        );
    }
}

/// What serde knows: it says so of a field that it does not know.
fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_value::<T>(json!({ "no such field": 1 }));
    let error = error.err().unwrap().to_string();
    let expected = error.split("expected one of ").nth(1);
    let names = expected.unwrap_or_else(|| error.split("expected ").nth(1).unwrap());
    let names = names.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_schemas_have_the_fields_of_the_loader() {
    let cases: Value = serde_json::from_str(CASE_SCHEMA).unwrap();
    let requirements: Value = serde_json::from_str(REQUIREMENT_SCHEMA).unwrap();
    let table = [
        ("case", &cases, "/$defs/case", fields::<Case>()),
        ("step", &cases, "/$defs/step", fields::<Step>()),
        (
            "http",
            &cases,
            "/$defs/step/properties/http",
            fields::<HttpStep>(),
        ),
        (
            "tolerated",
            &cases,
            "/$defs/tolerated",
            fields::<Tolerance>(),
        ),
        ("hint", &cases, "/$defs/hint", fields::<Hint>()),
        ("hint", &requirements, "/$defs/hint", fields::<Hint>()),
        (
            "requirement",
            &requirements,
            "/$defs/requirement",
            fields::<Requirement>(),
        ),
    ];
    for (what, schema, pointer, fields) in table {
        let properties = &schema.pointer(pointer).unwrap()["properties"];
        let properties: BTreeSet<String> =
            properties.as_object().unwrap().keys().cloned().collect();
        assert!(!fields.is_empty());
        assert_eq!(properties, fields, "{what}");
    }
    let matchers: BTreeSet<&str> = pattern::names().collect();
    let described = cases["$defs"]["matcher"]["properties"].as_object().unwrap();
    assert_eq!(matchers, described.keys().map(String::as_str).collect());
}

#[test]
fn editors_are_told_what_each_field_is() {
    for text in [CASE_SCHEMA, REQUIREMENT_SCHEMA] {
        let schema: Value = serde_json::from_str(text).unwrap();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            let properties = definition["properties"].as_object();
            for (field, property) in properties.into_iter().flatten() {
                let is_plain = property.get("$ref").is_some() && field.starts_with("20");
                assert!(
                    is_plain || property["description"].is_string(),
                    "{name}/{field} has no description"
                );
            }
        }
        let needs = &schema["$defs"]["need"]["examples"];
        for need in needs.as_array().unwrap() {
            assert!(crate::condition::is_known(need.as_str().unwrap()), "{need}");
        }
    }
    let pattern = |text: &str| {
        let schema: Value = serde_json::from_str(text).unwrap();
        schema["$defs"]["need"]["pattern"].clone()
    };
    assert_eq!(pattern(CASE_SCHEMA), pattern(REQUIREMENT_SCHEMA));
}
