//! What comes on a subscription names it, is acknowledged first, and was asked for.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions>

use serde_json::{Value, json};

use super::look::{Received, is_modern, life_of, notifications, sent};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message::SUBSCRIPTION_ID;
use crate::revision::Era;
use crate::transport::StreamId;

pub(super) const RULE: Rule = Rule {
    name: "subscriptions",
    title: "What comes on a subscription names it, follows its acknowledgement and was asked for",
    why: "A client tells its subscriptions apart by the id, and waits for the acknowledgement to \
        know that it is told.",
    requirements: &[
        "subscriptions/ack-first",
        "subscriptions/nothing-before-ack",
        "subscriptions/id-on-every-message",
        "subscriptions/only-requested",
        "subscriptions/ack-subset",
        "subscriptions/id-on-result",
    ],
    faults: &[
        "listen-unacknowledged",
        "acknowledged-late",
        "acknowledged-too-much",
        "subscription-id-missing",
        "subscription-id-wrong",
        "listen-unfiltered",
        "listen-ends-unnamed",
    ],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

/// Notifications that belong to the request that they tell of.
pub(super) const REQUEST_SCOPED: [&str; 2] = ["notifications/progress", "notifications/message"];
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const RESULT_POINTER: &str = "/result/_meta/io.modelcontextprotocol~1subscriptionId";
/// A notification and the part of the filter that asks for it.
const KINDS: [(&str, &str); 5] = [
    ("notifications/tools/list_changed", "toolsListChanged"),
    ("notifications/prompts/list_changed", "promptsListChanged"),
    (
        "notifications/resources/list_changed",
        "resourcesListChanged",
    ),
    ("notifications/resources/updated", "resourceSubscriptions"),
    ("notifications/tasks", "taskIds"),
];

/// A request to listen.
pub(super) struct Listen<'a> {
    /// The entry that asked.
    pub sent: usize,
    /// Where it was sent, and over HTTP is answered.
    pub stream: StreamId,
    life: usize,
    /// Its id, which names the subscription.
    pub id: &'a Value,
    filter: &'a Value,
    /// The result that ended it, with its entry.
    pub result: Option<(usize, &'a Value)>,
    /// The entry of the error that refused it, or ended it later.
    pub error: Option<usize>,
    /// What came on it so far.
    seen: Vec<(&'a str, Received<'a>)>,
}

impl Listen<'_> {
    /// Whether something that came with this entry can belong to it.
    fn is_open_at(&self, entry: usize) -> bool {
        self.sent < entry && self.error.is_none_or(|error| entry < error)
    }
}

fn check(session: &Session<'_>, sight: &mut Sight) {
    let mut listens = listens(session);
    for (method, received) in notifications(session) {
        // What belongs to a request is the rule's on listen streams.
        if REQUEST_SCOPED.contains(&method) {
            continue;
        }
        let is_change = method == ACKNOWLEDGED || KINDS.iter().any(|(kind, _)| *kind == method);
        let id = received.message.pointer(SUBSCRIPTION_ID);
        let life = life_of(session, received.entry);
        let own = match received.stream {
            0 => listens
                .iter()
                .position(|l| l.is_open_at(received.entry) && l.life == life && Some(l.id) == id),
            stream => listens
                .iter()
                .position(|l| l.is_open_at(received.entry) && l.stream == stream),
        };
        match own {
            Some(own) => {
                sight.observe();
                let listen = &mut listens[own];
                if id != Some(listen.id) {
                    misnamed(
                        &received,
                        Some(listen.id),
                        &[listen.sent, received.entry],
                        id,
                        sight,
                    );
                }
                listen.seen.push((method, received));
            }
            None if is_change => unlistened(&listens, method, &received, id, sight),
            None => {}
        }
    }
    for listen in &listens {
        acknowledged(listen, sight);
        requested(listen, sight);
        ended(listen, sight);
    }
}

/// The requests to listen.
pub(super) fn listens<'a>(session: &Session<'a>) -> Vec<Listen<'a>> {
    let found = sent(session).filter_map(|(entry, message)| {
        let listens = message
            .get("method")
            .is_some_and(|method| method == "subscriptions/listen");
        let exchange = session
            .conversation
            .exchanges
            .iter()
            .find(|exchange| exchange.sent == entry)?;
        let answer = exchange
            .answer
            .and_then(|answer| Some((answer, session.entries[answer].json()?)));
        if !listens || !exchange.due.valid || !is_modern(message, session.header.revision) {
            return None;
        }
        let filter = message
            .pointer("/params/notifications")
            .filter(|filter| filter.is_object())?;
        let (stream, life) = (session.entries[entry].stream, life_of(session, entry));
        Some(Listen {
            sent: entry,
            stream,
            life,
            id: message.get("id")?,
            filter,
            result: answer.filter(|(_, answer)| answer.get("result").is_some()),
            error: answer
                .filter(|(_, answer)| answer.get("error").is_some())
                .map(|(entry, _)| entry),
            seen: Vec::new(),
        })
    });
    found.collect()
}

fn misnamed(
    received: &Received<'_>,
    wanted: Option<&Value>,
    entries: &[usize],
    id: Option<&Value>,
    sight: &mut Sight,
) {
    let message = match id {
        None => "a notification does not say to which subscription it belongs",
        Some(_) => "a notification names a subscription that it does not belong to",
    };
    let expected = wanted
        .cloned()
        .unwrap_or_else(|| json!("the id of a subscriptions/listen request"));
    let actual = received.message.clone();
    sight.violation(
        "subscriptions/id-on-every-message",
        entries,
        message,
        expected,
        actual,
    );
}

/// A change is told on no subscription that we know.
fn unlistened(
    listens: &[Listen<'_>],
    method: &str,
    received: &Received<'_>,
    id: Option<&Value>,
    sight: &mut Sight,
) {
    let asks = |listen: &&Listen<'_>| {
        listen.is_open_at(received.entry)
            && (method == ACKNOWLEDGED || asks_for(listen.filter, method))
    };
    match listens.iter().rev().find(asks) {
        Some(listen) => misnamed(received, None, &[listen.sent, received.entry], id, sight),
        None => {
            let message = format!("{method} comes although nobody asked for it");
            let actual = received.message.clone();
            sight.violation(
                "subscriptions/only-requested",
                &[received.entry],
                message,
                "nothing",
                actual,
            );
        }
    }
}

fn asks_for(filter: &Value, method: &str) -> bool {
    let Some((_, name)) = KINDS.iter().find(|(kind, _)| *kind == method) else {
        return true;
    };
    match filter.get(name) {
        Some(Value::Array(uris)) => !uris.is_empty(),
        Some(value) => *value == Value::Bool(true),
        None => false,
    }
}

fn acknowledged(listen: &Listen<'_>, sight: &mut Sight) {
    let Some((first, received)) = listen.seen.first() else {
        return;
    };
    let acknowledgement = listen
        .seen
        .iter()
        .find(|(method, _)| *method == ACKNOWLEDGED);
    if *first != ACKNOWLEDGED {
        let (requirement, message) = match acknowledgement {
            Some(_) => (
                "subscriptions/nothing-before-ack",
                "a notification comes before the acknowledgement",
            ),
            None => (
                "subscriptions/ack-first",
                "a subscription begins without its acknowledgement",
            ),
        };
        let expected = json!({ "method": ACKNOWLEDGED });
        let entries = [listen.sent, received.entry];
        sight.violation(
            requirement,
            &entries,
            message,
            expected,
            received.message.clone(),
        );
    }
    let agreed = acknowledgement.and_then(|(_, received)| {
        Some((
            received.entry,
            received.message.pointer("/params/notifications")?,
        ))
    });
    let Some((entry, agreed)) = agreed else {
        return;
    };
    if let Some(name) = agreed.as_object().and_then(|agreed| {
        agreed
            .iter()
            .find(|(name, value)| exceeds(listen, name, value))
    }) {
        let message = format!(
            "the acknowledgement names {}, which was not asked for",
            name.0
        );
        let entries = [listen.sent, entry];
        sight.violation(
            "subscriptions/ack-subset",
            &entries,
            message,
            listen.filter.clone(),
            agreed.clone(),
        );
    }
}

/// Whether a part of the acknowledged filter goes beyond the one that was asked for.
fn exceeds(listen: &Listen<'_>, name: &str, agreed: &Value) -> bool {
    let asked = listen.filter.get(name);
    match agreed {
        Value::Bool(true) => asked != Some(&Value::Bool(true)),
        Value::Array(uris) => {
            let asked = asked.and_then(Value::as_array);
            uris.iter()
                .any(|uri| !asked.is_some_and(|asked| asked.contains(uri)))
        }
        _ => false,
    }
}

fn requested(listen: &Listen<'_>, sight: &mut Sight) {
    for (method, received) in &listen.seen {
        if !asks_for(listen.filter, method) {
            let message = format!("{method} comes on a subscription that did not ask for it");
            let (entries, actual) = ([listen.sent, received.entry], received.message.clone());
            sight.violation(
                "subscriptions/only-requested",
                &entries,
                message,
                listen.filter.clone(),
                actual,
            );
        }
    }
}

/// The result that ends a subscription names it as everything else on it does.
fn ended(listen: &Listen<'_>, sight: &mut Sight) {
    let Some((entry, answer)) = listen.result else {
        return;
    };
    sight.observe();
    let named = answer.pointer(RESULT_POINTER);
    if named != Some(listen.id) {
        let message = match named {
            None => "the result that ends a subscription does not say which",
            Some(_) => "the result that ends a subscription names another",
        };
        let (expected, actual) = (listen.id.clone(), named.cloned().unwrap_or_default());
        let entries = [listen.sent, entry];
        sight.violation(
            "subscriptions/id-on-result",
            &entries,
            message,
            expected,
            actual,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn listening(script: Script) -> Script {
        let filter = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] });
        script.asks(
            7,
            "subscriptions/listen",
            json!({ "notifications": filter }),
        )
    }

    fn told(script: Script, method: &str, id: Value, agreed: Value) -> Script {
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        script.notified(method, json!({ "_meta": meta, "notifications": agreed }))
    }

    const TOOLS: &str = "notifications/tools/list_changed";
    const PROMPTS: &str = "notifications/prompts/list_changed";

    #[test]
    fn in_order() {
        let acknowledged = told(
            listening(modern()),
            ACKNOWLEDGED,
            json!(7),
            json!({ "toolsListChanged": true }),
        );
        passes(
            &RULE,
            &told(acknowledged.clone(), TOOLS, json!(7), json!(null)),
        );
        passes(
            &RULE,
            &told(
                acknowledged.clone(),
                "notifications/resources/updated",
                json!(7),
                json!(null),
            ),
        );
        finds(
            &RULE,
            &told(acknowledged.clone(), PROMPTS, json!(7), json!(null)),
            &["subscriptions/only-requested"],
        );
        finds(
            &RULE,
            &told(acknowledged.clone(), TOOLS, json!("7"), json!(null)),
            &["subscriptions/id-on-every-message"],
        );
        finds(
            &RULE,
            &acknowledged.notified(TOOLS, json!({})),
            &["subscriptions/id-on-every-message"],
        );
        sees_nothing(&RULE, &listening(modern()));
    }

    #[test]
    fn of_tasks() {
        let listening = |filter| {
            let params = json!({ "notifications": filter });
            let extension = json!({ crate::condition::TASKS_EXTENSION: {} });
            let script = modern().server(json!({ "extensions": extension }));
            let script = script.asks(7, "subscriptions/listen", params);
            told(script, ACKNOWLEDGED, json!(7), json!({}))
        };
        let task = "notifications/tasks";
        let one = listening(json!({ "taskIds": ["a"] }));
        passes(&RULE, &told(one, task, json!(7), json!(null)));
        let none = listening(json!({ "toolsListChanged": true }));
        finds(
            &RULE,
            &told(none, task, json!(7), json!(null)),
            &["subscriptions/only-requested"],
        );
    }

    #[test]
    fn acknowledgements() {
        let early = told(listening(modern()), TOOLS, json!(7), json!(null));
        finds(&RULE, &early, &["subscriptions/ack-first"]);
        finds(
            &RULE,
            &told(early, ACKNOWLEDGED, json!(7), json!({})),
            &["subscriptions/nothing-before-ack"],
        );
        let agreed = |filter| told(listening(modern()), ACKNOWLEDGED, json!(7), filter);
        passes(
            &RULE,
            &agreed(json!({ "resourceSubscriptions": ["a:b"], "promptsListChanged": false })),
        );
        finds(
            &RULE,
            &agreed(json!({ "promptsListChanged": true })),
            &["subscriptions/ack-subset"],
        );
        finds(
            &RULE,
            &agreed(json!({ "resourceSubscriptions": ["a:c"] })),
            &["subscriptions/ack-subset"],
        );
    }

    #[test]
    fn ends_by_name() {
        let ended = |id: Value| {
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
            listening(modern()).result(7, json!({ "resultType": "complete", "_meta": meta }))
        };
        passes(&RULE, &ended(json!(7)));
        finds(&RULE, &ended(json!("7")), &["subscriptions/id-on-result"]);
        finds(
            &RULE,
            &listening(modern()).result(7, json!({ "resultType": "complete" })),
            &["subscriptions/id-on-result"],
        );
    }

    #[test]
    fn ends_with_an_error() {
        let acknowledged = told(listening(modern()), ACKNOWLEDGED, json!(7), json!({}));
        let ended = acknowledged.gets(json!({
            "jsonrpc": "2.0",
            "id": 7,
            "error": { "code": -32000, "message": "Shutting down" },
        }));
        passes(&RULE, &ended);
        finds(
            &RULE,
            &told(ended, TOOLS, json!(7), json!(null)),
            &["subscriptions/only-requested"],
        );
    }

    #[test]
    fn without_a_subscription() {
        finds(
            &RULE,
            &modern().notified(TOOLS, json!({})),
            &["subscriptions/only-requested"],
        );
        let http = modern_http().streams(1, "tools/call", json!({}));
        let message = json!({ "jsonrpc": "2.0", "method": TOOLS });
        finds(
            &RULE,
            &http.event_of(message),
            &["subscriptions/only-requested"],
        );
    }
}
