//! What the schemas of a document ask of each place in an instance.

use serde_json::{Map, Value, json};

use super::document::Document;
use super::generate::names;

/// One value of each type, of numbers a whole one and one with a fraction.
pub fn one_of_each() -> [Value; 7] {
    [
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!("other"),
        json!([]),
        json!({}),
    ]
}

/// A member or an element of an instance.
#[derive(Debug)]
pub struct Place {
    /// A JSON Pointer to it, and to what it is in.
    pub pointer: String,
    pub parent: String,
    /// Its name, if it is a member.
    pub name: Option<String>,
    pub required: bool,
    /// Its types; none if it may be anything, or its type decides what else is asked.
    pub types: Option<Vec<&'static str>>,
    /// Another value, or none, may select another branch of a schema.
    pub decides: bool,
}

/// Every place below the root of an instance that satisfies the schema.
pub fn places(document: &Document, schema: &'static Value, instance: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    let view = view(document, &[schema], instance);
    walk(document, &view, instance, "", &mut places);
    places
}

/// The schemas that hold for a value, and the conditions among them.
#[derive(Default)]
struct View {
    schemas: Vec<&'static Map<String, Value>>,
    /// Members that conditions look at.
    deciding: Vec<&'static str>,
    /// A condition looks at the type of the value itself.
    by_type: bool,
}

fn view(document: &Document, schemas: &[&'static Value], value: &Value) -> View {
    let mut view = View::default();
    for schema in schemas {
        collect(document, schema, value, &mut view);
    }
    view
}

fn collect(document: &Document, schema: &'static Value, value: &Value, view: &mut View) {
    let Some(keywords) = schema.as_object() else {
        return;
    };
    view.schemas.push(keywords);
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
        collect(document, document.resolve(reference), value, view);
    }
    for all in keywords
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        collect(document, all, value, view);
    }
    // One of several suffices: none of them is sure to ask for anything.
    for name in ["anyOf", "oneOf"] {
        for one in keywords
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            decide(document, one, view);
        }
    }
    if let Some(condition) = keywords.get("if") {
        decide(document, condition, view);
        let holds = document.validator(condition).is_valid(value);
        let branch = keywords.get(if holds { "then" } else { "else" });
        if let Some(branch) = branch {
            collect(document, branch, value, view);
        }
    }
}

fn decide(document: &Document, condition: &'static Value, view: &mut View) {
    let Some(keywords) = condition.as_object() else {
        return;
    };
    view.by_type |= keywords.contains_key("type");
    view.deciding.extend(names(keywords.get("required")));
    let members = keywords.get("properties").and_then(Value::as_object);
    view.deciding
        .extend(members.into_iter().flat_map(Map::keys).map(String::as_str));
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
        decide(document, document.resolve(reference), view);
    }
    if let Some(not) = keywords.get("not") {
        decide(document, not, view);
    }
    for name in ["allOf", "anyOf"] {
        for other in keywords
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            decide(document, other, view);
        }
    }
}

fn walk(document: &Document, view: &View, value: &Value, at: &str, places: &mut Vec<Place>) {
    let mut visit =
        |key: String, name: Option<&str>, schemas: Vec<&'static Value>, value: &Value| {
            let below = self::view(document, &schemas, value);
            let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            places.push(Place {
                parent: at.to_owned(),
                required: name.is_some_and(|name| view.requires(name)),
                decides: name.is_some_and(|name| view.deciding.contains(&name)),
                name: name.map(str::to_owned),
                types: below.types(),
                pointer: pointer.clone(),
            });
            walk(document, &below, value, &pointer, places);
        };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                visit(name.clone(), Some(name), view.member(name), member);
            }
        }
        Value::Array(elements) => {
            let items: Vec<&Value> = view
                .schemas
                .iter()
                .filter_map(|schema| schema.get("items"))
                .collect();
            for (index, element) in elements.iter().enumerate() {
                visit(index.to_string(), None, items.clone(), element);
            }
        }
        _ => {}
    }
}

impl View {
    fn requires(&self, name: &str) -> bool {
        let mut required = self
            .schemas
            .iter()
            .flat_map(|schema| names(schema.get("required")));
        required.any(|required| required == name)
    }

    fn member(&self, name: &str) -> Vec<&'static Value> {
        let of = |schema: &&'static Map<String, Value>| {
            let own = schema
                .get("properties")
                .and_then(|members| members.get(name));
            own.or_else(|| schema.get("additionalProperties"))
        };
        self.schemas.iter().filter_map(of).collect()
    }

    fn types(&self) -> Option<Vec<&'static str>> {
        if self.by_type {
            return None;
        }
        self.schemas.iter().find_map(|schema| {
            match (schema.get("type"), schema.get("const"), schema.get("enum")) {
                (Some(Value::String(one)), ..) => Some(vec![one.as_str()]),
                (Some(several), ..) => Some(names(Some(several)).collect()),
                (_, Some(constant), _) => Some(vec![kind(constant)]),
                (.., Some(choices)) => Some(choices.as_array()?.iter().map(kind).collect()),
                _ => None,
            }
        })
    }
}

/// The JSON Schema type of a value.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
