//! Modern error codes are those that are defined, used neither beyond their meaning nor beyond their time.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic#error-codes>

use serde_json::{Value, json};

use super::look::modern_answers;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "error-codes",
    title: "Error codes in the ranges that the specification reserves are those that it defines",
    why: "A client reacts to a code by its meaning. One that means nothing, or something else, leads \
        it astray.",
    requirements: &[
        "messages/reserved-codes",
        "messages/retired-codes",
        "messages/own-codes-outside",
    ],
    faults: &["reserved-code", "retired-code", "own-code-inside"],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for answer in modern_answers(session) {
        let Some(code) = answer
            .error()
            .and_then(|error| error.get("code"))
            .and_then(Value::as_i64)
        else {
            continue;
        };
        sight.observe();
        let (requirement, what, expected) = match code {
            -32002 | -32042 => (
                "messages/retired-codes",
                "a code of earlier revisions",
                json!("a code of this revision"),
            ),
            // Defined: a header that differs, a missing capability, an unsupported version.
            -32022..=-32020 => continue,
            -32099..=-32023 => {
                let defined = json!([-32020, -32021, -32022]);
                (
                    "messages/reserved-codes",
                    "reserved for the specification, which does not define it",
                    defined,
                )
            }
            // What older implementations allocated before there was a rule.
            -32019..=-32000 => continue,
            -32700 | -32603..=-32600 => continue,
            -32768..=-32100 => {
                let outside = json!("a code below -32768 or above -32000");
                (
                    "messages/own-codes-outside",
                    "in the range that JSON-RPC reserves",
                    outside,
                )
            }
            _ => continue,
        };
        let message = format!("the error code {code} is {what}");
        sight.violation(requirement, &answer.entries(), message, expected, code);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn codes() {
        let answered = |code: i64| {
            let error =
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": "" } });
            modern().asks(1, "tools/list", json!({})).gets(error)
        };
        for code in [
            -32700, -32603, -32600, -32000, -32019, -32020, -32022, 1, -31999, -40000,
        ] {
            passes(&RULE, &answered(code));
        }
        let table = [
            (-32002, "messages/retired-codes"),
            (-32042, "messages/retired-codes"),
            (-32050, "messages/reserved-codes"),
            (-32099, "messages/reserved-codes"),
            (-32100, "messages/own-codes-outside"),
            (-32604, "messages/own-codes-outside"),
        ];
        for (code, requirement) in table {
            finds(&RULE, &answered(code), &[requirement]);
        }
        sees_nothing(
            &RULE,
            &modern()
                .asks(1, "tools/list", json!({}))
                .result(1, json!({})),
        );
    }
}
