//! Tools in any number, to see how clients take long lists: each is `add` under another name.

use serde_json::Value;

use super::{Tool, find, known};
use crate::context::Context;

/// What they all do: it is on every list.
const MODEL: &str = "add";
/// What their names begin with; the index in the list follows.
const PREFIX: &str = "add_";

/// The tool with this index as a list has it.
pub fn listed(index: usize, context: &Context) -> Value {
    let model = find(MODEL, context.revision);
    let mut item = model.map_or(Value::Null, |model: &Tool| super::listed(model, context));
    item["name"] = format!("{PREFIX}{index}").into();
    item
}

/// The tool that one of these stands for.
pub fn stands_for(name: &str, context: &Context) -> Option<&'static str> {
    let index: usize = name.strip_prefix(PREFIX)?.parse().ok()?;
    let usual = known(context.revision).count();
    let all = usual..context.server.offer.tools.unwrap_or(usual);
    // Only the name as we list it: no leading zeros or signs.
    (all.contains(&index) && name == format!("{PREFIX}{index}")).then_some(MODEL)
}
