//! The steps of a case: what is sent in prose and JSON, and what is accepted.

use serde_json::{Map, Value};

use super::page::Page;
use super::words;
use crate::catalog::{Action, Call, Expectation, HttpStep, Step, Tolerance};

/// Words of more characters than this are harder to read than the pattern.
const MAX_WORDS: usize = 300;

/// The part of what came that needs no name.
const ANSWER: &str = "an answer";

/// All steps, numbered.
pub(super) fn write(page: &mut Page, steps: &[Step]) {
    for (index, step) in steps.iter().enumerate() {
        write_step(page, 2, &format!("{}.", index + 1), step);
    }
}

fn write_step(page: &mut Page, indent: usize, number: &str, step: &Step) {
    page.lead(indent, number, &prose(&step.action));
    let inner = indent + 3;
    match &step.action {
        Action::Request(call) | Action::Start { call, .. } | Action::Notify(call) => {
            write_call(page, inner, call);
        }
        Action::Send { message, headers } => {
            page.json(inner, message);
            write_headers(page, inner, headers);
        }
        Action::Bytes { bytes, headers, .. } => {
            match bytes {
                Value::String(text) => page.text(inner, text),
                directive => page.json(inner, directive),
            }
            write_headers(page, inner, headers);
        }
        Action::Http(http) => write_http(page, inner, http),
        Action::Reply {
            reply: Some(reply), ..
        } => page.json(inner, reply),
        Action::Pages { params, .. } if params.as_object().is_some_and(|p| !p.is_empty()) => {
            page.json(inner, params);
        }
        Action::Together(steps) => {
            for step in steps {
                write_step(page, inner, "-", step);
            }
        }
        _ => {}
    }
    write_expectation(page, inner, step);
}

fn prose(action: &Action) -> String {
    match action {
        Action::Request(call) => format!("Request {}{}", call.method, manner(call)),
        Action::Start { name, call } => format!(
            "Request {}{}, whose answer comes later (\"{name}\")",
            call.method,
            manner(call)
        ),
        Action::Notify(call) => format!("Notification {}{}", call.method, manner(call)),
        Action::Await { name, until: None } => format!("Wait for the answer to \"{name}\""),
        Action::Await { name, .. } => format!("Wait for a message on the stream of \"{name}\""),
        Action::Cancel { name } => format!("Cancel \"{name}\""),
        Action::Send { .. } => "Send this message, exactly as it is".to_owned(),
        Action::Bytes { newline: true, .. } => "Send this text, exactly as it is".to_owned(),
        Action::Bytes { .. } => "Send this text, exactly as it is, without a newline".to_owned(),
        Action::Http(http) => format!("HTTP {} outside of the session", http.method),
        Action::Reply {
            method,
            reply: None,
        } => format!("From now on, {method} of the server is never answered"),
        Action::Reply { method, .. } => {
            format!("From now on, {method} of the server is answered with")
        }
        Action::Hear { pattern } => format!(
            "A message must come, or have come since the beginning, that is {}",
            words::answer(pattern)
        ),
        Action::Quiet {
            pattern: Value::Bool(true),
        } => "No answer to anything may come".to_owned(),
        Action::Quiet { pattern } => format!("Nothing may come that is {}", words::answer(pattern)),
        Action::Settle => {
            "Let what is under way arrive; what must not come later is looked for from here on"
                .to_owned()
        }
        Action::Pages { method, items, .. } => {
            format!("Request {method} and follow the cursors, collecting {items}")
        }
        Action::Together(_) => "Send at once".to_owned(),
        Action::Alive => "A valid request (ping, or server/discover) must be answered".to_owned(),
        Action::Connect { address } => {
            format!("Connect to the port of the endpoint at {address}")
        }
        Action::Reconnect => "End the session and open another".to_owned(),
        Action::Close => "Close the input of the process".to_owned(),
        Action::Opening => {
            "Look at the answer to initialize with which the session began".to_owned()
        }
    }
}

fn manner(call: &Call) -> &'static str {
    match (call.bare, call.invalid) {
        (true, _) => ", without the _meta and headers of the revision",
        (false, true) => ", wrong on purpose",
        (false, false) => "",
    }
}

fn write_call(page: &mut Page, indent: usize, call: &Call) {
    if let Some(params) = &call.params {
        page.json(indent, params);
    }
    write_headers(page, indent, &call.headers);
}

fn write_headers(page: &mut Page, indent: usize, headers: &Map<String, Value>) {
    for (name, value) in headers {
        let text = match value {
            Value::Null => format!("without {name}"),
            Value::Object(directive) if directive.contains_key("$omit") => {
                format!("without {name}")
            }
            Value::String(value) => format!("{name}: {value}"),
            directive => format!("{name}: {directive}"),
        };
        page.labelled(indent, "header", &text);
    }
}

fn write_http(page: &mut Page, indent: usize, http: &HttpStep) {
    if let Some(path) = &http.path {
        let path = path
            .as_str()
            .map_or_else(|| path.to_string(), str::to_owned);
        page.labelled(indent, "path", &path);
    }
    write_headers(page, indent, &http.headers);
    match &http.body {
        None => {}
        Some(Value::String(text)) => page.labelled(indent, "body", text),
        Some(body) => page.json(indent, body),
    }
}

fn write_expectation(page: &mut Page, indent: usize, step: &Step) {
    let expect = &step.expect;
    // What comes of these is no message, but what the driver made of it.
    let answers = match step.action {
        Action::Close | Action::Connect { .. } | Action::Pages { .. } => "",
        _ => ANSWER,
    };
    if let Action::Await {
        until: Some(until), ..
    } = &step.action
    {
        write_pattern(page, indent, "until", ANSWER, until);
    }
    let given = [
        (answers, &expect.given),
        ("HTTP status", &expect.given_status),
        ("messages before it:", &expect.given_notifications),
    ];
    for (part, pattern) in given {
        if let Some(pattern) = pattern {
            write_pattern(page, indent, "only if", part, pattern);
        }
    }
    let asks = matches!(
        step.action,
        Action::Request(_) | Action::Await { until: None, .. }
    );
    if asks && says_nothing(expect) {
        page.labelled(indent, "right", "an answer, be it a result or an error");
    }
    let right = [
        (answers, &expect.answer),
        ("HTTP status", &expect.status),
        ("HTTP headers", &expect.headers),
        ("HTTP body", &expect.body),
        ("messages before it:", &expect.notifications),
    ];
    for (part, pattern) in right {
        if let Some(pattern) = pattern {
            write_pattern(page, indent, "right", part, pattern);
        }
    }
    for tolerance in &expect.tolerate {
        write_tolerance(page, indent, tolerance);
    }
    for (name, pointer) in &expect.save {
        page.labelled(indent, "remember", &format!("{name}, which is {pointer}"));
    }
    if let Some(requirement) = &expect.requirement {
        page.labelled(indent, "tests", requirement);
    }
}

fn says_nothing(expect: &Expectation) -> bool {
    [&expect.answer, &expect.status, &expect.notifications]
        .iter()
        .all(|pattern| pattern.is_none())
}

/// In words, or as it is written where words would be too many.
fn write_pattern(page: &mut Page, indent: usize, label: &str, part: &str, pattern: &Value) {
    let words = in_words(part, pattern);
    if words.chars().count() <= MAX_WORDS {
        page.labelled(indent, label, &words);
    } else {
        let matching = match part {
            "" => "what matches".to_owned(),
            _ => format!("{part} that matches"),
        };
        page.labelled(indent, label, &matching);
        page.json(indent + 2, pattern);
    }
}

/// The words for a part of what came: an answer speaks for itself, other parts are named.
fn in_words(part: &str, pattern: &Value) -> String {
    match part {
        ANSWER => words::answer(pattern),
        "" => words::phrase(pattern),
        _ => format!("{part} {}", words::phrase(pattern)),
    }
}

fn write_tolerance(page: &mut Page, indent: usize, tolerance: &Tolerance) {
    let parts = [
        (ANSWER, &tolerance.answer),
        ("HTTP status", &tolerance.status),
        ("HTTP headers", &tolerance.headers),
        ("messages before it:", &tolerance.notifications),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter_map(|(part, pattern)| Some(in_words(part, pattern.as_ref()?)))
        .collect();
    let warning = match &tolerance.requirement {
        Some(requirement) => format!("a warning about {requirement}"),
        None => "a warning".to_owned(),
    };
    let text = format!("{} ({}; {warning})", parts.join(", "), tolerance.why);
    page.labelled(indent, "tolerated", &text);
}
