//! Which process of the server a request goes to, where there are several.
//!
//! At modern revisions any process must be able to serve any request, so they take turns:
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/index#statelessness>. Two things are left to where
//! they are, because no text asks processes to share them. A task may be kept by one process: its id is in a header so
//! that a balancer finds the way. A change is told to those who listen where it happens. A legacy session stays at the
//! first process.

use serde_json::Value;

use super::Session;
use crate::conversation::Exchange;
use crate::revision::Era;
use crate::transcript::{Entry, What};
use crate::transport::{StreamId, Transport};

/// Whose turn it is.
#[derive(Debug, Default)]
pub struct Turn {
    last: Option<usize>,
    /// The next request goes where the last one went.
    pub stays: bool,
}

impl Turn {
    /// The next request goes to the first process, so that a trial is the same whatever came before it.
    pub fn begin_again(&mut self) {
        self.last = None;
    }

    fn next(&mut self, count: usize) -> usize {
        match self.last {
            Some(last) if self.stays => last,
            Some(last) => (last + 1) % count,
            None => 0,
        }
    }
}

impl Session {
    /// The process to which a request with this body goes.
    pub(super) fn next_replica(&mut self, body: &[u8]) -> usize {
        let count = 1 + self.spec.host.replicas().len();
        if count == 1 || self.spec.era() == Era::Legacy || self.spec.transport() != Transport::Http
        {
            return 0;
        }
        let holder = self.holder(body).or_else(|| self.listening());
        let replica = holder.unwrap_or_else(|| self.turn.next(count));
        self.turn.last = Some(replica);
        replica
    }

    /// A request that goes to this process, and whether it was answered with a result.
    pub async fn discover_at(&mut self, replica: usize) -> bool {
        self.turn = Turn {
            last: Some(replica),
            stays: true,
        };
        let sent = self.ask(self.spec.era().alive_method(), None).await;
        self.turn = Turn::default();
        let answer = self.answer_to(sent);
        answer.is_some_and(|answer| answer.get("result").is_some())
    }

    /// The process that keeps the task which a message names.
    fn holder(&self, body: &[u8]) -> Option<usize> {
        let message: Value = serde_json::from_slice(body).ok()?;
        let params = message.get("params")?;
        let id = match message.get("method")?.as_str()? {
            "tasks/get" | "tasks/update" | "tasks/cancel" => params.get("taskId")?,
            "subscriptions/listen" => params.pointer("/notifications/taskIds/0")?,
            _ => return None,
        };
        let mut exchanges = self.record.conversation.exchanges.iter().rev();
        let made = exchanges.find(|exchange| {
            let answer = exchange.answer.map(|answer| &self.record.entries[answer]);
            let answer = answer.and_then(Entry::json);
            answer.is_some_and(|answer| answer.pointer("/result/taskId") == Some(id))
        })?;
        self.replica_of(made.stream)
    }

    /// The process at which this trial has an open subscription.
    fn listening(&self) -> Option<usize> {
        let conversation = &self.record.conversation;
        let trial = conversation.trials.len().checked_sub(1)?;
        let is_open = |exchange: &&Exchange| {
            exchange.trial == Some(trial)
                && exchange.method.as_deref() == Some("subscriptions/listen")
                && exchange.answer.is_none()
                && exchange.ended.is_none()
        };
        let open = conversation.exchanges.iter().rev().find(is_open)?;
        self.replica_of(open.stream)
    }

    fn replica_of(&self, stream: StreamId) -> Option<usize> {
        let entries = self.record.entries.iter().rev();
        entries
            .filter(|entry| entry.stream == stream)
            .find_map(|entry| match entry.what {
                What::HttpRequest { replica, .. } => Some(replica),
                _ => None,
            })
    }
}
