//! One finding in words: for the terminal, and for whoever reads JUnit.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::diff;
use super::escape::{excerpt, visible};
use crate::catalog::Catalog;
use crate::revision::Revision;
use crate::verdict::{Direction, EntryRef, Finding, Fuzzed, Level, Tries};

/// Longer quotes are cut; the JSON report and the transcripts have the whole.
const MAX_QUOTE: usize = 240;
/// The same for the head of an HTTP request: any of its lines may be what is wrong.
const MAX_HEAD: usize = 480;
/// What says that a process grows.
const BOUNDED: &str = "fuzz/bounded";
/// How many of the messages sent are quoted.
const MAX_SENT: usize = 3;

/// What fails.
pub const FAIL: Style = AnsiColor::Red.on_default().bold();
/// What warns.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What passes.
pub const PASS: Style = AnsiColor::Green.on_default().bold();
/// What may be skipped by the eye.
pub const DIM: Style = Style::new().dimmed();
/// What leads the eye.
pub const BOLD: Style = Style::new().bold();

/// The style of a level.
pub fn level_style(level: Level) -> Style {
    if level.fails() { FAIL } else { WARN }
}

/// A line with a label before it.
pub fn labelled(output: &mut String, label: &str, text: &str) {
    output.push_str(&format!("  {DIM}{label:<10}{DIM:#}{text}\n"));
}

/// Level, id and text of a requirement, and where it stands.
pub fn requirement(output: &mut String, finding: &Finding, catalog: &Catalog) {
    let style = level_style(finding.level);
    let text = catalog
        .requirement(&finding.requirement)
        .map_or("", |requirement| requirement.text.as_str());
    output.push_str(&format!(
        "  {style}{:<10}{style:#}{BOLD}{}{BOLD:#}: {}\n",
        finding.level.as_str(),
        visible(&finding.requirement),
        visible(text)
    ));
    labelled(output, "", &visible(&finding.spec));
}

/// Everything that a finding says, with ANSI styles.
pub fn finding(output: &mut String, finding: &Finding, revision: Revision, catalog: &Catalog) {
    requirement(output, finding, catalog);
    labelled(output, "found", &excerpt(&finding.message, MAX_QUOTE));
    sent(output, &finding.entries);
    match diff::lines(&finding.expected, &finding.actual, revision) {
        Some(lines) => {
            labelled(output, "came", "(- expected, + came)");
            lines.iter().for_each(|line| diff_line(output, line));
        }
        None => {
            labelled(output, "expected", &quote(&finding.expected));
            labelled(output, "came", &quote(&finding.actual));
        }
    }
    if let Some(hint) = &finding.hint {
        labelled(output, "hint", &visible(hint));
    }
    if let Some(fuzzed) = &finding.fuzzed {
        from_fuzzing(output, fuzzed);
    }
    evidence(output, &finding.entries);
    labelled(output, "reproduce", &visible(&finding.reproduce));
}

/// Another input that fuzzing found, of which everything else was said before.
pub fn another(output: &mut String, finding: &Finding, fuzzed: &Fuzzed) {
    output.push_str("\n  or by\n");
    from_fuzzing(output, fuzzed);
    labelled(output, "reproduce", &visible(&finding.reproduce));
}

/// An input as steps of a case.
pub fn input(fuzzed: &Fuzzed) -> String {
    excerpt(&fuzzed.shrunk.to_string(), MAX_QUOTE)
}

/// The input, and where it is kept.
fn from_fuzzing(output: &mut String, fuzzed: &Fuzzed) {
    labelled(output, "input", &input(fuzzed));
    let mut times = match fuzzed.seen {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    };
    if let Some(Tries { hits, of }) = fuzzed.tries {
        times.push_str(&format!("; alone in {hits} of {of} tries"));
    }
    let mut saved = match &fuzzed.case {
        Some(case) => format!("saved as {}", visible(case)),
        None if fuzzed.oracle == BOUNDED => {
            "no case is saved, because no answer shows it".to_owned()
        }
        None => "not saved as a case".to_owned(),
    };
    if let Some(path) = &fuzzed.transcript {
        saved.push_str(&format!(", the transcript in {}", visible(path)));
    }
    labelled(output, "seen", &format!("{times}; {saved}"));
}

fn sent(output: &mut String, entries: &[EntryRef]) {
    let sent: Vec<&EntryRef> = entries
        .iter()
        .filter(|entry| entry.direction == Direction::Sent)
        .collect();
    for entry in sent.iter().take(MAX_SENT) {
        let max = match entry.excerpt.contains('\n') {
            true => MAX_HEAD,
            false => MAX_QUOTE,
        };
        labelled(output, "sent", &excerpt(&entry.excerpt, max));
    }
    if sent.len() > MAX_SENT {
        labelled(
            output,
            "",
            &format!("and {} more, see the evidence", sent.len() - MAX_SENT),
        );
    }
}

fn evidence(output: &mut String, entries: &[EntryRef]) {
    let mut sessions: Vec<(&str, BTreeSet<usize>)> = Vec::new();
    for entry in entries {
        match sessions
            .iter_mut()
            .find(|(session, _)| *session == entry.transcript)
        {
            Some((_, numbers)) => drop(numbers.insert(entry.entry)),
            None => sessions.push((&entry.transcript, BTreeSet::from([entry.entry]))),
        }
    }
    for (session, numbers) in sessions {
        let word = if numbers.len() == 1 {
            "entry"
        } else {
            "entries"
        };
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let place = format!("{}, {word} {}", visible(session), numbers.join(", "));
        labelled(output, "evidence", &place);
    }
}

fn diff_line(output: &mut String, line: &diff::Line) {
    let style = match line.sign {
        '-' => AnsiColor::Green.on_default(),
        '+' => AnsiColor::Red.on_default(),
        _ => Style::new(),
    };
    output.push_str(&format!(
        "            {style}{} {}{style:#}\n",
        line.sign, line.text
    ));
}

/// A sentence as it is, other JSON on one line, and nothing as `nothing`.
fn quote(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => excerpt(text, MAX_QUOTE),
        other => excerpt(&other.to_string(), MAX_QUOTE),
    }
}
