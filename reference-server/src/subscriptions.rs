//! `subscriptions/listen`: a request that stays open and tells what changes.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions>

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::auth::Caller;
use crate::context::{Answer, Failure, Outlet};
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
    let owner = Owner::new(server, caller, None);
    let filter = granted(server, params, &owner, knows_tasks)?;
    if faults.has(F::ListenOnce) && server.hub.has_listeners() {
        return Err(ErrorObject::internal("one subscription is enough").into());
    }
    let subscription = Arc::new(Subscription {
        server: Arc::clone(server),
        owner,
        filter,
        meta: json!({SUBSCRIPTION_ID: id.to_value()}),
        outlet,
        number: faults.count(),
        over: Notify::new(),
    });
    subscription.acknowledge();
    let hearing = {
        let subscription = Arc::clone(&subscription);
        server.hub.listen(move |event| subscription.hear(event))
    };
    let listening = match faults.has(F::ListenForever) {
        // Goes on telling even after this future was dropped.
        true => {
            std::mem::forget(hearing);
            None
        }
        false => Some(hearing),
    };
    subscription.tell_what_was();
    if faults.has(F::ListenCut) {
        return Ok(Object::new());
    }
    let reason = tokio::select! {
        () = server.hub.closed() => "shutting down",
        () = subscription.over.notified() => "no longer served",
    };
    drop(listening);
    subscription.end(id, reason).await
}

/// What is asked for, as far as it is to be had.
fn granted(
    server: &Server,
    params: &Object,
    owner: &Owner,
    knows_tasks: bool,
) -> Result<Filter, Failure> {
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
    let is_theirs = |id: &str| server.tasks.find(owner, id).is_some();
    filter.tasks.retain(|id| is_theirs(id));
    filter.uris.retain(|uri| {
        let job = uri.strip_prefix(tasks::JOB_SCHEME);
        job.is_none_or(is_theirs)
    });
    Ok(filter)
}

/// One request to listen, while it is open.
struct Subscription {
    server: Arc<Server>,
    owner: Owner,
    filter: Filter,
    /// The `_meta` that names it.
    meta: Value,
    outlet: Arc<dyn Outlet>,
    /// The how many-th it is.
    number: usize,
    /// Told when there will be nothing more to tell.
    over: Notify,
}

impl Subscription {
    fn has(&self, fault: F) -> bool {
        self.server.faults.has(fault)
    }

    /// Sends a notification that names the subscription.
    fn send(&self, method: &str, mut params: Value) {
        params["_meta"] = self.meta.clone();
        self.outlet.send(notification(method, params));
    }

    fn acknowledge(&self) {
        let mut params = json!({"_meta": self.meta, "notifications": self.filter.to_value()});
        self.server.faults.spoil_acknowledged(&mut params);
        if self.has(F::AcknowledgedLate) {
            self.send(Event::Tools.method(), json!({}));
        }
        if !self.has(F::ListenUnacknowledged) {
            let method = "notifications/subscriptions/acknowledged";
            self.outlet.send(notification(method, params));
        }
    }

    fn hear(&self, event: &Event) {
        if let Event::Over(uri, whose) = event {
            if self.filter.uris.contains(uri) && *whose == self.owner {
                self.over.notify_one();
            }
            return;
        }
        let replaced = self.server.faults.is_replaced(self.number);
        if (self.filter.wants(event) && !replaced) || self.has(F::ListenUnfiltered) {
            self.tell(event);
        }
    }

    fn tell(&self, event: &Event) {
        let mut params = json!({"_meta": self.meta});
        match event {
            Event::Resource(uri) => params["uri"] = uri.as_str().into(),
            Event::Task(task) => add_task(&mut params, task, &self.server.faults),
            _ => {}
        }
        self.server.faults.spoil_change(&mut params);
        if self.has(F::ListenProgress) {
            let params = json!({"progressToken": "changes", "progress": 1});
            self.send("notifications/progress", params);
        }
        if self.has(F::ListenLogs) {
            let params = json!({"level": "info", "data": "changed"});
            self.send("notifications/message", params);
        }
        self.outlet.send(notification(event.method(), params));
        if matches!(event, Event::Task(_)) && self.has(F::TaskListenProgress) {
            let params = json!({"progressToken": "task", "progress": 1});
            self.send("notifications/progress", params);
        }
    }

    /// Tells what happened to its tasks before anybody listened.
    fn tell_what_was(&self) {
        let find = |id: &String| self.server.tasks.find(&self.owner, id);
        for task in self.filter.tasks.iter().filter_map(find) {
            let mut params = json!({"_meta": self.meta});
            add_task(&mut params, &task, &self.server.faults);
            self.outlet
                .send(notification("notifications/tasks", params));
        }
    }

    async fn end(&self, id: &Id, reason: &str) -> Answer {
        if !self.has(F::ListenEndsUntold) {
            let params = json!({"requestId": id.to_value(), "reason": reason});
            self.send("notifications/cancelled", params);
        }
        if self.has(F::ListenEndsUnanswered) {
            std::future::pending::<()>().await;
        }
        let mut result = Object::new();
        if !self.has(F::ListenEndsUnnamed) {
            result.insert("_meta".into(), self.meta.clone());
        }
        Ok(result)
    }
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
