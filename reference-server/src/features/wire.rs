//! What a revision does not know is not sent to it.

use serde_json::{Value, json};

use super::media;
use crate::context::Context;
use crate::faults::{F, Faults};
use crate::jsonrpc::Object;
use crate::revision::Revision;

/// A tool, resource, template or prompt without the members that came after `revision`.
pub fn listed(mut item: Value, revision: Revision) -> Value {
    if let Some(members) = item.as_object_mut() {
        if revision < Revision::V2025_06_18 {
            members.shift_remove("title");
            members.shift_remove("outputSchema");
        }
        if revision < Revision::V2025_03_26 && members.contains_key("inputSchema") {
            members.shift_remove("annotations");
        }
        for argument in members
            .get_mut("arguments")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            *argument = listed(argument.take(), revision);
        }
    }
    item
}

/// The first item of each list has an icon and metadata of our own: enough to see how a client takes them.
pub fn adorn(items: &mut [Value], context: &Context) {
    let revision = context.revision;
    let Some(first) = items.first_mut() else {
        return;
    };
    if revision >= Revision::V2025_11_25 {
        first["icons"] = icons(&context.server.faults);
    }
    if revision >= Revision::V2025_06_18 {
        first["_meta"] = json!({"com.example.mcp-reference/position": 0});
    }
}

/// One icon, carried along so that nothing need be fetched.
pub fn icons(faults: &Faults) -> Value {
    let source = match faults.has(F::IconUnsafe) {
        true => "file:///etc/icon.png".into(),
        false => format!("data:image/png;base64,{}", media::PNG),
    };
    let size = match faults.has(F::IconSizeUnclear) {
        true => "large",
        false => "1x1",
    };
    json!([{
        "src": source,
        "mimeType": "image/png",
        "sizes": [size],
    }])
}

/// A content block, said in words where `revision` has no such block.
pub fn content(block: Value, revision: Revision) -> Value {
    let since = match block["type"].as_str() {
        Some("audio") => Revision::V2025_03_26,
        Some("resource_link") => Revision::V2025_06_18,
        _ => return block,
    };
    if revision >= since {
        return block;
    }
    let text = match block["uri"].as_str() {
        Some(uri) => format!("See {uri}"),
        None => format!(
            "[{} content]",
            block["mimeType"].as_str().unwrap_or("audio")
        ),
    };
    json!({"type": "text", "text": text})
}

/// A tool result in the words of `revision`.
pub fn tool_result(result: &mut Object, revision: Revision) {
    if revision >= Revision::V2025_06_18 {
        return;
    }
    result.shift_remove("structuredContent");
    let blocks = result.get_mut("content").and_then(Value::as_array_mut);
    for block in blocks.into_iter().flatten() {
        *block = content(block.take(), revision);
    }
}
