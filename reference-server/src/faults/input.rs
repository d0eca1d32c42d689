//! Faults at the sight of certain input: what is read is lost, or ends the process, or is the last that is read.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::envelope::{die, find};
use super::{F, Faults};
use crate::jsonrpc::{Id, Message, Packet, Rejection, parse};

/// From this size on a message is large, in bytes.
const LARGE: usize = 1024 * 1024;

impl Faults {
    /// What was read on either transport, unless it is wrongly lost.
    pub fn read(&self, bytes: &[u8]) -> Option<Packet> {
        let packet = parse(bytes);
        if !self.any {
            return Some(packet);
        }
        if self.dies_of_text(bytes) {
            die();
        }
        match &packet {
            Packet::Single(Err(rejection)) => self.on_rejection(rejection),
            Packet::Single(Ok(message)) if self.dies_of_message(message) => die(),
            Packet::Batch(_) if self.has(F::DiesOnBatch) => die(),
            _ => {}
        }
        if bytes.len() > LARGE {
            self.on_huge();
        }
        if self.has(F::SlowOnLarge) {
            let blocks = u64::try_from(bytes.len() / (64 * 1024)).unwrap_or(u64::MAX);
            std::thread::sleep(Duration::from_millis(blocks.saturating_mul(blocks) * 40));
        }
        (!self.is_deaf() && !self.loses(bytes, &packet)).then_some(packet)
    }

    /// Whether nothing is taken notice of any more.
    pub fn is_deaf(&self) -> bool {
        self.memory.deaf.load(Ordering::Relaxed)
    }

    fn go_deaf_if(&self, fault: F) {
        if self.has(fault) {
            self.memory.deaf.store(true, Ordering::Relaxed);
        }
    }

    fn dies_of_text(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let exponent = |(at, _): (usize, &str)| {
            let digits = text[at + 1..].trim_start_matches(['-', '+']);
            let digits = digits.bytes().take_while(u8::is_ascii_digit).count();
            digits == 3 && text[..at].ends_with(|before: char| before.is_ascii_digit())
        };
        bytes.is_empty() && self.has(F::DiesOnEmptyBody)
            || str::from_utf8(bytes).is_err() && self.has(F::DiesOnInvalidUtf8)
            || text.starts_with('\u{feff}') && self.has(F::DiesOnByteOrderMark)
            || self.has(F::DiesOnLoneSurrogate) && text.contains("\\ud800")
            || self.has(F::DiesOnNul) && text.contains("\\u0000")
            || self.has(F::DiesOnPrototype) && text.contains("\"__proto__\"")
            || self.has(F::DiesOnHugeNumber) && text.match_indices('e').any(exponent)
    }

    fn dies_of_message(&self, message: &Message) -> bool {
        let params = match message {
            Message::Response { id, .. } => {
                let ours = matches!(id, Id::String(id) if id.starts_with("server"));
                return !ours && self.has(F::DiesOnStrayResponse);
            }
            Message::Request { params, .. } | Message::Notification { params, .. } => params,
        };
        let meta = params.meta();
        let trace = meta.others.get("traceparent").and_then(Value::as_str);
        let malformed = |trace: &str| trace.len() != 55;
        meta.is_malformed && self.has(F::DiesOnBadMeta)
            || trace.is_some_and(malformed) && self.has(F::DiesOnBadTraceContext)
    }

    /// What was read is no message.
    fn on_rejection(&self, rejection: &Rejection) {
        let parse = rejection.error.code == -32700;
        let says = |text: &str| rejection.error.message.contains(text);
        let dies = parse && self.has(F::DiesOnBadJson)
            || !parse && self.has(F::DiesOnBadEnvelope)
            || says("nested") && self.has(F::DiesOnDeepNesting)
            || says("an id is") && self.has(F::DiesOnNullId)
            || says("batch") && self.has(F::DiesOnBatch);
        if dies {
            die();
        }
        self.go_deaf_if(match parse {
            true => F::DeafAfterBadJson,
            false => F::DeafAfterBadEnvelope,
        });
    }

    /// A line had nothing in it.
    pub fn on_empty_line(&self) {
        self.die_if(F::DiesOnEmptyLine);
    }

    /// A message was too long to be kept, or nearly so.
    pub fn on_huge(&self) {
        self.go_deaf_if(F::HangsOnHuge);
    }

    fn loses(&self, bytes: &[u8], packet: &Packet) -> bool {
        let spelled = || find(bytes, br#""jsonrpc":"2.0""#).is_some();
        let Packet::Single(Ok(message)) = packet else {
            return false;
        };
        let by_method = match message {
            Message::Request { method, .. } => {
                self.has(F::ReservedMethodIgnored) && method.starts_with("rpc.")
                    || self.has(F::NotificationByMethod) && method.starts_with("notifications/")
            }
            _ => false,
        };
        by_method
            || self.has(F::JsonByText) && !spelled()
            || self.has(F::CarriageReturnKept) && bytes.ends_with(b"\r")
            || self.has(F::NestingIgnored) && depth(bytes) > 32
    }

    /// The lines that a line is wrongly taken for.
    pub fn lines<'a>(&self, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let text = str::from_utf8(line).unwrap_or_default();
        text.split(['\u{2028}', '\u{2029}', '\u{85}'])
            .map(str::as_bytes)
    }

    /// Whether what follows this line is wrongly taken for part of it.
    pub fn joins_rest(&self, line: &[u8]) -> bool {
        self.has(F::RestJoined)
            && matches!(
                parse(line),
                Packet::Single(Ok(Message::Notification { method, .. })) if !is_known(&method)
            )
    }

    /// Neither the path nor the method of an HTTP request is known.
    pub fn on_unknown_route(&self) {
        self.die_if(F::DiesOnUnknownRoute);
    }

    /// A body is not declared as JSON.
    pub fn on_wrong_content_type(&self) {
        self.die_if(F::DiesOnWrongContentType);
    }

    /// `Last-Event-ID` names no event.
    pub fn on_unknown_event(&self) {
        self.die_if(F::DiesOnUnknownEvent);
    }

    /// A request was read.
    pub fn on_request(&self, id: &Id) {
        if self.has(F::CancelLateAnswered) {
            self.saw_before(&id.to_value().to_string());
        }
        if self.has(F::DiesEarly) && self.count() >= 20 {
            die();
        }
    }

    /// A request came before the handshake.
    pub fn on_early_request(&self) {
        self.die_if(F::DiesOnEarlyRequest);
    }

    /// A cursor was not one of ours.
    pub fn on_bad_cursor(&self) {
        self.die_if(F::DiesOnBadCursor);
        if self.has(F::BadCursorSticks) {
            self.count();
        }
    }

    /// Whether lists are wrongly refused because of an earlier cursor.
    pub fn is_upset(&self) -> bool {
        self.has(F::BadCursorSticks) && self.counted() > 0
    }

    /// A cancellation says not of what.
    pub(super) fn on_malformed_cancellation(&self) {
        self.die_if(F::CancelMalformedDies);
    }

    /// A cancellation is of something that is not being worked on.
    pub(super) fn on_late_cancellation(&self) {
        self.die_if(F::CancelLateDies);
        self.die_if(F::CancelUnknownDies);
    }

    /// One read brought all of this.
    pub fn on_read(&self, text: &[u8]) {
        let mut behind = text.split(|byte| *byte == b'\n').skip(1).map(parse);
        let mut asked = HashSet::new();
        let crosses = behind.any(|packet| match packet {
            Packet::Single(Ok(Message::Request { id, .. })) => {
                asked.insert(id.to_value().to_string());
                false
            }
            Packet::Single(Ok(Message::Notification { method, params })) => {
                let cancelled = params.get("requestId").map(Value::to_string);
                method == "notifications/cancelled"
                    && cancelled.is_some_and(|id| asked.contains(&id))
            }
            _ => false,
        });
        if crosses {
            self.die_if(F::CancelAtOnceDies);
        }
    }

    /// A response stream begins.
    pub fn on_stream(&self) {
        self.go_deaf_if(F::ClosedStreamDeaf);
    }

    /// Its last message is about to be sent.
    pub async fn on_end_of_stream(&self) {
        if self.has(F::ClosedStreamDeaf) {
            // Whoever closes it early has the time to do so.
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.memory.deaf.store(false, Ordering::Relaxed);
        }
    }

    fn die_if(&self, fault: F) {
        if self.has(fault) {
            die();
        }
    }
}

/// Whether it is a notification that clients send.
pub(super) fn is_known(method: &str) -> bool {
    [
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
    ]
    .contains(&method)
}

/// How deep brackets are nested, those in strings included.
fn depth(bytes: &[u8]) -> usize {
    let mut deepest = 0;
    let mut depth = 0_usize;
    for byte in bytes {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
