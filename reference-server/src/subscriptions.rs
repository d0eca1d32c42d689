//! `subscriptions/listen`: a request that stays open and tells what changes.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions>

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::auth::Caller;
use crate::context::{Answer, Outlet};
use crate::faults::{F, Faults};
use crate::hub::Event;
use crate::jsonrpc::{ErrorObject, Id, Object, notification};
use crate::offer::{Feature, Offer};
use crate::server::Server;
use crate::tasks::{self, Owner, Task};

/// The most resources, and the most tasks, that one subscription names: all are looked through at every change.
const MAX_NAMED: usize = 1000;
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// What a subscription was opened for.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: Vec<String>,
    tasks: Vec<String>,
}

impl Filter {
    fn read(params: &Object) -> Result<Self, ErrorObject> {
        let malformed = |what| Err(ErrorObject::invalid_params(what));
        let Some(Value::Object(wanted)) = params.get("notifications") else {
            return malformed("notifications is a required object");
        };
        let flag = |name: &str| match wanted.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ErrorObject::invalid_params(format!("{name} is a boolean"))),
        };
        let strings = |name: &str| match wanted.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() > MAX_NAMED => {
                let error = format!("{name} has at most {MAX_NAMED} members");
                Err(ErrorObject::invalid_params(error))
            }
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                let items = items.iter().filter_map(Value::as_str);
                Ok(items.map(str::to_owned).collect())
            }
            Some(_) => {
                let error = format!("{name} is an array of strings");
                Err(ErrorObject::invalid_params(error))
            }
        };
        Ok(Self {
            tools: flag("toolsListChanged")?,
            prompts: flag("promptsListChanged")?,
            resources: flag("resourcesListChanged")?,
            uris: strings("resourceSubscriptions")?,
            tasks: strings("taskIds")?,
        })
    }

    /// Leaves out what the server does not tell of.
    fn keep_offered(&mut self, offer: &Offer) {
        self.tools &= offer.tells_of(Feature::Tools);
        self.prompts &= offer.tells_of(Feature::Prompts);
        self.resources &= offer.tells_of(Feature::Resources);
        if !offer.tells_of(Feature::Resources) {
            self.uris.clear();
        }
    }

    fn to_value(&self) -> Value {
        let mut value = Object::new();
        for (name, wanted) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if wanted {
                value.insert(name.into(), true.into());
            }
        }
        if !self.uris.is_empty() {
            value.insert("resourceSubscriptions".into(), json!(self.uris));
        }
        if !self.tasks.is_empty() {
            value.insert("taskIds".into(), json!(self.tasks));
        }
        Value::Object(value)
    }

    fn wants(&self, event: &Event) -> bool {
        match event {
            Event::Tools => self.tools,
            Event::Prompts => self.prompts,
            Event::Resources => self.resources,
            Event::Resource(uri) => self.uris.contains(uri),
            Event::Task(task) => self.tasks.contains(&task.id),
            Event::Over(..) => false,
        }
    }
}

/// Serves one subscription until the server ends it; cancelling it means dropping the future.
pub async fn listen(
    server: &Arc<Server>,
    id: &Id,
    params: &Object,
    outlet: Arc<dyn Outlet>,
    caller: &Caller,
    knows_tasks: bool,
) -> Answer {
    let faults = &server.faults;
    let mut filter = match Filter::read(params) {
        Err(_) if faults.has(F::FilterUnchecked) => Filter::default(),
        filter => filter?,
    };
    if !filter.tasks.is_empty() && !knows_tasks && !faults.has(F::TaskListenOpen) {
        return Err(tasks::modern::undeclared().into());
    }
    if !faults.has(F::UnsupportedAcknowledged) {
        filter.keep_offered(&server.offer);
    }
    let owner = Owner::new(server, caller, None);
    let find = |id: &str| server.tasks.find(&owner, id);
    filter.tasks.retain(|id| find(id).is_some());
    filter.uris.retain(|uri| {
        let job = uri.strip_prefix(tasks::JOB_SCHEME);
        job.is_none_or(|id| find(id).is_some())
    });
    let followed = filter.tasks.clone();
    if faults.has(F::ListenOnce) && server.hub.has_listeners() {
        return Err(ErrorObject::internal("one subscription is enough").into());
    }
    let number = faults.count();
    let meta = json!({SUBSCRIPTION_ID: id.to_value()});
    let mut acknowledged = json!({"_meta": meta, "notifications": filter.to_value()});
    faults.spoil_acknowledged(&mut acknowledged);
    if faults.has(F::AcknowledgedLate) {
        let early = json!({"_meta": meta});
        outlet.send(notification(Event::Tools.method(), early));
    }
    if !faults.has(F::ListenUnacknowledged) {
        let method = "notifications/subscriptions/acknowledged";
        outlet.send(notification(method, acknowledged));
    }
    let over = Arc::<Notify>::default();
    let subscription = {
        let (server, meta, outlet) = (Arc::clone(server), meta.clone(), Arc::clone(&outlet));
        let (over, owner) = (Arc::clone(&over), owner.clone());
        let told_anyway = faults.has(F::ListenUnfiltered);
        server.clone().hub.listen(move |event| {
            if let Event::Over(uri, whose) = event {
                if filter.uris.contains(uri) && *whose == owner {
                    over.notify_one();
                }
                return;
            }
            let told = filter.wants(event) && !server.faults.is_replaced(number);
            if told || told_anyway {
                let mut params = json!({"_meta": meta});
                match event {
                    Event::Resource(uri) => params["uri"] = uri.as_str().into(),
                    Event::Task(task) => add_task(&mut params, task, &server.faults),
                    _ => {}
                }
                server.faults.spoil_change(&mut params);
                if server.faults.has(F::ListenProgress) {
                    let params = json!({"_meta": meta, "progressToken": "changes", "progress": 1});
                    outlet.send(notification("notifications/progress", params));
                }
                if server.faults.has(F::ListenLogs) {
                    let params = json!({"_meta": meta, "level": "info", "data": "changed"});
                    outlet.send(notification("notifications/message", params));
                }
                outlet.send(notification(event.method(), params));
                if matches!(event, Event::Task(_)) && server.faults.has(F::TaskListenProgress) {
                    let params = json!({"_meta": meta, "progressToken": "task", "progress": 1});
                    outlet.send(notification("notifications/progress", params));
                }
            }
        })
    };
    let listening = match faults.has(F::ListenForever) {
        // Goes on telling even after this future was dropped.
        true => {
            std::mem::forget(subscription);
            None
        }
        false => Some(subscription),
    };
    // What happened to a task before anybody listened.
    for task in followed.iter().filter_map(|id| find(id)) {
        let mut params = json!({"_meta": meta});
        add_task(&mut params, &task, faults);
        outlet.send(notification("notifications/tasks", params));
    }
    if faults.has(F::ListenCut) {
        return Ok(Object::new());
    }
    let reason = tokio::select! {
        () = server.hub.closed() => "shutting down",
        () = over.notified() => "no longer served",
    };
    drop(listening);
    if !faults.has(F::ListenEndsUntold) {
        let closing = json!({"_meta": meta, "requestId": id.to_value(), "reason": reason});
        outlet.send(notification("notifications/cancelled", closing));
    }
    if faults.has(F::ListenEndsUnanswered) {
        std::future::pending::<()>().await;
    }
    let mut result = Object::new();
    if !faults.has(F::ListenEndsUnnamed) {
        result.insert("_meta".into(), meta);
    }
    Ok(result)
}

/// Adds what `tasks/get` would say.
fn add_task(params: &mut Value, task: &Task, faults: &Faults) {
    let mut said = tasks::modern::detailed(task);
    faults.spoil_told_task(&mut said);
    if let Some(members) = params.as_object_mut() {
        members.append(&mut said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_back_only_what_was_asked() {
        let asked = json!({"notifications": {
            "toolsListChanged": true,
            "promptsListChanged": false,
            "resourceSubscriptions": ["test://a"],
        }});
        let filter = Filter::read(asked.as_object().unwrap()).unwrap();
        let expected = json!({"toolsListChanged": true, "resourceSubscriptions": ["test://a"]});
        assert_eq!(filter.to_value(), expected);
        assert!(filter.wants(&Event::Resource("test://a".into())));
        assert!(!filter.wants(&Event::Resources));
    }
}
