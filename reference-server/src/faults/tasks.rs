//! Faults in what is said about tasks.

use serde_json::{Value, json};

use super::{F, Faults};
use crate::jsonrpc::{ErrorObject, Object};
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

    /// A client's id wrongly becomes that of a task, or a number does.
    pub(super) fn spoil_task_id(&self, params: &Object, result: &mut Object) {
        let chosen = params.get("task").and_then(|task| task.get("taskId"));
        let mut put = |id: Value| {
            if let Some(task) = result.get_mut("task") {
                task["taskId"] = id;
            } else if result.contains_key("taskId") {
                result.insert("taskId".into(), id);
            }
        };
        if let (true, Some(chosen)) = (self.has(F::TaskIdChosen), chosen) {
            put(chosen.clone());
        }
        if self.has(F::TaskIdNumber) {
            put(7.into());
        }
    }

    /// A request that can be no task is wrongly refused because it asks for one.
    pub fn refuse_task(&self, method: &str, params: &Object) -> Result<(), ErrorObject> {
        match self.has(F::TaskMemberRefused)
            && method != "tools/call"
            && params.contains_key("task")
        {
            true => Err(ErrorObject::invalid_params("this cannot be a task")),
            false => Ok(()),
        }
    }

    /// Whether a client is taken for one that knows tasks.
    pub fn knows_tasks(&self, declared: bool) -> bool {
        if declared && self.has(F::TaskDeclaredOnce) {
            self.count();
        }
        declared || self.has(F::TaskUnasked) || self.has(F::TaskDeclaredOnce) && self.counted() > 0
    }

    /// A task has put a question, and has an answer.
    pub fn note_question(&self) {
        if self.has(F::TaskStaysWaiting) {
            self.count();
        }
    }

    /// What those hear who listen for a task.
    pub fn spoil_told_task(&self, task: &mut Object) {
        if self.has(F::TaskNotificationBare) {
            for member in ["result", "error", "inputRequests"] {
                task.shift_remove(member);
            }
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
            if self.has(F::TaskResultType) {
                result.insert("resultType".into(), "complete".into());
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
        if method != "tasks/result" {
            for (fault, member) in [
                (F::TaskWithoutTimes, "createdAt"),
                (F::TaskWithoutUpdateTime, "lastUpdatedAt"),
                (F::TaskWithoutTtl, if modern { "ttlMs" } else { "ttl" }),
            ] {
                if self.has(fault) {
                    result.shift_remove(member);
                }
            }
        }
        if method == "tasks/get" {
            self.spoil_status(modern, result);
            self.spoil_questions(result);
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
            "tasks/list" if self.has(F::TaskListCut) => {
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

    /// Where a task stands.
    fn spoil_status(&self, modern: bool, result: &mut Object) {
        let is = |result: &Object, status: &str| result["status"] == status;
        if !modern && self.has(F::TaskNotWaiting) && is(result, "input_required") {
            result.insert("status".into(), "working".into());
        }
        if !modern && self.has(F::TaskStaysWaiting) && self.counted() > 0 {
            result.insert("status".into(), "input_required".into());
        }
        if self.has(F::TaskFailedSilent) && is(result, "failed") {
            result.shift_remove("statusMessage");
        }
        let ended = ["completed", "failed", "cancelled"];
        if self.has(F::TaskRevives)
            && ended.iter().any(|status| is(result, status))
            && self.saw_before(result["taskId"].as_str().unwrap_or_default())
        {
            result.insert("status".into(), "working".into());
        }
    }

    /// What a task asks.
    fn spoil_questions(&self, result: &mut Object) {
        let Some(Value::Object(questions)) = result.get_mut("inputRequests") else {
            return;
        };
        if self.has(F::TaskQuestionsPartial) {
            let first = questions.keys().next().cloned();
            questions.retain(|key, _| Some(key) == first.as_ref());
        }
        if self.has(F::TaskKeysReused) {
            let last = questions.len().saturating_sub(1);
            let mut asked: Vec<Value> = questions.values().cloned().collect();
            if self.count() % 2 == 1 {
                asked.swap(0, last);
            }
            for (question, other) in questions.values_mut().zip(asked) {
                *question = other;
            }
        }
    }
}
