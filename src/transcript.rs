//! The transcript: everything that crossed the wire in one session, and nothing else.
//!
//! Saved as JSON Lines: a [`Header`], then one [`Entry`] a line. Secrets are redacted when an entry is made
//! (see [`crate::redact`]), so no later reader ever sees them.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::judge::duty::Due;
use crate::message::with_whole_characters;
use crate::profile::Profile;
use crate::revision::Revision;
use crate::transport::{SseEvent, StreamId, Transport};

/// The format of a saved transcript.
pub const FORMAT: &str = "mcp-conform-transcript/1";

/// The first line of a saved transcript: all that judging needs beside the entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`FORMAT`].
    pub format: String,
    /// The name of this session, unique in its run.
    pub session: String,
    /// The revision spoken.
    pub revision: Revision,
    /// The transport used.
    pub transport: Transport,
    /// The client capabilities that we declared.
    pub client: Value,
    /// Trials of which another session gives the verdict: this one was lost while they ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<String>,
    /// What the server offers, as the probe saw it.
    pub profile: Arc<Profile>,
    /// Identifies the catalog; judging with another one is refused.
    pub catalog: String,
    /// The globs that selected trials; rules are reported only where they match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// The command line that starts the same run again, redacted.
    pub command_line: Arc<Vec<String>>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the session began.
    pub at_us: u64,
    /// Where: stdio is one stream, each HTTP exchange another.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stream: StreamId,
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// Parsed when it is first asked for: it takes many times as much memory as the bytes. Derived, never saved.
    #[serde(skip)]
    json: OnceLock<Option<Box<Value>>>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.at_us, self.stream, &self.what) == (other.at_us, other.stream, &other.what)
    }
}

fn is_zero(stream: &StreamId) -> bool {
    *stream == 0
}

fn is_first(replica: &usize) -> bool {
    *replica == 0
}

/// Where in a trial an entry belongs: the indices of the step and, within `together`, of the step in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef(pub u16, #[serde(default)] pub u16);

/// What can happen in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// The span of a trial begins.
    Trial {
        /// The name of the trial.
        name: String,
    },
    /// The span of a trial ends.
    TrialEnd,
    /// We wrote a message, or bytes that should be taken for one.
    Sent {
        /// The bytes, framing excluded.
        raw: Raw,
        /// The step that asked for it; none for the opening, fences and replies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepRef>,
        /// Whether it may break the wire schema.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        deliberate: bool,
        /// Of a huge message only the beginning is kept, and what judging needs to know of the whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elided: Option<Box<Elided>>,
    },
    /// The head of an HTTP request that we sent; its body, if any, is the `Sent` that follows.
    HttpRequest {
        /// To which process of the server it went: 0 is that of `--url`, the others those of `--replica`.
        #[serde(default, skip_serializing_if = "is_first")]
        replica: usize,
        /// The method.
        method: String,
        /// Path and query, where they are not the endpoint's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// The headers.
        headers: Vec<(String, String)>,
        /// Whose credentials are among them, where they are not ours.
        #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
        /// The step that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepRef>,
    },
    /// The head of an HTTP response.
    HttpResponse {
        /// The status code.
        status: u16,
        /// The headers, names in lower case.
        headers: Vec<(String, String)>,
    },
    /// Something came that should be a message: a line, a body, the data of an event.
    Received {
        /// The bytes.
        raw: Raw,
        /// The event that carried it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<SseEvent>,
    },
    /// An event without data: it primes a stream, or sets a delay.
    Event {
        /// The event.
        event: SseEvent,
    },
    /// stderr; never judged.
    Stderr {
        /// One line.
        text: String,
    },
    /// The stream ended.
    End,
    /// The stream broke.
    Broken {
        /// How.
        message: String,
    },
    /// The process ended.
    Exit {
        /// Its exit code.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// We tried to connect to the port of the endpoint at another address of this machine.
    Connected {
        /// The address.
        address: String,
        /// Whether somebody listens there.
        connected: bool,
        /// The step that asked for it.
        step: StepRef,
    },
    /// We gave up an exchange.
    Abandoned,
    /// We closed the input, or ended the session.
    Closed {
        /// The step that asked for it; none at the end of the session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepRef>,
    },
    /// The session was ended and another opened in its place.
    Reconnected {
        /// The step that asked for it.
        step: StepRef,
    },
    /// The grace after a fence has passed: whatever had to come would have come.
    Settled {
        /// The step that waited.
        step: StepRef,
    },
    /// We stopped waiting.
    Deadline {
        /// For what.
        waiting_for: String,
        /// The step that waited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepRef>,
    },
    /// The step could not be played, by no fault of the server's.
    Unplayable {
        /// Why.
        reason: String,
        /// The step.
        step: StepRef,
    },
}

/// What is known of a huge message of ours beside its beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elided {
    /// Its length in bytes.
    pub bytes: usize,
    /// Whether an answer is due, which only the whole tells.
    pub due: Due,
}

impl What {
    /// How the process ended, in words; none if it did not, or if the system does not say how.
    pub fn exit(&self) -> Option<String> {
        match self {
            What::Exit {
                code: Some(code), ..
            } => Some(format!("ended with exit code {code}")),
            What::Exit {
                signal: Some(signal),
                ..
            } => Some(format!("was ended by signal {signal}")),
            _ => None,
        }
    }
}

impl Entry {
    /// An entry.
    pub fn new(at_us: u64, stream: StreamId, what: What) -> Entry {
        Entry {
            at_us,
            stream,
            what,
            json: OnceLock::new(),
        }
    }

    /// The raw bytes of a message, in either direction.
    pub fn raw(&self) -> Option<&Raw> {
        match &self.what {
            What::Sent { raw, .. } | What::Received { raw, .. } => Some(raw),
            _ => None,
        }
    }

    /// The parsed message, where there is one. What is elided is no JSON any more.
    pub fn json(&self) -> Option<&Value> {
        let parse = || {
            let bytes = &self.raw()?.0;
            let value = serde_json::from_slice(bytes)
                .ok()
                .or_else(|| match self.what {
                    What::Sent { .. } => None,
                    // Half a surrogate pair of ours may come back.
                    _ => serde_json::from_str(&with_whole_characters(str::from_utf8(bytes).ok()?)?)
                        .ok(),
                });
            value.map(Box::new)
        };
        self.json.get_or_init(parse).as_deref()
    }

    /// The same as it was before somebody asked for the parsed message.
    pub fn unread(&self) -> Entry {
        Entry::new(self.at_us, self.stream, self.what.clone())
    }

    /// Gives the memory of the parsed message back until somebody asks for it again.
    pub fn forget_json(&mut self) {
        self.json.take();
    }
}

/// Bytes that are saved as text where they are UTF-8, else as base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(pub Bytes);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SavedRaw {
    Text(String),
    Base64 { base64: String },
}

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => SavedRaw::Base64 {
                base64: BASE64.encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match SavedRaw::deserialize(deserializer)? {
            SavedRaw::Text(text) => Ok(Raw(text.into())),
            SavedRaw::Base64 { base64 } => BASE64
                .decode(base64)
                .map(|bytes| Raw(bytes.into()))
                .map_err(serde::de::Error::custom),
        }
    }
}

/// One session, as saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// What judging needs to know.
    pub header: Header,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// Why a text is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// There is no first line.
    #[error("the transcript is empty")]
    Empty,
    /// A line does not parse.
    #[error("line {line}: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Written by another version.
    #[error("the format is {0:?}, and this version reads {FORMAT:?}")]
    Format(String),
}

impl Transcript {
    /// Writes JSON Lines.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut writer: impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut writer, &self.header)?;
        for entry in &self.entries {
            writer.write_all(b"\n")?;
            serde_json::to_writer(&mut writer, entry)?;
        }
        writer.write_all(b"\n")
    }

    /// Reads what [`Transcript::write`] wrote.
    ///
    /// # Errors
    /// Where a line is no valid entry, with its number.
    pub fn read(text: &str) -> Result<Transcript, TranscriptError> {
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or(TranscriptError::Empty)?;
        let format = serde_json::from_str::<Value>(first)
            .ok()
            .and_then(|header| {
                header
                    .get("format")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            });
        match format {
            Some(format) if format != FORMAT => return Err(TranscriptError::Format(format)),
            _ => {}
        }
        let header = parse_line(0, first)?;
        let entries = lines
            .map(|(number, line)| parse_line(number, line))
            .collect::<Result<_, _>>()?;
        Ok(Transcript { header, entries })
    }
}

fn parse_line<T: serde::de::DeserializeOwned>(
    index: usize,
    line: &str,
) -> Result<T, TranscriptError> {
    serde_json::from_str(line).map_err(|source| TranscriptError::Line {
        line: index + 1,
        source,
    })
}
