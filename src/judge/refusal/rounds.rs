//! What is wrong with a request that is sent again with what the server had asked for (2026-07-28).
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use serde_json::{Map, Value};

use super::call::CALL;
use super::check::{Check, check, or_failure, or_not_done};
use super::{Answered, Pair};
use crate::judge::pattern;
use crate::revision::modern;

/// The requests that may be answered by questions.
const ROUNDS: &[&str] = &["tools/call", "prompts/get", "resources/read"];
/// The tools of the official fixture whose state decides something; what that of others is for is their own affair.
const STATEFUL: [&str; 2] = [
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
];
/// The tool of the official fixture that cannot do without sampling.
const SAMPLES: &str = "test_missing_capability";

/// The first that applies counts.
pub(super) static CHECKS: &[Check] = &[
    check(ROUNDS, "mrtr/protocol-error", |answered| {
        answers_with_no_object(answered) && !answered.is_declined()
    }),
    check(ROUNDS, "mrtr/protocol-error", answers_with_no_object).tolerated(),
    check(ROUNDS, "mrtr/validate-responses", answers_malformed).or(or_not_done),
    check(ROUNDS, "elicitation/validate-answer", answers_unfit).or(or_not_done),
    check(CALL, "mrtr/reject-tampered-state", |answered| {
        brings_invented_state(answered) && !answered.is_declined()
    })
    .or(or_not_done),
    check(CALL, "mrtr/reject-tampered-state", |answered| {
        brings_invented_state(answered) && !answered.has_failed()
    })
    .or(or_failure)
    .tolerated(),
    check(CALL, "mrtr/state-request-bound", |answered| {
        brings_state_of_another(answered) && !answered.is_declined()
    })
    .or(or_not_done),
    check(CALL, "mrtr/state-request-bound", |answered| {
        brings_state_of_another(answered) && !answered.has_failed()
    })
    .or(or_failure)
    .tolerated(),
    check(CALL, "meta/undeclared-capability", does_without_sampling),
];

impl<'a> Answered<'a> {
    /// Whether the result says that the tool failed.
    fn has_failed(&self) -> bool {
        self.result.get("isError") == Some(&Value::Bool(true))
    }

    /// What the server asked when it got the same request before.
    fn asked(&self) -> Option<&'a Map<String, Value>> {
        let asks = |(request, result): &&Pair<'a>| {
            result["resultType"] == "input_required" && is_same(request, self.request)
        };
        let (_, result) = self.earlier.iter().rev().find(asks)?;
        result.get("inputRequests")?.as_object()
    }

    /// Whether one of the questions that were asked has an answer of this kind.
    fn answers(&self, is_it: fn(question: &Value, answer: &Value) -> bool) -> bool {
        let responses = self.param("/inputResponses").and_then(Value::as_object);
        let mut asked = self.asked().into_iter().flatten();
        asked.any(|(key, question)| {
            let answer = responses.and_then(|responses| responses.get(key));
            answer.is_some_and(|answer| is_it(question, answer))
        })
    }

    /// The tools for which this state was issued.
    fn issued_for(&self, state: &str) -> Vec<&'a Value> {
        let issued = |(_, result): &&Pair<'a>| result["requestState"] == state;
        let pairs = self.earlier.iter().filter(issued);
        pairs
            .map(|(request, _)| &request["params"]["name"])
            .collect()
    }
}

/// Whether one request repeats the other.
fn is_same(one: &Value, other: &Value) -> bool {
    let own = |request: &Value| {
        let mut params = request["params"].clone();
        if let Some(params) = params.as_object_mut() {
            params
                .retain(|name, _| !["_meta", "inputResponses", "requestState"].contains(&&**name));
        }
        params
    };
    one["method"] == other["method"] && own(one) == own(other)
}

fn answers_with_no_object(answered: &Answered<'_>) -> bool {
    let responses = answered.param("/inputResponses");
    let is_none = responses.is_none_or(|responses| responses.is_object() || responses.is_null());
    !is_none && answered.asked().is_some()
}

/// Whether a client says what is no answer at all.
fn answers_malformed(answered: &Answered<'_>) -> bool {
    let is_malformed = |question: &Value, answer: &Value| match question["method"].as_str() {
        Some("elicitation/create") => {
            let action = answer["action"].as_str();
            !matches!(action, Some("accept" | "decline" | "cancel"))
        }
        Some("sampling/createMessage") => answer["role"].is_null() || answer["content"].is_null(),
        Some("roots/list") => !answer["roots"].is_array(),
        _ => false,
    };
    !answered.is_declined() && answered.answers(is_malformed)
}

/// Whether what the user filled in does not fit the form. What a tool does that makes good what is missing, its author knows.
fn answers_unfit(answered: &Answered<'_>) -> bool {
    answered.fixture && !answered.is_declined() && answered.answers(is_unfit)
}

/// Whether an answer accepts a form with other content than the question asks for.
pub fn is_unfit(question: &Value, answer: &Value) -> bool {
    let schema = question.pointer("/params/requestedSchema");
    let content = answer.get("content");
    answer["action"] == "accept"
        && schema
            .zip(content)
            .is_some_and(|(schema, content)| pattern::refuses(schema, content))
}

/// The state that a request brings to a tool whose state decides something.
fn state<'a>(answered: &'a Answered<'_>) -> Option<&'a str> {
    let name = answered.text("/name")?;
    let is_known = answered.fixture && STATEFUL.contains(&name);
    answered.text("/requestState").filter(|_| is_known)
}

fn brings_invented_state(answered: &Answered<'_>) -> bool {
    state(answered).is_some_and(|state| answered.issued_for(state).is_empty())
}

fn brings_state_of_another(answered: &Answered<'_>) -> bool {
    let name = answered.param("/name");
    state(answered).is_some_and(|state| {
        let issued = answered.issued_for(state);
        !issued.is_empty() && issued.into_iter().all(|of| Some(of) != name)
    })
}

fn does_without_sampling(answered: &Answered<'_>) -> bool {
    let client = answered.meta(modern::CLIENT_KEY);
    let declares = client.is_some_and(|client| client.get("sampling").is_some());
    answered.fixture && answered.is_modern() && answered.text("/name") == Some(SAMPLES) && !declares
}
