//! At a legacy revision the server sends nothing that came with a later one.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#operation>

use serde_json::Value;

use super::look::received;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message::{self, Kind};
use crate::revision::{Era, Revision};

pub(super) const RULE: Rule = Rule {
    name: "later-methods",
    title: "The server sends no methods of revisions later than the one that was negotiated",
    why: "A client of the negotiated revision does not know them: a request gets an error, and a \
        notification is lost.",
    requirements: &["initialization/negotiated-version"],
    faults: &["later-methods"],
    applies: |revision, _| revision.era() == Era::Legacy,
    check,
};

/// What a server may send that was not there from the beginning, and since when it is.
const LATER: [(&str, Revision); 9] = [
    ("elicitation/create", Revision::V2025_06_18),
    ("notifications/elicitation/complete", Revision::V2025_11_25),
    ("notifications/tasks/status", Revision::V2025_11_25),
    ("tasks/get", Revision::V2025_11_25),
    ("tasks/result", Revision::V2025_11_25),
    ("tasks/list", Revision::V2025_11_25),
    ("tasks/cancel", Revision::V2025_11_25),
    (
        "notifications/subscriptions/acknowledged",
        Revision::V2026_07_28,
    ),
    ("notifications/tasks", Revision::V2026_07_28),
];

fn check(session: &Session<'_>, sight: &mut Sight) {
    let revision = session.header.revision;
    for received in received(session) {
        sight.observe();
        let (Kind::Request { method, .. } | Kind::Notification { method }) =
            message::kind(received.message)
        else {
            continue;
        };
        let since = LATER.iter().find(|(name, _)| *name == method);
        if let Some((_, since)) = since.filter(|(_, since)| *since > revision) {
            sight.violation(
                "initialization/negotiated-version",
                &[received.entry],
                format!("the server sends {method}, which came with {since}"),
                format!("methods of {revision}"),
                Value::from(method),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;
    use crate::transport::Transport;

    #[test]
    fn since_when() {
        let asks = |revision| {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "elicitation/create" });
            Script::new(revision, Transport::Stdio).gets(message)
        };
        let requirement = &["initialization/negotiated-version"];
        finds(&RULE, &asks(Revision::V2025_03_26), requirement);
        passes(&RULE, &asks(Revision::V2025_06_18));
        let acknowledged = "notifications/subscriptions/acknowledged";
        finds(
            &RULE,
            &legacy().notified(acknowledged, json!({})),
            requirement,
        );
        passes(
            &RULE,
            &legacy().notified("notifications/progress", json!({})),
        );
        sees_nothing(&RULE, &legacy());
    }
}
