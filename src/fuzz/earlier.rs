//! What came before a request that may depend on it: what a server made, asked or ended.

use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::refusal::Pair;
use crate::transcript::{Entry, What};

/// What was sent before a request, and succeeded, if that speaks of tasks, or brings what was asked for: where it matters which
/// was first, the answer was waited for.
pub(super) fn earlier<'a>(session: &Session<'a>, exchange: &Exchange) -> Vec<Pair<'a>> {
    let message = session.entries[exchange.sent].json();
    let is_retry = message
        .and_then(|message| message.get("params"))
        .is_some_and(|params| {
            params.get("inputResponses").is_some() || params.get("requestState").is_some()
        });
    let method = exchange.method.as_deref().unwrap_or_default();
    if !is_retry && !method.starts_with("tasks/") {
        return Vec::new();
    }
    let entries: &'a [Entry] = session.entries;
    let pair = |other: &Exchange| {
        let result = entries[other.answer?].json()?.get("result")?;
        Some((entries[other.sent].json()?, result))
    };
    session
        .conversation
        .exchanges
        .iter()
        .take_while(|other| other.sent < exchange.sent)
        .filter_map(pair)
        .collect()
}

/// Whether the session was ended, with success, before this was sent for an input.
pub(super) fn has_ended_session(session: &Session<'_>, exchange: &Exchange) -> bool {
    let before = &session.entries[..exchange.sent];
    let succeeded = |stream| {
        let mut heads = before.iter().filter(|entry| entry.stream == stream);
        heads.any(|entry| {
            matches!(
                entry.what,
                What::HttpResponse {
                    status: 200..300,
                    ..
                }
            )
        })
    };
    let ends = |entry: &Entry| match &entry.what {
        What::HttpRequest {
            method, headers, ..
        } => {
            let is_named =
                |(name, _): &(String, String)| name.eq_ignore_ascii_case("mcp-session-id");
            method == "DELETE" && headers.iter().any(is_named) && succeeded(entry.stream)
        }
        _ => false,
    };
    exchange.step.is_some() && before.iter().any(ends)
}
