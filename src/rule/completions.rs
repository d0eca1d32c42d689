//! What a completion says of all that there is goes with what it brings.
//! <https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/completion#completion-results>

use serde_json::{Value, json};

use super::look::answers;
use super::{Rule, Sight};
use crate::judge::Session;

pub(super) const RULE: Rule = Rule {
    name: "completions",
    title: "The total of a completion, and whether there is more, goes with the values it has",
    why: "A client tells its user how many there are, and whether to type on, by these numbers.",
    requirements: &["completion/total"],
    faults: &["completion-total-short"],
    applies: |_, _| true,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for answer in answers(session).filter(|answer| answer.method() == "completion/complete") {
        let Some(completion) = answer.result().and_then(|result| result.get("completion")) else {
            continue;
        };
        let values = completion.get("values").and_then(Value::as_array);
        let total = completion.get("total").and_then(Value::as_f64);
        let (Some(values), Some(total)) = (values, total) else {
            continue;
        };
        sight.observe();
        let more = completion.get("hasMore").and_then(Value::as_bool);
        let count = values.len() as f64;
        let message = match more {
            _ if total < count => "fewer values in total than there are in the answer",
            Some(false) if total > count => "there is no more, and yet there is more in total",
            Some(true) if total == count => "there is more, and yet these are all",
            _ => continue,
        };
        sight.violation(
            "completion/total",
            &answer.entries(),
            message,
            json!({ "values": values.len() }),
            json!({ "total": total, "hasMore": more }),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn completed(completion: Value) -> Script {
        legacy()
            .server(json!({ "completions": {} }))
            .asks(1, "completion/complete", json!({}))
            .result(1, json!({ "completion": completion }))
    }

    #[test]
    fn sums() {
        for fine in [
            json!({ "values": ["a"], "total": 1 }),
            json!({ "values": ["a"], "total": 1, "hasMore": false }),
            json!({ "values": ["a"], "total": 9, "hasMore": true }),
            json!({ "values": ["a"], "total": 9 }),
        ] {
            passes(&RULE, &completed(fine));
        }
        for wrong in [
            json!({ "values": ["a"], "total": 0 }),
            json!({ "values": ["a"], "total": 2, "hasMore": false }),
            json!({ "values": ["a"], "total": 1, "hasMore": true }),
        ] {
            finds(&RULE, &completed(wrong), &["completion/total"]);
        }
        sees_nothing(
            &RULE,
            &completed(json!({ "values": ["a"], "hasMore": true })),
        );
    }
}
