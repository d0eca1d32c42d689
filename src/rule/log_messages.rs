//! Log messages have a known level, come at or above the level asked for, and at modern revisions only where asked for.
//! <https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/logging>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/logging#requesting-log-messages>

use serde_json::Value;

use super::look::{Answer, Received, answers, is_modern, life_of, notifications};
use super::stream::{Stream, streams};
use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "log-messages",
    title: "Log messages have a known level and data, and are those that were asked for",
    why: "A client sorts and filters by the level and shows the data. What was not asked for is in \
        its way.",
    requirements: &[
        "logging/levels",
        "logging/message-form",
        "logging/at-or-above-level",
        "logging/only-on-request",
        "logging/on-own-stream",
    ],
    faults: &[
        "log-level-ignored",
        "log-level-unknown",
        "log-without-data",
        "log-unasked",
        "listen-logs",
    ],
    applies: |_, _| true,
    check,
};

/// From the least to the most severe.
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];
const LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    let sets: Vec<Answer<'_>> = answers(session)
        .filter(|answer| answer.method() == "logging/setLevel")
        .collect();
    for (method, received) in notifications(session) {
        if method != "notifications/message" {
            continue;
        }
        sight.observe();
        let params = &received.message["params"];
        let level = form(params, received.entry, sight);
        match session.header.revision.era() {
            Era::Legacy => {
                let stream = streams.get(&received.stream);
                let id_of = |stream: &Stream<'_>| stream.session_id().map(str::to_owned);
                let id = stream.and_then(id_of);
                let life = life_of(session, received.entry);
                let last = sets.iter().rev().find(|set| {
                    set.entry < received.entry
                        && life_of(session, set.entry) == life
                        && streams.get(&set.exchange.stream).and_then(id_of) == id
                });
                if let Some(set) = last {
                    set_before(set, stream, &received, level, sight);
                }
            }
            Era::Modern => asked_for(session, &received, level, sight),
        }
    }
}

/// Checks the message by itself, and returns how severe it is.
fn form(params: &Value, entry: usize, sight: &mut Sight) -> Option<usize> {
    if params.get("data").is_none() {
        sight.violation(
            "logging/message-form",
            &[entry],
            "a log message has no data",
            "data",
            params.clone(),
        );
    }
    let Some(level) = params.get("level").and_then(Value::as_str) else {
        let message = "a log message has no level that is a string";
        sight.violation(
            "logging/message-form",
            &[entry],
            message,
            "a level",
            params.clone(),
        );
        return None;
    };
    let severity = severity(level);
    if severity.is_none() {
        let message = "a log message has a level that does not exist";
        sight.violation(
            "logging/levels",
            &[entry],
            message,
            LEVELS.join(", "),
            level,
        );
    }
    severity
}

fn severity(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}

fn below(entries: &[usize], wanted: usize, level: usize, sight: &mut Sight) {
    if level < wanted {
        let message = "a log message is below the level that was asked for";
        let expected = format!("{} or above", LEVELS[wanted]);
        sight.violation(
            "logging/at-or-above-level",
            entries,
            message,
            expected,
            LEVELS[level],
        );
    }
}

fn set_before(
    set: &Answer<'_>,
    stream: Option<&Stream<'_>>,
    received: &Received<'_>,
    level: Option<usize>,
    sight: &mut Sight,
) {
    // On HTTP a level is remembered only within a session, and what was on its way on another stream may be older.
    let newer = stream.is_none_or(|stream| {
        stream.session_id().is_some() && stream.method == "POST" && stream.request > set.entry
    });
    // Where the last attempt was refused, nobody can say what holds.
    let wanted = set
        .result()
        .and(set.request.pointer("/params/level"))
        .and_then(Value::as_str)
        .and_then(severity);
    if let (true, Some(wanted), Some(level)) = (newer, wanted, level) {
        below(&[set.exchange.sent, received.entry], wanted, level, sight);
    }
}

fn asked_for(
    session: &Session<'_>,
    received: &Received<'_>,
    level: Option<usize>,
    sight: &mut Sight,
) {
    let own: Vec<&Exchange> = match received.stream {
        0 => running(session, received.entry),
        stream => session
            .conversation
            .exchanges
            .iter()
            .filter(|exchange| exchange.stream == stream)
            .collect(),
    };
    let request = |exchange: &Exchange| session.entries[exchange.sent].json();
    let listens = |exchange: &Exchange| exchange.method.as_deref() == Some("subscriptions/listen");
    // A request of an earlier era is answered by its rules.
    let modern = |exchange: &Exchange| {
        request(exchange).is_some_and(|request| is_modern(request, session.header.revision))
    };
    if own.iter().any(|exchange| !modern(exchange)) {
        return;
    }
    if received.stream != 0 && own.iter().any(|exchange| listens(exchange)) {
        let entries: Vec<usize> = own
            .iter()
            .map(|exchange| exchange.sent)
            .chain([received.entry])
            .collect();
        let message = "a log message comes on a listen stream";
        let actual = received.message.clone();
        sight.violation(
            "logging/on-own-stream",
            &entries,
            message,
            "no log messages",
            actual,
        );
        return;
    }
    let asked = |exchange: &Exchange| {
        request(exchange)?
            .pointer("/params/_meta")?
            .get(LEVEL_KEY)?
            .as_str()
    };
    let wanted: Vec<&str> = own.iter().filter_map(|exchange| asked(exchange)).collect();
    let entries: Vec<usize> = own
        .iter()
        .map(|exchange| exchange.sent)
        .take(1)
        .chain([received.entry])
        .collect();
    if wanted.is_empty() {
        let message = "a log message comes although no running request asks for any";
        let actual = received.message.clone();
        sight.violation(
            "logging/only-on-request",
            &entries,
            message,
            "no log messages",
            actual,
        );
    }
    // Several requests may be running: the lowest level of all is certainly wanted. One that does not exist sets none.
    let lowest = wanted.iter().map(|level| severity(level)).min().flatten();
    if let (Some(wanted), Some(level)) = (lowest, level) {
        below(&entries, wanted, level, sight);
    }
}

/// The requests on stdio that were not answered yet when an entry came, listeners excepted.
fn running<'a>(session: &Session<'a>, entry: usize) -> Vec<&'a Exchange> {
    let life = life_of(session, entry);
    session
        .conversation
        .exchanges
        .iter()
        .filter(|exchange| {
            exchange.sent < entry && exchange.answer.is_none_or(|answer| answer > entry)
        })
        .filter(|exchange| {
            exchange.is_request() && exchange.method.as_deref() != Some("subscriptions/listen")
        })
        .filter(|exchange| life_of(session, exchange.sent) == life)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn log(script: Script, level: &str) -> Script {
        script.notified(
            "notifications/message",
            json!({ "level": level, "data": 1 }),
        )
    }

    #[test]
    fn forms() {
        passes(&RULE, &log(legacy(), "debug"));
        finds(&RULE, &log(legacy(), "verbose"), &["logging/levels"]);
        finds(
            &RULE,
            &legacy().notified("notifications/message", json!({ "level": "info" })),
            &["logging/message-form"],
        );
        finds(
            &RULE,
            &legacy().notified("notifications/message", json!({ "data": 1 })),
            &["logging/message-form"],
        );
        sees_nothing(&RULE, &legacy().opened());
    }

    #[test]
    fn levels_that_were_set() {
        let set = legacy().asks(1, "logging/setLevel", json!({ "level": "warning" }));
        passes(
            &RULE,
            &log(log(set.clone(), "info").result(1, json!({})), "warning"),
        );
        finds(
            &RULE,
            &log(set.clone().result(1, json!({})), "info"),
            &["logging/at-or-above-level"],
        );
        let error =
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32603, "message": "" } });
        passes(&RULE, &log(set.gets(error), "info"));
    }

    #[test]
    fn levels_of_a_request() {
        let asked = |level: Option<&str>| {
            let meta = level.map_or(json!({}), |level| json!({ LEVEL_KEY: level }));
            modern().asks(1, "tools/call", json!({ "_meta": meta }))
        };
        passes(&RULE, &log(asked(Some("info")), "info"));
        passes(&RULE, &log(asked(Some("nonsense")), "debug"));
        finds(
            &RULE,
            &log(asked(Some("info")), "debug"),
            &["logging/at-or-above-level"],
        );
        finds(
            &RULE,
            &log(asked(None), "emergency"),
            &["logging/only-on-request"],
        );
        finds(
            &RULE,
            &log(asked(Some("info")).result(1, json!({})), "info"),
            &["logging/only-on-request"],
        );
    }

    #[test]
    fn streams() {
        let message = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": 1 } });
        let meta = json!({ "_meta": { LEVEL_KEY: "info" } });
        passes(
            &RULE,
            &modern_http()
                .streams(1, "tools/call", meta.clone())
                .event_of(message.clone()),
        );
        let listen = modern_http()
            .streams(1, "subscriptions/listen", meta)
            .event_of(message.clone());
        finds(&RULE, &listen, &["logging/on-own-stream"]);
        let other = modern_http()
            .streams(1, "tools/call", json!({}))
            .event_of(message);
        finds(&RULE, &other, &["logging/only-on-request"]);
    }
}
