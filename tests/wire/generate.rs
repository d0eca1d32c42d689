//! Instances of a JSON Schema, made from a list of numbers. Fewer and smaller numbers make a simpler instance, which is what
//! proptest tries when a test fails.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::Document;

/// Below this, only what is required comes.
const DEPTH: usize = 7;

/// An instance; now and then one that its schema refuses, since not every keyword is minded.
pub fn instance(document: &Document, schema: &'static Value, numbers: Vec<u16>) -> Value {
    let mut generator = Generator {
        document,
        numbers: numbers.into_iter(),
    };
    generator.value(&[schema], 0)
}

struct Generator<'a> {
    document: &'a Document,
    numbers: std::vec::IntoIter<u16>,
}

/// What schemas that hold for the same value say together.
#[derive(Default)]
struct Shape {
    schemas: Vec<&'static Map<String, Value>>,
    /// What a condition makes a member be, or not be.
    pinned: BTreeMap<&'static str, Value>,
    excluded: BTreeMap<&'static str, Vec<&'static Value>>,
}

impl Generator<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.numbers
            .next()
            .map_or(0, |number| usize::from(number) % limit)
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    fn one<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.below(from.len())]
    }

    fn value(&mut self, schemas: &[&'static Value], depth: usize) -> Value {
        let mut shape = Shape::default();
        for schema in schemas {
            self.gather(schema, &mut shape);
        }
        let constant = shape.schemas.iter().find_map(|schema| schema.get("const"));
        if let Some(constant) = constant {
            return constant.clone();
        }
        let choices = shape
            .schemas
            .iter()
            .find_map(|schema| schema.get("enum")?.as_array());
        if let Some(choices) = choices {
            return self.one(choices).clone();
        }
        match self.kind(&shape) {
            "object" => self.object(&shape, depth),
            "array" => self.array(&shape, depth),
            "string" => json!(self.one(&["a", "", "https://example.com/a", "YQ==", "2025-01-01"])),
            "integer" => json!(self.one(&[1, 0, 7])),
            "number" => match shape
                .schemas
                .iter()
                .any(|schema| schema.contains_key("maximum"))
            {
                true => json!(self.one(&[0.5, 0.0, 1.0])),
                false => json!(self.one(&[0.5, 0.0, -2.0])),
            },
            "boolean" => json!(self.coin()),
            _ => Value::Null,
        }
    }

    fn kind(&mut self, shape: &Shape) -> &'static str {
        const ANY: [&str; 6] = ["string", "object", "null", "integer", "array", "boolean"];
        let kind = shape.schemas.iter().find_map(|schema| schema.get("type"));
        match kind {
            Some(Value::String(kind)) => kind,
            Some(Value::Array(kinds)) => self.one(kinds).as_str().unwrap_or_default(),
            _ if shape
                .schemas
                .iter()
                .any(|schema| schema.contains_key("properties")) =>
            {
                "object"
            }
            _ => self.one::<&str>(&ANY),
        }
    }

    fn object(&mut self, shape: &Shape, depth: usize) -> Value {
        let mut members: BTreeMap<&'static str, Vec<&'static Value>> = BTreeMap::new();
        let mut others = Vec::new();
        for schema in &shape.schemas {
            for (name, member) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                members.entry(name).or_default().push(member);
            }
            others.extend(
                schema
                    .get("additionalProperties")
                    .filter(|others| others.is_object()),
            );
        }
        let required: Vec<&str> = shape
            .schemas
            .iter()
            .flat_map(|schema| names(schema.get("required")))
            .collect();
        for name in &required {
            members.entry(name).or_default();
        }
        let mut object = Map::new();
        for (name, schemas) in members {
            let is_required = required.contains(&name);
            let impossible = schemas.iter().any(|schema| **schema == Value::Bool(false));
            if impossible || !is_required && (depth > DEPTH || self.coin()) {
                continue;
            }
            let value = match shape.pinned.get(name) {
                Some(value) => value.clone(),
                None => self.value(&schemas, depth + 1),
            };
            let excluded = shape
                .excluded
                .get(name)
                .is_some_and(|values| values.contains(&&value));
            if is_required || !excluded {
                object.insert(name.to_owned(), value);
            }
        }
        if depth <= DEPTH && self.below(4) == 3 {
            let value = self.value(&others, depth + 1);
            object.insert("extra".to_owned(), value);
        }
        Value::Object(object)
    }

    fn array(&mut self, shape: &Shape, depth: usize) -> Value {
        let items: Vec<&Value> = shape
            .schemas
            .iter()
            .filter_map(|schema| schema.get("items"))
            .collect();
        let most = if depth > DEPTH { 1 } else { 3 };
        let length = self.below(most);
        (0..length).map(|_| self.value(&items, depth + 1)).collect()
    }

    /// Collects what a schema says with all that it refers to, in one of its branches.
    fn gather(&mut self, schema: &'static Value, shape: &mut Shape) {
        let Some(keywords) = schema.as_object() else {
            return;
        };
        shape.schemas.push(keywords);
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            self.gather(self.document.resolve(reference), shape);
        }
        for all in keywords
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.gather(all, shape);
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(branches) = keywords.get(name).and_then(Value::as_array) {
                let branch = self.one(branches);
                self.gather(branch, shape);
            }
        }
        if let Some(condition) = keywords.get("if") {
            let branch = if self.holds(condition, shape) {
                "then"
            } else {
                "else"
            };
            if let Some(branch) = keywords.get(branch) {
                self.gather(branch, shape);
            }
        }
    }

    /// Decides whether a condition shall hold, and sees to it.
    fn holds(&mut self, condition: &'static Value, shape: &mut Shape) -> bool {
        let resolved = match condition["$ref"].as_str() {
            Some(reference) => self.document.resolve(reference),
            None => condition,
        };
        let Some((name, values)) = pins(resolved) else {
            let holds = self.coin();
            if holds {
                self.gather(condition, shape);
            }
            return holds;
        };
        if let Some(pinned) = shape.pinned.get(name) {
            return values.contains(&pinned);
        }
        if self.coin() {
            let value = (*self.one(&values)).clone();
            shape.pinned.insert(name, value);
            self.gather(condition, shape);
            true
        } else {
            shape.excluded.entry(name).or_default().extend(values);
            false
        }
    }
}

/// The member that a condition is about, and the values that it names.
fn pins(condition: &'static Value) -> Option<(&'static str, Vec<&'static Value>)> {
    let (name, member) = condition["properties"].as_object()?.iter().next()?;
    let values = match (member.get("const"), member.get("enum")) {
        (Some(constant), _) => vec![constant],
        (_, Some(choices)) => choices.as_array()?.iter().collect(),
        _ => return None,
    };
    Some((name, values))
}

/// An array of strings.
pub fn names(value: Option<&'static Value>) -> impl Iterator<Item = &'static str> {
    let array = value.and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str)
}
