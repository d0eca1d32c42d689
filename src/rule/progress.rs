//! Progress is reported only for a token of a request that is being worked on, and it rises.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/progress>

use serde_json::Value;

use super::look::{life_of, notifications, requests as asked, sent};
use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::message::{self, Kind};

pub(super) const RULE: Rule = Rule {
    name: "progress",
    title: "Progress names the token of a running request, rises, and stops with the answer",
    why: "A client finds the bar to move by the token. A bar that moves back, or after the end, \
        misleads its user.",
    requirements: &[
        "progress/known-token",
        "progress/original-token",
        "progress/increases",
        "progress/stops",
        "progress/token-type",
    ],
    faults: &[
        "progress-stalls",
        "progress-other-token",
        "progress-unasked",
        "progress-after-answer",
        "progress-token-fraction",
    ],
    applies: |_, _| true,
    check,
};

/// A request that gave a token.
struct Tracked<'a> {
    token: &'a Value,
    sent: usize,
    life: usize,
    exchange: Option<&'a Exchange>,
    /// Its progress may outlast its answer, or be cut short.
    loose: bool,
    /// The last value, and the entry that brought it.
    last: Option<(f64, usize)>,
}

fn check(session: &Session<'_>, sight: &mut Sight) {
    own_tokens(session, sight);
    let mut requests = tracked(session);
    for (method, received) in notifications(session) {
        if method != "notifications/progress" {
            continue;
        }
        sight.observe();
        let params = &received.message["params"];
        let token = &params["progressToken"];
        let entry = received.entry;
        let life = life_of(session, entry);
        let here = |tracked: &&mut Tracked<'_>| tracked.sent < entry && tracked.life == life;
        let mut ours: Vec<&mut Tracked<'_>> = requests
            .iter_mut()
            .filter(here)
            .filter(|t| t.token == token)
            .collect();
        match ours.as_mut_slice() {
            [] => unknown(&requests, life, token, entry, sight),
            [.., tracked] => {
                stopped(session, tracked, entry, sight);
                if let Some(value) = params.get("progress").and_then(Value::as_f64) {
                    risen(session, tracked, value, entry, sight);
                }
            }
        }
    }
}

/// The server, too, may ask for progress.
fn own_tokens(session: &Session<'_>, sight: &mut Sight) {
    for (_, received) in asked(session) {
        let Some(token) = received.message.pointer("/params/_meta/progressToken") else {
            continue;
        };
        sight.observe();
        if !message::is_valid_id(token) {
            let message = "a progress token of the server is neither a string nor an integer";
            sight.violation(
                "progress/token-type",
                &[received.entry],
                message,
                "a string or an integer",
                token.clone(),
            );
        }
    }
}

fn tracked<'a>(session: &Session<'a>) -> Vec<Tracked<'a>> {
    let cancelled: Vec<&Value> = sent(session)
        .filter(|(_, message)| {
            message
                .get("method")
                .is_some_and(|method| method == "notifications/cancelled")
        })
        .filter_map(|(_, message)| message.pointer("/params/requestId"))
        .collect();
    let with_token = sent(session).filter_map(|(entry, message)| {
        let Kind::Request { id, .. } = message::kind(message) else {
            return None;
        };
        let token = message.pointer("/params/_meta/progressToken")?;
        let exchange = session
            .conversation
            .exchanges
            .iter()
            .find(|exchange| exchange.sent == entry);
        let batch = session.entries[entry].json().is_some_and(Value::is_array);
        let loose = batch || cancelled.contains(&id) || message.pointer("/params/task").is_some();
        Some(Tracked {
            token,
            sent: entry,
            life: life_of(session, entry),
            exchange,
            loose,
            last: None,
        })
    });
    with_token.collect()
}

fn unknown(requests: &[Tracked<'_>], life: usize, token: &Value, entry: usize, sight: &mut Sight) {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut before = requests
        .iter()
        .rev()
        .filter(|tracked| tracked.sent < entry && tracked.life == life);
    if let Some(tracked) = before
        .clone()
        .find(|tracked| text(tracked.token) == text(token))
    {
        let message = "the progress token has another type than the one that was given";
        let entries = [tracked.sent, entry];
        sight.violation(
            "progress/original-token",
            &entries,
            message,
            tracked.token.clone(),
            token.clone(),
        );
        return;
    }
    // A request that waits for progress was probably meant.
    let running = |tracked: &&Tracked<'_>| {
        tracked
            .exchange
            .is_some_and(|exchange| exchange.answer.is_none_or(|answer| answer > entry))
    };
    match before.find(running) {
        Some(tracked) => {
            let message = "progress names another token than the running request gave";
            let entries = [tracked.sent, entry];
            sight.violation(
                "progress/original-token",
                &entries,
                message,
                tracked.token.clone(),
                token.clone(),
            );
            let message = "progress names a token that no request gave";
            sight.violation(
                "progress/known-token",
                &entries,
                message,
                tracked.token.clone(),
                token.clone(),
            );
        }
        None => {
            let message = "progress names a token that no request gave";
            sight.violation(
                "progress/known-token",
                &[entry],
                message,
                "no progress",
                token.clone(),
            );
        }
    }
}

fn stopped(session: &Session<'_>, tracked: &Tracked<'_>, entry: usize, sight: &mut Sight) {
    let Some(answer) = tracked.exchange.and_then(|exchange| exchange.answer) else {
        return;
    };
    // What comes on different streams of HTTP may overtake each other.
    let ordered = session.entries[answer].stream == session.entries[entry].stream;
    if !tracked.loose && ordered && answer < entry {
        let actual = session.entries[entry].json().cloned().unwrap_or_default();
        let entries = [tracked.sent, answer, entry];
        sight.violation(
            "progress/stops",
            &entries,
            "progress is reported after the answer",
            "no progress",
            actual,
        );
    }
}

fn risen(
    session: &Session<'_>,
    tracked: &mut Tracked<'_>,
    value: f64,
    entry: usize,
    sight: &mut Sight,
) {
    if let Some((last, before)) = tracked.last.replace((value, entry)) {
        let ordered = session.entries[before].stream == session.entries[entry].stream;
        if ordered && value <= last && !tracked.loose {
            let expected = format!("more than {last}");
            sight.violation(
                "progress/increases",
                &[before, entry],
                "progress does not rise",
                expected,
                value,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn asked(token: Value) -> Script {
        legacy().asks(
            1,
            "tools/call",
            json!({ "_meta": { "progressToken": token } }),
        )
    }

    fn progress(script: Script, token: Value, value: f64) -> Script {
        script.notified(
            "notifications/progress",
            json!({ "progressToken": token, "progress": value }),
        )
    }

    #[test]
    fn rises() {
        let started = progress(asked(json!("t")), json!("t"), 1.0);
        passes(
            &RULE,
            &progress(started.clone(), json!("t"), 1.5).result(1, json!({})),
        );
        for value in [1.0, 0.5] {
            finds(
                &RULE,
                &progress(started.clone(), json!("t"), value),
                &["progress/increases"],
            );
        }
        // Each request begins anew.
        let again = started.result(1, json!({})).asks(
            2,
            "tools/call",
            json!({ "_meta": { "progressToken": "t" } }),
        );
        passes(&RULE, &progress(again, json!("t"), 1.0));
        sees_nothing(&RULE, &asked(json!(1)));
    }

    #[test]
    fn tokens() {
        finds(
            &RULE,
            &progress(asked(json!(1)), json!("1"), 1.0),
            &["progress/original-token"],
        );
        finds(
            &RULE,
            &progress(asked(json!(1)), json!(2), 1.0),
            &["progress/original-token", "progress/known-token"],
        );
        finds(
            &RULE,
            &progress(legacy().asks(1, "tools/call", json!({})), json!(2), 1.0),
            &["progress/known-token"],
        );
    }

    #[test]
    fn tokens_of_the_server() {
        let asks = |token: Value| {
            let params = json!({ "_meta": { "progressToken": token } });
            legacy().gets(
                json!({ "jsonrpc": "2.0", "id": 1, "method": "roots/list", "params": params }),
            )
        };
        passes(&RULE, &asks(json!("t")));
        for token in [json!(1.5), json!(null)] {
            finds(&RULE, &asks(token), &["progress/token-type"]);
        }
    }

    #[test]
    fn stops() {
        let answered = asked(json!(1)).result(1, json!({}));
        finds(
            &RULE,
            &progress(answered, json!(1), 1.0),
            &["progress/stops"],
        );
        let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
        passes(
            &RULE,
            &progress(
                asked(json!(1)).sends(cancel).result(1, json!({})),
                json!(1),
                1.0,
            ),
        );
    }
}
