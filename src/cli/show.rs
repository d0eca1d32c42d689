//! `cases show`: a case in words.

use std::fmt::Write as _;

use serde_json::Value;

use crate::catalog::{Case, Catalog, Requirement, SessionKind, Step};
use crate::report::finding::{BOLD, DIM};
use crate::revision::Revision;
use crate::rule::Rule;

/// The verbs of a step. `start` stands beside `request`, so `request` comes first.
const VERBS: [&str; 16] = [
    "request",
    "notify",
    "send",
    "bytes",
    "http",
    "await",
    "cancel",
    "reply",
    "quiet",
    "pages",
    "together",
    "alive",
    "reconnect",
    "close",
    "opening",
    "start",
];

/// What is said of the other fields of a step, in this order.
const FIELDS: [(&str, &str); 23] = [
    ("start", "name"),
    ("params", "params"),
    ("headers", "headers"),
    ("bare", "bare"),
    ("invalid", "invalid"),
    ("newline", "newline"),
    ("items", "items"),
    ("result", "result"),
    ("error", "error"),
    ("never", "never"),
    ("until", "until"),
    ("given", "given"),
    ("given_notifications", "given, before it"),
    ("expect", "accepted"),
    ("expect_status", "status"),
    ("expect_headers", "headers"),
    ("expect_body", "body"),
    ("expect_notifications", "before it"),
    ("tolerate", "tolerated"),
    ("save", "saved"),
    ("requirement", "cites"),
    ("await", "of"),
    ("cancel", "of"),
];

/// Everything about a case.
pub(super) fn case(case: &Case, catalog: &Catalog) -> String {
    let mut text = title(&case.id, &case.title);
    if let Some(why) = &case.why {
        line(&mut text, "why", why);
    }
    line(&mut text, "runs", &runs(case));
    if !case.needs.is_empty() {
        line(&mut text, "needs", &case.needs.join(", "));
    }
    if !case.client.is_empty() {
        line(
            &mut text,
            "declares",
            &Value::Object(case.client.clone()).to_string(),
        );
    }
    heading(&mut text, "Steps");
    for (index, step) in case.steps.iter().enumerate() {
        write_step(&mut text, &format!("{:>3}.", index + 1), step);
    }
    if case.is_hostile() {
        let _ = writeln!(text, "       then a valid request must be answered");
    }
    requirements(
        &mut text,
        case.requirements.iter().map(String::as_str),
        catalog,
        |revision| case.revisions.contains(revision),
    );
    faults(&mut text, case.faults.iter().map(String::as_str));
    text
}

/// Everything about a rule.
pub(super) fn rule(rule: &Rule, catalog: &Catalog) -> String {
    let mut text = title(&format!("rule/{}", rule.name), rule.title);
    line(
        &mut text,
        "runs",
        "over every session, whatever is tested in it",
    );
    requirements(
        &mut text,
        rule.requirements.iter().copied(),
        catalog,
        |_| true,
    );
    faults(&mut text, rule.faults.iter().copied());
    text
}

fn title(name: &str, title: &str) -> String {
    format!("{BOLD}{name}{BOLD:#}\n  {title}\n\n")
}

fn heading(text: &mut String, heading: &str) {
    let _ = writeln!(text, "\n{BOLD}{heading}{BOLD:#}");
}

fn line(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "  {DIM}{label:<10}{DIM:#}{value}");
}

fn runs(case: &Case) -> String {
    let over = case.transports.as_ref().map_or_else(
        || "every transport".to_owned(),
        |transports| {
            transports
                .iter()
                .map(|transport| transport.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        },
    );
    let session = match case.session {
        SessionKind::Shared => "in a shared session",
        SessionKind::Fresh => "in a session of its own",
        SessionKind::Unopened => "in a session of its own that the steps open",
    };
    let once = if case.once {
        ", only at the newest revision of each era"
    } else {
        ""
    };
    let revisions = match case.revisions.to_string().as_str() {
        "all" => "all revisions".to_owned(),
        range @ ("legacy" | "modern") => format!("{range} revisions"),
        range => range.to_owned(),
    };
    format!("at {revisions}, over {over}, {session}{once}")
}

/// Written from the same form that the author wrote, so that nothing can be forgotten here.
fn write_step(text: &mut String, number: &str, step: &Step) {
    let written = serde_json::to_value(step).unwrap_or_default();
    let verb = VERBS
        .into_iter()
        .find(|verb| written.get(verb).is_some())
        .unwrap_or("step");
    let _ = match (verb, &written[verb]) {
        ("together", _) => writeln!(text, "{number} {BOLD}together{BOLD:#}"),
        (_, Value::Bool(true)) => writeln!(text, "{number} {BOLD}{verb}{BOLD:#}"),
        (_, argument) => writeln!(text, "{number} {BOLD}{verb}{BOLD:#} {}", plain(argument)),
    };
    if let Some(steps) = written["together"].as_array() {
        for step in steps
            .iter()
            .filter_map(|step| serde_json::from_value(step.clone()).ok())
        {
            write_step(text, "      -", &step);
        }
    }
    for (field, label) in FIELDS {
        match &written[field] {
            _ if field == verb => {}
            Value::Null => {}
            Value::Array(list) if field == "tolerate" => {
                list.iter()
                    .for_each(|tolerance| write_tolerance(text, label, tolerance));
            }
            value => {
                let _ = writeln!(text, "       {DIM}{label:<17}{DIM:#}{}", plain(value));
            }
        }
    }
}

fn write_tolerance(text: &mut String, label: &str, tolerance: &Value) {
    let Some(object) = tolerance.as_object() else {
        return;
    };
    let patterns: Vec<String> = object
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "why" | "requirement"))
        .map(|(name, pattern)| {
            if name == "answer" {
                plain(pattern)
            } else {
                format!("{name} {}", plain(pattern))
            }
        })
        .collect();
    let why = object.get("why").map(plain).unwrap_or_default();
    let _ = writeln!(
        text,
        "       {DIM}{label:<17}{DIM:#}{} ({why}; a warning)",
        patterns.join(", ")
    );
}

/// A string without quotes, other JSON on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(string) => crate::report::escape::visible(string),
        other => other.to_string(),
    }
}

fn requirements<'a>(
    text: &mut String,
    ids: impl Iterator<Item = &'a str>,
    catalog: &Catalog,
    runs_at: impl Fn(Revision) -> bool,
) {
    heading(text, "Requirements");
    for id in ids {
        match catalog.requirement(id) {
            None => {
                let _ = writeln!(text, "  {BOLD}{id}{BOLD:#}: not in the catalog");
            }
            Some(requirement) => write_requirement(text, requirement, &runs_at),
        }
    }
}

fn write_requirement(
    text: &mut String,
    requirement: &Requirement,
    runs_at: impl Fn(Revision) -> bool,
) {
    let _ = writeln!(
        text,
        "  {BOLD}{}{BOLD:#}: {}",
        requirement.id, requirement.text
    );
    if !requirement.when.is_empty() {
        let _ = writeln!(text, "    {DIM}when{DIM:#} {}", requirement.when.join(", "));
    }
    for (revision, clause) in requirement
        .levels
        .iter()
        .filter(|(revision, _)| runs_at(**revision))
    {
        let _ = writeln!(text, "    {:<7} {}", clause.level, clause.url(*revision));
    }
}

fn faults<'a>(text: &mut String, names: impl Iterator<Item = &'a str>) {
    let known = mcp_reference_server::faults();
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return;
    }
    heading(text, "Faults of the reference server that it catches");
    for name in names {
        let explanation = known
            .iter()
            .find(|fault| fault.name == name)
            .map_or("", |fault| fault.explanation);
        let _ = writeln!(text, "  {BOLD}{name}{BOLD:#}: {explanation}");
    }
}
