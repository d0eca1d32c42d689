//! Records a session as it happens: entries, and the conversation that they make.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;

use crate::conversation::Conversation;
use crate::judge::duty;
use crate::redact::Redactor;
use crate::revision::Revision;
use crate::transcript::{Elided, Entry, Raw, StepRef, What};
use crate::transport::{Happened, Incoming, StreamId, Transport};

/// A message of ours that is longer than this is not kept whole: a run would hold all its huge inputs at once.
const MAX_KEPT: usize = 64 << 10;
/// So much of its beginning is kept.
const KEPT: usize = 4 << 10;

/// So many entries a server may cause on its own, and so many more with each thing that we send.
const FREE_ENTRIES: usize = 5_000;
const ENTRIES_EACH: usize = 50;
/// So many lines of stderr are recorded in a session.
const MAX_STDERR: usize = 1_000;
/// No session receives more bytes than this (64 MiB).
const MAX_RECEIVED: usize = 64 << 20;

/// The growing transcript of one session.
pub struct Recorder {
    started: Instant,
    revision: Revision,
    transport: Transport,
    redactor: Redactor,
    received: usize,
    stderr_lines: usize,
    unwritten: HashMap<u64, Vec<usize>>,
    /// The messages before this entry are only bytes again.
    forgotten: usize,
    /// What happened so far.
    pub entries: Vec<Entry>,
    /// The same, as exchanges.
    pub conversation: Conversation,
    /// Nothing more will come: stdout or, over HTTP+SSE, the stream of the server ended or broke, or the process did.
    pub gone: bool,
    /// The process has ended.
    pub exited: bool,
}

impl Recorder {
    /// Starts the clock.
    pub fn new(revision: Revision, transport: Transport, redactor: Redactor) -> Recorder {
        Recorder {
            started: Instant::now(),
            revision,
            transport,
            redactor,
            received: 0,
            stderr_lines: 0,
            unwritten: HashMap::new(),
            forgotten: 0,
            entries: Vec::new(),
            conversation: Conversation::new(revision, transport),
            gone: false,
            exited: false,
        }
    }

    /// Records something of ours, now. Returns the index of the entry.
    pub fn note(&mut self, stream: StreamId, what: What) -> usize {
        self.put(Instant::now(), stream, what)
    }

    /// Records an order whose time will be corrected when the transport says that it was written.
    pub fn note_order(&mut self, seq: u64, stream: StreamId, what: What) -> usize {
        let index = self.note(stream, what);
        self.unwritten.entry(seq).or_default().push(index);
        index
    }

    /// How many bytes of messages came.
    pub fn received(&self) -> usize {
        self.received
    }

    /// A peer that says more than this in one session is cut off: nothing of ours may grow without bound.
    fn is_flooded(&self) -> bool {
        let allowed = FREE_ENTRIES + ENTRIES_EACH * self.conversation.exchanges.len();
        self.entries.len() > allowed || self.received > MAX_RECEIVED
    }

    /// Records what the transport reports. Returns the index of the entry, if it became one.
    pub fn take(&mut self, incoming: Incoming) -> Option<usize> {
        let Incoming { at, stream, what } = incoming;
        let what = match what {
            Happened::Written { seq } => {
                for index in self.unwritten.remove(&seq).unwrap_or_default() {
                    self.entries[index].at_us = self.micros(at);
                }
                return None;
            }
            Happened::Line(bytes) | Happened::Body(bytes) => What::Received {
                raw: Raw(self.redactor.bytes(bytes)),
                event: None,
            },
            Happened::Event(mut event) => match event.data.take() {
                None => What::Event { event },
                Some(data) => {
                    let raw = Raw(self.redactor.text(data).into());
                    What::Received {
                        raw,
                        event: Some(event),
                    }
                }
            },
            // Never judged, so a talkative server costs only itself.
            Happened::Stderr(_) if self.stderr_lines >= MAX_STDERR => return None,
            Happened::Stderr(text) => What::Stderr {
                text: self.redactor.text(text),
            },
            Happened::Exit { code, signal } => {
                self.exited = true;
                What::Exit { code, signal }
            }
            Happened::Response { status, headers } => What::HttpResponse {
                status,
                headers: self.redactor.headers(headers),
            },
            Happened::End => What::End,
            Happened::Broken(message) => What::Broken {
                message: self.redactor.text(message),
            },
        };
        match &what {
            What::Received { raw, .. } => self.received += raw.0.len(),
            What::Stderr { .. } => self.stderr_lines += 1,
            _ => {}
        }
        let what = match self.is_flooded() {
            true => What::Broken {
                message: "the server sends without end: cut off".to_owned(),
            },
            false => what,
        };
        let flooded = self.is_flooded();
        let ends = matches!(what, What::End | What::Broken { .. } | What::Exit { .. });
        self.gone |= flooded || (ends && stream == 0);
        Some(self.put(at, stream, what))
    }

    /// Whether the transport said that an order was written.
    pub fn is_written(&self, seq: u64) -> bool {
        !self.unwritten.contains_key(&seq)
    }

    /// Whether the transport said that what this entry says was written.
    pub fn is_out(&self, entry: usize) -> bool {
        !self
            .unwritten
            .values()
            .flatten()
            .any(|index| *index == entry)
    }

    /// Forgets what came behind this entry.
    pub fn truncate(&mut self, entries: usize) {
        self.entries.truncate(entries);
        self.forgotten = self.forgotten.min(entries);
        self.conversation = Conversation::of(self.revision, self.transport, &self.entries);
        self.unwritten.clear();
        (self.received, self.stderr_lines) = (0, 0);
    }

    fn put(&mut self, at: Instant, stream: StreamId, what: What) -> usize {
        let what = match what {
            What::Sent {
                raw,
                step,
                deliberate,
                ..
            } => self.sent(raw.0, step, deliberate),
            What::HttpRequest {
                replica,
                method,
                path,
                headers,
                identity,
                step,
            } => What::HttpRequest {
                replica,
                method,
                path: path.map(|path| self.redactor.text(path)),
                headers: self.redactor.headers(headers),
                identity,
                step,
            },
            other => other,
        };
        let entry = Entry::new(self.micros(at), stream, what);
        let index = self.entries.len();
        self.conversation.observe(index, &entry);
        let between_trials = matches!(entry.what, What::Trial { .. } | What::TrialEnd);
        self.entries.push(entry);
        if between_trials {
            self.forget();
        }
        index
    }

    /// Keeps of all messages so far only the bytes: what a trial makes of them takes many times as much memory.
    pub fn forget(&mut self) {
        self.entries[self.forgotten..]
            .iter_mut()
            .for_each(Entry::forget_json);
        self.forgotten = self.entries.len();
    }

    fn sent(&self, bytes: Bytes, step: Option<StepRef>, deliberate: bool) -> What {
        let bytes = self.redactor.bytes(bytes);
        let elided = (bytes.len() > MAX_KEPT).then(|| {
            let due = duty::due(&bytes, self.revision, self.transport);
            Box::new(Elided {
                bytes: bytes.len(),
                due,
            })
        });
        let raw = match elided {
            // Copied, or the beginning would hold on to the whole.
            Some(_) => Raw(Bytes::copy_from_slice(&bytes[..KEPT])),
            None => Raw(bytes),
        };
        What::Sent {
            raw,
            step,
            deliberate,
            elided,
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        let elapsed = at.saturating_duration_since(self.started).as_micros();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }
}
