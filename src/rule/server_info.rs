//! Every modern result names the server.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic#_meta>

use serde_json::{Value, json};

use super::look::modern_answers;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "server-info",
    title: "Every result names the server in its _meta",
    why: "It tells people who read logs which of several servers has answered.",
    requirements: &["meta/server-info"],
    faults: &["server-info-missing"],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

const KEY: &str = "io.modelcontextprotocol/serverInfo";

fn check(session: &Session<'_>, sight: &mut Sight) {
    for answer in modern_answers(session) {
        let Some(result) = answer.result().filter(|result| result.is_object()) else {
            continue;
        };
        sight.observe();
        let named = result
            .get("_meta")
            .and_then(|meta| meta.get(KEY))
            .is_some_and(|info| {
                ["name", "version"]
                    .iter()
                    .all(|member| info.get(member).is_some_and(Value::is_string))
            });
        if !named {
            let message = "a result does not say which server it is from";
            let expected =
                json!({ "_meta": { KEY: { "name": "a name", "version": "a version" } } });
            sight.violation(
                "meta/server-info",
                &answer.entries(),
                message,
                expected,
                result.clone(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn names() {
        let answered = |result| modern().asks(1, "tools/list", json!({})).result(1, result);
        passes(
            &RULE,
            &answered(json!({ "_meta": { KEY: { "name": "s", "version": "1" } } })),
        );
        finds(&RULE, &answered(json!({})), &["meta/server-info"]);
        finds(
            &RULE,
            &answered(json!({ "_meta": { KEY: { "name": "s" } } })),
            &["meta/server-info"],
        );
        let error =
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32603, "message": "" } });
        sees_nothing(
            &RULE,
            &modern().asks(1, "tools/list", json!({})).gets(error),
        );
    }
}
