//! The session opens, and the server answers what is asked before the first trial.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization>
//!
//! Where a session cannot be opened this is the one finding from which everything else follows.

use serde_json::{Value, json};

use super::look::{answers, life_of};
use super::{Rule, Sight, channel};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "opening",
    title: "The session opens, and the first requests are answered",
    why: "A client that cannot open a session can do nothing else.",
    requirements: &[
        "initialization/result",
        "versioning/echo",
        "sse/event-stream",
        "sse/endpoint-event",
        "sse/post-endpoint",
        "robust/answers-in-time",
        "robust/stays-alive",
    ],
    faults: &[
        "initialize-without-version",
        "initialize-without-capabilities",
        "initialize-without-server-info",
        "server-info-without-version",
        "version-not-echoed",
        "sse-content-type",
        "sse-endpoint-missing",
        "sse-post-refused",
    ],
    applies: |_, _| true,
    check,
};

/// How many of the last lines of stderr a finding quotes.
const STDERR_LINES: usize = 5;

fn check(session: &Session<'_>, sight: &mut Sight) {
    channel::check(session, sight);
    let ours = |exchange: &&Exchange| exchange.trial.is_none() && exchange.is_request();
    for exchange in session.conversation.exchanges.iter().filter(ours) {
        match exchange.answer {
            Some(_) => sight.observe(),
            // One silence is the cause of all that follow.
            None if unanswered(session, exchange, sight) => return,
            None => {}
        }
    }
    let opening = answers(session)
        .find(|answer| answer.exchange.trial.is_none() && answer.method() == "initialize");
    let Some(opening) = opening else { return };
    match opening.result() {
        Some(result) => handshake(session, &opening.entries(), opening.request, result, sight),
        None => {
            let expected = json!({ "result": { "protocolVersion": session.header.revision } });
            let message = "initialize is refused";
            let actual = opening.response.clone();
            sight.violation(
                "initialization/result",
                &opening.entries(),
                message,
                expected,
                actual,
            );
        }
    }
}

fn handshake(
    session: &Session<'_>,
    entries: &[usize],
    request: &Value,
    result: &Value,
    sight: &mut Sight,
) {
    let members = [
        (
            "/protocolVersion",
            "protocolVersion",
            Value::is_string as fn(&Value) -> bool,
            "a string",
        ),
        (
            "/capabilities",
            "capabilities",
            Value::is_object,
            "an object",
        ),
        ("/serverInfo", "serverInfo", Value::is_object, "an object"),
        (
            "/serverInfo/name",
            "serverInfo.name",
            Value::is_string,
            "a string",
        ),
        (
            "/serverInfo/version",
            "serverInfo.version",
            Value::is_string,
            "a string",
        ),
    ];
    let wrong = members
        .iter()
        .find(|(pointer, _, fits, _)| !result.pointer(pointer).is_some_and(fits));
    if let Some((_, name, _, expected)) = wrong {
        let message = format!("the result of initialize has no {name} that is {expected}");
        sight.violation(
            "initialization/result",
            entries,
            message,
            *expected,
            result.clone(),
        );
        return;
    }
    let (asked, got) = (
        request.pointer("/params/protocolVersion"),
        result.get("protocolVersion"),
    );
    let spoken = session
        .header
        .profile
        .offer(session.header.revision, session.header.transport);
    // Another version is a fine answer, unless the same server has just agreed to this one.
    if asked != got && spoken.is_some_and(|offer| offer.capabilities.is_object()) {
        let message = "a version that the server speaks is answered with another one";
        let (asked, got) = (
            asked.cloned().unwrap_or_default(),
            got.cloned().unwrap_or_default(),
        );
        sight.violation("versioning/echo", entries, message, asked, got);
    }
}

/// Reports why no answer came; false if nobody waited for it to the end.
fn unanswered(session: &Session<'_>, exchange: &Exchange, sight: &mut Sight) -> bool {
    let method = exchange.method.as_deref().unwrap_or("a request");
    let over_sse = session.header.transport == Transport::Sse;
    if let Some(exit) = exit(session, exchange) {
        let output = if over_sse { "event stream" } else { "output" };
        let message = match &session.entries[exit].what {
            What::Exit {
                code: Some(code), ..
            } => {
                format!("the server ended with code {code} instead of answering {method}")
            }
            What::Exit {
                signal: Some(signal),
                ..
            } => {
                format!("the server was ended by signal {signal} before it answered {method}")
            }
            What::Broken { message } => format!("{message}, instead of an answer to {method}"),
            _ => format!("the server closed its {output} instead of answering {method}"),
        };
        let actual = stderr(session).unwrap_or(came(session, exchange));
        sight.violation(
            "robust/stays-alive",
            &[exchange.sent, exit],
            message,
            "an answer",
            actual,
        );
        return true;
    }
    let head = exchange.head.filter(|_| exchange.ended.is_some());
    let message = match head.map(|head| &session.entries[head].what) {
        Some(What::HttpResponse { status, .. }) => {
            format!("{method} is answered with HTTP {status}, and with no message")
        }
        _ if exchange.ended.is_some() => {
            format!("the connection ended before {method} was answered")
        }
        _ if exchange.deadline.is_some() => format!("{method} is not answered in time"),
        _ => return false,
    };
    let shown: Vec<usize> = [
        Some(exchange.sent),
        head,
        exchange.deadline.or(exchange.ended),
    ]
    .into_iter()
    .flatten()
    .collect();
    let actual = came(session, exchange);
    // Any status of 200 to 299 accepts what is posted: the text does not say which.
    let requirement = match exchange.ended {
        Some(_) if over_sse && head.is_some() => "sse/post-endpoint",
        _ => "robust/answers-in-time",
    };
    sight.violation(requirement, &shown, message, "an answer", actual);
    true
}

/// Where the process ended, or at least its output, while we waited.
fn exit(session: &Session<'_>, exchange: &Exchange) -> Option<usize> {
    if session.header.transport == Transport::Http {
        return None;
    }
    let life = life_of(session, exchange.sent);
    let later = (exchange.sent..session.entries.len()).take_while(|index| {
        !matches!(session.entries[*index].what, What::Closed { .. })
            && life_of(session, *index) == life
    });
    let later: Vec<usize> = later
        .filter(|index| session.entries[*index].stream == 0)
        .collect();
    let find = |found: &dyn Fn(&What) -> bool| {
        later
            .iter()
            .copied()
            .find(|index| found(&session.entries[*index].what))
    };
    // Why we stopped reading comes first: the exit only follows from it.
    find(&|what| matches!(what, What::Broken { .. }))
        .or_else(|| find(&|what| matches!(what, What::Exit { .. })))
        .or_else(|| find(&|what| matches!(what, What::End)))
}

/// What came instead of the answer.
fn came(session: &Session<'_>, exchange: &Exchange) -> Value {
    let received = session.entries[exchange.sent..]
        .iter()
        .filter(|entry| entry.stream == exchange.stream || entry.stream == 0);
    let lines = received.filter_map(|entry| match &entry.what {
        What::Received { raw, .. } => {
            Some(Value::String(cut(&String::from_utf8_lossy(&raw.0), 200)))
        }
        _ => None,
    });
    match lines.take(3).collect::<Vec<_>>() {
        lines if lines.is_empty() => json!("nothing"),
        lines => Value::Array(lines),
    }
}

fn stderr(session: &Session<'_>) -> Option<Value> {
    let lines = session
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Stderr { text } if !text.trim().is_empty() => Some(text.as_str()),
            _ => None,
        });
    let lines: Vec<&str> = lines.collect();
    let last = &lines[lines.len().saturating_sub(STDERR_LINES)..];
    (!last.is_empty()).then(|| Value::String(format!("stderr: {}", cut(&last.join("\n"), 600))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_handshake() {
        passes(&RULE, &legacy().opened());
        passes(
            &RULE,
            &modern()
                .what_request("server/discover", json!({}))
                .result(0, json!({})),
        );
        sees_nothing(
            &RULE,
            &legacy()
                .trial("a")
                .sends(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize"})),
        );
    }

    #[test]
    fn a_wrong_result() {
        let asked = legacy().what_request("initialize", json!({ "protocolVersion": "2025-11-25" }));
        let table = [
            json!({ "capabilities": {}, "serverInfo": { "name": "s", "version": "1" } }),
            json!({ "protocolVersion": 1, "capabilities": {}, "serverInfo": { "name": "s", "version": "1" } }),
            json!({ "protocolVersion": "2025-11-25", "serverInfo": { "name": "s", "version": "1" } }),
            json!({ "protocolVersion": "2025-11-25", "capabilities": {} }),
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "s" } }),
        ];
        for result in table {
            finds(
                &RULE,
                &asked.clone().result(0, result),
                &["initialization/result"],
            );
        }
        let other = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": { "name": "s", "version": "1" } });
        finds(
            &RULE,
            &asked.clone().result(0, other.clone()),
            &["versioning/echo"],
        );
        passes(&RULE, &asked.clone().server(Value::Null).result(0, other));
        let refused =
            json!({ "jsonrpc": "2.0", "id": 0, "error": { "code": -1, "message": "no" } });
        finds(&RULE, &asked.gets(refused), &["initialization/result"]);
    }

    #[test]
    fn no_answer() {
        let asked = legacy().what_request("initialize", json!({}));
        let deadline = What::Deadline {
            waiting_for: "initialize".to_owned(),
            step: None,
        };
        finds(
            &RULE,
            &asked.clone().line("garbage").what(deadline),
            &["robust/answers-in-time"],
        );
        let exit = What::Exit {
            code: Some(1),
            signal: None,
        };
        let died = asked
            .clone()
            .what(What::Stderr {
                text: "no such module".to_owned(),
            })
            .ends()
            .what(exit);
        finds(&RULE, &died, &["robust/stays-alive"]);
        let outcome = died.judged(&RULE);
        assert!(outcome.findings[0].message.contains("code 1"));
        assert!(
            outcome.findings[0]
                .actual
                .to_string()
                .contains("no such module")
        );
        let http = legacy_http()
            .http("POST", &[])
            .what_request("initialize", json!({}))
            .head(500, &[])
            .ends();
        finds(&RULE, &http, &["robust/answers-in-time"]);
        sees_nothing(&RULE, &asked);
    }

    #[test]
    fn what_is_posted_over_http_sse() {
        let posted = |status| {
            let opened = sse().endpoint("/m").http("POST", &[]);
            let asked = opened.what_request("initialize", json!({}));
            asked.head(status, &[]).ends()
        };
        finds(&RULE, &posted(405), &["sse/post-endpoint"]);
        let deadline = What::Deadline {
            waiting_for: "initialize".to_owned(),
            step: None,
        };
        for status in [200, 202, 204] {
            let accepted = posted(status);
            passes(&RULE, &accepted);
            let silent = accepted.clone().what(deadline.clone());
            finds(&RULE, &silent, &["robust/answers-in-time"]);
            finds(
                &RULE,
                &accepted.on_channel().ends(),
                &["robust/stays-alive"],
            );
        }
    }
}
