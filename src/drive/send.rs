//! Puts messages and HTTP exchanges on the wire, dressed for the revision, and records them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Session;
use crate::revision::{Era, legacy, modern};
use crate::transcript::{Raw, StepRef, What};
use crate::transport::{HttpRequest, Outgoing, StreamId, Transport};

/// Something to send, and how.
pub(super) struct Outbound {
    pub(super) bytes: Bytes,
    /// The parsed message, as far as it is one: HTTP headers mirror it.
    pub(super) message: Value,
    pub(super) step: Option<StepRef>,
    pub(super) deliberate: bool,
    /// Set or left out (null).
    pub(super) headers: Map<String, Value>,
    pub(super) bare: bool,
    pub(super) newline: bool,
}

impl Session {
    pub(super) fn dress_params(&self, params: Option<Value>) -> Option<Value> {
        if self.spec.era() == Era::Legacy {
            return params;
        }
        let mut params = params.unwrap_or_else(|| json!({}));
        let Some(object) = params.as_object_mut() else {
            return Some(params);
        };
        let meta = object.entry("_meta").or_insert_with(|| json!({}));
        if meta.get("$omit").is_some() {
            return Some(params);
        }
        if let (Some(meta), Value::Object(required)) = (meta.as_object_mut(), self.meta()) {
            for (key, value) in required {
                meta.entry(key).or_insert(value);
            }
        }
        Some(params)
    }

    /// The `_meta` that the revision requires of a request.
    pub(super) fn meta(&self) -> Value {
        match self.spec.era() {
            Era::Legacy => json!({}),
            Era::Modern => modern::meta(self.spec.revision, &self.spec.client),
        }
    }

    pub(super) fn notification(&self, method: &str, params: Option<Value>) -> Outbound {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(params) = params {
            message["params"] = params;
        }
        self.outbound(message, None)
    }

    pub(super) fn outbound(&self, message: Value, step: Option<StepRef>) -> Outbound {
        Outbound {
            bytes: Bytes::from(message.to_string()),
            message,
            step,
            deliberate: false,
            headers: Map::new(),
            bare: false,
            newline: true,
        }
    }

    /// Sends; returns the index of the entry.
    pub(super) fn send(&mut self, outbound: Outbound) -> usize {
        if self.is_http() {
            let headers = self.http_headers(&outbound);
            let Outbound {
                bytes,
                step,
                deliberate,
                ..
            } = outbound;
            return self.post(headers, bytes, step, deliberate);
        }
        let seq = self.fresh_seq();
        let raw = Raw(outbound.bytes.clone());
        let what = What::Sent {
            raw,
            step: outbound.step,
            deliberate: outbound.deliberate,
            elided: None,
        };
        let index = self.record.note_order(seq, 0, what);
        let _ = self.link.tx.send(Outgoing::Write {
            seq,
            bytes: outbound.bytes,
            newline: outbound.newline,
        });
        index
    }

    pub(super) fn fresh_seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    pub(super) fn http_headers(&self, outbound: &Outbound) -> Vec<(String, String)> {
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        if self.spec.transport() == Transport::Http {
            let accept = "application/json, text/event-stream";
            headers.push(("Accept".to_owned(), accept.to_owned()));
        }
        if !outbound.bare {
            headers.extend(match self.spec.era() {
                Era::Modern => {
                    modern::headers(self.spec.revision, &outbound.message, &self.spec.tools)
                }
                Era::Legacy if self.opened => {
                    legacy::headers(self.spec.revision, self.session_id.as_deref())
                }
                Era::Legacy => Vec::new(),
            });
        }
        headers.extend(self.credentials());
        overridden(headers, &outbound.headers)
    }

    pub(super) fn post(
        &mut self,
        headers: Vec<(String, String)>,
        bytes: Bytes,
        step: Option<StepRef>,
        deliberate: bool,
    ) -> usize {
        let raw = Raw(bytes.clone());
        let path = self.posting_path();
        let stream = self.exchange_order("POST", path, headers, bytes, step);
        self.record.note_order(
            self.next_seq,
            stream,
            What::Sent {
                raw,
                step,
                deliberate,
                elided: None,
            },
        )
    }

    /// Orders an HTTP exchange and records its head; returns its stream.
    pub(super) fn exchange_order(
        &mut self,
        method: &str,
        path: Option<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
        step: Option<StepRef>,
    ) -> StreamId {
        let stream = self.next_stream;
        self.next_stream += 1;
        self.order_on(stream, method, path, headers, body, step);
        stream
    }

    pub(super) fn order_on(
        &mut self,
        stream: StreamId,
        method: &str,
        path: Option<String>,
        headers: Vec<(String, String)>,
        body: Bytes,
        step: Option<StepRef>,
    ) {
        let seq = self.fresh_seq();
        let replica = self.next_replica(&body);
        let what = What::HttpRequest {
            replica,
            method: method.to_owned(),
            path: path.clone(),
            headers: headers.clone(),
            identity: self.identity.clone(),
            step,
        };
        self.record.note_order(seq, stream, what);
        let request = HttpRequest {
            replica,
            method: method.to_owned(),
            path,
            headers,
            body,
        };
        let _ = self.link.tx.send(Outgoing::Exchange {
            seq,
            stream,
            request,
        });
    }
}

/// Headers with those of a step set, replaced or (null) left out.
pub(super) fn overridden(
    mut headers: Vec<(String, String)>,
    changes: &Map<String, Value>,
) -> Vec<(String, String)> {
    for (name, value) in changes {
        headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        headers.extend(
            values
                .into_iter()
                .filter_map(Value::as_str)
                .map(|value| (name.clone(), value.to_owned())),
        );
    }
    headers
}
