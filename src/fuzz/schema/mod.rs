//! Values from a JSON Schema: valid ones, and ones that break one keyword.
//!
//! Both the wire schema of a revision and the `inputSchema` of a tool are schemas. What comes out is only as good as
//! the keywords that are understood here, so whoever needs certainty validates it.

mod flat;
mod text;
mod valid;
mod violate;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::dice::Dice;

/// A schema within the document that its references point into.
#[derive(Debug, Clone)]
pub struct Schema {
    document: Arc<Value>,
    schema: Value,
}

/// A value with one thing wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// The value.
    pub value: Value,
    /// Where it is wrong, as a JSON Pointer.
    pub pointer: String,
    /// The keyword that it violates.
    pub keyword: &'static str,
}

impl Schema {
    /// A document that is a schema.
    pub fn new(document: Value) -> Schema {
        Schema {
            schema: document.clone(),
            document: Arc::new(document),
        }
    }

    /// A part of a document.
    pub fn within(document: &Arc<Value>, schema: Value) -> Schema {
        Schema {
            document: document.clone(),
            schema,
        }
    }

    /// Values that it accepts, as far as its keywords are understood.
    pub fn valid(&self) -> impl Strategy<Value = Value> + use<> {
        let schema = self.clone();
        Just(()).prop_perturb(move |(), rng| schema.roll(&mut Dice::new(rng)))
    }

    /// Values that it does not accept; the value itself, with no keyword, where nothing can be wrong.
    pub fn broken(&self) -> impl Strategy<Value = Option<Broken>> + use<> {
        let schema = self.clone();
        Just(()).prop_perturb(move |(), rng| {
            let mut dice = Dice::new(rng);
            let value = schema.roll(&mut dice);
            schema.break_one(&value, &mut dice)
        })
    }

    /// Whether objects must have a member.
    pub(super) fn requires(&self, member: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|name| name == member))
    }

    /// A value that it accepts.
    pub(super) fn roll(&self, dice: &mut Dice) -> Value {
        valid::value(&self.document, &self.schema, dice, 0)
    }

    /// The value with one of its keywords violated; none if it forbids nothing.
    pub(super) fn break_one(&self, value: &Value, dice: &mut Dice) -> Option<Broken> {
        violate::one(&self.document, &self.schema, value, dice)
    }
}

#[cfg(test)]
mod tests;
