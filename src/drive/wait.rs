//! Waits for the wire, and takes in what comes meanwhile.

use std::time::{Duration, Instant};

use super::{Recorder, Session};
use crate::judge::duty::Duty;
use crate::transcript::{StepRef, What};
use crate::transport::StreamId;

/// How many times as long as for a request we wait for the first word of a process: it may still be starting.
const STARTING: u32 = 3;

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// What was waited for is there.
    Done,
    /// The time is up.
    Deadline,
    /// It cannot come any more: the connection is gone.
    Gone,
}

impl Session {
    /// Status and headers of the response on a stream, waited for no longer than this.
    pub async fn response_head(
        &mut self,
        stream: StreamId,
        patience: Duration,
    ) -> Option<(u16, &[(String, String)])> {
        let deadline = Instant::now() + patience.min(self.spec.timeout);
        let has_head = |record: &Recorder| head_of(record, stream).is_some();
        self.pump(deadline, has_head).await;
        head_of(&self.record, stream)
    }

    /// Waits until what was sent with this entry is answered, or cannot be any more.
    pub(super) async fn wait_answer(&mut self, sent: usize, step: Option<StepRef>) -> Wait {
        let what = self
            .exchange(sent)
            .and_then(|e| e.method.clone())
            .unwrap_or_else(|| "an answer".to_owned());
        self.wait_for(step, &what, move |record| is_settled(record, sent))
            .await
    }

    /// Waits for a condition no longer than a request may take, and records it if the time is up.
    pub(super) async fn wait_for(
        &mut self,
        step: Option<StepRef>,
        what: &str,
        done: impl Fn(&Recorder) -> bool,
    ) -> Wait {
        let deadline = Instant::now() + self.patience();
        let wait = self.pump(deadline, done).await;
        if wait == Wait::Deadline {
            self.record.note(
                0,
                What::Deadline {
                    waiting_for: what.to_owned(),
                    step,
                },
            );
        }
        wait
    }

    /// How long to wait for what comes next. Over HTTP the host has waited until the server listened.
    pub(super) fn patience(&self) -> Duration {
        let of_connection = &self.record.entries[self.connected..];
        let has_spoken = || {
            of_connection
                .iter()
                .any(|entry| matches!(entry.what, What::Received { .. }))
        };
        match self.is_http() || has_spoken() {
            true => self.spec.timeout,
            false => self.spec.timeout * STARTING,
        }
    }

    /// Takes in what comes, and answers what the other side asks, until the condition holds.
    pub(super) async fn pump(
        &mut self,
        deadline: Instant,
        done: impl Fn(&Recorder) -> bool,
    ) -> Wait {
        loop {
            if done(&self.record) {
                return Wait::Done;
            }
            if self.record.gone {
                return Wait::Gone;
            }
            // Looked at here, because a peer that never pauses would always be ready before any timer.
            if Instant::now() >= deadline {
                return Wait::Deadline;
            }
            let until = self.resume_due().map_or(deadline, |due| due.min(deadline));
            match tokio::time::timeout_at(until.into(), self.link.rx.recv()).await {
                Ok(Some(incoming)) if self.abandoned.contains(&incoming.stream) => {}
                Ok(Some(incoming)) => {
                    self.note_endpoint(&incoming);
                    let ended = self.record.take(incoming);
                    self.reply_to_requests();
                    if let Some(index) = ended {
                        self.note_resumption(index);
                    }
                }
                Ok(None) => return Wait::Gone,
                Err(_) if Instant::now() < deadline => self.resume(),
                Err(_) => {}
            }
        }
    }
}

/// Whether nothing more is to be expected for what was sent with this entry: an answer came, or its stream ended.
pub(super) fn is_settled(record: &Recorder, sent: usize) -> bool {
    record
        .conversation
        .exchanges
        .iter()
        .rev()
        .find(|exchange| exchange.sent == sent)
        .is_some_and(|exchange| {
            exchange.answer.is_some()
                || exchange.ended.is_some()
                || (exchange.stream == 0 && exchange.due.duty == Duty::MustNot)
        })
}

pub(super) fn head_of(record: &Recorder, stream: StreamId) -> Option<(u16, &[(String, String)])> {
    record.entries.iter().find_map(|entry| match &entry.what {
        What::HttpResponse { status, headers } if entry.stream == stream => {
            Some((*status, headers.as_slice()))
        }
        _ => None,
    })
}

pub(super) fn stream_ended(record: &Recorder, stream: StreamId) -> bool {
    record
        .conversation
        .exchanges
        .iter()
        .rev()
        .any(|exchange| exchange.stream == stream && exchange.ended.is_some())
}
