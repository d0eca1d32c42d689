//! Bytes as a case writes them: text, Base64, or directives that give text. Nothing here builds a value or recurses into
//! what it makes, so that a hundred thousand levels of nesting are just text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};

use super::directive::{self, Directive, NEST_MEMBER, ValueError};
use super::{ExpandError, Expander, MAX_SIZE, ensure_size, into_text};

/// Bytes behind a repetition for which room is made with it.
const SLACK: usize = 256;

impl Expander<'_> {
    /// The bytes of a `bytes` step or of the body of an `http` step.
    ///
    /// - a string: its text, in which `${id}` and `${meta}` are replaced by their JSON (`{}` for a `_meta` that the
    ///   revision does not have);
    /// - `{"$base64": TEXT}`: what it decodes to;
    /// - `$concat` and `$repeat`: bytes one after the other; `$nest`: its JSON text, however deep;
    /// - `$var` and `$literal`: a string as it is, without replacements, anything else as JSON;
    /// - anything else: its JSON text.
    ///
    /// What [`Expander::value`] leaves out is empty here.
    ///
    /// # Errors
    /// A variable that was never saved, or a directive that makes no sense.
    pub fn bytes(&self, value: &Value) -> Result<Bytes, ExpandError> {
        let mut out = Vec::new();
        self.write_bytes(value, &mut out)?;
        Ok(out.into())
    }

    fn write_bytes(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), ExpandError> {
        if let Value::String(text) = value {
            out.extend_from_slice(self.fill(text).as_bytes());
            return ensure_size(out.len(), 1);
        }
        if let Some(decoded) = base64(value)? {
            out.extend_from_slice(&decoded);
            return ensure_size(out.len(), 1);
        }
        match Directive::of(value)? {
            Some(Directive::Concat(parts)) => parts.iter().enumerate().try_for_each(|(i, part)| {
                self.write_bytes(part, out)
                    .map_err(|error| error.under(&i.to_string()).under("$concat"))
            }),
            Some(Directive::Repeat { value, times }) => {
                let once = self
                    .bytes(value)
                    .map_err(|error| error.under("value").under("$repeat"))?;
                ensure_size(once.len(), times)?;
                // Megabytes perhaps: room for them once, and a little for what follows.
                out.reserve_exact(once.len() * times + SLACK);
                (0..times).for_each(|_| out.extend_from_slice(&once));
                ensure_size(out.len(), 1)
            }
            Some(Directive::Nest { object, depth }) => write_nest(object, depth, out),
            Some(directive @ Directive::ByRevision(_)) => match directive.branch(self.revision) {
                Some(value) => self
                    .write_bytes(value, out)
                    .map_err(|error| error.under("$by-revision")),
                None => Ok(()),
            },
            _ => {
                if let Some(value) = self.value(value)? {
                    out.extend_from_slice(into_text(value).as_bytes());
                }
                ensure_size(out.len(), 1)
            }
        }
    }

    /// Replaces `${id}` and `${meta}`, in one pass: what is put in is not looked at again.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            rest = if let Some(after) = rest.strip_prefix("${id}") {
                filled.push_str(&self.id.to_string());
                after
            } else if let Some(after) = rest.strip_prefix("${meta}") {
                match &self.meta {
                    Value::Null => filled.push_str("{}"),
                    meta => filled.push_str(&meta.to_string()),
                }
                after
            } else {
                filled.push_str("${");
                &rest[2..]
            };
        }
        filled + rest
    }
}

/// What `{"$base64": TEXT}` decodes to; `None` for anything else.
fn base64(value: &Value) -> Result<Option<Vec<u8>>, ValueError> {
    let Some(("$base64", text)) = directive::single_dollar(value) else {
        return Ok(None);
    };
    let decoded = text.as_str().and_then(|text| BASE64.decode(text).ok());
    decoded
        .map(Some)
        .ok_or_else(|| ValueError::new("needs a string in Base64, with padding").under("$base64"))
}

/// Bytes as a case writes them so that they are read again as they are: as text, unless something in it would be replaced.
pub fn written(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains("${") => Value::String(text.to_owned()),
        _ => json!({ "$base64": BASE64.encode(bytes) }),
    }
}

/// What [`written`] wrote; none of anything else.
pub fn read(value: &Value) -> Option<Bytes> {
    match value {
        Value::String(text) => Some(Bytes::from(text.clone())),
        value => base64(value).ok().flatten().map(Bytes::from),
    }
}

fn write_nest(object: bool, depth: u64, out: &mut Vec<u8>) -> Result<(), ExpandError> {
    let depth = usize::try_from(depth).unwrap_or(MAX_SIZE + 1);
    let member = format!("{{\"{NEST_MEMBER}\":");
    let (open, innermost, close) = if object {
        (member.as_str(), "{}", "}")
    } else {
        ("[", "[]", "]")
    };
    ensure_size(open.len() + close.len(), depth)?;
    out.extend_from_slice(open.repeat(depth - 1).as_bytes());
    out.extend_from_slice(innermost.as_bytes());
    out.extend_from_slice(close.repeat(depth - 1).as_bytes());
    ensure_size(out.len(), 1)
}

/// Checks the value of a `bytes` step or of an `http` body.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(value: &Value) -> Result<(), ValueError> {
    if base64(value)?.is_some() {
        return Ok(());
    }
    if let Some(Directive::Concat(parts)) = Directive::of(value).ok().flatten() {
        return parts.iter().enumerate().try_for_each(|(i, part)| {
            check(part).map_err(|error| error.under(&i.to_string()).under("$concat"))
        });
    }
    directive::check(value)
}
