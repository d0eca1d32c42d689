//! What counts as a finding: a pure function from what was sent and what came to what is wrong.

use serde_json::{Value, json};

use super::accepted::accepted;
use super::internals::internals;
use super::lost::{is_served, lost};
use crate::conversation::{Conversation, Exchange};
use crate::drive::{Wait, are_garbled};
use crate::judge::Session;
use crate::judge::evidence::{self, Violation};
use crate::rule;
use crate::transcript::{Entry, StepRef, What};
use crate::transport::Transport;
use crate::verdict::Finding;

/// A way to be wrong that only fuzzing looks for; what the catalog's rules say counts as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oracle {
    /// The process ended, the connection broke for everyone, or the server forgot the session.
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
    /// The input in its window and the message in it, where one is to blame.
    pub blamed: Option<StepRef>,
    /// What kind of request that is: all lists are one.
    pub subject: Option<String>,
    /// Whether it proves nothing if it happens once.
    pub may_be_chance: bool,
}

impl Suspicion {
    fn new(oracle: Oracle, finding: Finding, exchange: Option<&Exchange>) -> Suspicion {
        let method = exchange.and_then(|exchange| exchange.method.as_deref());
        Suspicion {
            oracle,
            // Sessions a server may end when it likes: that it does so after one input each time is what is wrong.
            may_be_chance: oracle == Oracle::Survives && !finding.actual.is_null(),
            finding,
            blamed: exchange.and_then(|exchange| exchange.step),
            subject: method
                .and_then(|method| method.rsplit('/').next())
                .map(str::to_owned),
        }
    }

    /// The same, of whatever inputs.
    pub(super) fn of_nobody(oracle: Oracle, finding: Finding) -> Suspicion {
        Suspicion::new(oracle, finding, None)
    }

    /// Whether it is told even if it is seen once only.
    pub(super) fn is_told_once(&self) -> bool {
        self.oracle.is_fatal() && !self.may_be_chance
    }

    /// The number of the input in its window, where one is to blame.
    pub(super) fn input(&self) -> Option<usize> {
        self.blamed.map(|blamed| usize::from(blamed.0))
    }
}

#[cfg(test)]
impl Suspicion {
    /// That this came, and is wrong.
    pub(super) fn sample(oracle: Oracle, actual: Value) -> Suspicion {
        let finding = Finding {
            requirement: "robust/x".to_owned(),
            level: crate::verdict::Level::Must,
            spec: String::new(),
            message: "wrong".to_owned(),
            expected: Value::Null,
            actual,
            entries: Vec::new(),
            reproduce: String::new(),
            hint: None,
            fuzzed: None,
        };
        Suspicion::of_nobody(oracle, finding)
    }
}

/// Whatever is wrong in a session, from this exchange on, and the rules that had something to look at.
pub(super) fn suspicions(
    session: &Session<'_>,
    wait: Wait,
    from: usize,
) -> (Vec<Suspicion>, Vec<&'static str>) {
    let conversation = session.conversation;
    let exchanges = conversation.exchanges.get(from..).unwrap_or_default();
    let mut found = Vec::new();
    let mut report = |oracle, violation: Violation, exchange| {
        found.extend(
            evidence::finding(session, violation)
                .map(|finding| Suspicion::new(oracle, finding, exchange)),
        );
    };
    // Behind it there may be replies of ours.
    let fence = exchanges
        .iter()
        .rev()
        .find(|last| last.step.is_none() && last.is_request());
    let lost = lost(session, wait, exchanges, fence);
    let is_lost = lost.is_some();
    if let Some(violation) = lost {
        report(Oracle::Survives, violation, None);
    } else if are_garbled(conversation, from) {
        // The rule on ids says so.
    } else if let Some(fence) = fence.filter(|fence| is_unanswered(session, fence)) {
        report(Oracle::StaysAlive, deaf(fence), None);
    } else if fence.is_none_or(|fence| is_served(session, fence)) {
        // Of our own requests the last one tells.
        for exchange in exchanges.iter().filter(|other| other.step.is_some()) {
            if let Some(violation) = unanswered(session, exchange, exchanges) {
                report(Oracle::Answered, violation, Some(exchange));
            }
        }
    }
    for exchange in exchanges {
        if let Some(violation) = accepted(session, exchange) {
            report(Oracle::RefusesInvalid, violation, Some(exchange));
        }
        if let Some(violation) = internals(session, exchange) {
            report(Oracle::NoInternals, violation, Some(exchange));
        }
    }
    let outcomes = rule::apply(session);
    let observed = outcomes.iter().filter(|outcome| outcome.observed);
    let observed = observed.map(|outcome| outcome.rule).collect();
    let rules = rules(session, outcomes);
    // The streams of a session end with it.
    found.extend(rules.filter(|what| !is_lost || what.oracle != Oracle::Rule("stream-ends")));
    (found, observed)
}

fn rules(
    session: &Session<'_>,
    outcomes: Vec<rule::RuleOutcome>,
) -> impl Iterator<Item = Suspicion> {
    let of_rule = move |outcome: rule::RuleOutcome| {
        outcome.findings.into_iter().map(move |finding| {
            let blamed = blamed(session.conversation, &finding);
            Suspicion::new(Oracle::Rule(outcome.rule), finding, blamed)
        })
    };
    outcomes.into_iter().flat_map(of_rule)
}

/// What was sent that the entries are about which a finding shows.
fn blamed<'a>(conversation: &'a Conversation, finding: &Finding) -> Option<&'a Exchange> {
    let shown = |index: usize| finding.entries.iter().any(|entry| entry.entry == index);
    let shows = |exchange: &&Exchange| {
        shown(exchange.sent)
            || exchange.answer.is_some_and(shown)
            || exchange.again.iter().any(|again| shown(*again))
    };
    conversation.exchanges.iter().rev().find(shows)
}

/// Whether a request has no answer, and none can be on its way.
pub(super) fn is_unanswered(session: &Session<'_>, exchange: &Exchange) -> bool {
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
    if !is_unanswered(session, exchange)
        || is_cancelled(session, exchange, all)
        || http_method(session, exchange).is_some_and(|method| method != "POST")
        || is_elsewhere(session, exchange)
    {
        return None;
    }
    let broken = exchange
        .ended
        .filter(|ended| matches!(session.entries[*ended].what, What::Broken { .. }));
    Some(Violation {
        requirement: "messages/request-answered".to_owned(),
        message: match broken {
            Some(_) => {
                "the connection of a request broke before it was answered, although a later one is"
            }
            None => "a request is not answered, although a later one is",
        }
        .to_owned(),
        expected: json!("a result or an error"),
        actual: Value::Null,
        entries: [exchange.sent].into_iter().chain(broken).collect(),
        tolerated: false,
        hint: None,
    })
}

/// The HTTP method by which it was sent: messages are sent by POST, what others do with a body is open.
pub(super) fn http_method<'a>(session: &Session<'a>, exchange: &Exchange) -> Option<&'a str> {
    match http_head(session, exchange)? {
        What::HttpRequest { method, .. } => Some(method),
        _ => None,
    }
}

/// HTTP+SSE: whether it was not sent to the endpoint that the server named, where the handshake went. The text asks clients
/// to send there, and does not say what comes of anything else.
fn is_elsewhere(session: &Session<'_>, exchange: &Exchange) -> bool {
    let path = |head: &What| match head {
        What::HttpRequest { method, path, .. } if method == "POST" => Some(path.clone()),
        _ => None,
    };
    let mut posts = session.entries.iter().filter_map(|entry| path(&entry.what));
    let sent = http_head(session, exchange).and_then(path);
    session.header.transport == Transport::Sse && sent != posts.next()
}

/// The head of the HTTP request by which it was sent.
pub(super) fn http_head<'a>(session: &Session<'a>, exchange: &Exchange) -> Option<&'a What> {
    let entries: &'a [Entry] = session.entries;
    let head = session.http_head(exchange.sent)?;
    Some(&entries[head].what)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::{Script, legacy_http, sse};

    #[test]
    fn what_is_not_posted_need_not_be_answered() {
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let is_wrong = |method: &str| {
            let script = legacy_http()
                .http(method, &[])
                .sends(ping.clone())
                .head(204, &[])
                .what(What::End);
            script.seen(|session| {
                let exchanges = &session.conversation.exchanges;
                let last = exchanges.last();
                last.is_some_and(|last| unanswered(session, last, exchanges).is_some())
            })
        };
        assert!(is_wrong("POST"));
        assert!(!is_wrong("OPTIONS"));
        assert!(!is_wrong("PUT"));
    }

    #[test]
    fn a_connection_that_broke_is_told_as_that() {
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let said = |end: What| {
            let script = legacy_http().http("POST", &[]).sends(ping.clone());
            script.what(end).seen(|session| {
                let exchanges = &session.conversation.exchanges;
                let found = unanswered(session, exchanges.last().unwrap(), exchanges).unwrap();
                (found.message, found.entries)
            })
        };
        let message = "reset".to_owned();
        let (broke, entries) = said(What::Broken { message });
        assert!(
            broke.starts_with("the connection of a request broke"),
            "{broke}"
        );
        assert_eq!(entries, [1, 2]);
        assert!(said(What::End).0.starts_with("a request is not answered"));
    }

    #[test]
    fn what_is_posted_elsewhere_over_sse_need_not_be_answered() {
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        let is_wrong = |posted: Script| {
            let script = posted.sends(ping.clone());
            script.seen(|session| {
                let exchanges = &session.conversation.exchanges;
                let last = exchanges.last();
                last.is_some_and(|last| unanswered(session, last, exchanges).is_some())
            })
        };
        let open = || sse().posts_initialize();
        assert!(is_wrong(open().http("POST", &[])));
        assert!(!is_wrong(open().posted_to("/messages?session=another")));
    }

    #[test]
    fn a_stream_that_ends_with_its_session_is_told_as_that() {
        let id = [("mcp-session-id", "1")];
        let ping = |script: Script, status: u16| {
            let script = script.http("POST", &id).what_request("ping", json!({}));
            script.head(status, &id).ends()
        };
        let told = |status: u16| {
            let opened = ping(legacy_http(), 200);
            let ended = opened.streams(1, "tools/list", json!({})).ends();
            ping(ended, status).seen(|session| {
                let (found, _) = suspicions(session, Wait::Done, 1);
                let says = |oracle| found.iter().any(|what| what.oracle == oracle);
                (says(Oracle::Survives), says(Oracle::Rule("stream-ends")))
            })
        };
        assert_eq!(told(404), (true, false));
        assert_eq!(told(200), (false, true));
    }
}
