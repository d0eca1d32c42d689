use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

pub(super) fn vars() -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("cursor".to_owned(), json!("abc")),
        ("tool".to_owned(), json!({"name": "add"})),
        (
            "schema".to_owned(),
            json!({"type": "object", "required": ["a"]}),
        ),
        ("trap".to_owned(), json!({"$any": true})),
    ])
}

pub(super) fn outcome(pattern: &Value, actual: Option<&Value>) -> Result<(), Mismatch> {
    let vars = vars();
    matches(
        pattern,
        actual,
        &Scope {
            revision: Revision::V2025_11_25,
            vars: &vars,
        },
    )
}

#[test]
fn absence() {
    let accept = [
        json!({"$absent": true}),
        json!({"$not": 1}),
        json!({"$any-of": [1, {"$absent": true}]}),
        json!({"$by-revision": {"modern": 1}}),
    ];
    for pattern in accept {
        assert_eq!(outcome(&pattern, None), Ok(()), "{pattern}");
    }
    for pattern in [
        json!(null),
        json!({}),
        json!({"$any": true}),
        json!({"$not": {"$absent": true}}),
        json!({"$each": 1}),
    ] {
        assert!(outcome(&pattern, None).is_err(), "{pattern}");
    }
    assert_eq!(
        outcome(&json!({"a": {"$absent": true}}), Some(&json!({"b": 1}))),
        Ok(())
    );
}

#[test]
fn a_mismatch_says_where_and_what() {
    let table = [
        (
            json!({"error": {"code": -32602}}),
            json!({"error": {"code": -32601}}),
            "/error/code",
            "expected integer -32602, got integer -32601",
        ),
        (
            json!({"a/b": [{"$any": true}, "x"]}),
            json!({"a/b": [1, "y"]}),
            "/a~1b/1",
            "expected string \"x\", got string \"y\"",
        ),
        (json!([1]), json!([]), "", "expected 1 elements, got 0"),
        (
            json!({"result": {"$any": true}}),
            json!({"error": {}}),
            "/result",
            "expected any value, got nothing",
        ),
        (
            json!({"$each": {"name": {"$type": "string"}}}),
            json!([{"name": "a"}, {"name": 2}]),
            "/1/name",
            "expected type string, got integer 2",
        ),
        (
            json!({"$unique": "/n"}),
            json!([{"n": 1}, {"n": 1}]),
            "/1/n",
            "integer 1 is there twice, in the elements 0 and 1",
        ),
        (
            json!({"$any-of": [1, {"a": {"b": 2}}]}),
            json!({"a": {"b": 3}}),
            "/a/b",
            "none of 2 alternatives matches; of the nearest: expected integer 2, got integer 3",
        ),
        (
            json!({"$conforms": {"properties": {"a": {"type": "string"}}}}),
            json!({"a": 1}),
            "/a",
            "the schema does not accept it: value is not of type \"string\"",
        ),
        (
            json!({"$json": {"a": 1}}),
            json!("{\"a\":2}"),
            "",
            "in the JSON of the string: at /a: expected integer 1, got integer 2",
        ),
    ];
    for (pattern, actual, path, message) in table {
        let mismatch = outcome(&pattern, Some(&actual)).unwrap_err();
        assert_eq!(
            (mismatch.path.as_str(), mismatch.message.as_str()),
            (path, message)
        );
    }
}

#[test]
fn what_cannot_be_applied_is_undecided_even_under_not() {
    for pattern in [
        json!({"$var": "unset"}),
        json!({"$nonsense": 1}),
        json!({"$conforms": {"$ref": "https://example.com/x"}}),
        json!({"$any-of": [1, {"$var": "unset"}]}),
    ] {
        for pattern in [json!({"$not": pattern}), pattern] {
            assert!(
                outcome(&pattern, Some(&json!("x"))).unwrap_err().undecided,
                "{pattern}"
            );
        }
    }
}

#[test]
// Tried out in full, the first three would never end.
fn a_hostile_schema_is_judged_by_its_cost() {
    let twice = |reference: String| json!({"anyOf": [{"allOf": [{"$ref": reference}]}, {"allOf": [{"$ref": reference}]}]});
    let chain = |to: &dyn Fn(usize) -> String, anchors: bool| {
        let mut schemas = json!({"d60": {"const": 7, "$anchor": "d60"}});
        for i in 0..60 {
            schemas[format!("d{i}")] = twice(to(i + 1));
            if anchors {
                schemas[format!("d{i}")]["$anchor"] = json!(format!("d{i}"));
            }
        }
        json!({"$ref": "#/$defs/d0", "$defs": schemas})
    };
    let inward = json!({"properties": {"a": {"$ref": "#"}}});
    let recursive = json!({"anyOf": [{"allOf": [inward]}, {"allOf": [inward]}], "required": ["b"]});
    let mut nested = json!({});
    for _ in 0..100 {
        nested = json!({"a": nested});
    }
    for (schema, value) in [
        (chain(&|i| format!("#/$defs/d{i}"), false), json!(1)),
        (chain(&|i| format!("#d{i}"), true), json!(1)),
        (recursive, nested),
    ] {
        assert!(
            outcome(&json!({"$conforms": schema}), Some(&value))
                .unwrap_err()
                .undecided
        );
    }
    let row = |length: usize| {
        let mut schemas: Map<String, Value> = (0..length)
            .map(|i| {
                (
                    format!("d{i}"),
                    json!({"$ref": format!("#/$defs/d{}", i + 1)}),
                )
            })
            .collect();
        schemas.insert(format!("d{length}"), json!({"const": 7}));
        json!({"$conforms": {"$ref": "#/$defs/d0", "$defs": schemas}})
    };
    assert!(
        outcome(&row(100_000), Some(&json!(7)))
            .unwrap_err()
            .undecided
    );
    assert_eq!(outcome(&row(200), Some(&json!(7))), Ok(()));
    let tree =
        json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
    let value = json!({"left": {"right": {"left": {}}}});
    assert_eq!(outcome(&json!({"$conforms": tree}), Some(&value)), Ok(()));
    assert!(
        outcome(
            &json!({"$conforms": tree}),
            Some(&json!({"left": {"right": 1}}))
        )
        .is_err()
    );
}

#[test]
fn lint_finds_the_place() {
    let table = [
        (json!({"a": {"$nonsense": 1}}), "/a"),
        (
            json!({"$any-of": [1, {"$regex": "("}]}),
            "/$any-of/1/$regex",
        ),
        (json!({"$type": "text"}), "/$type"),
        (json!({"$any": false}), "/$any"),
        (json!({"$length": {"min": 2, "max": 1}}), "/$length"),
        (json!({"$length": {"least": 2}}), "/$length/least"),
        (json!({"$range": {}}), "/$range"),
        (
            json!({"$by-revision": {"newest": 1}}),
            "/$by-revision/newest",
        ),
        (
            json!({"$by-revision": {"legacy": {"$x": 1}}}),
            "/$by-revision/legacy",
        ),
        (json!({"$unique": "a"}), "/$unique"),
        (json!({"$increasing": "/~2"}), "/$increasing"),
        (json!({"$conforms": {"type": "text"}}), "/$conforms"),
        (json!({"$in": [{"$regex": "a"}]}), "/$in/0"),
        (json!({"$in": []}), "/$in"),
        (json!({"$regex": "(a{1000}){1000}"}), "/$regex"),
        (
            json!([[{"$not": {"$json": {"$each": {"$x": 1}}}}]]),
            "/0/0/$not/$json/$each",
        ),
    ];
    for (pattern, pointer) in table {
        assert_eq!(check(&pattern).unwrap_err().pointer, pointer, "{pattern}");
    }
}

#[test]
fn resolving_never_turns_data_into_matchers() {
    let vars = vars();
    let scope = Scope {
        revision: Revision::V2026_07_28,
        vars: &vars,
    };
    let table = [
        (json!({"a": {"$var": "cursor"}}), json!({"a": "abc"})),
        (json!({"$var": "trap"}), json!({"$literal": {"$any": true}})),
        (
            json!({"$in": [{"$var": "trap"}, {"$var": "tool"}]}),
            json!({"$in": [{"$literal": {"$any": true}}, {"name": "add"}]}),
        ),
        (
            json!({"$conforms": {"$var": "schema"}}),
            json!({"$conforms": {"type": "object", "required": ["a"]}}),
        ),
        (
            json!({"$by-revision": {"legacy": 1, "modern": {"$var": "cursor"}}}),
            json!("abc"),
        ),
        (
            json!({"$literal": {"$var": "cursor"}}),
            json!({"$literal": {"$var": "cursor"}}),
        ),
        (
            json!({"$not": {"$var": "unset"}}),
            json!({"$not": {"$var": "unset"}}),
        ),
    ];
    for (pattern, expected) in table {
        assert_eq!(resolve(&pattern, &scope), expected);
    }
}
