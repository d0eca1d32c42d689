//! Faults in what is said about tasks.

use serde_json::{Value, json};

use super::{F, Faults};
use crate::jsonrpc::Object;
use crate::revision::Revision;
use crate::tasks::legacy::RELATED_TASK;

impl Faults {
    /// An id that is wrongly given to a new task.
    pub fn task_id(&self) -> Option<String> {
        match () {
            () if self.has(F::TaskIdsRepeat) => Some("the-task-that-is-always-the-same".into()),
            () if self.has(F::TaskIdsGuessable) => Some(format!("task-{}", self.count())),
            () => None,
        }
    }

    /// The answer to a call that has become a task.
    pub fn spoil_created(&self, revision: Revision, result: &mut Object) {
        if revision.is_modern() {
            if self.has(F::TaskCreatedPlain) {
                let task = Value::Object(std::mem::take(result));
                result.insert("task".into(), task);
                result.insert("resultType".into(), "task".into());
            }
            return;
        }
        let Some(task) = result.get_mut("task").and_then(Value::as_object_mut) else {
            return;
        };
        if self.has(F::TaskBeginsCompleted) {
            task.insert("status".into(), "completed".into());
        }
        if self.has(F::TaskCreatedPlain) {
            *result = std::mem::take(task);
        }
    }

    /// The result of a request about tasks.
    pub(super) fn spoil_task(&self, method: &str, revision: Revision, result: &mut Object) {
        let modern = revision.is_modern();
        if method != "tasks/result" && self.has(F::TaskWithoutTimes) {
            result.shift_remove("createdAt");
        }
        match method {
            "tasks/get" => {
                let failed = result.get("result").and_then(|inner| inner.get("isError"));
                if modern && self.has(F::TaskToolErrorStatus) && failed == Some(&true.into()) {
                    result.insert("status".into(), "failed".into());
                }
                if modern && self.has(F::TaskErrorCompleted) && result.contains_key("error") {
                    result.insert("status".into(), "completed".into());
                }
                if !modern && self.has(F::TaskToolErrorStatus) && result["status"] == "failed" {
                    result.insert("status".into(), "completed".into());
                }
                if modern && self.has(F::TaskGetType) {
                    result.insert("resultType".into(), "task".into());
                }
                if self.has(F::TaskResultMissing) {
                    result.shift_remove("result");
                }
                if self.has(F::TaskQuestionsMissing) {
                    result.shift_remove("inputRequests");
                }
                if !modern && self.has(F::TaskGetRelated) {
                    let related = json!({RELATED_TASK: {"taskId": result["taskId"]}});
                    result.insert("_meta".into(), related);
                }
            }
            "tasks/result" if self.has(F::TaskResultUnrelated) => {
                result.shift_remove("_meta");
            }
            "tasks/result" if self.has(F::TaskResultOnce) && self.count() > 0 => {
                result.insert("content".into(), json!([]));
            }
            "tasks/list" if self.has(F::TaskUnlisted) => {
                result.insert("tasks".into(), json!([]));
                result.shift_remove("nextCursor");
            }
            "tasks/cancel" if modern && self.has(F::TaskCancelNotEmpty) => {
                result.insert("status".into(), "cancelled".into());
            }
            "tasks/update" if self.has(F::TaskUpdateNotEmpty) => {
                result.insert("status".into(), "working".into());
            }
            _ => {}
        }
    }
}
