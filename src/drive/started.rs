//! Requests whose answer comes later: what is awaited of them, and how they are cancelled.

use std::time::Instant;

use serde_json::{Value, json};

use super::send::Outbound;
use super::steps::Next;
use super::wait::{is_settled, stream_ended};
use super::{Recorder, Session};
use crate::judge::pattern::Scope;
use crate::judge::view;
use crate::revision::Era;
use crate::transcript::StepRef;
use crate::value::ExpandError;

impl Session {
    /// The entry with which a request was started.
    fn entry_of(&self, name: &str) -> Result<usize, ExpandError> {
        let sent = self.started.get(name).copied();
        sent.ok_or_else(|| ExpandError::UnsetVariable(name.to_owned()))
    }

    /// Waits for the answer, or until a message like this has come.
    pub(super) async fn await_started(
        &mut self,
        at: StepRef,
        name: &str,
        until: Option<&Value>,
    ) -> Result<Next, ExpandError> {
        let sent = self.entry_of(name)?;
        let Some(until) = until else {
            let wait = self.wait_answer(sent, Some(at)).await;
            return Ok(wait.into());
        };
        let (revision, vars) = (self.spec.revision, self.vars.clone());
        let scope = Scope {
            revision,
            vars: &vars,
        };
        let wait = self
            .wait_for(Some(at), "a message that the step awaits", |record| {
                let concerning = view::concerning(&record.entries, sent, revision.era());
                is_settled(record, sent) || view::has_come(until, concerning, &scope)
            })
            .await;
        Ok(wait.into())
    }

    /// Cancels by a notification, whose entry it returns, or, where each request has a stream of its own, by closing that.
    pub(super) async fn cancel(
        &mut self,
        at: StepRef,
        name: &str,
    ) -> Result<Option<usize>, ExpandError> {
        let sent = self.entry_of(name)?;
        if self.is_http() && self.spec.era() == Era::Modern {
            let stream = self.record.entries[sent].stream;
            // What was not sent yet would never be.
            let deadline = Instant::now() + self.patience();
            let is_out =
                move |record: &Recorder| record.is_out(sent) || stream_ended(record, stream);
            self.pump(deadline, is_out).await;
            self.abandon(stream);
            return Ok(None);
        }
        let id = self.record.entries[sent]
            .json()
            .and_then(|message| message.get("id").cloned());
        let params = json!({ "requestId": id, "reason": "cancelled by mcp-conform" });
        let outbound = Outbound {
            step: Some(at),
            ..self.notification("notifications/cancelled", Some(params))
        };
        Ok(Some(self.send(outbound)))
    }
}
