//! An elicitation in URL mode has an id of its own, and what a server says is complete is one of them (2025-11-25).
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#completion-notifications-for-url-mode-elicitation>

use serde_json::{Value, json};

use super::look::{answers, notifications, requests};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;

pub(super) const RULE: Rule = Rule {
    name: "completed-pages",
    title: "The server completes only elicitations that it asked for, each with an id of its own",
    why: "A client goes on with what waited for the page. Told of a page that it does not know, it \
        has nothing to go on with.",
    requirements: &[
        "elicitation/complete-id",
        "elicitation/complete-to-initiator",
        "elicitation/url-id-unique",
    ],
    faults: &["page-id-other", "page-complete-unasked", "page-ids-repeat"],
    applies: |revision, _| revision == Revision::V2025_11_25,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    unique(session, sight);
    let completed = notifications(session)
        .filter(|(method, _)| *method == "notifications/elicitation/complete");
    for (_, received) in completed {
        sight.observe();
        let id = received.message.pointer("/params/elicitationId");
        let known = asked(session);
        if !id.is_some_and(|id| known.contains(&id)) {
            // Who was sent to no page at all hears of another client's.
            let requirement = match known.is_empty() {
                true => "elicitation/complete-to-initiator",
                false => "elicitation/complete-id",
            };
            sight.violation(
                requirement,
                &[received.entry],
                "the server completes an elicitation that it did not ask for",
                json!({ "one of": known }),
                json!(id),
            );
        }
    }
}

/// Two requests are two elicitations. One that the error -32042 lists may be asked for again, so these do not count.
fn unique(session: &Session<'_>, sight: &mut Sight) {
    let mut known: Vec<(&Value, usize)> = Vec::new();
    for (id, entry) in requested(session) {
        sight.observe();
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == id) {
            let message = "two elicitations have the same elicitationId";
            sight.violation(
                "elicitation/url-id-unique",
                &[*first, entry],
                message,
                "another id",
                id.clone(),
            );
        }
        known.push((id, entry));
    }
}

/// The ids of the elicitations that were asked for with a request, and where.
fn requested<'a>(session: &Session<'a>) -> impl Iterator<Item = (&'a Value, usize)> + use<'a> {
    requests(session)
        .filter(|(method, _)| *method == "elicitation/create")
        .filter_map(|(_, request)| {
            let id = request.message.pointer("/params/elicitationId")?;
            Some((id, request.entry))
        })
}

/// The ids of all elicitations, asked for with a request or listed in the error -32042. The order does not count: over HTTP
/// what was said first may come last.
fn asked<'a>(session: &Session<'a>) -> Vec<&'a Value> {
    let requested = requested(session).map(|(id, _)| id);
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
        passes(&RULE, &asked);
        let params = json!({ "mode": "url", "elicitationId": "a" });
        let again =
            json!({ "jsonrpc": "2.0", "id": 2, "method": "elicitation/create", "params": params });
        finds(&RULE, &asked.gets(again), &["elicitation/url-id-unique"]);
        sees_nothing(&RULE, &legacy());
        let others = legacy().notified(COMPLETE, json!({ "elicitationId": "a" }));
        finds(&RULE, &others, &["elicitation/complete-to-initiator"]);
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
