//! Findings with all that a reader needs: the requirement and where it stands, the evidence, how to see it again.

use serde_json::{Value, json};

use super::Session;
use crate::catalog::hint;
use crate::condition;
use crate::message;
use crate::transcript::{Entry, Header, What};
use crate::verdict::{Direction, EntryRef, Finding, Level};

/// How many characters of an entry a finding quotes.
const MAX_EXCERPT: usize = 600;
/// A value whose JSON is longer than this is quoted as text, cut.
const MAX_VALUE: usize = 8_000;

/// A violation before it is looked up in the catalog.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The id of the requirement.
    pub requirement: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would have been right.
    pub expected: Value,
    /// What came.
    pub actual: Value,
    /// The indices of the entries that show it.
    pub entries: Vec<usize>,
    /// Whether the catalog tolerates it.
    pub tolerated: bool,
    /// The usual cause.
    pub hint: Option<String>,
}

/// Whether a requirement has a level at the session's revision, and its conditions hold.
pub fn binds(session: &Session<'_>, requirement: &str) -> bool {
    let Header {
        revision,
        transport,
        profile,
        ..
    } = session.header;
    session
        .catalog
        .requirement(requirement)
        .is_some_and(|requirement| {
            requirement.levels.contains_key(revision)
                && condition::unmet(&requirement.when, profile, *revision, *transport).is_none()
        })
}

/// The finding of a rule: the trial in which it was seen shows it again if the rule is selected as well.
pub fn of_rule(session: &Session<'_>, rule: &str, violation: Violation) -> Option<Finding> {
    selected(session, Some(rule), violation)
}

/// The finding, with a hint of the catalog if the violation has none of its own; none if the requirement does not bind this server at this revision.
pub fn finding(session: &Session<'_>, violation: Violation) -> Option<Finding> {
    selected(session, None, violation)
}

fn selected(session: &Session<'_>, rule: Option<&str>, violation: Violation) -> Option<Finding> {
    if !binds(session, &violation.requirement) {
        return None;
    }
    let Header {
        revision,
        transport,
        ..
    } = *session.header;
    let requirement = session.catalog.requirement(&violation.requirement)?;
    let clause = requirement.levels.get(&revision)?;
    let last = violation.entries.last();
    let trial = last.and_then(|entry| trial_of(session, *entry));
    let hint = violation.hint.or_else(|| {
        let usual = hint::choose(&requirement.hints, &violation.actual, revision, transport);
        usual.map(str::to_owned)
    });
    Some(Finding {
        level: if violation.tolerated {
            clause.level.tolerated()
        } else {
            clause.level
        },
        spec: clause.url(revision),
        requirement: violation.requirement,
        message: violation.message,
        expected: bounded(violation.expected),
        actual: bounded(violation.actual),
        entries: violation
            .entries
            .iter()
            .map(|entry| entry_ref(session, *entry))
            .collect(),
        reproduce: reproduce(session.header, trial, rule),
        hint,
        fuzzed: None,
    })
}

/// The levels of the specification come first, then what the catalog found earlier.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| match finding.level {
        Level::Must => 0,
        Level::Robust => 1,
        Level::Should => 2,
        Level::Stated => 3,
    });
}

fn trial_of<'a>(session: &Session<'a>, entry: usize) -> Option<&'a str> {
    let holds = |span: &&crate::conversation::Span| (span.start..span.end).contains(&entry);
    session
        .conversation
        .trials
        .iter()
        .find(holds)
        .map(|span| span.name.as_str())
}

/// The command line of the run, for one trial alone, with the rule if one saw it; or for one revision where no trial is to
/// blame.
fn reproduce(header: &Header, trial: Option<&str>, rule: Option<&str>) -> String {
    let mut words: Vec<String> = header.command_line.iter().take(2).cloned().collect();
    match trial {
        Some(trial) => {
            let rule = rule.map(|rule| format!("rule/{rule}"));
            let select = [trial.to_owned()].into_iter().chain(rule);
            words.extend(select.flat_map(|name| ["--case".to_owned(), name]));
        }
        None => words.extend(["--revision".to_owned(), header.revision.to_string()]),
    }
    words.extend(header.command_line.iter().skip(2).cloned());
    quoted(&words)
}

/// Words as a command line.
pub fn quoted(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        shlex::try_quote(word).map_or_else(|_| word.clone(), |quoted| quoted.into_owned())
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn entry_ref(session: &Session<'_>, index: usize) -> EntryRef {
    let entry = &session.entries[index];
    let direction = match entry.what {
        What::Sent { .. } | What::HttpRequest { .. } | What::Closed { .. } => Direction::Sent,
        What::Received { .. }
        | What::HttpResponse { .. }
        | What::Event { .. }
        | What::Stderr { .. } => Direction::Received,
        _ => Direction::Event,
    };
    EntryRef {
        transcript: session.header.session.clone(),
        entry: index,
        direction,
        excerpt: match (direction, replica(session, entry)) {
            (Direction::Sent | Direction::Received, Some(replica)) => {
                format!("[replica {replica}] {}", excerpt(entry))
            }
            _ => excerpt(entry),
        },
    }
}

/// Which process of the server was spoken to, where there are several: 0 is that of `--url`.
fn replica(session: &Session<'_>, entry: &Entry) -> Option<usize> {
    if session.header.profile.replicas == 0 {
        return None;
    }
    let of_stream = session
        .entries
        .iter()
        .filter(|other| other.stream == entry.stream);
    of_stream.rev().find_map(|other| match other.what {
        What::HttpRequest { replica, .. } => Some(replica),
        _ => None,
    })
}

fn excerpt(entry: &Entry) -> String {
    let text = match &entry.what {
        What::Sent {
            raw,
            elided: Some(elided),
            ..
        } => {
            let beginning = String::from_utf8_lossy(&raw.0);
            return format!(
                "{}… ({} bytes in all)",
                beginning.chars().take(MAX_EXCERPT).collect::<String>(),
                elided.bytes
            );
        }
        What::Sent { raw, .. } | What::Received { raw, .. } => {
            String::from_utf8_lossy(&raw.0).into_owned()
        }
        What::HttpRequest {
            method,
            path,
            headers,
            ..
        } => {
            format!(
                "{method} {}{}",
                path.as_deref().unwrap_or("(endpoint)"),
                lines(headers)
            )
        }
        What::HttpResponse { status, headers } => format!("HTTP {status}{}", lines(headers)),
        What::Exit {
            code: Some(code), ..
        } => format!("the process exited with code {code}"),
        What::Exit {
            signal: Some(signal),
            ..
        } => format!("the process was ended by signal {signal}"),
        What::Exit { .. } => "the process ended".to_owned(),
        What::Deadline { waiting_for, .. } => format!("no {waiting_for} came in time"),
        What::Broken { message } => format!("the stream broke: {message}"),
        What::End => "the stream ended".to_owned(),
        What::Closed { .. } => "end of input".to_owned(),
        What::Stderr { text } => format!("stderr: {text}"),
        other => json!(other).to_string(),
    };
    cut(&text, MAX_EXCERPT)
}

fn lines(headers: &[(String, String)]) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("\n{name}: {value}"))
        .collect()
}

/// At most so many characters, with a mark where something is missing.
pub fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
    }
}

fn bounded(value: Value) -> Value {
    let text = value.to_string();
    if text.len() > MAX_VALUE || message::is_deep(&value) {
        Value::String(cut(&text, MAX_EXCERPT))
    } else {
        value
    }
}
