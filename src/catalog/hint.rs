//! Hints: what often causes a finding. Guesses for whoever has to repair it, so they come from the catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::judge::pattern::{self, Scope};
use crate::revision::Revision;

/// A usual cause.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Pattern for what came; without it the hint always fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Value>,
    /// What often causes it, and what to do.
    pub text: String,
}

/// The first hint that fits what came.
pub fn choose<'a>(
    hints: impl IntoIterator<Item = &'a Hint>,
    actual: &Value,
    revision: Revision,
) -> Option<&'a str> {
    let scope = Scope {
        revision,
        vars: &BTreeMap::new(),
    };
    let fits = |hint: &&Hint| {
        let seen = hint.seen.as_ref();
        seen.is_none_or(|seen| pattern::matches(seen, Some(actual), &scope).is_ok())
    };
    hints.into_iter().find(fits).map(|hint| hint.text.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Nobody can see the cause from outside.
    #[test]
    fn hints_say_that_they_are_guesses() {
        let catalog = crate::catalog::Catalog::builtin().unwrap();
        let of_cases = catalog.cases.iter().flat_map(|case| &case.hints);
        let of_requirements = catalog.requirements.values().flat_map(|known| &known.hints);
        let hints: Vec<&Hint> = of_cases.chain(of_requirements).collect();
        assert!(hints.len() >= 25, "{}", hints.len());
        for hint in hints {
            assert!(hint.text.starts_with("Often "), "{}", hint.text);
        }
    }

    #[test]
    fn the_first_that_fits_is_chosen() {
        let hints: Vec<Hint> = serde_json::from_value(json!([
            { "seen": { "error": { "code": -32603 } }, "text": "internal" },
            { "seen": { "$type": "null" }, "text": "silence" },
            { "text": "anything" }
        ]))
        .unwrap();
        let chosen = |actual: Value| choose(&hints, &actual, Revision::V2025_11_25);
        let internal = json!({ "id": 1, "error": { "code": -32603, "message": "" } });
        assert_eq!(chosen(internal), Some("internal"));
        assert_eq!(chosen(Value::Null), Some("silence"));
        assert_eq!(chosen(json!(200)), Some("anything"));
        assert_eq!(choose(&[], &json!(200), Revision::V2025_11_25), None);
    }
}
