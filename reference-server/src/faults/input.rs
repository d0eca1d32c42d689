//! Faults at the sight of certain input. All of them are about standard input, where one bad line
//! can cost the whole connection.

use std::fs::File;
use std::io;
use std::time::Duration;

use serde_json::json;

use super::envelope::die;
use super::{F, Faults};
use crate::context::Outlet;
use crate::jsonrpc::{Id, Object, Rejection, notification};
use crate::revision::Revision;
use crate::work::{InFlight, Work};

/// Takes no notice of anything any more, but ends no sooner than the input.
fn go_deaf() -> ! {
    // Standard input itself is locked by whoever reads it.
    let input = File::open("/dev/stdin");
    let _ = input.and_then(|mut input| io::copy(&mut input, &mut io::sink()));
    die();
}

impl Faults {
    /// A line was read.
    pub fn on_line(&self, line: &[u8]) {
        if !self.any {
            return;
        }
        let dies = line.is_empty() && self.has(F::DiesOnEmptyLine)
            || line.first() == Some(&b'[') && self.has(F::DiesOnBatch)
            || str::from_utf8(line).is_err() && self.has(F::DiesOnInvalidUtf8);
        if dies {
            die();
        }
    }

    /// A line was too long to be kept.
    pub fn on_huge_line(&self) {
        if self.has(F::HangsOnHuge) {
            go_deaf();
        }
    }

    /// A line was no message.
    pub fn on_rejection(&self, rejection: &Rejection) {
        if !self.any {
            return;
        }
        let parse = rejection.error.code == -32700;
        let says = |text: &str| rejection.error.message.contains(text);
        let dies = parse && self.has(F::DiesOnBadJson)
            || !parse && self.has(F::DiesOnBadEnvelope)
            || says("nested") && self.has(F::DiesOnDeepNesting)
            || says("an id is") && self.has(F::DiesOnNullId);
        if dies {
            die();
        }
        if parse && self.has(F::DeafAfterBadJson) || !parse && self.has(F::DeafAfterBadEnvelope) {
            go_deaf();
        }
    }

    /// A response answers nothing that was asked.
    pub fn on_stray_response(&self) {
        if self.has(F::DiesOnStrayResponse) {
            die();
        }
    }

    /// A request was read.
    pub fn on_request(&self) {
        if self.has(F::DiesEarly) && self.count() >= 20 {
            die();
        }
    }

    /// A request came before the handshake.
    pub fn on_early_request(&self) {
        if self.has(F::DiesOnEarlyRequest) {
            die();
        }
    }

    /// A cursor was not one of ours.
    pub fn on_bad_cursor(&self) {
        if self.has(F::DiesOnBadCursor) {
            die();
        }
    }

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

    /// Before a tool runs.
    pub async fn delay_tool(&self) {
        if self.has(F::AnswerNever) {
            std::future::pending::<()>().await;
        }
        if self.has(F::Slow) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }

    /// A request is about to be worked on; a client should not hear that it is cancelled.
    pub fn cancel_for_client(
        &self,
        revision: Revision,
        method: &str,
        id: &Id,
        outlet: &dyn Outlet,
    ) {
        let fault = match revision.is_modern() {
            true => F::CancelsAnything,
            false => F::CancelsClientRequests,
        };
        if method == "tools/call" && self.has(fault) {
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
        if method == "notifications/cancelled" {
            let Some(id) = &id else {
                if self.has(F::CancelMalformedDies) {
                    die();
                }
                return;
            };
            let running = in_flight.contains(id);
            if !running && self.has(F::CancelLateDies) {
                die();
            }
            if running && self.has(F::CancelAnswered)
                || !running && self.has(F::CancelUnknownAnswered)
            {
                let error = json!({"code": -32603, "message": "cancelled"});
                outlet.send(json!({"jsonrpc": "2.0", "id": id.to_value(), "error": error}));
            }
        }
        let known = [
            "notifications/initialized",
            "notifications/cancelled",
            "notifications/progress",
            "notifications/roots/list_changed",
        ]
        .contains(&method);
        if self.has(F::NotificationAnswered) || !known && self.has(F::UnknownNotificationAnswered) {
            outlet.send(json!({"jsonrpc": "2.0", "id": null, "result": {}}));
        }
    }
}
