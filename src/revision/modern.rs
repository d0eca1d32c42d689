//! The modern era: no session; each request says what it needs in `_meta`, and HTTP headers mirror it.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic#meta>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Revision;

/// The request that asks for nothing and must be answered.
pub const ALIVE: &str = "server/discover";

/// The `_meta` key of the revision.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// The `_meta` key of what the client can do.
pub const CLIENT_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// The members of `_meta` that every request carries.
pub fn meta(revision: Revision, client: &Value) -> Value {
    json!({
        VERSION_KEY: revision.as_str(),
        "io.modelcontextprotocol/clientInfo": super::client_info(),
        CLIENT_KEY: client,
    })
}

/// The headers that mirror a message. `tools` are those listed so far: their schemas name parameters to mirror.
pub fn headers(revision: Revision, message: &Value, tools: &[Value]) -> Vec<(String, String)> {
    let version = message
        .pointer("/params/_meta")
        .and_then(|meta| meta.get(VERSION_KEY))
        .and_then(Value::as_str)
        .filter(|version| version.bytes().all(|byte| (0x20..0x7f).contains(&byte)))
        .unwrap_or(revision.as_str());
    let mut headers = vec![("MCP-Protocol-Version".to_owned(), version.to_owned())];
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return headers;
    };
    headers.push(("Mcp-Method".to_owned(), encode(method)));
    let name = match method {
        "tools/call" | "prompts/get" => message.pointer("/params/name"),
        "resources/read" => message.pointer("/params/uri"),
        // Of the tasks extension.
        "tasks/get" | "tasks/update" | "tasks/cancel" => message.pointer("/params/taskId"),
        _ => None,
    };
    if let Some(name) = name.and_then(Value::as_str) {
        headers.push(("Mcp-Name".to_owned(), encode(name)));
        if method == "tools/call" {
            headers.extend(mirrored(name, message, tools));
        }
    }
    headers
}

fn mirrored(tool: &str, message: &Value, tools: &[Value]) -> Vec<(String, String)> {
    let schema = tools
        .iter()
        .find(|listed| listed.get("name").and_then(Value::as_str) == Some(tool))
        .and_then(|listed| listed.get("inputSchema"));
    let mut headers = Vec::new();
    if let (Some(schema), Some(arguments)) = (schema, message.pointer("/params/arguments")) {
        mirror(schema, arguments, &mut headers);
    }
    headers
}

/// Follows `properties` only: an annotation elsewhere is invalid.
fn mirror(schema: &Value, arguments: &Value, headers: &mut Vec<(String, String)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        let Some(argument) = arguments.get(name) else {
            continue;
        };
        let text = match argument {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(argument.to_string()),
            _ => None,
        };
        if let (Some(header), Some(text)) =
            (property.get("x-mcp-header").and_then(Value::as_str), text)
        {
            headers.push((format!("Mcp-Param-{header}"), encode(&text)));
        }
        mirror(property, argument, headers);
    }
}

/// A header value: plain where that is safe, else in the Base64 form of the specification.
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding>
pub fn encode(value: &str) -> String {
    let visible = value
        .bytes()
        .all(|byte| (0x20..=0x7e).contains(&byte) || byte == b'\t');
    let padded = value.trim_matches([' ', '\t']).len() != value.len();
    let sentinel = value.starts_with("=?base64?") && value.ends_with("?=");
    if visible && !padded && !sentinel && !value.is_empty() {
        value.to_owned()
    } else {
        base64(value)
    }
}

/// A header value in Base64, whether it needs it or not.
pub fn base64(value: &str) -> String {
    format!("=?base64?{}?=", BASE64.encode(value))
}

/// What such a header value stands for; none if it is marked as Base64 and is none.
pub fn decode(value: &str) -> Option<String> {
    let encoded = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        Some(encoded) => String::from_utf8(BASE64.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        assert_eq!(encode("us-west1"), "us-west1");
        assert_eq!(encode("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
        assert_eq!(encode(" padded "), "=?base64?IHBhZGRlZCA=?=");
        assert_eq!(encode("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
        assert_eq!(
            encode("=?base64?literal?="),
            "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="
        );
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in [
            "us-west1",
            "Hello, 世界",
            " padded ",
            "=?base64?literal?=",
            "",
        ] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("=?base64?!?="), None);
    }

    #[test]
    fn annotated_parameters_are_mirrored() {
        let tools = [
            json!({"name": "sql", "inputSchema": {"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "nested": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}}}}}),
        ];
        let message = json!({"method": "tools/call", "params": {"name": "sql",
            "arguments": {"region": "eu", "nested": {"n": 42}, "other": 1}}});
        let headers = headers(Revision::V2026_07_28, &message, &tools);
        assert!(headers.contains(&("Mcp-Param-Region".into(), "eu".into())));
        assert!(headers.contains(&("Mcp-Param-N".into(), "42".into())));
        assert!(headers.contains(&("Mcp-Name".into(), "sql".into())));
        assert_eq!(headers.len(), 5);
    }
}
