//! Faults of the HTTP+SSE transport.

use std::borrow::Cow;

use bytes::Bytes;

use super::envelope::die;
use super::{F, Faults};
use crate::lock;

impl Faults {
    /// What the stream of a client begins with: where it shall post.
    pub fn endpoint_events(&self, uri: &str) -> Option<Bytes> {
        if self.has(F::SseEndpointMissing) {
            return None;
        }
        let early = match self.has(F::SseEndpointLate) {
            true => {
                "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"early\",\"method\":\"ping\"}\n\n"
            }
            false => "",
        };
        Some(format!("{early}event: endpoint\ndata: {uri}\n\n").into())
    }

    /// The type of the events that carry messages.
    pub fn event_type(&self) -> &'static str {
        match self.has(F::SseEventType) {
            true => "response",
            false => "message",
        }
    }

    /// A client has come.
    pub fn remember_client(&self, key: &str) {
        if self.has(F::SseLatestClient) {
            key.clone_into(&mut lock(&self.memory.client));
        }
    }

    /// The client that a message is taken to come from.
    pub fn client<'a>(&self, key: &'a str) -> Cow<'a, str> {
        match self.has(F::SseLatestClient) {
            true => lock(&self.memory.client).clone().into(),
            false => key.into(),
        }
    }

    /// A message comes from a client that is not there.
    pub fn on_unknown_client(&self) {
        if self.has(F::SseDiesOnUnknown) {
            die();
        }
    }
}
