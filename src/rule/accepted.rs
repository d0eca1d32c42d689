//! Over HTTP a notification or response is accepted with 202 and no body, or refused by the status.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>

use serde_json::json;

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::duty::Duty;
use crate::judge::evidence::cut;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "accepted",
    title: "Notifications and responses are accepted with 202 and no body, or refused by the status",
    why: "A client that sent a notification looks at the status only. A body, or 200, looks like an \
        answer to something.",
    requirements: &["http/notification-202", "http/notification-refused-status"],
    faults: &["notification-body", "refused-status"],
    applies: |_, transport| transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session).values() {
        let Some((exchange, head)) = stream.exchange.zip(stream.head) else {
            continue;
        };
        if exchange.due.duty != Duty::MustNot || stream.method != "POST" {
            continue;
        }
        sight.observe();
        let body = stream
            .content
            .iter()
            .find_map(|entry| match &session.entries[*entry].what {
                What::Received { raw, .. } if !raw.0.is_empty() => {
                    Some(String::from_utf8_lossy(&raw.0).into_owned())
                }
                _ => None,
            });
        let entries = [exchange.sent, head];
        let actual =
            json!({ "status": stream.status, "body": body.as_deref().map(|body| cut(body, 200)) });
        let is_error = body
            .as_deref()
            .is_some_and(|body| body.contains("\"error\""));
        match (stream.status, body.is_some()) {
            (202, false) | (400.., _) => {}
            (_, true) if is_error => {
                let message = "a notification or response is refused, and the status is no error";
                sight.violation(
                    "http/notification-refused-status",
                    &entries,
                    message,
                    "a status of 400 or more",
                    actual,
                );
            }
            (202, true) => {
                let message = "202 for a notification or response has a body";
                sight.violation(
                    "http/notification-202",
                    &entries,
                    message,
                    "no body",
                    actual,
                );
            }
            (status, _) => {
                let message =
                    format!("a notification or response is answered with status {status}");
                sight.violation(
                    "http/notification-202",
                    &entries,
                    message,
                    "202 Accepted and no body",
                    actual,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn statuses() {
        let notified = |status| {
            legacy_http()
                .http("POST", &[])
                .initialized()
                .head(status, &[])
        };
        passes(&RULE, &notified(202).ends());
        passes(&RULE, &notified(400).line("{\"error\":{}}"));
        finds(
            &RULE,
            &notified(202).line("Accepted"),
            &["http/notification-202"],
        );
        finds(&RULE, &notified(200), &["http/notification-202"]);
        finds(&RULE, &notified(204), &["http/notification-202"]);
        finds(
            &RULE,
            &notified(200).line("{\"error\":{}}"),
            &["http/notification-refused-status"],
        );
        sees_nothing(
            &RULE,
            &legacy_http()
                .http("POST", &[])
                .asks(1, "ping", json!({}))
                .head(200, &[]),
        );
    }
}
