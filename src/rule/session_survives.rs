//! The server does not end while its input is open. Over HTTP+SSE its event stream stays open.
//!
//! No clause forbids it, and every user is hurt by it. A process that ends at something hostile is blamed by the trial
//! that sent it, one that ends before the session is open by the rule on opening.

use super::look::is_deliberate;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "session-survives",
    title: "The server does not end while its input is open",
    why: "When the server ends, everything that its client was doing ends with it.",
    requirements: &["robust/no-early-exit"],
    faults: &["dies-early"],
    applies: |_, transport| transport != Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    if !session
        .conversation
        .exchanges
        .iter()
        .any(|exchange| exchange.answer.is_some())
    {
        return;
    }
    sight.observe();
    let what = |index: usize| &session.entries[index].what;
    let ends = |index: &usize| {
        session.entries[*index].stream == 0
            && matches!(
                what(*index),
                What::End | What::Broken { .. } | What::Exit { .. } | What::Closed { .. }
            )
    };
    let Some(end) = (0..session.entries.len()).find(ends) else {
        return;
    };
    if matches!(what(end), What::Closed { .. }) || is_provoked(session, end) {
        return;
    }
    let exit = (end..session.entries.len()).find(|index| matches!(what(*index), What::Exit { .. }));
    let how = match exit.map(what) {
        Some(exit) => exit.exit().unwrap_or_else(|| "ended".to_owned()),
        None if session.header.transport == Transport::Sse => "closed its event stream".to_owned(),
        None => "closed its output".to_owned(),
    };
    let trial = session
        .conversation
        .trials
        .iter()
        .find(|span| (span.start..=span.end).contains(&end));
    let during = trial.map_or_else(
        || "outside of any trial".to_owned(),
        |span| format!("during {}", span.name),
    );
    let last = session
        .conversation
        .exchanges
        .iter()
        .rev()
        .find(|exchange| exchange.sent < end);
    let entries: Vec<usize> = last
        .map(|last| last.sent)
        .into_iter()
        .chain([exit.unwrap_or(end)])
        .collect();
    let message = format!("the server {how} while its input was open");
    sight.violation(
        "robust/no-early-exit",
        &entries,
        message,
        "a server that waits for its next message",
        during,
    );
}

/// Whether the trial in which it ended had sent something hostile.
fn is_provoked(session: &Session<'_>, end: usize) -> bool {
    let trial = session
        .conversation
        .trials
        .iter()
        .rev()
        .find(|span| span.start <= end);
    trial.is_some_and(|span| (span.start..end).any(|index| is_deliberate(session, index)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn ends() {
        let opened = legacy().opened();
        let exit = What::Exit {
            code: Some(101),
            signal: None,
        };
        passes(&RULE, &opened);
        passes(
            &RULE,
            &opened
                .clone()
                .what(What::Closed { step: None })
                .ends()
                .what(exit.clone()),
        );
        let died = opened
            .clone()
            .trial("t")
            .asks(1, "ping", json!({}))
            .ends()
            .what(exit.clone());
        finds(&RULE, &died, &["robust/no-early-exit"]);
        let finding = died.judged(&RULE).findings.remove(0);
        assert!(finding.message.contains("101") && finding.actual.to_string().contains("during t"));
        passes(
            &RULE,
            &opened.trial("t").hostile("{").ends().what(exit.clone()),
        );
        sees_nothing(&RULE, &legacy().what(exit));
    }
}
