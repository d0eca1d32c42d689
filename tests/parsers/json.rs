//! JSON that is likely to mean something, and JSON that was changed in a few places.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Words that the formats give a meaning to, and strings that terminals and parsers dislike.
const WORDS: [&str; 40] = [
    "",
    "jsonrpc",
    "2.0",
    "id",
    "method",
    "params",
    "result",
    "error",
    "code",
    "message",
    "_meta",
    "tools",
    "name",
    "inputSchema",
    "$ref",
    "#",
    "raw",
    "base64",
    "kind",
    "received",
    "sent",
    "end",
    "step",
    "expect",
    "requirement",
    "request",
    "initialize",
    "tools/call",
    "notifications/cancelled",
    "requestId",
    "$any",
    "$each",
    "$regex",
    "(",
    "2025-11-25",
    "all",
    "\u{1b}[31mred",
    "\u{202e}\u{0}\u{9b}",
    "é\u{d7ff}\u{10ffff}",
    "a/b~c",
];

/// Any JSON, of moderate size.
pub fn any_json() -> impl Strategy<Value = Value> {
    let word = || {
        prop_oneof![
            4 => select(&WORDS[..]).prop_map(str::to_owned),
            1 => any::<String>(),
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..70).prop_map(Value::from),
        select(vec![0, 1, u64::from(u16::MAX), u64::MAX - 1, u64::MAX]).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
        (1usize..120).prop_map(nested),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

/// A change of one place of a document.
#[derive(Debug, Clone)]
pub enum Change {
    /// Something else stands there.
    Replace(Value),
    /// It is not there.
    Remove,
    /// A member that nobody asked for.
    Add(String, Value),
}

/// A change, and where.
pub fn change() -> impl Strategy<Value = (Index, Change)> {
    let what = prop_oneof![
        3 => any_json().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => (select(&WORDS[..]), any_json()).prop_map(|(name, value)| Change::Add(name.to_owned(), value)),
    ];
    (any::<Index>(), what)
}

/// Changes the document at the place that the index says.
pub fn apply(document: &mut Value, (place, change): &(Index, Change)) {
    let mut countdown = place.index(size(document));
    let _ = apply_at(document, &mut countdown, change);
}

/// How many values there are in a value, itself included.
fn size(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Array(elements) => elements.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    };
    inner + 1
}

/// Whether the value is to be removed by whoever holds it.
fn apply_at(value: &mut Value, countdown: &mut usize, change: &Change) -> bool {
    if *countdown == 0 {
        // The rest of the walk must not come by again.
        *countdown = usize::MAX;
        match (change, &mut *value) {
            (Change::Replace(new), _) => *value = new.clone(),
            (Change::Add(name, new), Value::Object(members)) => {
                drop(members.insert(name.clone(), new.clone()))
            }
            (Change::Add(_, new), Value::Array(elements)) => elements.push(new.clone()),
            (Change::Add(..), _) => {}
            (Change::Remove, _) => return true,
        }
        return false;
    }
    *countdown -= 1;
    match value {
        Value::Array(elements) => {
            elements.retain_mut(|element| !apply_at(element, countdown, change))
        }
        Value::Object(members) => {
            let kept = std::mem::take(members)
                .into_iter()
                .filter_map(|(name, mut member)| {
                    (!apply_at(&mut member, countdown, change)).then_some((name, member))
                });
            *members = kept.collect::<Map<_, _>>();
        }
        _ => {}
    }
    false
}
