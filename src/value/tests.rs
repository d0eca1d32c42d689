use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::judge::pattern::properties::any_json;

fn with<T>(use_it: impl FnOnce(Expander<'_>) -> T) -> T {
    let vars = BTreeMap::from([
        ("cursor".to_owned(), json!("a\"b")),
        ("trap".to_owned(), json!({"$omit": true})),
        ("n".to_owned(), json!(5)),
    ]);
    use_it(Expander {
        revision: Revision::V2025_11_25,
        vars: &vars,
        meta: json!({"v": 1}),
        id: json!(7),
    })
}

#[test]
fn directives_in_values() {
    let table = [
        (json!({"a": {"$var": "cursor"}}), json!({"a": "a\"b"})),
        (
            json!({"a": {"$var": "trap"}}),
            json!({"a": {"$omit": true}}),
        ),
        (
            json!({"a": {"$omit": true}, "b": [1, {"$omit": true}]}),
            json!({"b": [1]}),
        ),
        (
            json!([{"$id": true}, {"$meta": true}]),
            json!([7, {"v": 1}]),
        ),
        (
            json!({"$by-revision": {"modern": 1, "legacy": {"x": {"$id": true}}}}),
            json!({"x": 7}),
        ),
        (json!([{"$by-revision": {"modern": 1}}]), json!([])),
        (
            json!({"$repeat": {"value": "ab", "times": 3}}),
            json!("ababab"),
        ),
        (
            json!({"$repeat": {"value": {"$id": true}, "times": 2}}),
            json!([7, 7]),
        ),
        (json!({"$nest": {"array": 3}}), json!([[[]]])),
        (json!({"$nest": {"object": 2}}), json!({"a": {}})),
        (
            json!({"$concat": ["x", {"$var": "cursor"}, {"$id": true}]}),
            json!("xa\"b7"),
        ),
        (json!({"$literal": {"$omit": true}}), json!({"$omit": true})),
        (
            json!({"$schema": "x", "$ref": "y"}),
            json!({"$schema": "x", "$ref": "y"}),
        ),
    ];
    for (value, expected) in table {
        assert_eq!(check(&value), Ok(()), "{value}");
        assert_eq!(
            with(|expander| expander.value(&value)),
            Ok(Some(expected)),
            "{value}"
        );
    }
    assert_eq!(
        with(|expander| expander.value(&json!({"$omit": true}))),
        Ok(None)
    );
}

#[test]
fn meta_is_left_out_where_there_is_none() {
    let (value, text) = with(|mut expander| {
        expander.meta = Value::Null;
        (
            expander.value(&json!({"_meta": {"$meta": true}})),
            expander.bytes(&json!("${meta}")),
        )
    });
    assert_eq!(value, Ok(Some(json!({}))));
    assert_eq!(text.unwrap(), "{}");
}

#[test]
fn bytes_as_written() {
    let table = [
        (
            json!("{\"id\":${id},${meta},${x},$${id}"),
            "{\"id\":7,{\"v\":1},${x},$7",
        ),
        (json!({"$base64": "AP8="}), "\0"),
        (
            json!({"$concat": ["a", {"$nest": {"array": 2}}, {"$var": "cursor"}, {"$base64": "Yg=="}]}),
            "a[[]]a\"bb",
        ),
        (
            json!({"$concat": ["a", {"$nest": {"object": 3}}]}),
            "a{\"a\":{\"a\":{}}}",
        ),
        (json!({"$repeat": {"value": "${id}", "times": 2}}), "77"),
        (json!({"$by-revision": {"legacy": "${id}"}}), "7"),
        (json!({"$literal": "${id}"}), "${id}"),
        (
            json!({"a": [{"$id": true}, "${id}"]}),
            "{\"a\":[7,\"${id}\"]}",
        ),
        (json!({"$omit": true}), ""),
    ];
    for (value, expected) in table {
        assert_eq!(check_bytes(&value), Ok(()), "{value}");
        let bytes = with(|expander| expander.bytes(&value)).unwrap();
        assert!(
            bytes.starts_with(expected.as_bytes()),
            "{value} gives {bytes:?}"
        );
    }
    let deep = with(|expander| expander.bytes(&json!({"$nest": {"array": 100_000}}))).unwrap();
    assert_eq!(deep.len(), 200_000);
}

#[test]
fn header_texts() {
    let table = [
        (json!("a"), Some("a")),
        (json!(1), Some("1")),
        (json!(null), None),
        (json!({"$omit": true}), None),
        (json!({"$var": "n"}), Some("5")),
    ];
    for (value, expected) in table {
        assert_eq!(
            with(|expander| expander.text(&value)).unwrap().as_deref(),
            expected
        );
    }
}

#[test]
fn nonsense_is_refused_with_its_place() {
    let table = [
        (json!({"a": [{"$nonsense": 1}]}), "/a/0"),
        (json!({"$omit": false}), "/$omit"),
        (json!({"$var": 1}), "/$var"),
        (json!({"$repeat": {"value": "a"}}), "/$repeat"),
        (
            json!({"$repeat": {"value": {"$x": 1}, "times": 1}}),
            "/$repeat/value",
        ),
        (json!({"$nest": {"array": 0}}), "/$nest"),
        (json!({"$nest": {"tuple": 1}}), "/$nest"),
        (json!({"$concat": "a"}), "/$concat"),
        (json!({"$by-revision": {"newest": 1}}), "/$by-revision"),
        (json!({"$base64": "YQ=="}), ""),
    ];
    for (value, pointer) in table {
        assert_eq!(check(&value).unwrap_err().pointer, pointer, "{value}");
    }
    assert_eq!(
        check_bytes(&json!({"$base64": "?"})).unwrap_err().pointer,
        "/$base64"
    );
}

#[test]
fn what_is_too_large_is_refused() {
    let huge = json!({"$repeat": {"value": {"$repeat": {"value": "a", "times": 1_000_000}}, "times": 1_000_000}});
    let many = json!({"$repeat": {"value": 1, "times": 1_000_000_000}});
    let deep = json!({"$nest": {"object": 1_000_000_000_000_u64}});
    for value in [huge, many, deep] {
        let malformed =
            |result: Result<(), ExpandError>| matches!(result, Err(ExpandError::Malformed(_)));
        with(|expander| {
            assert!(malformed(expander.value(&value).map(|_| ())), "{value}");
            assert!(malformed(expander.bytes(&value).map(|_| ())), "{value}");
        });
    }
    let unset = with(|expander| expander.value(&json!({"a": {"$var": "unset"}})));
    assert_eq!(unset, Err(ExpandError::UnsetVariable("unset".to_owned())));
}

/// Whether no object in it could be taken for a directive.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            directive::single_dollar(value).is_none() && members.values().all(is_plain)
        }
        Value::Array(elements) => elements.iter().all(is_plain),
        _ => true,
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_plain_values_stay(value in any_json()) {
        with(|expander| {
            let expanded = expander.value(&value);
            let _ = (expander.bytes(&value), expander.text(&value), check(&value), check_bytes(&value));
            if is_plain(&value) {
                assert_eq!(expanded, Ok(Some(value.clone())));
                assert_eq!(check(&value), Ok(()));
                if !value.is_string() {
                    assert_eq!(expander.bytes(&value).unwrap(), value.to_string());
                }
            }
        });
    }

    #[test]
    fn text_without_placeholders_stays(text in "[^$]{0,30}|[$}{id]{0,6}") {
        prop_assume!(!text.contains("${id}"));
        prop_assert_eq!(with(|expander| expander.bytes(&json!(text))).unwrap(), text);
    }
}
