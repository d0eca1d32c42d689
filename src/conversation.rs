//! A session seen as exchanges: what was sent, and what came of it.
//!
//! The driver builds it entry by entry to know what it still waits for; the judge and the rules build the same from a
//! finished transcript. Answers are matched leniently (an id of another type still answers), because a server that
//! garbles ids must not stall the run: the rule on ids reports it.

use std::collections::HashSet;

use serde_json::Value;

use crate::judge::duty::{self, Due, Duty};
use crate::message::{self, Kind};
use crate::revision::{Era, Revision};
use crate::transcript::{Entry, StepRef, What};
use crate::transport::{SseEvent, StreamId, Transport};

/// Something that we sent and that may be answered.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The entry of the message, or of the HTTP head where there is no body.
    pub sent: usize,
    /// The index of the trial, in [`Conversation::trials`].
    pub trial: Option<usize>,
    /// The step that asked for it.
    pub step: Option<StepRef>,
    /// Where it was sent.
    pub stream: StreamId,
    /// Whether it is a message or bytes, not an HTTP request without a body.
    pub posts: bool,
    /// The method, if it is a request or a notification.
    pub method: Option<String>,
    /// Whether an answer is due.
    pub due: Due,
    /// The entry of the HTTP response head.
    pub head: Option<usize>,
    /// The entry that answers it.
    pub answer: Option<usize>,
    /// The ids that were answered: a batch has several, and may be answered in pieces.
    pub answered: Vec<Value>,
    /// Further entries that answer it again.
    pub again: Vec<usize>,
    /// Where its stream ended, broke or was abandoned, and no other will bring an answer.
    pub ended: Option<usize>,
    /// Where we stopped waiting for it.
    pub deadline: Option<usize>,
}

impl Exchange {
    /// Whether it was a request that must be answered.
    pub fn is_request(&self) -> bool {
        self.due.duty == Duty::Must
    }

    fn is_open(&self) -> bool {
        self.answer.is_none() && self.deadline.is_none()
    }
}

/// The entries of one trial.
#[derive(Debug, Clone)]
pub struct Span {
    /// The name of the trial.
    pub name: String,
    /// The entry that begins it.
    pub start: usize,
    /// The entry that ends it, or the number of entries.
    pub end: usize,
}

/// A session taken apart.
#[derive(Debug, Clone)]
pub struct Conversation {
    revision: Revision,
    transport: Transport,
    /// What we sent, in order.
    pub exchanges: Vec<Exchange>,
    /// The trials, in order.
    pub trials: Vec<Span>,
    /// Entries with requests and notifications of the other side, in order.
    pub initiated: Vec<usize>,
    /// Responses that answer nothing.
    pub stray: Vec<usize>,
    /// Entries at which the session was ended and another opened in its place.
    pub reconnects: Vec<usize>,
    current: Option<usize>,
    http_head: Option<(usize, StreamId, Option<StepRef>)>,
    alive_since: usize,
    /// Streams whose end is not the last word: the answer did not come yet, and may come elsewhere. On Streamable HTTP an
    /// event id was seen; over HTTP+SSE the message was accepted.
    continued: HashSet<StreamId>,
}

impl Conversation {
    /// An empty session.
    pub fn new(revision: Revision, transport: Transport) -> Conversation {
        Conversation {
            revision,
            transport,
            exchanges: Vec::new(),
            trials: Vec::new(),
            initiated: Vec::new(),
            stray: Vec::new(),
            reconnects: Vec::new(),
            current: None,
            http_head: None,
            alive_since: 0,
            continued: HashSet::new(),
        }
    }

    /// A finished session.
    pub fn of(revision: Revision, transport: Transport, entries: &[Entry]) -> Conversation {
        let mut conversation = Conversation::new(revision, transport);
        for (index, entry) in entries.iter().enumerate() {
            conversation.observe(index, entry);
        }
        conversation
    }

    /// Takes the next entry in.
    pub fn observe(&mut self, index: usize, entry: &Entry) {
        self.flush_head_without_body(entry);
        match &entry.what {
            What::Trial { name } => self.begin_trial(index, name),
            What::TrialEnd => self.end_trial(index),
            What::HttpRequest { step, .. } => self.http_head = Some((index, entry.stream, *step)),
            What::Sent {
                raw, step, elided, ..
            } => {
                let due = match elided {
                    Some(elided) => elided.due.clone(),
                    None => duty::due_of(&raw.0, entry.json(), self.revision, self.transport),
                };
                self.sent(index, entry, due, *step);
            }
            What::HttpResponse { status, .. } => {
                let promises = self.transport == Transport::Sse && (200..300).contains(status);
                if let Some(exchange) = self.on_stream(entry.stream) {
                    exchange.head.get_or_insert(index);
                    if promises && exchange.is_request() && exchange.answer.is_none() {
                        self.continued.insert(entry.stream);
                    }
                }
            }
            What::Received { event, .. } => {
                if let Some(event) = event {
                    self.note_event(entry.stream, event);
                }
                self.received(index, entry);
            }
            What::Event { event } => self.note_event(entry.stream, event),
            What::End if self.continued.contains(&entry.stream) => {}
            What::End | What::Broken { .. } | What::Abandoned => {
                if let Some(exchange) = self.on_stream(entry.stream).filter(|_| entry.stream != 0) {
                    exchange.ended.get_or_insert(index);
                }
            }
            What::Deadline { .. } => {
                let step_of = |what: &What| match what {
                    What::Deadline { step, .. } => *step,
                    _ => None,
                };
                let (trial, step) = (self.current, step_of(&entry.what));
                for exchange in self
                    .exchanges
                    .iter_mut()
                    .filter(|e| e.trial == trial && e.step == step)
                {
                    if exchange.answer.is_none() {
                        exchange.deadline.get_or_insert(index);
                    }
                }
            }
            What::Reconnected { .. } => {
                self.alive_since = self.exchanges.len();
                self.reconnects.push(index);
            }
            _ => {}
        }
        if let Some(span) = self
            .current
            .and_then(|current| self.trials.get_mut(current))
        {
            span.end = index + 1;
        }
    }

    /// The exchanges of one step of one trial, in order.
    pub fn of_step(&self, trial: usize, step: StepRef) -> impl Iterator<Item = &Exchange> {
        self.exchanges
            .iter()
            .filter(move |exchange| exchange.trial == Some(trial) && exchange.step == Some(step))
    }

    fn begin_trial(&mut self, index: usize, name: &str) {
        self.current = Some(self.trials.len());
        self.trials.push(Span {
            name: name.to_owned(),
            start: index,
            end: index + 1,
        });
    }

    fn end_trial(&mut self, index: usize) {
        if let Some(span) = self
            .current
            .take()
            .and_then(|current| self.trials.get_mut(current))
        {
            span.end = index + 1;
        }
    }

    /// A GET or DELETE has no `Sent` behind its head.
    /// Whether an HTTP request without a body was sent, of which nothing is known yet.
    pub fn has_bare_head(&self) -> bool {
        self.http_head.is_some()
    }

    fn flush_head_without_body(&mut self, next: &Entry) {
        let Some((index, stream, step)) = self.http_head.take() else {
            return;
        };
        if matches!(next.what, What::Sent { .. }) && next.stream == stream {
            self.http_head = Some((index, stream, step));
            return;
        }
        let due = Due {
            duty: Duty::May,
            ids: Vec::new(),
            valid: false,
        };
        self.push(index, stream, step, false, None, due);
    }

    fn sent(&mut self, index: usize, entry: &Entry, due: Due, step: Option<StepRef>) {
        self.http_head = None;
        let kind = entry.json().map(message::kind);
        let method = match kind {
            Some(Kind::Request { method, .. } | Kind::Notification { method }) => {
                Some(method.to_owned())
            }
            _ => None,
        };
        self.push(index, entry.stream, step, true, method, due);
    }

    fn push(
        &mut self,
        sent: usize,
        stream: StreamId,
        step: Option<StepRef>,
        posts: bool,
        method: Option<String>,
        due: Due,
    ) {
        self.exchanges.push(Exchange {
            sent,
            trial: self.current,
            step,
            stream,
            posts,
            method,
            due,
            head: None,
            answer: None,
            answered: Vec::new(),
            again: Vec::new(),
            ended: None,
            deadline: None,
        });
    }

    fn on_stream(&mut self, stream: StreamId) -> Option<&mut Exchange> {
        self.exchanges
            .iter_mut()
            .rev()
            .find(|exchange| exchange.stream == stream)
    }

    /// From 2025-03-26 to 2025-11-25 a server may close a stream early once the client knows an event id to resume from.
    /// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>
    fn note_event(&mut self, stream: StreamId, event: &SseEvent) {
        let unanswered = self
            .on_stream(stream)
            .is_some_and(|exchange| exchange.is_request() && exchange.is_open());
        if event.id.is_some() && unanswered && self.revision.era() == Era::Legacy {
            self.continued.insert(stream);
        }
    }

    fn received(&mut self, index: usize, entry: &Entry) {
        let Some(document) = entry.json() else {
            return;
        };
        let mut initiates = false;
        let mut answers = Vec::new();
        for message in message::messages(document) {
            match message::kind(message) {
                Kind::Request { .. } | Kind::Notification { .. } => initiates = true,
                Kind::Response { id } => answers.push(id),
                Kind::Other => {}
            }
        }
        if initiates {
            self.initiated.push(index);
        }
        let mut matched = false;
        for id in &answers {
            matched |= self.answer(index, entry.stream, *id);
        }
        if !answers.is_empty() && !matched {
            self.stray.push(index);
        }
    }

    /// Finds what a response answers. An entry that answers several exchanges of a batch counts for each.
    fn answer(&mut self, index: usize, stream: StreamId, id: Option<&Value>) -> bool {
        let Some(position) = self.find_answered(stream, id) else {
            return false;
        };
        let exchange = &mut self.exchanges[position];
        let repeats = id.is_some_and(|id| !id.is_null() && exchange.answered.contains(id));
        match exchange.answer {
            None => {
                exchange.answer = Some(index);
                self.continued.remove(&exchange.stream);
            }
            Some(answer) if answer != index && repeats => exchange.again.push(index),
            // Another piece of the answer to a batch.
            Some(_) => {}
        }
        exchange.answered.extend(id.cloned());
        true
    }

    fn find_answered(&self, stream: StreamId, id: Option<&Value>) -> Option<usize> {
        // An HTTP response answers what was posted on its stream, whatever its id.
        let own = self
            .exchanges
            .iter()
            .rposition(|e| stream != 0 && e.stream == stream);
        if let Some(own) = own.filter(|own| self.exchanges[*own].posts) {
            return Some(own);
        }
        let id = id.filter(|id| !id.is_null());
        // On a stream opened by GET it answers what has its id, or else the GET itself.
        match (own, id) {
            (Some(own), Some(id)) => self
                .first_open(|e| e.is_request() && e.due.accepts(Some(id)))
                .or(Some(own)),
            (Some(own), None) => Some(own),
            (None, None) => self.oldest_unreadable(),
            (None, Some(id)) => self
                .first_open(|e| e.due.accepts(Some(id)))
                .or_else(|| self.first_open(|e| has_loosely(e, id)))
                .or_else(|| self.last_answered(id))
                .or_else(|| self.only_open_request(id)),
        }
    }

    /// The oldest exchange of this connection that is still open and fits.
    fn first_open(&self, fits: impl Fn(&Exchange) -> bool) -> Option<usize> {
        let mut exchanges = self.exchanges.iter().enumerate().skip(self.alive_since);
        let (position, _) = exchanges.find(|(_, e)| e.posts && e.is_open() && fits(e))?;
        Some(position)
    }

    /// No id could be read: it answers the oldest thing of this trial that is not a plain request. What an earlier trial
    /// sent was followed by a request that was answered: its time is over.
    fn oldest_unreadable(&self) -> Option<usize> {
        let mine = |e: &Exchange| e.trial == self.current;
        self.first_open(|e| mine(e) && e.due.duty == Duty::May)
            .or_else(|| self.first_open(|e| mine(e) && e.due.duty == Duty::MustNot && !e.due.valid))
            .or_else(|| self.first_open(|e| mine(e) && e.is_request() && e.due.accepts(None)))
    }

    /// The latest exchange with this id that was answered before.
    fn last_answered(&self, id: &Value) -> Option<usize> {
        let known = |e: &Exchange| e.answer.is_some() && e.due.ids.contains(id);
        let position = self.exchanges.iter().rposition(known)?;
        (position >= self.alive_since).then_some(position)
    }

    /// A response with an id that nobody used answers the only request of this trial that is open.
    fn only_open_request(&self, id: &Value) -> Option<usize> {
        if self.exchanges.iter().any(|e| has_loosely(e, id)) {
            return None;
        }
        let open = |e: &Exchange| e.is_request() && e.is_open() && e.trial == self.current;
        let first = self.first_open(open)?;
        let others = self.exchanges.iter().skip(first + 1).any(open);
        (!others).then_some(first)
    }
}

fn has_loosely(exchange: &Exchange, id: &Value) -> bool {
    exchange.due.ids.iter().any(|ours| loosely_equal(ours, id))
}

fn loosely_equal(left: &Value, right: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number
            .as_f64()
            .map_or_else(|| number.to_string(), |n| n.to_string()),
        other => other.to_string(),
    };
    left == right || text(left) == text(right)
}
