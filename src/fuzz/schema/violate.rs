//! A value with one keyword of its schema violated.

use serde_json::{Map, Value, json};

use super::Broken;
use super::flat::{Keywords, flat};
use super::text::{MAX_LENGTH, length};
use super::valid::anything;
use crate::fuzz::dice::Dice;

/// Nothing is looked for below this depth.
const MAX_DEPTH: usize = 12;

/// One thing that can be made wrong.
struct Way {
    pointer: String,
    keyword: &'static str,
    /// What takes the place; none: nothing does.
    instead: Option<Value>,
}

pub(super) fn one(
    document: &Value,
    schema: &Value,
    value: &Value,
    dice: &mut Dice,
) -> Option<Broken> {
    let mut search = Search {
        document,
        dice,
        ways: Vec::new(),
    };
    search.visit(schema, value, "", 0);
    let Search { dice, mut ways, .. } = search;
    if ways.is_empty() {
        return None;
    }
    let way = ways.swap_remove(dice.below(ways.len()));
    let mut broken = value.clone();
    put(&mut broken, &way.pointer, way.instead);
    Some(Broken {
        value: broken,
        pointer: way.pointer,
        keyword: way.keyword,
    })
}

struct Search<'a> {
    document: &'a Value,
    dice: &'a mut Dice,
    ways: Vec<Way>,
}

impl Search<'_> {
    /// Collects what can be made wrong in a value and below it.
    fn visit(&mut self, schema: &Value, value: &Value, at: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let keywords = flat(self.document, schema, self.dice);
        self.kind(&keywords, at);
        self.choices(&keywords, at);
        match value {
            Value::Object(members) => self.object(&keywords, members, at, depth),
            Value::Array(items) => self.array(&keywords, items, at, depth),
            Value::String(text) => self.string(&keywords, text, at),
            Value::Number(_) => self.number(&keywords, at),
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn way(&mut self, at: &str, keyword: &'static str, instead: Value) {
        self.ways.push(Way {
            pointer: at.to_owned(),
            keyword,
            instead: Some(instead),
        });
    }

    fn kind(&mut self, keywords: &Keywords<'_>, at: &str) {
        let allowed: Vec<&str> = match keywords.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let others = [
            ("null", Value::Null),
            ("boolean", json!(true)),
            ("number", json!(1.5)),
            ("string", json!("text")),
            ("array", json!([])),
            ("object", json!({})),
        ];
        let others: Vec<Value> = others
            .into_iter()
            .filter(|(name, _)| !allowed.contains(name))
            .map(|(_, other)| other)
            .collect();
        if let Some(other) = self.dice.pick(&others).cloned() {
            self.way(at, "type", other);
        }
    }

    fn choices(&mut self, keywords: &Keywords<'_>, at: &str) {
        if let Some(constant) = keywords.get("const") {
            self.way(at, "const", unlike(constant));
        }
        if let Some(first) = keywords.get("enum").and_then(|choices| choices.get(0)) {
            self.way(at, "enum", unlike(first));
        }
    }

    fn object(
        &mut self,
        keywords: &Keywords<'_>,
        members: &Map<String, Value>,
        at: &str,
        depth: usize,
    ) {
        let required = keywords.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if members.contains_key(name) {
                self.ways.push(Way {
                    pointer: below(at, name),
                    keyword: "required",
                    instead: None,
                });
            }
        }
        let properties = keywords.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if schema == &Value::Bool(false) {
                self.way(&below(at, name), "properties", json!(1));
            } else if let Some(value) = members.get(name) {
                self.visit(schema, value, &below(at, name), depth + 1);
            }
        }
        if keywords.get("additionalProperties") == Some(&Value::Bool(false)) {
            let extra = anything(self.dice, depth);
            self.way(&below(at, "unknownMember"), "additionalProperties", extra);
        }
        if let Some(most) = length(keywords, "maxProperties").filter(|most| *most < 64) {
            let mut more = members.clone();
            for index in 0..=most {
                more.insert(format!("extra{index}"), json!(index));
            }
            self.way(at, "maxProperties", Value::Object(more));
        }
        if length(keywords, "minProperties").is_some_and(|least| least > 0) {
            self.way(at, "minProperties", json!({}));
        }
    }

    fn array(&mut self, keywords: &Keywords<'_>, items: &[Value], at: &str, depth: usize) {
        let prefix = keywords.get("prefixItems").and_then(Value::as_array);
        let prefix = prefix.map_or(&[][..], Vec::as_slice);
        let rest = keywords.get("items").unwrap_or(&Value::Bool(true));
        for (index, item) in items.iter().enumerate().take(8) {
            let schema = prefix.get(index).unwrap_or(rest);
            self.visit(schema, item, &format!("{at}/{index}"), depth + 1);
        }
        if length(keywords, "minItems").is_some_and(|least| least > 0) {
            self.way(at, "minItems", json!([]));
        }
        let filler = items.first().cloned().unwrap_or(json!("item"));
        if let Some(most) = length(keywords, "maxItems").filter(|most| *most < MAX_LENGTH) {
            self.way(at, "maxItems", Value::Array(vec![filler.clone(); most + 1]));
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            let twice = [items, &[filler.clone(), filler]].concat();
            self.way(at, "uniqueItems", Value::Array(twice));
        }
    }

    fn string(&mut self, keywords: &Keywords<'_>, text: &str, at: &str) {
        if let Some(least) = length(keywords, "minLength").filter(|least| *least > 0) {
            let short: String = text.chars().take(least.min(MAX_LENGTH) - 1).collect();
            self.way(at, "minLength", Value::String(short));
        }
        if let Some(most) = length(keywords, "maxLength").filter(|most| *most < MAX_LENGTH) {
            self.way(at, "maxLength", Value::String("x".repeat(most + 1)));
        }
        for keyword in ["pattern", "format"] {
            if keywords.contains_key(keyword) {
                self.way(at, keyword, json!(" \u{7f} not of this form \n"));
            }
        }
    }

    fn number(&mut self, keywords: &Keywords<'_>, at: &str) {
        let bounds = [
            ("minimum", -1.0),
            ("exclusiveMinimum", 0.0),
            ("maximum", 1.0),
            ("exclusiveMaximum", 0.0),
        ];
        for (keyword, beyond) in bounds {
            if let Some(bound) = keywords.get(keyword).and_then(Value::as_f64) {
                self.way(at, keyword, json!(bound + beyond));
            }
        }
        if let Some(step) = keywords.get("multipleOf").and_then(Value::as_f64) {
            self.way(at, "multipleOf", json!(step * 1.5));
        }
    }
}

/// A value of the same type that is another.
fn unlike(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(format!("{text}-other")),
        Value::Number(number) => json!(number.as_f64().unwrap_or(0.0) + 1.0),
        Value::Bool(is) => Value::Bool(!is),
        _ => json!("other"),
    }
}

fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Puts something in a place, or takes away what is there.
fn put(value: &mut Value, pointer: &str, instead: Option<Value>) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        *value = instead.unwrap_or_default();
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match (value.pointer_mut(parent), instead) {
        (Some(Value::Object(members)), Some(instead)) => drop(members.insert(name, instead)),
        (Some(Value::Object(members)), None) => drop(members.shift_remove(&name)),
        (Some(Value::Array(items)), Some(instead)) => {
            if let Some(item) = name
                .parse()
                .ok()
                .and_then(|index: usize| items.get_mut(index))
            {
                *item = instead;
            }
        }
        _ => {}
    }
}
