//! A legacy client is told of changes to resources only after it subscribed.
//! <https://modelcontextprotocol.io/specification/2025-11-25/server/resources#subscriptions>
//!
//! What is named may be a part of what was subscribed to, so that any subscription may be the reason.

use serde_json::Value;

use super::look::{answers, life_of, notifications, sent};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "resource-updates",
    title: "Updates of resources come only after a subscription",
    why: "A client that did not ask has no use for the message, and may read again for nothing.",
    requirements: &["resources/updated-only-if-subscribed"],
    faults: &["updates-unasked"],
    applies: |revision, _| revision.era() == Era::Legacy,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let subscribed: Vec<(usize, usize)> = sent(session)
        .filter(|(_, message)| {
            message
                .get("method")
                .is_some_and(|method| method == "resources/subscribe")
        })
        .map(|(entry, _)| (entry, life_of(session, entry)))
        .collect();
    // To see that nothing comes takes something that could have caused it.
    if answers(session).any(|answer| {
        answer.method() == "tools/call" && answer.result().is_some_and(Value::is_object)
    }) {
        sight.observe();
    }
    for (method, received) in notifications(session) {
        if method != "notifications/resources/updated" {
            continue;
        }
        sight.observe();
        let life = life_of(session, received.entry);
        if !subscribed
            .iter()
            .any(|(entry, other)| *entry < received.entry && *other == life)
        {
            let message = "an update of a resource comes, and the client subscribed to none";
            let actual = received.message.clone();
            let requirement = "resources/updated-only-if-subscribed";
            sight.violation(requirement, &[received.entry], message, "nothing", actual);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn updates() {
        let updated = |script: Script| {
            script.notified("notifications/resources/updated", json!({ "uri": "a:b" }))
        };
        passes(
            &RULE,
            &updated(legacy().asks(1, "resources/subscribe", json!({ "uri": "a:" }))),
        );
        finds(
            &RULE,
            &updated(legacy().opened()),
            &["resources/updated-only-if-subscribed"],
        );
        passes(
            &RULE,
            &legacy()
                .asks(1, "tools/call", json!({}))
                .result(1, json!({})),
        );
        sees_nothing(&RULE, &legacy().opened());
    }
}
