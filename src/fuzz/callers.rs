//! Who is let in: what a caller got who was to be refused.
//!
//! The cases of the area `authorization` demand the same, on the same conditions: what is served without a token, too, has
//! no use for one, so an input asks without one as well.

use serde_json::{Value, json};

use super::oracle::http_head;
use crate::condition::allowed_call;
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::refusal::Refusal;
use crate::target::FORGED;
use crate::transcript::{Header, What};
use crate::transport::header;

/// Who may do what we may, but is somebody else.
const OTHER: &str = "other-caller";

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller<'a> {
    /// We did.
    Us,
    /// Somebody without credentials.
    Nobody,
    /// Somebody whose token is in the query of the URL.
    InQuery,
    /// Somebody else.
    Other(&'a str),
}

/// The requirement by which the sender of a request was to be refused that has this result.
pub(super) fn let_in(
    session: &Session<'_>,
    exchange: &Exchange,
    result: &Value,
) -> Option<Refusal> {
    if !session.header.profile.authorization || !exchange.is_request() {
        return None;
    }
    let request = session.entries[exchange.sent].json()?;
    let caller = caller(session, exchange).filter(|caller| *caller != Caller::Us)?;
    if is_unauthorized(session, exchange) {
        return Some(Refusal::by_error("authorization/validated-first"));
    }
    let is_in_session = || names_session(session, exchange);
    let requirement = match caller {
        // Who may open no session without a token has to show one later, too.
        Caller::Nobody if is_in_session() => {
            let opens = json!({ "method": "initialize" });
            let refusal = Refusal::by_error("authorization/token-required");
            return is_refused_to_nobody(session, &opens).then_some(refusal);
        }
        Caller::InQuery => "authorization/no-token-in-query",
        Caller::Other("other-audience") => "authorization/own-tokens-only",
        Caller::Other(OTHER) if asks_about_our_task(session, exchange, request) => {
            "tasks/isolation"
        }
        Caller::Other(OTHER) if is_in_session() => "authorization/session-bound",
        Caller::Other(OTHER) if brings_our_state(session, exchange, request, result) => {
            "mrtr/state-principal"
        }
        Caller::Other("no-scope") if is_carried_out(session, request, result) => {
            "authorization/scope-checked"
        }
        Caller::Other(name) if name == "expired" || FORGED.contains(&name) => {
            "authorization/invalid-token-401"
        }
        _ => return None,
    };
    let refusal = match requirement {
        "mrtr/state-principal" => Refusal::of_state(requirement, result),
        "authorization/scope-checked" => Refusal::by_failure(requirement),
        _ => Refusal::by_error(requirement),
    };
    is_refused_to_nobody(session, request).then_some(refusal)
}

/// Who sent it; none where nothing says so.
fn caller<'a>(session: &Session<'a>, exchange: &Exchange) -> Option<Caller<'a>> {
    let What::HttpRequest {
        path,
        headers,
        identity,
        ..
    } = http_head(session, exchange)?
    else {
        return None;
    };
    let has_token = header(headers, "authorization").is_some();
    let is_in_query = path
        .as_ref()
        .is_some_and(|path| path.contains("access_token="));
    Some(match identity {
        Some(name) => Caller::Other(name),
        None if has_token => Caller::Us,
        None if is_in_query => Caller::InQuery,
        None => Caller::Nobody,
    })
}

/// Whether a request is one of the session that is open.
fn names_session(session: &Session<'_>, exchange: &Exchange) -> bool {
    let head = http_head(session, exchange);
    matches!(head, Some(What::HttpRequest { headers, .. })
        if header(headers, "mcp-session-id").is_some())
}

/// Whether a tool of the official fixture went on with a state that it had issued to us.
fn brings_our_state(
    session: &Session<'_>,
    exchange: &Exchange,
    request: &Value,
    result: &Value,
) -> bool {
    let state = request.pointer("/params/requestState");
    session.header.profile.official_fixture
        && result["isError"] != true
        && state
            .is_some_and(|state| was_told_us(session, exchange, state, &["/result/requestState"]))
}

/// Whether a request is about a task that was made for us.
fn asks_about_our_task(session: &Session<'_>, exchange: &Exchange, request: &Value) -> bool {
    let method = request["method"].as_str().unwrap_or_default();
    let task = request.pointer("/params/taskId");
    let places = ["/result/taskId", "/result/task/taskId"];
    method.starts_with("tasks/")
        && task.is_some_and(|task| was_told_us(session, exchange, task, &places))
}

/// Whether an earlier answer to us has this value at one of these places.
fn was_told_us(session: &Session<'_>, exchange: &Exchange, value: &Value, places: &[&str]) -> bool {
    let is_it = |other: &Exchange| {
        let answer = other
            .answer
            .and_then(|answer| session.entries[answer].json());
        let told = |place: &&str| answer.and_then(|answer| answer.pointer(place)) == Some(value);
        places.iter().any(told) && caller(session, other) == Some(Caller::Us)
    };
    let mut before = session.conversation.exchanges.iter();
    before.any(|other| other.sent < exchange.sent && is_it(other))
}

/// Whether the same was asked for by nobody, and refused for want of a token.
fn is_refused_to_nobody(session: &Session<'_>, request: &Value) -> bool {
    let is_same = |other: &Value| {
        other["method"] == request["method"]
            && other.pointer("/params/name") == request.pointer("/params/name")
    };
    session.conversation.exchanges.iter().any(|other| {
        is_unauthorized(session, other)
            && session.entries[other.sent].json().is_some_and(is_same)
            && caller(session, other) == Some(Caller::Nobody)
    })
}

fn is_unauthorized(session: &Session<'_>, exchange: &Exchange) -> bool {
    let head = exchange.head.map(|head| &session.entries[head].what);
    matches!(head, Some(What::HttpResponse { status: 401, .. }))
}

/// Whether the call was carried out for which the caller lacks the scope.
fn is_carried_out(session: &Session<'_>, request: &Value, result: &Value) -> bool {
    let Header {
        profile,
        revision,
        transport,
        ..
    } = session.header;
    let offer = profile.offer(*revision, *transport);
    let call = offer.and_then(|offer| allowed_call(profile, offer));
    let is_it = call.is_some_and(|(name, _)| request["params"]["name"] == name);
    let is_declined = result["isError"] == true || result["resultType"] == "input_required";
    request["method"] == "tools/call" && is_it && !is_declined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::{Script, legacy_http, modern_http};

    const TOKEN: (&str, &str) = ("Authorization", "[redacted]");
    const SESSION: (&str, &str) = ("Mcp-Session-Id", "1");

    /// The requirements by which the last request was to be refused, which has a result.
    fn refused(script: Script, method: &str) -> Option<&'static str> {
        let answered = script
            .asks(2, method, json!({}))
            .head(200, &[])
            .result(2, json!({}));
        answered.seen(|session| {
            let last = session.conversation.exchanges.last().unwrap();
            let_in(session, last, &json!({})).map(|refusal| refusal.requirement)
        })
    }

    /// Nobody asks, and is refused.
    fn closed(script: Script, method: &str) -> Script {
        script
            .http("POST", &[])
            .asks(1, method, json!({}))
            .head(401, &[])
            .ends()
    }

    #[test]
    fn who_is_let_in_that_must_be_refused_is_named() {
        let list = "tools/list";
        let table = [
            ("expired", Some("authorization/invalid-token-401")),
            ("altered", Some("authorization/invalid-token-401")),
            ("other-audience", Some("authorization/own-tokens-only")),
            ("other-caller", None),
            ("broad-scope", None),
            // Nobody said that it is for this.
            ("no-scope", None),
        ];
        for (name, expected) in table {
            let asked = closed(modern_http(), list).posted_as(name, &[TOKEN]);
            assert_eq!(refused(asked, list), expected, "{name}");
            // What nobody needs a token for may ignore it.
            let elsewhere = closed(modern_http(), "prompts/list").posted_as(name, &[TOKEN]);
            assert_eq!(refused(elsewhere, list), None, "{name}");
        }
        let ours = closed(modern_http(), list).http("POST", &[TOKEN]);
        assert_eq!(refused(ours, list), None);
    }

    #[test]
    fn a_session_is_no_token() {
        let in_session = |script: Script| script.http("POST", &[SESSION]);
        let shown = refused(in_session(closed(legacy_http(), "initialize")), "ping");
        assert_eq!(shown, Some("authorization/token-required"));
        assert_eq!(refused(in_session(legacy_http()), "ping"), None);
        let shared = closed(legacy_http(), "ping").posted_as("other-caller", &[TOKEN, SESSION]);
        assert_eq!(refused(shared, "ping"), Some("authorization/session-bound"));
    }

    #[test]
    fn a_query_is_no_place_for_a_token() {
        let asked = closed(modern_http(), "ping");
        let asked = asked.posted_to("/mcp?access_token=[redacted]");
        assert_eq!(
            refused(asked, "ping"),
            Some("authorization/no-token-in-query")
        );
    }

    #[test]
    fn a_state_belongs_to_whom_it_was_issued() {
        let says = |name: &str, result: Value| {
            let name = name.to_owned();
            let asks = json!({ "resultType": "input_required", "requestState": "s" });
            let call = json!({ "name": "t" });
            let retry = json!({ "name": "t", "requestState": "s" });
            let script = modern_http()
                .http("POST", &[])
                .asks(1, "tools/call", call.clone())
                .head(401, &[])
                .ends()
                .http("POST", &[TOKEN])
                .asks(2, "tools/call", call)
                .head(200, &[])
                .result(2, asks)
                .ends()
                .posted_as(&name, &[TOKEN])
                .asks(3, "tools/call", retry)
                .head(200, &[])
                .result(3, result.clone());
            script.seen(|session| {
                let last = session.conversation.exchanges.last().unwrap();
                let refusal = let_in(session, last, &result);
                refusal.map(|refusal| (refusal.requirement, refusal.tolerated))
            })
        };
        let principal = "mrtr/state-principal";
        assert_eq!(says(OTHER, json!({})), Some((principal, false)));
        let asks = json!({ "resultType": "input_required" });
        assert_eq!(says(OTHER, asks), Some((principal, true)));
        assert_eq!(says(OTHER, json!({ "isError": true })), None);
        assert_eq!(says("broad-scope", json!({})), None);
    }

    #[test]
    fn a_task_is_shown_to_nobody_else() {
        let about = |id: &str| json!({ "taskId": id });
        let begun = |task: &str| {
            let call = modern_http().http("POST", &[TOKEN]);
            let call = call
                .asks(1, "tools/call", json!({ "name": "slow" }))
                .head(200, &[]);
            let begun = call
                .result(1, json!({ "resultType": "task", "taskId": task }))
                .ends();
            let nobody = begun.http("POST", &[]).asks(2, "tasks/get", about("x"));
            let other = nobody.head(401, &[]).ends().posted_as(OTHER, &[TOKEN]);
            other
                .asks(3, "tasks/get", about("t"))
                .head(200, &[])
                .result(3, json!({}))
        };
        let refused = |script: Script| {
            script.seen(|session| {
                let last = session.conversation.exchanges.last().unwrap();
                let_in(session, last, &json!({})).map(|refusal| refusal.requirement)
            })
        };
        assert_eq!(refused(begun("t")), Some("tasks/isolation"));
        assert_eq!(refused(begun("another")), None);
    }

    #[test]
    fn what_is_refused_is_not_answered() {
        let script = modern_http()
            .http("POST", &[])
            .asks(1, "tools/list", json!({}));
        let refused = script.head(401, &[]).result(1, json!({}));
        refused.seen(|session| {
            let last = session.conversation.exchanges.last().unwrap();
            let refusal = let_in(session, last, &json!({})).unwrap();
            assert_eq!(refusal.requirement, "authorization/validated-first");
        });
    }
}
