//! stdout carries messages and nothing else, one a line.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio>
//!
//! A carriage return before the newline is white space in JSON and does no harm.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::{self, cut};
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "only-messages",
    title: "stdout carries protocol messages and nothing else, one a line",
    why: "A client reads stdout line by line as JSON. One line of anything else ends many a client.",
    requirements: &["stdio/only-messages", "stdio/one-line"],
    faults: &["log-on-stdout", "pretty-printed", "no-newline"],
    applies: |_, transport| transport == Transport::Stdio,
    check,
};

/// How many lines a message may be spread over and still be recognized.
const MAX_LINES: usize = 2_000;

fn check(session: &Session<'_>, sight: &mut Sight) {
    let lines: Vec<(usize, &[u8], Option<&Value>)> = session
        .entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| match &entry.what {
            What::Received { raw, .. } => Some((index, raw.0.as_ref(), entry.json())),
            _ => None,
        })
        .collect();
    let mut next = 0;
    while let Some((index, line, json)) = lines.get(next).copied() {
        sight.observe();
        let rest = &lines[next..];
        next += match json {
            Some(json) => {
                not_a_message(index, json, sight);
                1
            }
            // What is no UTF-8 is another rule's, where the revision has one about it.
            None if std::str::from_utf8(line).is_err()
                && evidence::binds(session, "messages/utf-8") =>
            {
                1
            }
            None if rest.len() == 1 && is_torn(session, index, line) => 1,
            None => not_json(index, line, rest, sight),
        };
    }
}

/// JSON that is nothing that JSON-RPC knows. What only lacks members is left to the rules on messages.
fn not_a_message(index: usize, json: &Value, sight: &mut Sight) {
    let known = ["jsonrpc", "id", "method", "result", "error"];
    let is_message = |value: &Value| known.iter().any(|name| value.get(name).is_some());
    let fits = match json {
        Value::Array(members) => members.iter().all(is_message),
        single => is_message(single),
    };
    if !fits {
        let shown = cut(&json.to_string(), 200);
        sight.violation(
            "stdio/only-messages",
            &[index],
            "a line on stdout is JSON, but no message",
            "a message",
            shown,
        );
    }
}

/// Reports a line that is no JSON; returns how many lines it takes to say so.
fn not_json(
    index: usize,
    line: &[u8],
    rest: &[(usize, &[u8], Option<&Value>)],
    sight: &mut Sight,
) -> usize {
    let text = String::from_utf8_lossy(line);
    let shown = cut(&text, 200);
    if let Some(count) = spread(rest) {
        let message = "a message is spread over several lines";
        sight.violation("stdio/one-line", &[index], message, "one line", shown);
        return count;
    }
    if is_several(&text) {
        let message = "several messages are on one line";
        sight.violation(
            "stdio/one-line",
            &[index],
            message,
            "a newline after each message",
            shown,
        );
    } else if text.trim().is_empty() {
        sight.violation(
            "stdio/only-messages",
            &[index],
            "an empty line on stdout",
            "a message",
            shown,
        );
    } else if text.starts_with('\u{feff}') {
        let message = "a line on stdout begins with a byte-order mark";
        sight.violation("stdio/only-messages", &[index], message, "a message", shown);
    } else {
        sight.violation(
            "stdio/only-messages",
            &[index],
            "a line on stdout is no JSON",
            "a message",
            shown,
        );
    }
    1
}

/// How many lines make up one document, if several do.
fn spread(lines: &[(usize, &[u8], Option<&Value>)]) -> Option<usize> {
    let mut text = Vec::new();
    for (count, (_, line, _)) in lines.iter().take(MAX_LINES).enumerate() {
        text.extend_from_slice(line);
        text.push(b'\n');
        // A pretty-printed document ends with an unindented brace; one torn in two ends on its second line.
        let may_end = count == 1 || matches!(line.trim_ascii_end(), b"}" | b"]");
        if count > 0 && may_end && serde_json::from_slice::<IgnoredAny>(&text).is_ok() {
            return Some(count + 1);
        }
        if count == 0 && !ends_early(&text) {
            return None;
        }
    }
    None
}

fn ends_early(text: &[u8]) -> bool {
    // A raw newline inside a string is not the end of the text to a parser, but the first thing that it refuses.
    let newline = text.len().saturating_sub(1);
    serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| {
        error.is_eof() || (error.line() >= 2 && error.column() == 0) || error.column() > newline
    })
}

/// Whether a line holds more than one JSON object and nothing else.
fn is_several(text: &str) -> bool {
    let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .collect();
    documents.is_ok_and(|documents| {
        documents.len() > 1 && documents.iter().all(|document| *document != json!(null))
    })
}

/// A message that was being written when the process ended.
fn is_torn(session: &Session<'_>, index: usize, line: &[u8]) -> bool {
    let ended = session.entries[index..]
        .iter()
        .any(|entry| matches!(entry.what, What::End | What::Exit { .. }));
    ended && serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::revision::Revision;

    #[test]
    fn messages() {
        passes(
            &RULE,
            &legacy().line("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r"),
        );
        passes(
            &RULE,
            &legacy().line("[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}]"),
        );
        sees_nothing(&RULE, &legacy().sends(json!({})));
    }

    #[test]
    fn other_lines() {
        for line in [
            "",
            "INFO ready",
            "42",
            "{\"level\":\"info\"}",
            "\u{feff}{\"id\":1}",
            "{\"id\":1} trailing",
            "[1]",
        ] {
            finds(&RULE, &legacy().line(line), &["stdio/only-messages"]);
        }
    }

    #[test]
    fn hints_come_from_the_catalog() {
        let hint = |line: &str| {
            let finding = legacy().line(line).judged(&RULE).findings.remove(0);
            finding.hint.unwrap_or_default()
        };
        assert!(hint("INFO ready").contains("stderr"));
        assert!(hint("").contains("second newline"));
        assert!(hint("\u{feff}{\"id\":1}").contains("byte-order mark"));
        assert!(hint("{\"id\":1}{\"id\":2}").contains("newline is missing"));
        assert_eq!(hint("{\"level\":\"info\"}"), "", "it may be anything");
    }

    #[test]
    fn framing() {
        let pretty = serde_json::to_string_pretty(
            &json!({ "jsonrpc": "2.0", "id": 1, "result": { "a": [1, 2] } }),
        )
        .unwrap();
        let spread = pretty
            .lines()
            .fold(legacy(), |script, line| script.line(line));
        finds(&RULE, &spread, &["stdio/one-line"]);
        finds(
            &RULE,
            &legacy().line("{\"id\":1,").line("\"result\":{}}"),
            &["stdio/one-line"],
        );
        finds(
            &RULE,
            &legacy().line("{\"id\":1}{\"id\":2}"),
            &["stdio/one-line"],
        );
    }

    #[test]
    fn what_is_not_for_this_rule() {
        passes(&RULE, &legacy().line(b"{\"id\":\"\xE9\"}"));
        finds(
            &RULE,
            &Script::new(Revision::V2024_11_05, Transport::Stdio).line(b"{\"id\":\"\xE9\"}"),
            &["stdio/only-messages"],
        );
        passes(&RULE, &legacy().line("{\"id\":").ends());
        finds(&RULE, &legacy().line("{\"id\":"), &["stdio/only-messages"]);
    }
}
