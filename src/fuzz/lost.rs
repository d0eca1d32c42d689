//! Whether what was sent left a session to go on in: the process, the connection, and that the server still knows it.

use serde_json::{Value, json};

use super::oracle::{http_head, is_unanswered};
use crate::conversation::Exchange;
use crate::drive::Wait;
use crate::judge::Session;
use crate::judge::evidence::Violation;
use crate::transcript::{Entry, What};

/// That the session is over, if it is. The fence is the request behind everything.
pub(super) fn lost(
    session: &Session<'_>,
    wait: Wait,
    exchanges: &[Exchange],
    fence: Option<&Exchange>,
) -> Option<Violation> {
    let unanswered = fence.filter(|fence| is_unanswered(session, fence));
    let (end, message, actual) = match ended(session.entries, wait, unanswered) {
        Some(end) => (end, how(session.entries.get(end)), Value::Null),
        None => {
            let (head, status) = fence.and_then(|fence| forgotten(session, exchanges, fence))?;
            let message = "the server does not know the session any more".to_owned();
            (head, message, json!({ "status": status }))
        }
    };
    let last = exchanges
        .iter()
        .rev()
        .find(|exchange| exchange.step.is_some());
    let sent = last.map(|last| last.sent);
    Some(Violation {
        requirement: "robust/stays-alive".to_owned(),
        message,
        expected: json!("an answer to the next valid request"),
        actual,
        entries: sent.into_iter().chain([end]).collect(),
        tolerated: false,
        hint: None,
    })
}

/// Where the process or the connection ended, if it did. Over HTTP each request has its own: there it is the last one
/// that was cut off.
fn ended(entries: &[Entry], wait: Wait, fence: Option<&Exchange>) -> Option<usize> {
    let ends = |entry: &Entry| {
        matches!(
            entry.what,
            What::End | What::Exit { .. } | What::Broken { .. }
        )
    };
    let of_session = entries
        .iter()
        .rposition(|entry| entry.stream == 0 && ends(entry));
    let of_fence = fence
        .and_then(|fence| fence.ended)
        .filter(|ended| matches!(entries[*ended].what, What::Broken { .. }));
    let last = (wait == Wait::Gone).then(|| entries.len().saturating_sub(1));
    of_session.or(of_fence).or(last)
}

fn how(end: Option<&Entry>) -> String {
    let what = end.map(|entry| &entry.what);
    match (what, what.and_then(What::exit)) {
        (_, Some(how)) => format!("the server {how}"),
        (Some(What::Broken { message }), _) => format!("the connection broke: {message}"),
        _ => "the server ended, or closed the connection".to_owned(),
    }
}

/// The response, and its status, by which a server says of the session of a valid request that there is none: it was
/// started anew, or has ended the session. Not where that was asked for, by DELETE or by another handshake.
fn forgotten(
    session: &Session<'_>,
    exchanges: &[Exchange],
    fence: &Exchange,
) -> Option<(usize, u16)> {
    let head = fence.head?;
    // The text says 404; some servers say 400 of any session that they do not know.
    let status = status(session, fence).filter(|status| [400, 404].contains(status))?;
    let before = session.conversation.exchanges.iter();
    let mut before = before.take_while(|other| other.sent < fence.sent);
    let was_known = before.any(|other| {
        let is_same = other.step.is_none() && other.method == fence.method;
        is_same && other.head.is_some() && is_served(session, other)
    });
    let ids = session_ids(session.entries);
    let is_only = !ids.is_empty() && ids.iter().all(|id| id == &ids[0]);
    let ends_it = |other: &Exchange| {
        other.step.is_some()
            && matches!(http_head(session, other), Some(What::HttpRequest { method, headers, .. })
                if method == "DELETE" && headers.iter().any(|(_, value)| ids.contains(&value.as_str())))
    };
    (was_known && is_only && !exchanges.iter().any(ends_it)).then_some((head, status))
}

fn status(session: &Session<'_>, exchange: &Exchange) -> Option<u16> {
    match session.entries[exchange.head?].what {
        What::HttpResponse { status, .. } => Some(status),
        _ => None,
    }
}

/// Whether the status of its response, if it has one, is that of success.
pub(super) fn is_served(session: &Session<'_>, exchange: &Exchange) -> bool {
    status(session, exchange).is_none_or(|status| (200..300).contains(&status))
}

/// The ids that the server gave the session: another one at each handshake. What is refused begins no session, whatever id
/// the refusal has.
pub(super) fn session_ids(entries: &[Entry]) -> Vec<&str> {
    let heads = entries.iter().filter_map(|entry| match &entry.what {
        What::HttpResponse {
            headers,
            status: 200..300,
        } => Some(headers),
        _ => None,
    });
    let ids = heads.flatten().filter(|(name, _)| name == "mcp-session-id");
    ids.map(|(_, value)| value.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::{Script, legacy_http};

    const ID: (&str, &str) = ("mcp-session-id", "1");

    /// What is said of a session in which our own request had this status, behind an exchange of an input.
    fn behind(
        method: &str,
        headers: &[(&str, &str)],
        given: (u16, &str),
        status: u16,
    ) -> Option<Violation> {
        let ping = |script: Script, status: u16| {
            script
                .http("POST", &[ID])
                .what_request("ping", json!({}))
                .head(status, &[ID])
                .ends()
        };
        let opened = ping(legacy_http(), 200);
        let sent = opened
            .http(method, headers)
            .sends(json!({ "jsonrpc": "2.0", "method": "x" }))
            .head(given.0, &[("mcp-session-id", given.1)])
            .ends();
        ping(sent, status).seen(|session| {
            let exchanges = &session.conversation.exchanges;
            lost(session, Wait::Done, &exchanges[1..], exchanges.last())
        })
    }

    #[test]
    fn a_session_is_lost_that_the_server_does_not_know_any_more() {
        for status in [400, 404] {
            let found = behind("POST", &[ID], (202, "1"), status).unwrap();
            assert_eq!(found.actual, json!({ "status": status }));
            assert!(found.message.contains("does not know the session"));
        }
        for status in [200, 401, 429, 500] {
            assert!(
                behind("POST", &[ID], (202, "1"), status).is_none(),
                "{status}"
            );
        }
    }

    #[test]
    fn a_session_is_not_lost_that_was_ended_or_replaced() {
        assert!(behind("DELETE", &[ID], (204, "1"), 404).is_none());
        assert!(behind("DELETE", &[("mcp-session-id", "2")], (404, "1"), 404).is_some());
        assert!(behind("POST", &[], (200, "2"), 404).is_none());
        assert!(behind("POST", &[], (400, "2"), 404).is_some());
    }

    #[test]
    fn what_was_refused_was_not_served() {
        let served = |status: u16| {
            let script = legacy_http().http("POST", &[ID]);
            let script = script.what_request("ping", json!({})).head(status, &[ID]);
            script.ends().seen(|session| {
                let last = session.conversation.exchanges.last();
                last.is_some_and(|last| is_served(session, last))
            })
        };
        assert!(served(200) && served(202));
        assert!(!served(400) && !served(404) && !served(503));
    }
}
