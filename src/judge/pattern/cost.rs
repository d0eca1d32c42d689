//! How long a schema may take. A server can write one in which each definition refers twice to the next: sixty lines,
//! and no validator is done before we are all dead. So the work is estimated before any is done.

use std::collections::HashMap;

use serde_json::Value;

/// No more subschemas than this may be visited.
const MAX_VISITS: u64 = 2_000_000;

/// Schemas whose references, followed in a row, go deeper than this could exhaust the stack.
const MAX_DEPTH: usize = 256;

const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What following every reference once costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Places visited.
    visits: u64,
    /// References among them that lead back to where we came from: each may be followed again at every level of the
    /// value.
    back: u64,
}

impl Cost {
    fn plus(self, other: Cost) -> Cost {
        Cost {
            visits: self.visits.saturating_add(other.visits),
            back: self.back.saturating_add(other.back),
        }
    }
}

/// Whether validating the value takes reasonable time, by a rough upper estimate.
pub(super) fn is_bearable(schema: &Value, value: &Value) -> bool {
    let mut estimate = Estimate {
        root: schema,
        known: HashMap::from([("#", None)]),
        depth: 0,
    };
    let cost = estimate.cost(schema);
    let opaque = opaque(schema, schema);
    let again = |choices: u64, levels: u64| {
        choices
            .max(1)
            .saturating_pow(u32::try_from(levels).unwrap_or(u32::MAX))
    };
    let total = cost
        .visits
        .saturating_mul(again(cost.back, depth(value)))
        .saturating_mul(again(opaque, opaque));
    total <= MAX_VISITS
}

/// Whether any part of the schema refers to another.
pub(super) fn has_reference(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| REFERENCES.contains(&name.as_str()) || has_reference(value)),
        Value::Array(elements) => elements.iter().any(has_reference),
        _ => false,
    }
}

fn depth(value: &Value) -> u64 {
    let deepest = match value {
        Value::Object(members) => members.values().map(depth).max(),
        Value::Array(elements) => elements.iter().map(depth).max(),
        _ => return 0,
    };
    deepest.unwrap_or(0) + 1
}

/// How many references are no pointers into the root: any of them may lead to any other. A resource within, in which
/// pointers mean something else, is beyond any estimate.
fn opaque(schema: &Value, root: &Value) -> u64 {
    match schema {
        Value::Object(members) => members.iter().fold(0, |count: u64, (name, value)| {
            count.saturating_add(match value {
                Value::String(reference) if REFERENCES.contains(&name.as_str()) => {
                    target(reference, root).is_none().into()
                }
                Value::String(_) if name == "$id" && !std::ptr::eq(schema, root) => u64::MAX,
                value => opaque(value, root),
            })
        }),
        Value::Array(elements) => elements.iter().fold(0, |count, element| {
            count.saturating_add(opaque(element, root))
        }),
        _ => 0,
    }
}

/// What a reference points to; `None` if it is none of `#` and `#/...`, or has escapes of URIs.
fn target<'s>(reference: &str, root: &'s Value) -> Option<&'s Value> {
    let pointer = reference
        .strip_prefix('#')
        .filter(|pointer| !pointer.contains('%'))?;
    root.pointer(pointer)
}

/// An estimate in progress.
struct Estimate<'s> {
    root: &'s Value,
    /// By the text of the reference; `None` while it is being followed.
    known: HashMap<&'s str, Option<Cost>>,
    depth: usize,
}

impl<'s> Estimate<'s> {
    fn cost(&mut self, schema: &'s Value) -> Cost {
        if self.depth > MAX_DEPTH {
            return Cost {
                visits: u64::MAX,
                back: 0,
            };
        }
        self.depth += 1;
        let cost = self.cost_of_parts(schema);
        self.depth -= 1;
        cost
    }

    fn cost_of_parts(&mut self, schema: &'s Value) -> Cost {
        let one = Cost { visits: 1, back: 0 };
        let is_root = std::ptr::eq(schema, self.root);
        match schema {
            Value::Object(members) => members.iter().fold(one, |cost, (name, value)| match value {
                Value::String(reference) if REFERENCES.contains(&name.as_str()) => {
                    cost.plus(self.follow(reference))
                }
                // They count where they are referred to. Elsewhere these may be names of properties.
                _ if is_root && matches!(name.as_str(), "$defs" | "definitions") => cost,
                value => cost.plus(self.cost(value)),
            }),
            Value::Array(elements) => elements
                .iter()
                .fold(one, |cost, element| cost.plus(self.cost(element))),
            _ => one,
        }
    }

    fn follow(&mut self, reference: &'s str) -> Cost {
        let visit = Cost { visits: 1, back: 0 };
        match self.known.get(reference) {
            Some(Some(cost)) => return *cost,
            Some(None) => return Cost { back: 1, ..visit },
            None => {}
        }
        let Some(target) = target(reference, self.root) else {
            return visit;
        };
        self.known.insert(reference, None);
        let cost = self.cost(target).plus(visit);
        self.known.insert(reference, Some(cost));
        cost
    }
}
