//! A session id is visible ASCII; a server that knows no legacy revision issues none.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "session-id",
    title: "Session ids consist of visible ASCII characters, and belong to legacy revisions",
    why: "A client sends the id back in a header, where other characters cannot travel.",
    requirements: &["http/session-id-visible-ascii", "http/session-id-ignored"],
    faults: &["session-id-invisible"],
    applies: |_, transport| transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session).values() {
        let Some(head) = stream.head else { continue };
        let id = stream.header("mcp-session-id");
        if session.header.revision.era() == Era::Modern {
            sight.observe();
            if let Some(id) = id {
                let message = "a server without legacy revisions issues a session id";
                sight.violation(
                    "http/session-id-ignored",
                    &[stream.request, head],
                    message,
                    "no Mcp-Session-Id",
                    id,
                );
            }
            continue;
        }
        let Some(id) = id else { continue };
        sight.observe();
        if id.is_empty() || !id.bytes().all(|byte| (0x21..=0x7E).contains(&byte)) {
            let message = "a session id has characters that are not visible ASCII";
            let expected = "characters from 0x21 to 0x7E";
            sight.violation(
                "http/session-id-visible-ascii",
                &[stream.request, head],
                message,
                expected,
                id,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn characters() {
        let issued = |id| {
            legacy_http()
                .http("POST", &[])
                .head(200, &[("mcp-session-id", id)])
        };
        passes(&RULE, &issued("1868a90c-!~"));
        for id in ["a b", "é", "\u{7f}"] {
            finds(&RULE, &issued(id), &["http/session-id-visible-ascii"]);
        }
        sees_nothing(&RULE, &legacy_http().http("POST", &[]).head(200, &[]));
        let modern = modern_http().http("POST", &[]);
        finds(
            &RULE,
            &modern.clone().head(200, &[("mcp-session-id", "a")]),
            &["http/session-id-ignored"],
        );
        passes(&RULE, &modern.head(200, &[]));
    }
}
