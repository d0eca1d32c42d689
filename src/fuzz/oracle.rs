//! What counts as a finding: a pure function from what was sent and what came to what is wrong.

use serde_json::{Value, json};

use crate::conversation::{Conversation, Exchange};
use crate::drive::{Wait, are_garbled};
use crate::judge::Session;
use crate::judge::duty::{Due, Duty};
use crate::judge::evidence::{self, Violation};
use crate::judge::refusal::{self, Answered, Headers, Refusal};
use crate::message;
use crate::rule;
use crate::transcript::{Entry, Header, What};
use crate::transport::Transport;
use crate::verdict::Finding;

/// A way to be wrong that only fuzzing looks for; what the catalog's rules say counts as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oracle {
    /// The process ended, or the connection broke for everyone.
    Survives,
    /// A valid request behind the input was not answered in time.
    StaysAlive,
    /// A request was not answered although later ones were.
    Answered,
    /// Something invalid was answered as if it were valid.
    RefusesInvalid,
    /// The client was shown an internal error or a stack trace.
    NoInternals,
    /// Memory or threads grow with the number of inputs.
    Bounded,
    /// A rule of the catalog.
    Rule(&'static str),
}

impl Oracle {
    /// Those that are not rules.
    pub const OWN: [Oracle; 6] = [
        Oracle::Survives,
        Oracle::StaysAlive,
        Oracle::Answered,
        Oracle::RefusesInvalid,
        Oracle::NoInternals,
        Oracle::Bounded,
    ];

    /// The name of its trials, without revision and transport.
    pub fn case(self) -> String {
        match self {
            Oracle::Survives => "fuzz/survives".to_owned(),
            Oracle::StaysAlive => "fuzz/stays-alive".to_owned(),
            Oracle::Answered => "fuzz/answers".to_owned(),
            Oracle::RefusesInvalid => "fuzz/refuses-invalid".to_owned(),
            Oracle::NoInternals => "fuzz/shows-no-internals".to_owned(),
            Oracle::Bounded => "fuzz/bounded".to_owned(),
            Oracle::Rule(name) => format!("rule/{name}"),
        }
    }

    /// Whether the session is of no use after it.
    pub(super) fn is_fatal(self) -> bool {
        matches!(self, Oracle::Survives | Oracle::StaysAlive)
    }
}

/// Something wrong.
#[derive(Debug, Clone)]
pub struct Suspicion {
    /// What says so.
    pub oracle: Oracle,
    /// What will be reported if it can be repeated.
    pub finding: Finding,
    /// The number of the input in its window, where one is to blame.
    pub input: Option<usize>,
}

/// Whatever is wrong in a session, from this exchange on.
pub(super) fn suspicions(session: &Session<'_>, wait: Wait, from: usize) -> Vec<Suspicion> {
    let conversation = session.conversation;
    let exchanges = conversation.exchanges.get(from..).unwrap_or_default();
    let mut found = Vec::new();
    let mut report = |oracle, violation: Violation, input| {
        found.extend(
            evidence::finding(session, violation).map(|finding| Suspicion {
                oracle,
                finding,
                input,
            }),
        );
    };
    let fence = exchanges.last().filter(|last| is_unanswered(session, last));
    if let Some(end) = ended(session.entries, wait, fence) {
        report(Oracle::Survives, gone(session, exchanges, end), None);
    } else if are_garbled(conversation, from) {
        // The rule on ids says so.
    } else if let Some(fence) = fence {
        report(Oracle::StaysAlive, deaf(fence), None);
    } else {
        for exchange in exchanges {
            if let Some(violation) = unanswered(session, exchange, exchanges) {
                report(Oracle::Answered, violation, input_of(exchange));
            }
        }
    }
    for exchange in exchanges {
        if let Some(violation) = accepted(session, exchange) {
            report(Oracle::RefusesInvalid, violation, input_of(exchange));
        }
        if let Some(violation) = internals(session, exchange) {
            report(Oracle::NoInternals, violation, input_of(exchange));
        }
    }
    found.extend(rules(session));
    found
}

fn rules(session: &Session<'_>) -> Vec<Suspicion> {
    let outcomes = rule::apply(session);
    let of_rule = |outcome: rule::RuleOutcome| {
        outcome.findings.into_iter().map(move |finding| Suspicion {
            oracle: Oracle::Rule(outcome.rule),
            input: blamed(session.conversation, &finding),
            finding,
        })
    };
    outcomes.into_iter().flat_map(of_rule).collect()
}

/// The input behind the entries that a finding shows.
fn blamed(conversation: &Conversation, finding: &Finding) -> Option<usize> {
    let shown = |index: usize| finding.entries.iter().any(|entry| entry.entry == index);
    let shows = |exchange: &&Exchange| {
        shown(exchange.sent)
            || exchange.answer.is_some_and(shown)
            || exchange.again.iter().any(|again| shown(*again))
    };
    let exchange = conversation.exchanges.iter().rev().find(shows)?;
    input_of(exchange)
}

fn input_of(exchange: &Exchange) -> Option<usize> {
    exchange.step.map(|step| usize::from(step.0))
}

/// Where the process or the connection ended, if it did. Over HTTP each request has its own: there it is the last one
/// that was cut off.
fn ended(entries: &[Entry], wait: Wait, fence: Option<&Exchange>) -> Option<usize> {
    let ends = |entry: &Entry| {
        matches!(
            entry.what,
            What::End | What::Exit { .. } | What::Broken { .. }
        )
    };
    let of_session = entries
        .iter()
        .rposition(|entry| entry.stream == 0 && ends(entry));
    let of_fence = fence
        .and_then(|fence| fence.ended)
        .filter(|ended| matches!(entries[*ended].what, What::Broken { .. }));
    let last = (wait == Wait::Gone).then(|| entries.len().saturating_sub(1));
    of_session.or(of_fence).or(last)
}

fn gone(session: &Session<'_>, exchanges: &[Exchange], end: usize) -> Violation {
    let what = session.entries.get(end).map(|entry| &entry.what);
    let message = match (what, what.and_then(What::exit)) {
        (_, Some(how)) => format!("the server {how}"),
        (Some(What::Broken { message }), _) => format!("the connection broke: {message}"),
        _ => "the server ended, or closed the connection".to_owned(),
    };
    let last = exchanges
        .iter()
        .rev()
        .find(|exchange| exchange.step.is_some());
    Violation {
        requirement: "robust/stays-alive".to_owned(),
        message,
        expected: json!("an answer to the next valid request"),
        actual: Value::Null,
        entries: last
            .map(|last| last.sent)
            .into_iter()
            .chain([end])
            .collect(),
        tolerated: false,
        hint: None,
    }
}

fn is_unanswered(session: &Session<'_>, exchange: &Exchange) -> bool {
    let of = |entry: Option<usize>| entry.map(|entry| &session.entries[entry].what);
    let may_come = match (of(exchange.head), of(exchange.ended)) {
        (_, Some(What::Abandoned)) => true,
        // What succeeds has an answer before its stream ends; a status that refuses is one.
        (
            Some(What::HttpResponse {
                status: 200..300, ..
            }),
            Some(What::End),
        ) => false,
        (head, _) => exchange.stream != 0 && head.is_some(),
    };
    exchange.is_request() && exchange.answer.is_none() && !may_come
}

fn deaf(fence: &Exchange) -> Violation {
    Violation {
        requirement: "robust/answers-in-time".to_owned(),
        message: "a valid request behind the input is not answered in time".to_owned(),
        expected: json!("an answer"),
        actual: Value::Null,
        entries: [Some(fence.sent), fence.deadline]
            .into_iter()
            .flatten()
            .collect(),
        tolerated: false,
        hint: None,
    }
}

fn unanswered(session: &Session<'_>, exchange: &Exchange, all: &[Exchange]) -> Option<Violation> {
    if !is_unanswered(session, exchange) || is_cancelled(session, exchange, all) {
        return None;
    }
    Some(Violation {
        requirement: "messages/request-answered".to_owned(),
        message: "a request is not answered, although a later one is".to_owned(),
        expected: json!("a result or an error"),
        actual: Value::Null,
        entries: vec![exchange.sent],
        tolerated: false,
        hint: None,
    })
}

/// Whether some message says that the answer is no longer wanted.
fn is_cancelled(session: &Session<'_>, exchange: &Exchange, all: &[Exchange]) -> bool {
    all.iter().any(|other| {
        let message = session.entries[other.sent].json();
        let cancelled = message
            .filter(|message| message["method"] == "notifications/cancelled")
            .and_then(|message| message.pointer("/params/requestId"));
        cancelled.is_some_and(|id| exchange.due.ids.contains(id))
    })
}

/// Something that was answered as if it were in order.
fn accepted(session: &Session<'_>, exchange: &Exchange) -> Option<Violation> {
    let answer = exchange.answer.map(|answer| &session.entries[answer]);
    let answer = answer.and_then(Entry::json);
    let result = answer.and_then(|answer| answer.get("result"));
    let refusal = refused(session, exchange, answer, result)
        .or_else(|| subscribed(session, exchange))
        .or_else(|| headers_refused(session, exchange, answer))?;
    let shown = exchange.answer.or(exchange.head);
    Some(Violation {
        requirement: refusal.requirement.to_owned(),
        message: match refusal.requirement {
            ERROR_NOT_RESULT => "something invalid is answered with a result",
            _ => "what must be refused is answered as if it were in order",
        }
        .to_owned(),
        expected: refusal.expected,
        actual: answer.cloned().unwrap_or_default(),
        entries: [exchange.sent].into_iter().chain(shown).collect(),
        tolerated: false,
        hint: None,
    })
}

/// What is said by a result for what can have none.
const ERROR_NOT_RESULT: &str = "messages/error-not-result";

/// The requirement by which a message was to be refused that has this answer.
fn refused(
    session: &Session<'_>,
    exchange: &Exchange,
    answer: Option<&Value>,
    result: Option<&Value>,
) -> Option<Refusal> {
    let message = || session.entries[exchange.sent].json();
    match (&exchange.due, result) {
        (
            Due {
                valid: false, duty, ..
            },
            Some(_),
        ) if *duty != Duty::MustNot => Some(Refusal::by_error(ERROR_NOT_RESULT)),
        // An empty batch has no answers.
        (Due { valid: false, .. }, None) if answer.is_some_and(Value::is_array) => {
            (message() == Some(&json!([]))).then(|| Refusal::by_error("messages/batch-empty"))
        }
        (
            Due {
                duty: Duty::Must, ..
            },
            Some(result),
        ) => {
            let Header {
                profile,
                revision,
                transport,
                ..
            } = session.header;
            refusal::refused(&Answered {
                request: message()?,
                result,
                revision: *revision,
                offer: profile.offer(*revision, *transport)?,
                modern_only: profile.is_modern_only(*transport),
            })
        }
        _ => None,
    }
}

/// A subscription has no answer as long as it lasts: it succeeds when it is acknowledged.
fn subscribed(session: &Session<'_>, exchange: &Exchange) -> Option<Refusal> {
    if exchange.method.as_deref() != Some("subscriptions/listen") || exchange.answer.is_some() {
        return None;
    }
    let message = session.entries[exchange.sent].json()?;
    let has_filter = message
        .pointer("/params/notifications")
        .is_some_and(Value::is_object);
    let mut told = session
        .conversation
        .initiated
        .iter()
        .filter_map(|entry| session.entries[*entry].json());
    let is_acknowledged = told.any(|told| {
        told["method"] == "notifications/subscriptions/acknowledged"
            && told.pointer(message::SUBSCRIPTION_ID) == message.get("id")
    });
    (is_acknowledged && !has_filter).then(|| Refusal::by_error("subscriptions/filter-required"))
}

/// The requirement by which the headers of a request were to be refused that succeeded.
fn headers_refused(
    session: &Session<'_>,
    exchange: &Exchange,
    answer: Option<&Value>,
) -> Option<Refusal> {
    let Header {
        profile,
        revision,
        transport,
        ..
    } = session.header;
    let head = exchange.head.map(|head| &session.entries[head].what);
    let succeeded = matches!(
        head,
        Some(What::HttpResponse {
            status: 200..300,
            ..
        })
    );
    let is_error = answer.is_some_and(|answer| answer.get("error").is_some());
    if *transport != Transport::Http || !succeeded || is_error {
        return None;
    }
    // The head of a request stands before its body, or has none.
    let sent = session.entries[..=exchange.sent].iter().rev();
    let mut heads = sent.filter(|entry| entry.stream == exchange.stream);
    let (method, sent) = heads.find_map(|entry| match &entry.what {
        What::HttpRequest {
            method, headers, ..
        } => Some((method, headers)),
        _ => None,
    })?;
    let message = exchange
        .posts
        .then(|| session.entries[exchange.sent].json());
    refusal::refused_headers(&Headers {
        method,
        sent,
        message: message.flatten(),
        revision: *revision,
        sessions: &session_ids(session.entries),
        tools: profile
            .offer(*revision, *transport)
            .map_or(&[], |offer| &offer.tools),
        is_own: profile.own_process,
    })
}

/// The ids that the server gave the session: another one at each handshake.
fn session_ids(entries: &[Entry]) -> Vec<&str> {
    let heads = entries.iter().filter_map(|entry| match &entry.what {
        What::HttpResponse { headers, .. } => Some(headers),
        _ => None,
    });
    let ids = heads.flatten().filter(|(name, _)| name == "mcp-session-id");
    ids.map(|(_, value)| value.as_str()).collect()
}

/// What programs print when they did not expect something.
const TRACES: [&str; 6] = [
    "Traceback (most recent call last)",
    "\n    at ",
    "panicked at ",
    "goroutine ",
    "Exception in thread",
    "stack backtrace:",
];
/// The code of an internal error.
const INTERNAL_ERROR: i64 = -32603;

/// Input that a client can send is no internal error: a warning.
fn internals(session: &Session<'_>, exchange: &Exchange) -> Option<Violation> {
    let answer = exchange.answer?;
    let document = session.entries[answer].json()?;
    let error = message::messages(document)
        .iter()
        .find_map(|message| message.get("error"))?;
    let text = error
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let what = match error.get("code").and_then(Value::as_i64) {
        _ if TRACES.iter().any(|trace| text.contains(trace)) => "the client is shown a stack trace",
        Some(INTERNAL_ERROR) => "input of a client is answered as an internal error",
        _ => return None,
    };
    Some(Violation {
        requirement: "robust/no-internals".to_owned(),
        message: what.to_owned(),
        expected: json!({ "error": { "code": { "$not": INTERNAL_ERROR } } }),
        actual: error.clone(),
        entries: vec![exchange.sent, answer],
        tolerated: true,
        hint: None,
    })
}
