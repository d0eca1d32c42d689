//! Many inputs at once, with one request behind them that must be answered: how the fuzzer drives a session.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::said::{filled, repeats};
use super::send::{Outbound, overridden};
use super::wait::{Wait, is_settled};
use super::{ENDPOINT, LEFT_OUT, PATH_WITH_TOKEN, Recorder, SESSION, Session, Shot};
use crate::conversation::{Conversation, Exchange};
use crate::judge::duty::Duty;
use crate::transcript::{Raw, StepRef, What};
use crate::transport::{HttpRequest, Outgoing};

/// Of longer bytes the HTTP headers do not mirror the content.
const MAX_ANNOUNCED: usize = 64 << 10;

/// How long things may take in a window, from one answer to the next.
#[derive(Debug, Clone, Copy)]
pub struct Care {
    /// stdio: how long the request behind everything waits for what must come before it.
    pub pause: Duration,
    /// The answer to the request behind everything.
    pub fence: Duration,
    /// What must come beside it.
    pub late: Duration,
    /// What should not come, so that it can come nevertheless.
    pub grace: Duration,
}

/// Our own requests in windows have ids from here on, so that no odd id in an input is one of them.
const FIRST_FENCE: u64 = 500_000;

impl Session {
    /// Our own requests have ids from here on that are in no input, those of the opening as well.
    pub fn keep_ids_apart(&mut self) {
        self.next_id = self.next_id.max(FIRST_FENCE);
    }

    /// From now on the other side's requests of these methods get these replies, others the usual ones.
    pub fn reply_with(&mut self, replies: BTreeMap<String, Value>) {
        let given = replies.into_iter();
        self.replies = given.map(|(method, reply)| (method, Some(reply))).collect();
    }

    /// Sends everything at once, then a request that must be answered, and waits for whatever must come. Over HTTP, where the
    /// order in which things arrive is open, that request waits for the answers; over stdio for as long as care says: with a
    /// pause it is played as a case is, so that both bring the same about.
    pub async fn window(&mut self, shots: &[(StepRef, &Shot)], care: Care) -> Wait {
        // Like a trial: what is outside of any is taken for the harness's own.
        let name = "fuzz".to_owned();
        self.record.note(0, What::Trial { name });
        self.keep_ids_apart();
        let from = self.record.conversation.exchanges.len();
        self.shoot_all(shots, care).await;
        let has_everything = move |record: &Recorder| has_all(record, from);
        let pause = match self.is_http() {
            true => care.late,
            false => care.pause,
        };
        if self.pump_on(pause, has_everything).await == Wait::Gone {
            return Wait::Gone;
        }
        let fence = self.request(self.spec.revision.era().alive_method(), None, None);
        let answered = move |record: &Recorder| {
            is_settled(record, fence) || are_garbled(&record.conversation, from)
        };
        let wait = self.pump_on(care.fence, answered).await;
        if wait == Wait::Deadline {
            let waiting_for = "an answer".to_owned();
            let step = None;
            self.record.note(0, What::Deadline { waiting_for, step });
        }
        if wait == Wait::Done && !self.is_http() {
            self.pump_on(care.late, has_everything).await;
        }
        if wait == Wait::Done && !care.grace.is_zero() {
            self.pump(after(care.grace), |_| false).await;
        }
        wait
    }

    /// Waits until the condition holds, or until nothing more is answered for so long: a server may take its time for each
    /// of many requests.
    async fn pump_on(&mut self, patience: Duration, done: impl Fn(&Recorder) -> bool) -> Wait {
        loop {
            let before = answers(&self.record);
            let goes_on = |record: &Recorder| done(record) || answers(record) > before;
            let wait = self.pump(after(patience), goes_on).await;
            if wait != Wait::Done || done(&self.record) {
                return wait;
            }
        }
    }

    /// Sends everything before the session is opened, then opens it and sends a request that must be answered.
    pub async fn early(&mut self, shots: &[(StepRef, &Shot)], care: Care) -> Wait {
        self.record.note(
            0,
            What::Trial {
                name: "fuzz".to_owned(),
            },
        );
        self.keep_ids_apart();
        self.shoot_all(shots, care).await;
        if self.pump(after(care.grace), |_| false).await == Wait::Gone {
            return Wait::Gone;
        }
        // A server that refuses the handshake after this is not deaf.
        if self.open().await && !self.alive(None).await {
            return if self.record.gone {
                Wait::Gone
            } else {
                Wait::Deadline
            };
        }
        if self.record.gone {
            Wait::Gone
        } else {
            Wait::Done
        }
    }

    async fn shoot_all(&mut self, shots: &[(StepRef, &Shot)], care: Care) {
        let from = self.record.conversation.exchanges.len();
        let mut before: Option<&Shot> = None;
        self.hold(true);
        for (at, shot) in shots {
            if shot.waits(before.replace(shot)) {
                self.hold(false);
                self.hear_all(*at, from, care).await;
                self.hold(true);
            }
            let filled = repeats(shot.bytes()).then(|| self.filled(*at, shot, from));
            match filled.as_ref().unwrap_or(shot) {
                Shot::Message {
                    bytes,
                    split,
                    headers,
                    identity,
                } => {
                    self.identity.clone_from(identity);
                    self.shoot(*at, bytes, *split, headers);
                    self.identity = None;
                }
                Shot::Http(request) => self.shoot_http(*at, request),
                Shot::Aborted(bytes) => self.abort(*at, bytes, care.late).await,
            }
        }
        self.hold(false);
    }

    /// Waits until what was sent for the same input has what must come.
    async fn hear_all(&mut self, at: StepRef, from: usize, care: Care) {
        let is_done = move |record: &Recorder| {
            let exchanges = record.conversation.exchanges[from..].iter();
            let mut same = exchanges.filter(|exchange| is_of(exchange, at));
            !record.conversation.has_bare_head() && same.all(has_what_must_come)
        };
        self.pump(after(care.late), is_done).await;
    }

    /// A shot with what the last answer to the same input that has it said.
    fn filled(&self, at: StepRef, shot: &Shot, from: usize) -> Shot {
        let exchanges = &self.record.conversation.exchanges[from..];
        let answers = || {
            let same = exchanges
                .iter()
                .rev()
                .filter(|exchange| is_of(exchange, at));
            same.filter_map(|exchange| self.record.entries[exchange.answer?].json())
        };
        let said = |pointer: &str| {
            let mut said = answers().filter_map(|answer| answer.pointer(pointer)?.as_str());
            said.next().map(str::to_owned)
        };
        let mut shot = shot.clone();
        *shot.bytes_mut() = filled(shot.bytes(), said);
        shot
    }

    /// Forgets everything behind this entry, so that a session of any length takes no more memory.
    pub fn rewind(&mut self, entries: usize) {
        self.record.truncate(entries);
        self.replied = self.record.conversation.initiated.len();
    }

    fn shoot(
        &mut self,
        at: StepRef,
        bytes: &Bytes,
        split: Option<usize>,
        headers: &Map<String, Value>,
    ) {
        let outbound = |bytes: Bytes, message| Outbound {
            bytes,
            message,
            step: Some(at),
            deliberate: true,
            headers: headers.clone(),
            bare: false,
            newline: true,
        };
        if self.is_http() {
            let message = self.announced(bytes);
            self.send(outbound(bytes.clone(), message));
            return;
        }
        match split.filter(|split| *split < bytes.len()) {
            None => drop(self.send(outbound(bytes.clone(), Value::Null))),
            Some(split) => {
                let first = bytes.slice(..split);
                let _ = self.link.tx.send(Outgoing::Write {
                    seq: 0,
                    bytes: first,
                    newline: false,
                });
                let seq = self.fresh_seq();
                let what = What::Sent {
                    raw: Raw(bytes.clone()),
                    step: Some(at),
                    deliberate: true,
                    elided: None,
                };
                self.record.note_order(seq, 0, what);
                let _ = self.link.tx.send(Outgoing::Write {
                    seq,
                    bytes: bytes.slice(split..),
                    newline: true,
                });
            }
        }
    }

    /// Sends a request and closes its connection when it is written.
    async fn abort(&mut self, at: StepRef, bytes: &Bytes, patience: Duration) {
        let stream = self.next_stream;
        self.shoot(at, bytes, None, &Map::new());
        let seq = self.next_seq;
        if self.is_http() {
            let written = move |record: &Recorder| record.is_written(seq);
            self.pump(after(patience), written).await;
            self.abandon(stream);
        }
    }

    /// The message that the headers mirror: what cannot be read is announced as the cheapest request.
    fn announced(&self, bytes: &Bytes) -> Value {
        let readable = bytes.len() <= MAX_ANNOUNCED;
        let message = readable
            .then(|| serde_json::from_slice(bytes).ok())
            .flatten();
        message
            .filter(Value::is_object)
            .unwrap_or_else(|| json!({ "method": self.spec.revision.era().alive_method() }))
    }

    fn shoot_http(&mut self, at: StepRef, request: &HttpRequest) {
        let change = |(name, value): &(String, String)| {
            let value = match value.as_str() {
                SESSION => json!(self.session_id.as_ref()?),
                LEFT_OUT => Value::Null,
                value => json!(value),
            };
            Some((name.clone(), value))
        };
        let changes: Map<_, _> = request.headers.iter().filter_map(change).collect();
        let headers = overridden(self.credentials(), &changes);
        let known = |path: &str| self.vars.get(path)?.as_str().map(str::to_owned);
        let path = request.path.as_deref().and_then(|path| match path {
            PATH_WITH_TOKEN => known("path-with-token"),
            path => Some(match path.strip_prefix(ENDPOINT) {
                Some(rest) => self.posting_path().unwrap_or_default() + rest,
                None => path.to_owned(),
            }),
        });
        let body = request.body.clone();
        let has_body = !body.is_empty();
        let stream = self.exchange_order(&request.method, path, headers, body.clone(), Some(at));
        if has_body {
            let what = What::Sent {
                raw: Raw(body),
                step: Some(at),
                deliberate: true,
                elided: None,
            };
            self.record.note(stream, what);
        }
    }
}

/// Whether there is a response with an unknown id for each request without an answer, from this exchange on: then ids
/// are wrong, and nothing is missing.
pub fn are_garbled(conversation: &Conversation, from: usize) -> bool {
    let open = |exchange: &&Exchange| exchange.is_request() && exchange.answer.is_none();
    let exchanges = conversation.exchanges.get(from..).unwrap_or_default();
    let missing = exchanges.iter().filter(open).count();
    missing > 0 && conversation.stray.len() >= missing
}

/// Whether everything from this exchange on has what must come.
fn has_all(record: &Recorder, from: usize) -> bool {
    if record.conversation.has_bare_head() {
        return false;
    }
    are_garbled(&record.conversation, from)
        || record.conversation.exchanges[from..]
            .iter()
            .all(has_what_must_come)
}

fn has_what_must_come(exchange: &Exchange) -> bool {
    exchange.answer.is_some()
        || exchange.ended.is_some()
        || match exchange.stream {
            0 => exchange.due.duty != Duty::Must,
            // A stream without an answer may stay open: that of GET, or of a subscription.
            _ => exchange.head.is_some() && !exchange.is_request(),
        }
}

/// Whether something was sent for the same input.
fn is_of(exchange: &Exchange, at: StepRef) -> bool {
    exchange.step.is_some_and(|step| step.0 == at.0)
}

/// How many of the requests have their answers.
fn answers(record: &Recorder) -> usize {
    let exchanges = record.conversation.exchanges.iter();
    exchanges
        .filter(|exchange| exchange.answer.is_some())
        .count()
}

fn after(time: Duration) -> Instant {
    Instant::now() + time
}
