//! What can be made out of a text that is JSON, or nearly: a tolerant look at its brackets, names and ids.

use std::borrow::Cow;

use serde_json::Value;

use super::SANE_DEPTH;
use crate::message::with_whole_characters;

/// What was made out.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// How many brackets are open at once.
    pub depth: usize,
    /// Whether an object has two members of one name.
    pub duplicates: bool,
    /// The ids of the messages, as far as they are scalars.
    pub ids: Vec<Value>,
}

/// An open bracket.
enum Frame<'t> {
    Array,
    Object {
        names: Vec<Cow<'t, str>>,
        at_name: bool,
    },
}

impl Scan {
    /// Looks through a text once, from start to end.
    pub(super) fn of(text: &str) -> Scan {
        let mut scan = Scan::default();
        let mut open: Vec<Frame<'_>> = Vec::new();
        // Below a sane depth nothing matters but that it is deep.
        let mut deeper: usize = 0;
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' if open.len() > SANE_DEPTH => deeper += 1,
                b'{' => open.push(Frame::Object {
                    names: Vec::new(),
                    at_name: true,
                }),
                b'[' => open.push(Frame::Array),
                b']' | b'}' if deeper > 0 => deeper -= 1,
                b']' | b'}' => scan.close(open.pop()),
                b',' => {
                    if let Some(Frame::Object { at_name, .. }) = open.last_mut() {
                        *at_name |= deeper == 0;
                    }
                }
                b'"' => {
                    let start = at - 1;
                    at = end_of_string(bytes, at);
                    if deeper == 0 {
                        let written = text.get(start..at).unwrap_or_default();
                        scan.string(written, text.get(at..).unwrap_or_default(), &mut open);
                    }
                }
                _ => {}
            }
            scan.depth = scan.depth.max(open.len() + deeper);
        }
        open.into_iter().for_each(|frame| scan.close(Some(frame)));
        scan
    }

    /// All names of an object are there: sorted, those that are equal are beside each other.
    fn close(&mut self, frame: Option<Frame<'_>>) {
        if let Some(Frame::Object { mut names, .. }) = frame {
            names.sort_unstable();
            self.duplicates |= names.windows(2).any(|pair| pair[0] == pair[1]);
        }
    }

    /// A string in quotes, and what follows it.
    fn string<'t>(&mut self, written: &'t str, rest: &'t str, open: &mut [Frame<'t>]) {
        let is_message = matches!(
            open,
            [Frame::Object { .. }] | [Frame::Array, Frame::Object { .. }]
        );
        let Some(Frame::Object { names, at_name }) = open.last_mut() else {
            return;
        };
        if !std::mem::replace(at_name, false) {
            return;
        }
        let name = unescaped(written);
        if is_message && name == "id" {
            self.ids.extend(scalar_after_colon(rest));
        }
        names.push(name);
    }
}

/// The index behind the closing quote, or the end.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => return at,
            b'\\' => at += 1,
            _ => {}
        }
    }
    bytes.len()
}

fn unescaped(written: &str) -> Cow<'_, str> {
    match written
        .contains('\\')
        .then(|| serde_json::from_str::<String>(written))
    {
        Some(Ok(name)) => Cow::Owned(name),
        _ => Cow::Borrowed(written.trim_matches('"')),
    }
}

fn scalar_after_colon(rest: &str) -> Option<Value> {
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    if value.starts_with(['[', '{']) {
        return None;
    }
    let first = |text: &str| {
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        documents.next()?.ok()
    };
    first(value).or_else(|| {
        let length = value
            .starts_with('"')
            .then(|| end_of_string(value.as_bytes(), 1))?;
        first(&with_whole_characters(value.get(..length)?)?)
    })
}
