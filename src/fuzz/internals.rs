//! Whether the client was shown an internal error, or a stack trace.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::earlier::earlier;
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::evidence::{self, Violation};
use crate::judge::refusal::{self, Answered};
use crate::message;
use crate::transcript::Header;

/// What programs print when they did not expect something.
const TRACE: &str = r"Traceback \(most recent call last\)|\n    at |panicked at |goroutine |Exception in thread|stack backtrace:";
/// The code of an internal error.
const INTERNAL_ERROR: i64 = -32603;
/// Which requirement asks for that code if a request in order fails, by how its method begins.
const ASKED_FOR: [(&str, &str); 5] = [
    ("prompts/", "prompts/internal-error"),
    ("resources/", "resources/internal-error"),
    ("completion/", "completion/internal-error"),
    ("logging/", "logging/internal-error"),
    ("tasks/", "tasks/internal-error"),
];

/// What is wrong with a message of a client is no internal error: a warning.
pub(super) fn internals(session: &Session<'_>, exchange: &Exchange) -> Option<Violation> {
    let answer = exchange.answer?;
    let document = session.entries[answer].json()?;
    let error = message::messages(document)
        .iter()
        .find_map(|message| message.get("error"))?;
    let text = error
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (what, wanted) = match error.get("code").and_then(Value::as_i64) {
        _ if is_trace(text) => (
            "the client is shown a stack trace",
            json!({ "message": { "$not": { "$regex": TRACE } } }),
        ),
        Some(INTERNAL_ERROR) if !is_asked_for(session, exchange) => (
            "input of a client is answered as an internal error",
            json!({ "code": { "$not": INTERNAL_ERROR } }),
        ),
        _ => return None,
    };
    Some(Violation {
        requirement: "robust/no-internals".to_owned(),
        message: what.to_owned(),
        expected: json!({ "error": wanted }),
        actual: error.clone(),
        entries: vec![exchange.sent, answer],
        tolerated: true,
        hint: None,
    })
}

fn is_trace(text: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(TRACE).ok());
    FORM.as_ref().is_some_and(|form| form.is_match(text))
}

/// Whether a requirement says that this request, which was not to be refused, fails with an internal error if it fails.
fn is_asked_for(session: &Session<'_>, exchange: &Exchange) -> bool {
    let Header {
        profile,
        revision,
        transport,
        ..
    } = session.header;
    let method = exchange.method.as_deref().unwrap_or_default();
    let asked = ASKED_FOR
        .iter()
        .find(|(start, _)| method.starts_with(start));
    let request = session.entries[exchange.sent].json();
    let (Some((_, requirement)), Some(request), Some(offer)) =
        (asked, request, profile.offer(*revision, *transport))
    else {
        return false;
    };
    let refusal = refusal::refused(&Answered {
        request,
        // Whatever succeeds with nothing was to be refused.
        result: &json!({}),
        revision: *revision,
        offer,
        modern_only: profile.is_modern_only(*transport),
        fixture: profile.official_fixture,
        earlier: &earlier(session, exchange),
    });
    // Of revisions before it was written down JSON-RPC says no less.
    let known = session.catalog.requirement(requirement);
    let is_later = known.is_some_and(|known| !known.levels.contains_key(revision));
    (is_later || evidence::binds(session, requirement)) && refusal.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::legacy;

    fn says(method: &str, params: Value, error: Value) -> Option<String> {
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "error": error });
        let script = legacy().opened().asks(1, method, params).gets(answer);
        script.seen(|session| {
            let last = session.conversation.exchanges.last();
            last.and_then(|last| internals(session, last))
                .map(|violation| violation.message)
        })
    }

    fn fails(method: &str, params: Value) -> bool {
        says(
            method,
            params,
            json!({ "code": -32603, "message": "failed" }),
        )
        .is_some()
    }

    #[test]
    fn a_request_in_order_may_fail_as_a_requirement_asks() {
        assert!(!fails("prompts/list", json!({})));
        assert!(!fails("logging/setLevel", json!({ "level": "info" })));
    }

    #[test]
    fn what_is_wrong_with_a_request_is_no_internal_error() {
        assert!(fails("prompts/list", json!({ "cursor": 1 })));
        assert!(fails("prompts/list", json!({ "cursor": "never-given" })));
        assert!(fails("prompts/get", json!({ "name": "no-such-prompt" })));
        assert!(fails("logging/setLevel", json!({ "level": "loud" })));
        assert!(fails("tools/call", json!({ "name": "no-such-tool" })));
        // Completions are not declared, so their requirement does not bind.
        assert!(fails("completion/complete", json!({})));
    }

    #[test]
    fn a_stack_trace_is_one_whatever_the_code() {
        let trace = json!({ "code": -32603, "message": "panicked at src/main.rs" });
        let shown = says("prompts/list", json!({}), trace);
        assert_eq!(shown.as_deref(), Some("the client is shown a stack trace"));
        let other = json!({ "code": -32602, "message": "no" });
        assert_eq!(says("tools/list", json!({ "cursor": 1 }), other), None);
    }
}
