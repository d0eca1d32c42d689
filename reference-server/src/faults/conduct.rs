//! Faults in what is done, when, and what is said unasked.

use std::time::Duration;

use serde_json::json;

use super::input::is_known;
use super::{F, Faults};
use crate::context::Outlet;
use crate::hub::Event;
use crate::jsonrpc::{Id, Message, Object, Packet, notification};
use crate::lock;
use crate::revision::Revision;
use crate::work::{InFlight, Work};

/// What one call leaks, in bytes.
const LEAK: usize = 1024 * 1024;

impl Faults {
    /// A request is about to be worked on: earlier ones are wrongly forgotten.
    pub fn keep_newest(&self, in_flight: &InFlight, work: Work) -> Work {
        if !self.has(F::NewestOnly) {
            return work;
        }
        in_flight.cancel_all();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            work.await
        })
    }

    /// Whether a request that came by HTTP is wrongly forgotten, because another came soon after it.
    pub async fn forgets(&self, packet: &Packet) -> bool {
        match packet {
            Packet::Single(Ok(Message::Request { method, .. }))
                if self.has(F::NewestOnly) && method != "initialize" => {}
            _ => return false,
        }
        let number = self.count();
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.counted() > number + 1
    }

    /// Before a tool runs.
    pub async fn delay_tool(&self) {
        if self.has(F::AnswerNever) {
            std::future::pending::<()>().await;
        }
        if self.has(F::Slow) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        if self.has(F::Leaks) {
            lock(&self.memory.leaked).push(vec![1; LEAK]);
        }
    }

    /// A request is about to be worked on, of which the client should not hear what it now hears.
    pub fn speak_unasked(&self, revision: Revision, method: &str, id: &Id, outlet: &dyn Outlet) {
        if !self.any || method != "tools/call" {
            return;
        }
        if self.has(F::CancelsNothing) {
            let params = json!({"reason": "whatever"});
            outlet.send(notification("notifications/cancelled", params));
        }
        if self.has(F::LaterMethods) && !revision.is_modern() {
            let params = json!({"notifications": {}});
            let method = "notifications/subscriptions/acknowledged";
            outlet.send(notification(method, params));
        }
        if self.has(F::PromptsChangeUndeclared) && !revision.is_modern() {
            outlet.send(notification(Event::Prompts.method(), json!({})));
        }
        let fault = match revision.is_modern() {
            true => F::CancelsAnything,
            false => F::CancelsClientRequests,
        };
        if self.has(fault) {
            let params = json!({"requestId": id.to_value()});
            outlet.send(notification("notifications/cancelled", params));
        }
    }

    /// The handshake was answered.
    pub fn on_initialize(&self, outlet: &dyn Outlet) {
        if self.has(F::TalksTooEarly) {
            outlet.send(json!({"jsonrpc": "2.0", "id": "early", "method": "roots/list"}));
        }
    }

    /// A notification was read.
    pub fn on_notification(
        &self,
        method: &str,
        params: &Object,
        in_flight: &InFlight,
        outlet: &dyn Outlet,
    ) {
        if !self.any {
            return;
        }
        let id = params.get("requestId").and_then(Id::from_value);
        if method == "notifications/cancelled" && self.answers_cancellation(id.as_ref(), in_flight)
        {
            let error = json!({"code": -32603, "message": "cancelled"});
            let id = id.as_ref().map(Id::to_value);
            outlet.send(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
        let known = is_known(method);
        if self.has(F::NotificationAnswered) || !known && self.has(F::UnknownNotificationAnswered) {
            outlet.send(json!({"jsonrpc": "2.0", "id": null, "result": {}}));
        }
    }

    fn answers_cancellation(&self, id: Option<&Id>, in_flight: &InFlight) -> bool {
        let Some(id) = id else {
            self.on_malformed_cancellation();
            return self.has(F::CancelMalformedAnswered);
        };
        if in_flight.contains(id) {
            return self.has(F::CancelAnswered);
        }
        self.on_late_cancellation();
        let answered = || self.saw_before(&id.to_value().to_string());
        self.has(F::CancelUnknownAnswered) || self.has(F::CancelLateAnswered) && answered()
    }
}
