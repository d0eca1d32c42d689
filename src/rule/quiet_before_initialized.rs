//! A legacy server sends no requests but pings before it is told that the client is ready.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization>

use serde_json::Value;

use super::look::{answers, life_of, requests, sent};
use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "quiet-before-initialized",
    title: "Before notifications/initialized the server sends no requests but pings",
    why: "A client that is still opening the session is not ready to answer.",
    requirements: &["initialization/quiet-before-initialized"],
    faults: &["talks-too-early"],
    applies: |revision, _| revision.era() == Era::Legacy,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let initialized: Vec<usize> = sent(session)
        .filter(|(_, message)| {
            message
                .get("method")
                .is_some_and(|method| method == "notifications/initialized")
        })
        .map(|(entry, _)| entry)
        .collect();
    if answers(session).any(|answer| {
        answer.method() == "initialize" && answer.result().is_some_and(Value::is_object)
    }) {
        sight.observe();
    }
    let streams = streams(session);
    for (method, received) in requests(session).filter(|(method, _)| *method != "ping") {
        let life = life_of(session, received.entry);
        // Which of several sessions on HTTP was not yet ready cannot be told where they have no ids.
        let id = streams
            .get(&received.stream)
            .and_then(|stream| stream.session_id());
        let ready = initialized
            .iter()
            .filter(|entry| **entry < received.entry)
            .any(|entry| {
                let stream = streams.get(&session.entries[*entry].stream);
                life_of(session, *entry) == life
                    && stream.is_none_or(|stream| id.is_none() || stream.session_id() == id)
            });
        if !ready {
            let message = format!("the server sends {method} before notifications/initialized");
            let actual = received.message.clone();
            sight.violation(
                "initialization/quiet-before-initialized",
                &[received.entry],
                message,
                "nothing, or a ping",
                actual,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn requests() {
        let ask = |method: &str| json!({ "jsonrpc": "2.0", "id": "e", "method": method });
        let greeted = legacy().what_request("initialize", json!({}));
        let answered = greeted.clone().result(0, json!({}));
        passes(&RULE, &answered.clone().gets(ask("ping")));
        passes(
            &RULE,
            &answered.clone().initialized().gets(ask("roots/list")),
        );
        finds(
            &RULE,
            &answered.gets(ask("roots/list")),
            &["initialization/quiet-before-initialized"],
        );
        sees_nothing(&RULE, &greeted);
    }
}
