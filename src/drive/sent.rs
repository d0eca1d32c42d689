//! Steps that send something: what goes out, and then what is waited for. Several may go out at once.

use std::time::Instant;

use super::Session;
use super::steps::{GRACE, Next, to_u16};
use crate::catalog::case::{Action, Case, Step};
use crate::judge::duty::Duty;
use crate::transcript::StepRef;
use crate::transport::StreamId;
use crate::value::ExpandError;

/// What a step has sent, by what is waited for.
enum Sent {
    /// An answer.
    Request(usize),
    /// An answer if one is due, and over HTTP the response in any case.
    Message(usize),
    /// The response of an HTTP exchange.
    Exchange(StreamId),
    /// Nothing.
    Nothing,
}

impl Session {
    /// Sends what one step says, and waits.
    pub(super) async fn send_alone(
        &mut self,
        at: StepRef,
        step: &Step,
    ) -> Result<Next, ExpandError> {
        let sent = self.send_step(at, step).await?;
        if matches!(step.action, Action::Bytes { newline: false, .. }) && !self.is_http() {
            // The pieces of a line shall be read one by one.
            self.pump(Instant::now() + GRACE, |_| false).await;
        }
        let next = self.settle_sent(&sent, at).await;
        if let (Action::Request(call), Sent::Request(sent)) = (&step.action, sent) {
            self.note_own_opening(sent, call);
        }
        Ok(next)
    }

    /// Sends what several steps say at once, over stdio in one write, and waits for everything.
    pub(super) async fn send_together(
        &mut self,
        case: &Case,
        at: StepRef,
        steps: &[Step],
    ) -> Result<Next, ExpandError> {
        self.hold(true);
        let sent = self.send_steps(at, steps).await;
        self.hold(false);
        for ((sent, at), step) in sent?.into_iter().zip(steps) {
            let next = self.settle_sent(&sent, at).await;
            if next != Next::Go {
                return Ok(next);
            }
            if !self.goes_on(case, at, step) {
                return Ok(Next::Stop);
            }
        }
        Ok(Next::Go)
    }

    async fn send_steps(
        &mut self,
        at: StepRef,
        steps: &[Step],
    ) -> Result<Vec<(Sent, StepRef)>, ExpandError> {
        let mut all = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let at = StepRef(at.0, to_u16(index + 1));
            self.assume(step)?;
            all.push((self.send_step(at, step).await?, at));
        }
        Ok(all)
    }

    async fn send_step(&mut self, at: StepRef, step: &Step) -> Result<Sent, ExpandError> {
        Ok(match &step.action {
            Action::Request(call) => Sent::Request(self.call(call, Some(at), true)?),
            Action::Start { name, call } => {
                let sent = self.call(call, Some(at), true)?;
                self.started.insert(name.clone(), sent);
                Sent::Nothing
            }
            Action::Cancel { name } => match self.cancel(at, name).await? {
                Some(sent) => Sent::Message(sent),
                None => Sent::Nothing,
            },
            Action::Notify(call) => Sent::Message(self.call(call, Some(at), false)?),
            Action::Send { message, headers } => {
                Sent::Message(self.send_verbatim(at, message, headers)?)
            }
            Action::Bytes {
                bytes,
                newline,
                headers,
            } => Sent::Message(self.send_bytes(at, bytes, *newline, headers)?),
            Action::Http(http) => Sent::Exchange(self.send_http(at, http)?),
            _ => Sent::Nothing,
        })
    }

    async fn settle_sent(&mut self, sent: &Sent, at: StepRef) -> Next {
        match sent {
            Sent::Request(sent) => self.settle(*sent, at).await,
            Sent::Message(sent) => self.settle_due(*sent, at).await,
            Sent::Exchange(stream) => self.settle_http(*stream, at).await,
            Sent::Nothing => Next::Go,
        }
    }

    /// Waits if an answer is due, or on HTTP always: every request has a response. On stdio the `alive` that follows
    /// is the fence behind which a missing answer is silence.
    async fn settle_due(&mut self, sent: usize, at: StepRef) -> Next {
        let due = self.exchange(sent).map(|exchange| exchange.due.duty);
        if self.is_http() || due == Some(Duty::Must) {
            self.settle(sent, at).await
        } else {
            Next::Go
        }
    }
}
