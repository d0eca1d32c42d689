//! The longer schemas of tools.

use serde_json::{Value, json};

use super::jobs::{MAX_PART_BYTES, MAX_PART_MS, MAX_PARTS};

/// Uses definitions, anchors, composition and conditions.
pub fn everything() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Arguments of every kind that may be mirrored, one of them nested.
pub fn mirrored() -> Value {
    json!({
        "type": "object",
        "properties": {
            "region": {
                "type": "string",
                "description": "Where to run",
                "x-mcp-header": "Region",
            },
            "priority": {"type": "integer", "x-mcp-header": "Priority"},
            "dry_run": {"type": "boolean", "x-mcp-header": "Dry-Run"},
            "caller": {
                "type": "object",
                "properties": {"team": {"type": "string", "x-mcp-header": "Team"}},
            },
            "note": {"type": "string"},
        },
    })
}

/// The arguments of `add`.
pub fn two_numbers() -> Value {
    json!({
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
        "additionalProperties": false,
    })
}

/// The structured result of `add`.
pub fn sum() -> Value {
    json!({
        "type": "object",
        "properties": {"sum": {"type": "number"}},
        "required": ["sum"],
    })
}

/// The argument of `wait`.
pub fn milliseconds() -> Value {
    json!({
        "type": "object",
        "properties": {
            "milliseconds": {"type": "integer", "minimum": 0, "maximum": 60000},
        },
        "required": ["milliseconds"],
        "additionalProperties": false,
    })
}

/// The arguments of `report`, which bound how long it is and how long it takes.
pub fn report() -> Value {
    json!({
        "type": "object",
        "properties": {
            "parts": {"type": "integer", "minimum": 1, "maximum": MAX_PARTS},
            "part_ms": {"type": "integer", "minimum": 0, "maximum": MAX_PART_MS},
            "part_bytes": {"type": "integer", "minimum": 0, "maximum": MAX_PART_BYTES},
            "failing_part": {"type": "integer", "minimum": 1},
        },
        "additionalProperties": false,
    })
}

/// The arguments of `start_job`: those of `report`, and how long the job is kept.
pub fn job() -> Value {
    let mut schema = report();
    schema["properties"]["ttl_ms"] = json!({"type": "integer", "minimum": 1});
    schema
}

/// The arguments of `slow_compute`.
pub fn slow() -> Value {
    json!({
        "type": "object",
        "properties": {
            "seconds": {"type": "number", "minimum": 0, "maximum": 300},
            "label": {"type": "string"},
        },
        "required": ["seconds"],
    })
}

/// The arguments of `confirm_delete`.
pub fn filename() -> Value {
    json!({"type": "object", "properties": {"filename": {"type": "string"}}})
}

/// A name that may be left out.
pub fn optional_name() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}}})
}

/// A form with a yes or no.
pub fn confirmation() -> Value {
    json!({
        "type": "object",
        "properties": {"confirm": {"type": "boolean"}},
        "required": ["confirm"],
    })
}

/// The arguments of `test_sampling`.
pub fn sampling() -> Value {
    json!({
        "type": "object",
        "properties": {
            "prompt": {"type": "string", "description": "What to ask the model"},
            "includeContext": {
                "type": "string",
                "enum": ["thisServer", "allServers"],
                "description": "Whose context the client shall add; needs its capability sampling.context",
            },
        },
        "required": ["prompt"],
    })
}

/// A form with one text field.
pub fn one_text(name: &str) -> Value {
    json!({
        "type": "object",
        "properties": {name: {"type": "string"}},
        "required": [name],
    })
}

/// A form for a user name and an address.
pub fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

/// A form with a default for every kind of field.
pub fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {
                "type": "string",
                "enum": ["active", "inactive", "pending"],
                "default": "active",
            },
            "verified": {"type": "boolean", "default": true},
        },
    })
}

/// A form with every kind of choice: one or many, with and without titles.
pub fn choices() -> Value {
    let plain = ["option1", "option2", "option3"];
    let titled = |ordinal: &str| -> Vec<Value> {
        let titles = [
            ("value1", "First"),
            ("value2", "Second"),
            ("value3", "Third"),
        ];
        let titled = titles
            .map(|(value, title)| json!({"const": value, "title": format!("{title} {ordinal}")}));
        titled.into()
    };
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled("Option")},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
        },
    })
}
