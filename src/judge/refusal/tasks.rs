//! What is wrong with a request about tasks.

use serde_json::Value;

use super::Answered;
use super::check::{Check, check};
use crate::condition::TASKS_EXTENSION;
use crate::revision::modern;

/// The first that applies counts.
pub(super) static CHECKS: &[Check] = &[
    check(
        &["tasks/get", "tasks/update", "tasks/cancel"],
        "tasks/methods-need-extension",
        lacks_extension,
    ),
    check(&["tasks/get"], "tasks/get-unknown", is_unknown),
    check(&["tasks/result"], "tasks/result-unknown", is_unknown),
    check(&["tasks/cancel"], "tasks/cancel-unknown", is_unknown),
    check(&["tasks/update"], "tasks/update-unknown", is_unknown),
    check(&["tasks/cancel"], "tasks/cancel-terminal", has_ended),
];

fn lacks_extension(answered: &Answered<'_>) -> bool {
    let client = answered.meta(modern::CLIENT_KEY);
    let extensions = client.and_then(|client| client.get("extensions"));
    let knows = extensions.is_some_and(|extensions| extensions.get(TASKS_EXTENSION).is_some());
    answered.is_modern() && !knows
}

/// Whether no call before it has made such a task.
fn is_unknown(answered: &Answered<'_>) -> bool {
    let wanted = answered.param("/taskId");
    let makes = |(request, result): &(&Value, &Value)| {
        let id = result.pointer("/task/taskId").or(result.get("taskId"));
        request["method"] == "tools/call" && id == wanted
    };
    wanted.is_none() || !answered.earlier.iter().any(makes)
}

/// Whether the server has said before that the task has ended. In the modern era that may be cancelled all the same.
fn has_ended(answered: &Answered<'_>) -> bool {
    let wanted = answered.param("/taskId");
    let ends = |(request, result): &(&Value, &Value)| {
        let status = result["status"].as_str();
        request["method"] != "tools/call"
            && result.get("taskId") == wanted
            && matches!(status, Some("completed" | "failed" | "cancelled"))
    };
    !answered.is_modern() && answered.earlier.iter().any(ends)
}
