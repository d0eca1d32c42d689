//! stdout carries messages and nothing else, one a line.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio>

use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "only-messages",
    title: "stdout carries protocol messages and nothing else, one a line",
    requirements: &["stdio/only-messages", "stdio/one-line"],
    faults: &[],
    applies: |_, transport| transport == Transport::Stdio,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for (index, entry) in session.entries.iter().enumerate() {
        let What::Received { raw, .. } = &entry.what else { continue };
        sight.observe();
        if entry.json.is_some() {
            continue;
        }
        let line = String::from_utf8_lossy(&raw.0);
        let next = session.entries[index + 1..].iter().find_map(|entry| match &entry.what {
            What::Received { raw, .. } => Some(String::from_utf8_lossy(&raw.0)),
            _ => None,
        });
        let joined = next.map(|next| format!("{line}\n{next}"));
        let is_split = joined.is_some_and(|text| serde_json::from_str::<serde_json::Value>(&text).is_ok());
        let shown = cut(&line, 200);
        if is_split {
            sight.violation("stdio/one-line", &[index], "a message is spread over two lines", "one line", shown);
            sight.hint("write compact JSON: a pretty-printer, or a raw newline inside a string, breaks the framing");
        } else if line.trim().is_empty() {
            sight.violation("stdio/only-messages", &[index], "an empty line on stdout", "a message", shown);
        } else {
            sight.violation("stdio/only-messages", &[index], "a line on stdout is no JSON", "a message", shown);
            sight.hint("a log line or print on stdout is the usual cause: log to stderr");
        }
    }
}
