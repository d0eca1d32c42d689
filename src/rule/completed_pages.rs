//! What a server says is complete is an elicitation in URL mode that it asked for (2025-11-25).
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#completion-notifications-for-url-mode-elicitation>

use serde_json::{Value, json};

use super::look::{answers, notifications, requests};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;

pub(super) const RULE: Rule = Rule {
    name: "completed-pages",
    title: "The server completes only elicitations that it asked for",
    requirements: &["elicitation/complete-id"],
    faults: &["page-id-other"],
    applies: |revision, _| revision == Revision::V2025_11_25,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let completed = notifications(session)
        .filter(|(method, _)| *method == "notifications/elicitation/complete");
    for (_, received) in completed {
        sight.observe();
        let id = received.message.pointer("/params/elicitationId");
        let known = asked(session);
        if !id.is_some_and(|id| known.contains(&id)) {
            sight.violation(
                "elicitation/complete-id",
                &[received.entry],
                "the server completes an elicitation that it did not ask for",
                json!({ "one of": known }),
                json!(id),
            );
        }
    }
}

/// The ids of all elicitations, asked for with a request or listed in the error -32042. The order does not count: over HTTP
/// what was said first may come last.
fn asked<'a>(session: &Session<'a>) -> Vec<&'a Value> {
    let requested = requests(session)
        .filter(|(method, _)| *method == "elicitation/create")
        .filter_map(|(_, request)| request.message.pointer("/params/elicitationId"));
    let listed = answers(session)
        .filter_map(|answer| answer.error())
        .filter_map(|error| error.pointer("/data/elicitations")?.as_array())
        .flatten()
        .filter_map(|elicitation| elicitation.get("elicitationId"));
    requested.chain(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const COMPLETE: &str = "notifications/elicitation/complete";

    #[test]
    fn requested() {
        let params = json!({ "mode": "url", "elicitationId": "a" });
        let asked = legacy().gets(
            json!({ "jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": params }),
        );
        let completed = |id: &str| {
            asked
                .clone()
                .notified(COMPLETE, json!({ "elicitationId": id }))
        };
        passes(&RULE, &completed("a"));
        finds(&RULE, &completed("b"), &["elicitation/complete-id"]);
        let nameless = asked.clone().notified(COMPLETE, json!({}));
        finds(&RULE, &nameless, &["elicitation/complete-id"]);
        sees_nothing(&RULE, &asked);
    }

    #[test]
    fn listed() {
        let error = json!({ "code": -32042, "message": "", "data": { "elicitations": [{ "elicitationId": "a" }] } });
        let refused = legacy()
            .asks(1, "tools/call", json!({}))
            .gets(json!({ "jsonrpc": "2.0", "id": 1, "error": error }));
        let completed = |id: &str| {
            refused
                .clone()
                .notified(COMPLETE, json!({ "elicitationId": id }))
        };
        passes(&RULE, &completed("a"));
        finds(&RULE, &completed("b"), &["elicitation/complete-id"]);
    }
}
