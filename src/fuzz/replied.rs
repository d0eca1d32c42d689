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
