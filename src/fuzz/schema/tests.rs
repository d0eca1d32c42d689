use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Schemas as tools have them.
fn schemas() -> Vec<Value> {
    vec![
        json!({ "type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": {
            "a": { "type": "number" }, "b": { "type": "integer", "minimum": 3, "maximum": 9 },
            "c": { "enum": ["x", "y"] }, "d": { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 4 } } }),
        json!({ "type": "object", "required": ["who"], "properties": { "who": { "$ref": "#/$defs/person" } },
            "$defs": { "person": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string", "minLength": 2, "maxLength": 10 },
                "friends": { "type": "array", "items": { "$ref": "#/$defs/person" } } } } } }),
        json!({ "type": "object", "required": ["target"], "properties": { "target": { "anyOf": [
            { "type": "string", "pattern": "^[a-z]{3,6}-[0-9]+$" }, { "type": "integer", "exclusiveMinimum": 0 } ] } } }),
        json!({ "type": "object", "required": ["when", "id"], "properties": {
            "when": { "type": "string", "format": "date-time" }, "id": { "type": "string", "format": "uuid" },
            "ratio": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
            "step": { "type": "number", "multipleOf": 0.25 } } }),
        json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["circle", "square"] } },
            "allOf": [
                { "if": { "properties": { "kind": { "const": "circle" } } },
                  "then": { "required": ["radius"], "properties": { "radius": { "type": "number" } } } },
                { "if": { "properties": { "kind": { "const": "square" } } },
                  "then": { "required": ["side"], "properties": { "side": { "type": "number" } } } } ] }),
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false,
            "minItems": 2 }),
        json!({ "type": "array", "items": { "type": "integer" }, "uniqueItems": true }),
        json!({ "type": ["string", "null"], "maxLength": 3 }),
        json!(true),
    ]
}

/// Of those without conditions every value is accepted; with conditions a kind may be made that its own rules refuse.
fn has_conditions(schema: &Value) -> bool {
    schema.get("allOf").is_some()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

proptest! {
    #[test]
    fn what_is_valid_validates(index in 0..schemas().len(), seed: [u8; 32]) {
        let schema = schemas().swap_remove(index);
        let value = Schema::new(schema.clone()).roll(&mut dice(seed));
        prop_assert!(has_conditions(&schema) || validator(&schema).is_valid(&value), "{value} of {schema}");
    }

    #[test]
    fn what_is_broken_does_not(index in 0..schemas().len() - 1, seed: [u8; 32]) {
        let schema = schemas().swap_remove(index);
        let mut dice = dice(seed);
        let whole = Schema::new(schema.clone());
        let value = whole.roll(&mut dice);
        if let Some(broken) = whole.break_one(&value, &mut dice) {
            // A branch that was not taken may accept it.
            let open = has_conditions(&schema) || schema.pointer("/properties/target").is_some();
            prop_assert!(open || !validator(&schema).is_valid(&broken.value), "{broken:?} of {schema}");
        }
    }

    #[test]
    fn any_json_is_survived(schema in arbitrary_json(), seed: [u8; 32]) {
        let mut dice = dice(seed);
        let schema = Schema::new(schema);
        let value = schema.roll(&mut dice);
        schema.break_one(&value, &mut dice);
    }
}

#[test]
fn every_violation_occurs() {
    let mut seen = std::collections::BTreeSet::new();
    for (index, schema) in schemas().into_iter().enumerate() {
        let schema = Schema::new(schema);
        for turn in 0..200 {
            let mut dice = dice([u8::try_from(index * 7 + turn % 97).unwrap_or(1); 32]);
            (0..turn).for_each(|_| {
                dice.byte();
            });
            let value = schema.roll(&mut dice);
            seen.extend(
                schema
                    .break_one(&value, &mut dice)
                    .map(|broken| broken.keyword),
            );
        }
    }
    for keyword in [
        "type",
        "required",
        "enum",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "multipleOf",
        "additionalProperties",
        "exclusiveMinimum",
    ] {
        assert!(seen.contains(keyword), "{keyword} is not among {seen:?}");
    }
}

#[test]
fn endless_schemas_end() {
    let schema = Schema::new(
        json!({ "$ref": "#", "allOf": [{ "$ref": "#" }], "properties": { "a": { "$ref": "#" } },
        "required": ["a"], "type": "object" }),
    );
    let value = schema.roll(&mut dice([1; 32]));
    assert!(value.is_object());
}

fn dice(seed: [u8; 32]) -> Dice {
    Dice::new(proptest::test_runner::TestRng::from_seed(
        proptest::test_runner::RngAlgorithm::ChaCha,
        &seed,
    ))
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let keyword = prop::sample::select(vec![
        "type",
        "properties",
        "required",
        "items",
        "enum",
        "const",
        "minimum",
        "maxLength",
        "minItems",
        "anyOf",
        "$ref",
        "allOf",
        "if",
        "then",
        "pattern",
        "multipleOf",
        "minProperties",
        "contains",
        "prefixItems",
        "format",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "object", "array", "string", "integer", "#", "#/x", "(", "date"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((keyword.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}
