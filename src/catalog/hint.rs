//! Hints: what often causes a finding. Guesses for whoever has to repair it, so they come from the catalog.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Concern;
use crate::judge::pattern::{self, Scope};
use crate::revision::Revision;
use crate::transport::Transport;

/// A usual cause.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Pattern for what came; without it the hint always fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Value>,
    /// Where it can be the cause; without it anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Concern>,
    /// What often causes it, and what to do.
    pub text: String,
}

impl Hint {
    /// Whether it fits, whatever comes.
    pub fn fits_always(&self) -> bool {
        self.seen.is_none() && self.transport.is_none_or(|concern| concern == Concern::Any)
    }
}

/// The first hint that fits what came over this transport.
pub fn choose<'a>(
    hints: impl IntoIterator<Item = &'a Hint>,
    actual: &Value,
    revision: Revision,
    transport: Transport,
) -> Option<&'a str> {
    let scope = Scope {
        revision,
        vars: &BTreeMap::new(),
    };
    let fits = |hint: &&Hint| {
        let seen = hint.seen.as_ref();
        hint.transport
            .is_none_or(|concern| concern.includes(transport))
            && seen.is_none_or(|seen| pattern::matches(seen, Some(actual), &scope).is_ok())
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
            { "seen": { "$type": "null" }, "transport": "stdio", "text": "a buffer" },
            { "seen": { "$type": "null" }, "text": "silence" },
            { "text": "anything" }
        ]))
        .unwrap();
        let over =
            |transport, actual: Value| choose(&hints, &actual, Revision::V2025_11_25, transport);
        let internal = json!({ "id": 1, "error": { "code": -32603, "message": "" } });
        assert_eq!(over(Transport::Stdio, internal), Some("internal"));
        assert_eq!(over(Transport::Stdio, Value::Null), Some("a buffer"));
        assert_eq!(over(Transport::Http, Value::Null), Some("silence"));
        assert_eq!(over(Transport::Http, json!(200)), Some("anything"));
        let always: Vec<bool> = hints.iter().map(Hint::fits_always).collect();
        assert_eq!(always, [false, false, false, true]);
        let nothing = choose(&[], &json!(200), Revision::V2025_11_25, Transport::Stdio);
        assert_eq!(nothing, None);
    }
}
