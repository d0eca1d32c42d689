//! A server sends only the notifications that its capabilities announce.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#operation>,
//! <https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/logging#capabilities>

use super::look::{declares, notifications};
use super::{Rule, Sight};
use crate::judge::Session;

pub(super) const RULE: Rule = Rule {
    name: "notification-capabilities",
    title: "The server sends only the notifications that its capabilities announce",
    why: "A client has no handler for what was never announced.",
    requirements: &[
        "logging/declare-capability",
        "initialization/negotiated-capabilities",
    ],
    faults: &["logging-undeclared", "prompts-change-undeclared"],
    applies: |_, _| true,
    check,
};

/// A notification, the capability that it belongs to, the one that announces it, and the requirement.
const NOTIFICATIONS: [(&str, &[&str], &[&str], &str); 5] = [
    (
        "notifications/message",
        &["logging"],
        &["logging"],
        "logging/declare-capability",
    ),
    (
        "notifications/tools/list_changed",
        &["tools"],
        &["tools", "listChanged"],
        NEGOTIATED,
    ),
    (
        "notifications/prompts/list_changed",
        &["prompts"],
        &["prompts", "listChanged"],
        NEGOTIATED,
    ),
    (
        "notifications/resources/list_changed",
        &["resources"],
        &["resources", "listChanged"],
        NEGOTIATED,
    ),
    (
        "notifications/resources/updated",
        &["resources"],
        &["resources", "subscribe"],
        NEGOTIATED,
    ),
];
const NEGOTIATED: &str = "initialization/negotiated-capabilities";

fn check(session: &Session<'_>, sight: &mut Sight) {
    let capabilities = session.capabilities();
    if !capabilities.is_object() {
        return;
    }
    for (method, received) in notifications(session) {
        let Some((_, whole, part, requirement)) =
            NOTIFICATIONS.iter().find(|(name, ..)| *name == method)
        else {
            continue;
        };
        sight.observe();
        let declared = declares(capabilities, part);
        if !declared {
            let message = format!(
                "the server sends {method} and does not declare {}",
                part.join(".")
            );
            sight.violation(
                requirement,
                &[received.entry],
                message,
                part.join("."),
                capabilities.clone(),
            );
        }
        // That a part of a capability is one by itself is not said in so many words.
        if !declared && declares(capabilities, whole) {
            sight.tolerate();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;
    use crate::verdict::Level;

    #[test]
    fn capabilities() {
        let log = |server| {
            legacy()
                .server(server)
                .notified("notifications/message", json!({}))
        };
        passes(&RULE, &log(json!({ "logging": {} })));
        finds(
            &RULE,
            &log(json!({ "tools": {} })),
            &["logging/declare-capability"],
        );
        let changed = |server| {
            legacy()
                .server(server)
                .notified("notifications/tools/list_changed", json!({}))
        };
        passes(&RULE, &changed(json!({ "tools": { "listChanged": true } })));
        let finding = |server| changed(server).judged(&RULE).findings.remove(0);
        assert_eq!(finding(json!({})).level, Level::Must);
        assert_eq!(
            finding(json!({ "tools": { "listChanged": false } })).level,
            Level::Stated
        );
        sees_nothing(
            &RULE,
            &legacy().notified("notifications/progress", json!({})),
        );
    }
}
