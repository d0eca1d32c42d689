//! What a legacy server does with a reply of ours, before it answers the call that made it ask.

use serde_json::Value;

use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::refusal::{self, Refusal};
use crate::transcript::{Entry, What};

/// The requirement by which a call was to fail: a form was accepted with what does not fit it. Only of the tools of the
/// official fixture it is known that they cannot make it good.
pub(super) fn replied(
    session: &Session<'_>,
    exchange: &Exchange,
    result: &Value,
) -> Option<Refusal> {
    let is_call = exchange.method.as_deref() == Some("tools/call");
    let has_failed = result["isError"] == true;
    if !is_call || has_failed || !session.header.profile.official_fixture {
        return None;
    }
    let answer = exchange.answer?;
    let asked = session.conversation.initiated.iter();
    let meanwhile = asked.filter(|asked| (exchange.sent..answer).contains(*asked));
    let mut questions = meanwhile.filter_map(|asked| session.entries[*asked].json());
    let took = questions.any(|question| {
        question["method"] == "elicitation/create"
            && reply(&session.entries[exchange.sent..answer], &question["id"])
                .is_some_and(|reply| refusal::is_unfit(question, reply))
    });
    took.then(|| Refusal::by_failure("elicitation/validate-answer"))
}

/// What we replied to a request of the server, if it was a result.
fn reply<'a>(entries: &'a [Entry], id: &Value) -> Option<&'a Value> {
    let sent = entries
        .iter()
        .filter(|entry| matches!(entry.what, What::Sent { .. }));
    let mut messages = sent.filter_map(Entry::json);
    let ours =
        messages.find(|message| message.get("id") == Some(id) && message["method"].is_null());
    ours?.get("result")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::testing::legacy;

    #[test]
    fn a_form_that_is_filled_in_otherwise_makes_its_call_fail() {
        let says = |reply: Value, result: Value| {
            let schema = json!({ "type": "object", "required": ["email"] });
            let question = json!({
                "jsonrpc": "2.0",
                "id": 9,
                "method": "elicitation/create",
                "params": { "message": "?", "requestedSchema": schema },
            });
            let script = legacy()
                .opened()
                .asks(1, "tools/call", json!({ "name": "t" }))
                .gets(question)
                .sends(json!({ "jsonrpc": "2.0", "id": 9, "result": reply }))
                .result(1, result.clone());
            script.seen(|session| {
                let exchanges = &session.conversation.exchanges;
                let is_call =
                    |exchange: &&Exchange| exchange.method.as_deref() == Some("tools/call");
                let call = exchanges.iter().find(is_call).unwrap();
                replied(session, call, &result).is_some()
            })
        };
        let accept = |content: Value| json!({ "action": "accept", "content": content });
        let (done, failed) = (json!({ "content": [] }), json!({ "isError": true }));
        assert!(says(accept(json!({})), done.clone()));
        assert!(!says(accept(json!({})), failed));
        assert!(!says(accept(json!({ "email": "a@b" })), done.clone()));
        assert!(!says(json!({ "action": "decline", "content": {} }), done));
    }
}
