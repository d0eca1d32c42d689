//! A message without a member that it must have, or with a member of another type, is refused, and the place is named.

use std::cell::Cell;

use mcp_conform::revision::Revision;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::document::{Document, reference, table};
use super::generate::instance;
use super::places::{Place, kind, one_of_each, places};

/// Every schema of a message, or of a part of one, that x-mcp names.
fn references(document: &Value) -> Vec<String> {
    let envelope = document["x-mcp"]["envelope"].as_object().unwrap();
    // What members a batch must have depends on the others.
    let single = envelope.iter().filter(|(name, _)| *name != "batch");
    let mut found: Vec<String> = single.map(|(_, reference)| text(reference)).collect();
    for (name, members) in [
        ("requests", ["request", "result"].as_slice()),
        ("inputRequests", &["request", "result"]),
        ("notifications", &["notification"]),
    ] {
        for (_, entry) in table(document, name) {
            found.extend(
                members
                    .iter()
                    .map(|member| reference(&entry, member).to_owned()),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn what_is_missing_or_of_another_type_is_refused() {
    let (without, otherwise) = (Cell::new(0), Cell::new(0));
    for revision in Revision::ALL {
        let document = Document::ours(revision);
        for reference in references(document.value) {
            let schema = document.resolve(&reference);
            let kept = Cell::new(0);
            let mut runner = TestRunner::new(ProptestConfig {
                failure_persistence: None,
                ..ProptestConfig::with_cases(16)
            });
            let numbers = proptest::collection::vec(any::<u16>(), 0..120);
            let outcome = runner.run(&numbers, |numbers| {
                let instance = instance(&document, schema, numbers);
                if !document.validator(schema).is_valid(&instance) {
                    return Ok(());
                }
                kept.set(kept.get() + 1);
                for place in places(&document, schema, &instance) {
                    let (missed, typed) = (
                        is_missed(&document, schema, &instance, &place)?,
                        is_typed(&document, schema, &instance, &place)?,
                    );
                    without.set(without.get() + u32::from(missed));
                    otherwise.set(otherwise.get() + u32::from(typed));
                }
                Ok(())
            });
            if let Err(error) = outcome {
                panic!("{revision} {reference}: {error}");
            }
            assert!(
                kept.get() > 2,
                "{revision} {reference}: too few valid instances"
            );
        }
    }
    let (without, otherwise) = (without.get(), otherwise.get());
    assert!(
        without > 2_000 && otherwise > 2_000,
        "{without} without, {otherwise} otherwise"
    );
}

/// Without a required member.
fn is_missed(
    document: &Document,
    schema: &Value,
    instance: &Value,
    place: &Place,
) -> Result<bool, TestCaseError> {
    let Some(name) = place.name.as_deref().filter(|_| place.required) else {
        return Ok(false);
    };
    let mut broken = instance.clone();
    broken
        .pointer_mut(&place.parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(name);
    let quoted = format!("\"{name}\"");
    refused(document, schema, &broken, |pointer, message| {
        pointer == place.parent && (place.decides || message.contains(&quoted))
    })?;
    Ok(true)
}

/// With a value of each type that is not one of its own.
fn is_typed(
    document: &Document,
    schema: &Value,
    instance: &Value,
    place: &Place,
) -> Result<bool, TestCaseError> {
    let Some(types) = &place.types else {
        return Ok(false);
    };
    for value in one_of_each() {
        let kind = kind(&value);
        if types.contains(&kind) || kind == "integer" && types.contains(&"number") {
            continue;
        }
        let mut broken = instance.clone();
        *broken.pointer_mut(&place.pointer).unwrap() = value;
        refused(document, schema, &broken, |pointer, _| {
            pointer == place.pointer
        })?;
    }
    Ok(true)
}

fn refused(
    document: &Document,
    schema: &Value,
    broken: &Value,
    names_the_place: impl Fn(&str, &str) -> bool,
) -> Result<(), TestCaseError> {
    let validator = document.validator(schema);
    let errors: Vec<(String, String)> = validator
        .iter_errors(broken)
        .map(|error| (error.instance_path().as_str().to_owned(), error.to_string()))
        .collect();
    let named = errors
        .iter()
        .any(|(pointer, message)| names_the_place(pointer, message));
    prop_assert!(named, "{} gives {:?}", broken, errors);
    Ok(())
}
