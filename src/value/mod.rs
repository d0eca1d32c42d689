//! What is sent: the values of a case with their directives put into effect. See "What is sent" in cases/README.md.

mod bytes;
mod directive;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::revision::Revision;
use directive::Directive;

pub use bytes::{check as check_bytes, read as read_bytes, written as written_bytes};
pub use directive::{ValueError, check};

/// `$nest` goes no deeper than this inside of a value, because values are dropped and written recursively. In `bytes`
/// there is no such limit.
pub const MAX_NEST: u64 = 1_000;

/// Nothing that is sent is larger than this (64 MiB).
pub const MAX_SIZE: usize = 64 << 20;

/// What directives stand for.
#[derive(Debug, Clone)]
pub struct Expander<'a> {
    /// Decides `$by-revision`.
    pub revision: Revision,
    /// What `$var` names.
    pub vars: &'a BTreeMap<String, Value>,
    /// What `{"$meta": true}` gives; null where the revision requires no `_meta`: then it is left out.
    pub meta: Value,
    /// What `{"$id": true}` gives.
    pub id: Value,
}

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// Nothing was saved under this name.
    #[error("the variable {0:?} was never saved")]
    UnsetVariable(String),
    /// Nobody gave credentials under this name.
    #[error("there are no credentials for the identity {0:?}")]
    UnknownIdentity(String),
    /// A directive makes no sense.
    #[error(transparent)]
    Malformed(#[from] ValueError),
}

impl ExpandError {
    fn malformed(message: impl Into<String>) -> ExpandError {
        ExpandError::Malformed(ValueError::new(message))
    }

    fn under(self, segment: &str) -> ExpandError {
        match self {
            ExpandError::Malformed(error) => ExpandError::Malformed(error.under(segment)),
            unset => unset,
        }
    }
}

impl Expander<'_> {
    /// The value with its directives put into effect; `None` if it is to be left out: `$omit`, a `$by-revision` of
    /// which no range holds, a `$meta` that the revision does not have. What a variable holds is never expanded again.
    ///
    /// # Errors
    /// A variable that was never saved, or a directive that makes no sense.
    pub fn value(&self, value: &Value) -> Result<Option<Value>, ExpandError> {
        if let Some(directive) = Directive::of(value)? {
            return self.directive(directive);
        }
        Ok(Some(match value {
            Value::Array(elements) => self.elements(elements)?.into(),
            Value::Object(members) => {
                let mut expanded = Map::new();
                for (name, member) in members {
                    if let Some(member) = self.value(member).map_err(|error| error.under(name))? {
                        expanded.insert(name.clone(), member);
                    }
                }
                expanded.into()
            }
            scalar => scalar.clone(),
        }))
    }

    /// The text of a header; `None` if it is to be left out: null, or what [`Expander::value`] leaves out. What is no
    /// string is written as JSON.
    ///
    /// # Errors
    /// Those of [`Expander::value`].
    pub fn text(&self, value: &Value) -> Result<Option<String>, ExpandError> {
        Ok(match self.value(value)? {
            None | Some(Value::Null) => None,
            Some(value) => Some(into_text(value)),
        })
    }

    fn elements(&self, elements: &[Value]) -> Result<Vec<Value>, ExpandError> {
        let mut expanded = Vec::with_capacity(elements.len());
        for (i, element) in elements.iter().enumerate() {
            expanded.extend(
                self.value(element)
                    .map_err(|error| error.under(&i.to_string()))?,
            );
        }
        Ok(expanded)
    }

    fn directive(&self, directive: Directive<'_>) -> Result<Option<Value>, ExpandError> {
        Ok(match directive {
            Directive::Var(name) => Some(self.saved(name)?.clone()),
            Directive::Omit => None,
            Directive::Id => Some(self.id.clone()),
            Directive::Meta => Some(self.meta.clone()).filter(|meta| !meta.is_null()),
            Directive::Literal(value) => Some(value.clone()),
            Directive::ByRevision(_) => match directive.branch(self.revision) {
                Some(value) => self.value(value)?,
                None => None,
            },
            Directive::Repeat { value, times } => self.repeat(value, times)?,
            Directive::Nest { depth, .. } if depth > MAX_NEST => {
                let message = format!(
                    "$nest goes to {MAX_NEST} in a value; what is deeper belongs in `bytes`"
                );
                return Err(ExpandError::malformed(message));
            }
            Directive::Nest { object, depth } => Some(nested(object, depth)),
            Directive::Concat(parts) => Some(self.concat(parts)?.into()),
        })
    }

    fn saved(&self, name: &str) -> Result<&Value, ExpandError> {
        self.vars
            .get(name)
            .ok_or_else(|| ExpandError::UnsetVariable(name.to_owned()))
    }

    fn repeat(&self, value: &Value, times: usize) -> Result<Option<Value>, ExpandError> {
        let Some(value) = self.value(value)? else {
            return Ok(None);
        };
        let size = match &value {
            Value::String(text) => text.len(),
            // The element and its comma, and never less than what it takes in memory.
            other => (other.to_string().len() + 1).max(size_of::<Value>()),
        };
        ensure_size(size, times)?;
        Ok(Some(match value {
            Value::String(text) => text.repeat(times).into(),
            other => vec![other; times].into(),
        }))
    }

    fn concat(&self, parts: &[Value]) -> Result<String, ExpandError> {
        let mut text = String::new();
        for (i, part) in parts.iter().enumerate() {
            let part = self
                .value(part)
                .map_err(|error| error.under(&i.to_string()))?;
            text.extend(part.map(into_text));
            ensure_size(text.len(), 1)?;
        }
        Ok(text)
    }
}

/// A string as it is, anything else as JSON.
fn into_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn ensure_size(size: usize, times: usize) -> Result<(), ExpandError> {
    match size.checked_mul(times) {
        Some(total) if total <= MAX_SIZE => Ok(()),
        _ => Err(ExpandError::malformed(format!(
            "more than {MAX_SIZE} bytes"
        ))),
    }
}

fn nested(object: bool, depth: u64) -> Value {
    let wrap = |inner: Option<Value>| match object {
        true => Value::Object(
            inner
                .map(|inner| (directive::NEST_MEMBER.to_owned(), inner))
                .into_iter()
                .collect(),
        ),
        false => Value::Array(inner.into_iter().collect()),
    };
    (1..depth).fold(wrap(None), |inner, _| wrap(Some(inner)))
}
