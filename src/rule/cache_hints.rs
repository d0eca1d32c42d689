//! Modern results that may be cached say for how long and by whom.
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching>

use std::collections::HashMap;

use serde_json::{Value, json};

use super::look::{Answer, modern_answers};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "cache-hints",
    title: "Results that may be cached carry valid hints, the same scope on all pages",
    why: "A client keeps a result as long, and shares it as widely, as the hints say: wrong ones \
        show users what is old, or not theirs.",
    requirements: &[
        "caching/hints",
        "caching/ttl-not-negative",
        "caching/ttl-integer",
        "caching/scope-values",
        "caching/no-hints-on-interim",
        "caching/scope-same-on-pages",
    ],
    faults: &[
        "cache-hints-missing",
        "ttl-negative",
        "ttl-fraction",
        "cache-scope-unknown",
        "cache-scope-varies",
        "input-required-cached",
    ],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

const CACHEABLE: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

fn check(session: &Session<'_>, sight: &mut Sight) {
    // The scope of the page that gave out a cursor, by method and cursor.
    let mut scopes: HashMap<(&str, &str), (&Value, usize)> = HashMap::new();
    for answer in modern_answers(session) {
        let Some(result) = answer.result().filter(|result| result.is_object()) else {
            continue;
        };
        if result
            .get("resultType")
            .is_some_and(|kind| kind == "input_required")
        {
            interim(&answer, result, sight);
        } else if CACHEABLE.contains(&answer.method()) {
            sight.observe();
            hints(&answer, result, sight);
            same_scope(&answer, result, &mut scopes, sight);
        }
    }
}

fn interim(answer: &Answer<'_>, result: &Value, sight: &mut Sight) {
    sight.observe();
    if result.get("ttlMs").is_some() || result.get("cacheScope").is_some() {
        let message = "an input_required result has caching hints";
        sight.violation(
            "caching/no-hints-on-interim",
            &answer.entries(),
            message,
            "no hints",
            result.clone(),
        );
    }
}

fn hints(answer: &Answer<'_>, result: &Value, sight: &mut Sight) {
    let entries = answer.entries();
    let (ttl, scope) = (result.get("ttlMs"), result.get("cacheScope"));
    let missing: Vec<&str> = [("ttlMs", ttl), ("cacheScope", scope)]
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "the result of {} has no {}",
            answer.method(),
            missing.join(" and no ")
        );
        let expected = json!({ "ttlMs": 0, "cacheScope": "private" });
        sight.violation("caching/hints", &entries, message, expected, result.clone());
    }
    if let Some(ttl) = ttl {
        match ttl.as_f64() {
            Some(number) if number < 0.0 => {
                sight.violation(
                    "caching/ttl-not-negative",
                    &entries,
                    "ttlMs is negative",
                    "0 or more",
                    ttl.clone(),
                );
            }
            Some(number) if number.fract() == 0.0 => {}
            _ => {
                let message = "ttlMs is no integer";
                sight.violation(
                    "caching/ttl-integer",
                    &entries,
                    message,
                    "an integer",
                    ttl.clone(),
                );
            }
        }
    }
    if let Some(scope) = scope.filter(|scope| !matches!(scope.as_str(), Some("public" | "private")))
    {
        let expected = json!(["public", "private"]);
        let message = "cacheScope is neither public nor private";
        sight.violation(
            "caching/scope-values",
            &entries,
            message,
            expected,
            scope.clone(),
        );
    }
}

fn same_scope<'a>(
    answer: &Answer<'a>,
    result: &'a Value,
    scopes: &mut HashMap<(&'a str, &'a str), (&'a Value, usize)>,
    sight: &mut Sight,
) {
    let Some(scope) = result.get("cacheScope") else {
        return;
    };
    let cursor = answer
        .request
        .pointer("/params/cursor")
        .and_then(Value::as_str);
    let before = cursor.and_then(|cursor| scopes.get(&(answer.method(), cursor)));
    if let Some((first, entry)) = before.filter(|(first, _)| *first != scope) {
        let message = format!("the pages of {} have different scopes", answer.method());
        let entries = [*entry, answer.entry];
        sight.violation(
            "caching/scope-same-on-pages",
            &entries,
            message,
            (*first).clone(),
            scope.clone(),
        );
    }
    if let Some(next) = message::next_cursor(result) {
        scopes.insert((answer.method(), next), (scope, answer.entry));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn single_results() {
        let listed = |result| modern().asks(1, "tools/list", json!({})).result(1, result);
        passes(
            &RULE,
            &listed(json!({ "ttlMs": 0, "cacheScope": "public" })),
        );
        let table = [
            (json!({ "cacheScope": "public" }), "caching/hints"),
            (json!({ "ttlMs": 1 }), "caching/hints"),
            (
                json!({ "ttlMs": -1, "cacheScope": "public" }),
                "caching/ttl-not-negative",
            ),
            (
                json!({ "ttlMs": 1.5, "cacheScope": "public" }),
                "caching/ttl-integer",
            ),
            (
                json!({ "ttlMs": "1", "cacheScope": "public" }),
                "caching/ttl-integer",
            ),
            (
                json!({ "ttlMs": 1, "cacheScope": "shared" }),
                "caching/scope-values",
            ),
        ];
        for (result, requirement) in table {
            finds(&RULE, &listed(result), &[requirement]);
        }
        sees_nothing(
            &RULE,
            &modern()
                .asks(1, "tools/call", json!({}))
                .result(1, json!({})),
        );
        let interim = |result| modern().asks(1, "tools/call", json!({})).result(1, result);
        passes(&RULE, &interim(json!({ "resultType": "input_required" })));
        let hinted = interim(json!({ "resultType": "input_required", "ttlMs": 1 }));
        finds(&RULE, &hinted, &["caching/no-hints-on-interim"]);
    }

    #[test]
    fn pages() {
        let pages = |scope| {
            let first = json!({ "ttlMs": 1, "cacheScope": "public", "nextCursor": "c" });
            let script = modern().asks(1, "tools/list", json!({})).result(1, first);
            script
                .asks(2, "tools/list", json!({ "cursor": "c" }))
                .result(2, json!({ "ttlMs": 9, "cacheScope": scope }))
        };
        passes(&RULE, &pages("public"));
        finds(&RULE, &pages("private"), &["caching/scope-same-on-pages"]);
    }
}
