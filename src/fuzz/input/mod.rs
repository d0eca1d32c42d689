//! One thing to try on a server.

mod ids;
mod repeat;
mod shape;
mod steps;
#[cfg(test)]
mod tests;
mod together;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use crate::drive::{PATH_WITH_TOKEN, Shot};
use crate::target::IN_QUERY;
pub(super) use ids::id;

/// What is sent together, and where it comes from.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The generator that made it.
    pub generator: &'static str,
    /// The method that it is about, where there is one.
    pub method: Option<String>,
    /// What is wrong with it: a keyword of JSON Schema, or the kind of input.
    pub keyword: &'static str,
    /// Whether it is sent before the session is opened, in one of its own.
    pub unopened: bool,
    /// What is sent.
    pub shots: Vec<Shot>,
    /// What the server's requests get for a reply meanwhile, by method, where it is not the usual.
    pub replies: BTreeMap<String, Value>,
}

impl Input {
    /// Whether these are several messages.
    pub(super) fn are_several(inputs: &[Input]) -> bool {
        inputs.iter().map(|input| input.shots.len()).sum::<usize>() > 1
    }

    /// Bytes as one message.
    pub(super) fn bytes(keyword: &'static str, bytes: impl Into<Bytes>) -> Input {
        Input {
            keyword,
            shots: vec![Shot::message(bytes.into())],
            ..Input::default()
        }
    }

    /// JSON as one message.
    pub(super) fn json(keyword: &'static str, message: &Value) -> Input {
        let method = message.get("method").and_then(Value::as_str);
        Input {
            method: method.map(str::to_owned),
            ..Input::bytes(keyword, message.to_string())
        }
    }

    /// Messages as they follow each other.
    pub(super) fn messages(keyword: &'static str, messages: &[Value]) -> Input {
        let bytes = messages.iter().map(|message| message.to_string());
        let first = messages
            .first()
            .map(|message| Input::json(keyword, message));
        Input {
            shots: bytes.map(|bytes| Shot::message(bytes.into())).collect(),
            ..first.unwrap_or_default()
        }
    }

    /// Whether nothing else can be sent together with it.
    pub(super) fn is_alone(&self) -> bool {
        self.unopened || !self.replies.is_empty() || self.ends_session()
    }

    /// Whether the session is over behind it.
    pub(super) fn ends_session(&self) -> bool {
        self.shots.iter().any(Shot::ends_session)
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.shots.iter().map(Shot::len).sum()
    }

    /// Whether nothing is sent.
    pub fn is_empty(&self) -> bool {
        self.shots.is_empty()
    }

    /// The same with ids of its own: integers for one half of all inputs, strings for the other.
    pub(super) fn numbered(mut self, index: u64) -> Input {
        for shot in &mut self.shots {
            let bytes = shot.bytes_mut();
            *bytes = ids::numbered(bytes, index);
        }
        self
    }

    /// Whose credentials it has beside ours.
    pub(super) fn callers(&self) -> impl Iterator<Item = &str> {
        self.shots.iter().filter_map(|shot| match shot {
            Shot::Message { identity, .. } => identity.as_deref(),
            Shot::Http(request) => {
                let path = request.path.as_deref();
                path.filter(|path| *path == PATH_WITH_TOKEN)
                    .map(|_| IN_QUERY)
            }
            Shot::Aborted(_) => None,
        })
    }

    /// Its ids that are not its own.
    pub(super) fn odd_ids(&self) -> Vec<String> {
        let bytes = self.shots.iter().filter_map(|shot| match shot {
            Shot::Message { bytes, .. } => Some(bytes),
            // They are answered on streams of their own.
            Shot::Http(_) | Shot::Aborted(_) => None,
        });
        bytes.flat_map(|bytes| ids::odd(bytes)).collect()
    }
}
