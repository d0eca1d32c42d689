//! A task that has ended keeps its status, and reports no progress any more.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks#task-status-lifecycle>,
//! <https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/draft/tasks.md#task-status>

use std::collections::HashMap;

use serde_json::Value;

use super::look::{Received, answers, notifications, sent};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;

pub(super) const RULE: Rule = Rule {
    name: "task-states",
    title: "A task that has ended keeps its status, and reports no progress any more",
    why: "A client stops asking once it reads that a task is over: it would never see what comes \
        after.",
    requirements: &["tasks/terminal-final", "tasks/progress-stops"],
    faults: &["task-revives", "task-progress-late"],
    applies: |revision, _| revision >= Revision::V2025_11_25,
    check,
};

const ENDED: [&str; 3] = ["completed", "failed", "cancelled"];

/// What is known of a task.
#[derive(Clone, Copy)]
struct Ended<'a> {
    status: &'a str,
    /// The entry that told.
    entry: usize,
}

fn check(session: &Session<'_>, sight: &mut Sight) {
    let ended = ended(session);
    for answer in answers(session).filter(|answer| answer.method() == "tasks/get") {
        let Some((id, status)) = answer.result().and_then(task) else {
            continue;
        };
        sight.observe();
        // What was asked before the end was known may be older than that.
        let end = ended.get(id).filter(|end| end.entry < answer.exchange.sent);
        if let Some(end) = end.filter(|end| end.status != status) {
            let message = "a task that has ended has another status later";
            let entries = [end.entry, answer.exchange.sent, answer.entry];
            sight.violation(
                "tasks/terminal-final",
                &entries,
                message,
                end.status,
                status,
            );
        }
    }
    for (method, received) in notifications(session) {
        if method == "notifications/progress" {
            progress(session, &ended, &received, sight);
        }
    }
}

/// Every task that was seen to have ended, as it was seen first: in an answer, or told.
fn ended<'a>(session: &Session<'a>) -> HashMap<&'a str, Ended<'a>> {
    let mut ended: HashMap<&str, Ended<'_>> = HashMap::new();
    let mut note = |(id, status), entry| {
        let end = Ended { status, entry };
        let known = ended.entry(id).or_insert(end);
        if entry < known.entry {
            *known = end;
        }
    };
    for answer in answers(session).filter(|answer| answer.method().starts_with("tasks/")) {
        let found = answer.result().and_then(task);
        if let Some(found) = found.filter(|(_, status)| ENDED.contains(status)) {
            note(found, answer.entry);
        }
    }
    for (method, received) in notifications(session) {
        if !method.starts_with("notifications/tasks") {
            continue;
        }
        let found = received.message.get("params").and_then(task);
        if let Some(found) = found.filter(|(_, status)| ENDED.contains(status)) {
            note(found, received.entry);
        }
    }
    ended
}

/// The id and the status of a task.
fn task(value: &Value) -> Option<(&str, &str)> {
    Some((
        value.get("taskId")?.as_str()?,
        value.get("status")?.as_str()?,
    ))
}

/// Progress after the end is wrong where the order of what comes is that in which it was sent: on one stream.
fn progress(
    session: &Session<'_>,
    ended: &HashMap<&str, Ended<'_>>,
    received: &Received<'_>,
    sight: &mut Sight,
) {
    let token = received.message.pointer("/params/progressToken");
    let Some(end) = token
        .and_then(|token| created_with(session, token))
        .and_then(|id| ended.get(id))
    else {
        return;
    };
    if end.entry < received.entry && session.entries[end.entry].stream == received.stream {
        sight.violation(
            "tasks/progress-stops",
            &[end.entry, received.entry],
            "a task that has ended reports progress",
            "no more progress",
            received.message.clone(),
        );
    }
}

/// The task that a call with this progress token became (2025-11-25: in the extension tasks report none).
fn created_with<'a>(session: &Session<'a>, token: &Value) -> Option<&'a str> {
    let of_call = |message: &Value| {
        message.pointer("/params/_meta/progressToken") == Some(token)
            && message.pointer("/params/task").is_some()
    };
    let (entry, _) = sent(session).find(|(_, message)| of_call(message))?;
    let created = answers(session).find(|answer| answer.exchange.sent == entry)?;
    created.result()?.pointer("/task/taskId")?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn both() -> [Script; 2] {
        let extension = json!({ crate::condition::TASKS_EXTENSION: {} });
        [
            legacy().server(json!({ "tasks": {} })),
            modern().server(json!({ "extensions": extension })),
        ]
    }

    fn state(status: &str) -> Value {
        json!({ "taskId": "a", "status": status })
    }

    fn asked(script: Script, id: u64, status: &str) -> Script {
        script
            .asks(id, "tasks/get", json!({ "taskId": "a" }))
            .result(id, state(status))
    }

    #[test]
    fn status() {
        for script in both() {
            let working = asked(script.clone(), 1, "working");
            let completed = asked(working, 2, "completed");
            passes(&RULE, &completed);
            passes(&RULE, &asked(completed.clone(), 3, "completed"));
            for status in ["working", "failed"] {
                finds(
                    &RULE,
                    &asked(completed.clone(), 3, status),
                    &["tasks/terminal-final"],
                );
            }
            sees_nothing(&RULE, &script);
        }
        let [legacy, _] = both();
        let cancelled = legacy
            .asks(1, "tasks/cancel", json!({ "taskId": "a" }))
            .result(1, state("cancelled"));
        finds(
            &RULE,
            &asked(cancelled, 2, "completed"),
            &["tasks/terminal-final"],
        );
    }

    #[test]
    fn what_was_asked_earlier() {
        let overtaken = legacy()
            .asks(1, "tasks/get", json!({ "taskId": "a" }))
            .notified("notifications/tasks/status", state("completed"))
            .result(1, state("working"));
        passes(&RULE, &overtaken);
    }

    #[test]
    fn after_the_end() {
        let params = json!({ "task": {}, "_meta": { "progressToken": "t" } });
        let [legacy, _] = both();
        let ended = legacy
            .asks(1, "tools/call", params)
            .result(1, json!({ "task": state("working") }));
        let ended = asked(ended, 2, "completed");
        passes(&RULE, &ended);
        let late = |token: &str| {
            let params = json!({ "progressToken": token, "progress": 1 });
            ended.clone().notified("notifications/progress", params)
        };
        finds(&RULE, &late("t"), &["tasks/progress-stops"]);
        passes(&RULE, &late("of another request"));
    }
}
