//! Steps that go out exactly as the case has them: messages, bytes, HTTP exchanges.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::send::{Outbound, overridden};
use super::steps::{GRACE, Next};
use super::wait::{Wait, stream_ended};
use super::{Recorder, Session};
use crate::catalog::case::HttpStep;
use crate::judge::view;
use crate::transcript::{Raw, StepRef, What};
use crate::transport::StreamId;
use crate::value::ExpandError;

/// Of longer bytes the HTTP headers do not mirror the content.
const MAX_ANNOUNCED: usize = 256 << 10;
impl Session {
    pub(super) fn send_verbatim(
        &mut self,
        at: StepRef,
        message: &Value,
        headers: &Map<String, Value>,
    ) -> Result<usize, ExpandError> {
        let message = self.expander().value(message)?.unwrap_or(Value::Null);
        let headers = self.header_changes(headers)?;
        self.fresh_id();
        let outbound = Outbound {
            deliberate: true,
            headers,
            ..self.outbound(message, Some(at))
        };
        Ok(self.send(outbound))
    }

    pub(super) fn send_bytes(
        &mut self,
        at: StepRef,
        bytes: &Value,
        newline: bool,
        headers: &Map<String, Value>,
    ) -> Result<usize, ExpandError> {
        let bytes = self.expander().bytes(bytes)?;
        let headers = self.header_changes(headers)?;
        self.fresh_id();
        // What cannot be parsed, or is too large for it, is announced as the cheapest request: only the body is wrong.
        let readable = bytes.len() <= MAX_ANNOUNCED;
        let message = readable
            .then(|| serde_json::from_slice(&bytes).ok())
            .flatten();
        let message = message
            .filter(Value::is_object)
            .unwrap_or_else(|| json!({ "method": self.spec.era().alive_method() }));
        let outbound = Outbound {
            bytes,
            deliberate: true,
            headers,
            newline,
            ..self.outbound(message, Some(at))
        };
        Ok(self.send(outbound))
    }

    pub(super) fn send_http(
        &mut self,
        at: StepRef,
        http: &HttpStep,
    ) -> Result<StreamId, ExpandError> {
        let expander = self.expander();
        let path = match &http.path {
            Some(path) => expander.text(path)?,
            None => None,
        };
        let body = http
            .body
            .as_ref()
            .map(|body| expander.bytes(body))
            .transpose()?
            .unwrap_or_default();
        let changes = self.header_changes(&http.headers)?;
        // The credentials get us in; all other headers are the case's.
        let headers = overridden(self.credentials(), &changes);
        self.fresh_id();
        let has_body = !body.is_empty();
        let stream = self.exchange_order(&http.method, path, headers, body.clone(), Some(at));
        if has_body {
            let raw = Raw(body);
            self.record.note(
                stream,
                What::Sent {
                    raw,
                    step: Some(at),
                    deliberate: true,
                    elided: None,
                },
            );
        }
        Ok(stream)
    }

    /// Waits for the response of an HTTP exchange, or for its head where it is a stream that stays open.
    pub(super) async fn settle_http(&mut self, stream: StreamId, at: StepRef) -> Next {
        let wait = self
            .wait_for(Some(at), "an HTTP response", move |record| {
                stream_ended(record, stream)
                    || view::is_open_stream(&record.entries, stream)
                    || is_answered_elsewhere(record, stream)
            })
            .await;
        let goes_on = view::is_open_stream(&self.record.entries, stream)
            && !stream_ended(&self.record, stream);
        if wait == Wait::Done && goes_on {
            // An event stream that would stay open: its head is all that the step asked for.
            self.pump(Instant::now() + GRACE, |record| {
                stream_ended(record, stream)
            })
            .await;
            self.abandon(stream);
        }
        wait.into()
    }
}

/// Whether what was posted on this stream is answered on another, as over HTTP+SSE.
fn is_answered_elsewhere(record: &Recorder, stream: StreamId) -> bool {
    let mut exchanges = record.conversation.exchanges.iter();
    let elsewhere = |answer: usize| record.entries[answer].stream != stream;
    exchanges.any(|exchange| exchange.stream == stream && exchange.answer.is_some_and(elsewhere))
}
