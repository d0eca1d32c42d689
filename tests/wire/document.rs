//! A schema document with the validators of its parts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jsonschema::{Registry, Validator};
use mcp_conform::revision::Revision;
use mcp_conform::wire;
use serde_json::{Value, json};

const NAME: &str = "urn:document";

/// A schema document, ours or a published one.
pub struct Document {
    pub value: &'static Value,
    registry: Registry<'static>,
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Document {
    pub fn ours(revision: Revision) -> Document {
        Document::new(wire::document(revision).unwrap())
    }

    pub fn new(value: Value) -> Document {
        let registry = Registry::new().add(NAME, value.clone()).unwrap();
        Document {
            // The few documents of a test are needed until it ends.
            value: Box::leak(Box::new(value)),
            registry: registry.prepare().unwrap(),
            validators: RefCell::default(),
        }
    }

    /// What a reference, `#` and a JSON Pointer, stands for.
    pub fn resolve(&self, reference: &str) -> &'static Value {
        let pointer = reference.trim_start_matches('#');
        let found = self.value.pointer(pointer);
        found.unwrap_or_else(|| panic!("there is no {reference}"))
    }

    /// The validator of a schema whose references are those of this document.
    pub fn validator(&self, schema: &Value) -> Rc<Validator> {
        let compile = || {
            let dialect = &self.value["$schema"];
            let rooted = rooted(schema);
            let rooted = json!({ "$schema": dialect, "allOf": [rooted] });
            let options = jsonschema::options()
                .offline()
                .with_registry(&self.registry);
            let validator = options.should_validate_formats(false).build(&rooted);
            Rc::new(validator.unwrap())
        };
        let mut validators = self.validators.borrow_mut();
        validators
            .entry(schema.to_string())
            .or_insert_with(compile)
            .clone()
    }
}

/// The same schema outside of its document.
fn rooted(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| match (name.as_str(), member) {
                ("$ref", Value::String(local)) => (name.clone(), json!(format!("{NAME}{local}"))),
                _ => (name.clone(), rooted(member)),
            })
            .collect(),
        Value::Array(items) => items.iter().map(rooted).collect(),
        other => other.clone(),
    }
}

/// A table of x-mcp; none where the revision has no such messages.
pub fn table(document: &Value, name: &str) -> Vec<(String, Value)> {
    let table = document["x-mcp"][name].as_object();
    let entries = table.into_iter().flatten();
    entries
        .map(|(name, entry)| (name.clone(), entry.clone()))
        .collect()
}

/// A member of an entry of such a table.
pub fn reference<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap()
}
