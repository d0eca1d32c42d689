//! Where a revision has no batches, each message comes by itself.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#operation>,
//! <https://modelcontextprotocol.io/specification/2025-06-18/changelog>
//!
//! Batches came with 2025-03-26 and went with 2025-06-18. 2024-11-05 says nothing of them, and JSON-RPC has them.

use super::look::is_deliberate;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::revision::{Era, Revision};
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "no-batches",
    title: "Messages come one by one where the revision has no batches",
    why: "A client that reads one message at a time cannot read an array, and every answer in it is \
        lost.",
    requirements: &[
        "initialization/negotiated-version",
        "stdio/only-messages",
        "http/request-content-type",
        "sse/well-formed",
    ],
    faults: &["answers-in-arrays"],
    applies: |revision, _| revision >= Revision::V2025_06_18,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for (index, entry) in session.entries.iter().enumerate() {
        let (What::Received { event, .. }, Some(document)) = (&entry.what, entry.json()) else {
            continue;
        };
        if document.is_object() {
            sight.observe();
        }
        if !document.is_array() || answers_batch(session, index) {
            continue;
        }
        let requirement = match (session.header.revision.era(), session.header.transport) {
            (Era::Legacy, _) => "initialization/negotiated-version",
            (Era::Modern, Transport::Stdio) => "stdio/only-messages",
            (Era::Modern, _) if event.is_some() => "sse/well-formed",
            (Era::Modern, _) => "http/request-content-type",
        };
        let shown = cut(&document.to_string(), 200);
        let message = "an array comes, and the revision has no batches";
        sight.violation(requirement, &[index], message, "one message", shown);
    }
}

/// Whether an array of ours was the cause: who reads it may well answer it alike.
fn answers_batch(session: &Session<'_>, index: usize) -> bool {
    let stream = session.entries[index].stream;
    let mut before = session
        .conversation
        .exchanges
        .iter()
        .rev()
        .filter(|e| e.sent < index && e.stream == stream);
    before.any(|exchange| {
        let sent = session.entries[exchange.sent].json();
        is_deliberate(session, exchange.sent) && sent.is_none_or(|sent| sent.is_array())
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#;

    #[test]
    fn arrays() {
        passes(
            &RULE,
            &legacy().line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        );
        finds(
            &RULE,
            &legacy().line(BATCH),
            &["initialization/negotiated-version"],
        );
        finds(&RULE, &modern().line(BATCH), &["stdio/only-messages"]);
        let http = || modern_http().http("POST", &[]).head(200, &[]);
        finds(&RULE, &http().line(BATCH), &["http/request-content-type"]);
        finds(&RULE, &http().event(None, BATCH), &["sse/well-formed"]);
        sees_nothing(&RULE, &legacy().hostile("[]").line(BATCH));
    }
}
