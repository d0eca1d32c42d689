//! Properties that hold for any pattern and any value.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{outcome, vars};
use super::*;

/// Any JSON, with strings and member names that are likely to mean something.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let word = || {
        let names = matcher::TABLE.iter().map(|matcher| matcher.name).chain([
            "a", "b", "min", "max", "cursor", "trap", "all", "legacy", "/a", "$id", "$omit",
            "$repeat", "$nest", "$concat", "$meta", "value", "times", "array",
        ]);
        prop_oneof![
            proptest::sample::select(names.collect::<Vec<_>>()).prop_map(str::to_owned),
            ".{0,8}"
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..10).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word(), inner.clone()), 1..2)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            proptest::collection::vec((word(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_resolving_changes_no_outcome(pattern in any_json(), actual in proptest::option::of(any_json())) {
        let vars = vars();
        for revision in Revision::ALL {
            let scope = Scope { revision, vars: &vars };
            let resolved = resolve(&pattern, &scope);
            prop_assert_eq!(&resolve(&resolved, &scope), &resolved);
            let before = matches(&pattern, actual.as_ref(), &scope).is_ok();
            prop_assert_eq!(before, matches(&resolved, actual.as_ref(), &scope).is_ok());
        }
        let _ = check(&pattern);
    }

    #[test]
    fn a_value_matches_itself(value in any_json()) {
        let pattern = json!({"$literal": value.clone()});
        prop_assert!(outcome(&pattern, Some(&value)).is_ok());
        prop_assert!(equal::equal(&value, &value));
        prop_assert!(describe::describe(&value).len() < 1_500);
    }

    #[test]
    fn equal_values_have_one_canonical_form(left in any_json(), right in any_json()) {
        prop_assert_eq!(equal::equal(&left, &right), equal::canonical(&left) == equal::canonical(&right));
    }

    #[test]
    fn more_members_do_not_hurt(names in proptest::collection::btree_map("[a-z]{1,4}", -9i64..9, 0..6), keep in any::<u8>()) {
        let whole = json!(names);
        let part: BTreeMap<_, _> = names.iter().enumerate().filter(|(i, _)| keep >> i & 1 == 1).map(|(_, member)| member).collect();
        prop_assert!(outcome(&json!(part), Some(&whole)).is_ok());
    }

    #[test]
    fn what_is_linted_is_decided(pattern in any_json(), actual in any_json()) {
        if check(&pattern).is_ok()
            && let Err(mismatch) = outcome(&pattern, Some(&actual))
            && mismatch.undecided
        {
            prop_assert!(mismatch.message.contains("never saved") || mismatch.message.contains("schema cannot be used"), "{}", mismatch);
        }
    }
}
