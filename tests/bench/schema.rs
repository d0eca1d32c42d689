//! `schemas/bench.schema.json` describes what is written: all of it, and nothing that is not there.

use serde_json::{Value, json};

use crate::common::{PROGRAM, SERVER, bench, json};

const SCHEMA: &str = include_str!("../../schemas/bench.schema.json");

/// The schema, in which each object has the members that are described and no other. What is published is open: members may
/// be added.
fn closed() -> Value {
    let mut schema = serde_json::from_str(SCHEMA).unwrap();
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Over both transports, with a rate, and two targets of which one dies.
fn reports() -> Vec<Value> {
    let plain = bench(&["--revision=2025-11-25"], &[]);
    let rated = bench(&["--rate=100/s", "--fixture=none"], &SERVER);
    let dies = format!("sed -u 900q | '{PROGRAM}' serve --stdio --log off");
    let lives = format!("lives='{PROGRAM}' serve --stdio --log off");
    let died = bench(
        &["--and", &lives, "--fixture=none", "--duration=500ms"],
        &["sh", "-c", &dies],
    );
    [plain, rated, died].iter().map(json).collect()
}

#[test]
fn a_report_is_what_the_schema_says() {
    let open = serde_json::from_str(SCHEMA).unwrap();
    let open = jsonschema::validator_for(&open).unwrap();
    let schema = closed();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let reports = reports();
    for report in &reports {
        let wrong: Vec<String> = validator
            .iter_errors(report)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        for member in schema["required"].as_array().unwrap() {
            let mut without = report.clone();
            without
                .as_object_mut()
                .unwrap()
                .remove(member.as_str().unwrap());
            assert!(!open.is_valid(&without), "{member}");
        }
    }
    let mut unseen = members(&schema["properties"]);
    unseen.retain(|member| reports.iter().all(|report| report.get(member).is_none()));
    // What is said of servers is tried where there are such, in tests/diagnose.
    unseen.retain(|member| !["diagnoses", "unlike"].contains(&member.as_str()));
    assert!(unseen.is_empty(), "described, and never there: {unseen:?}");
}

fn members(object: &Value) -> Vec<String> {
    object.as_object().unwrap().keys().cloned().collect()
}
