//! Which arguments a tool wants mirrored in HTTP headers.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/tools#x-mcp-header>

use serde_json::Value;

use super::Tool;

/// The suffix of each `Mcp-Param-` header and the argument it mirrors, `Null` if there is none.
pub fn mirrored<'a>(tool: &'a Tool, arguments: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    collect(&tool.input_schema, arguments, &mut found);
    found
}

/// Follows `properties` only: an annotation anywhere else would be invalid.
fn collect<'a>(schema: &'a Value, instance: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let value = instance.get(name).unwrap_or(&Value::Null);
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            found.push((header, value));
        }
        collect(property, value, found);
    }
}
