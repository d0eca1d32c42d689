//! Which arguments a tool wants mirrored in HTTP headers.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/tools#x-mcp-header>

use serde_json::Value;

use super::Tool;

/// The suffix of a header, and the argument that it mirrors if there is one.
type Mirrored<'a> = (&'a str, Option<&'a Value>);

/// The suffix of each `Mcp-Param-` header and the argument it mirrors.
pub fn mirrored<'a>(tool: &'a Tool, arguments: &'a Value) -> Vec<Mirrored<'a>> {
    let mut found = Vec::new();
    if !tool.has_mirrored {
        return found;
    }
    collect(&tool.input_schema, Some(arguments), &mut found);
    found
}

/// Whether there is such a header for any argument.
pub fn has_mirrored(schema: &Value) -> bool {
    let mut found = Vec::new();
    collect(schema, None, &mut found);
    !found.is_empty()
}

/// Follows `properties` only: an annotation anywhere else would be invalid.
fn collect<'a>(schema: &'a Value, instance: Option<&'a Value>, found: &mut Vec<Mirrored<'a>>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let value = instance.and_then(|instance| instance.get(name));
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            found.push((header, value));
        }
        collect(property, value, found);
    }
}
