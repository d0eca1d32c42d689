//! Where clients learn who issues tokens for us.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery>,
//! <https://www.rfc-editor.org/rfc/rfc9728>

use hyper::http::Uri;
use serde_json::{Value, json};

use super::{Auth, Role};
use crate::faults::{F, Faults};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Whether the metadata is served there: at the root, and with the path of the endpoint.
pub fn is_well_known(path: &str) -> bool {
    path.strip_prefix(WELL_KNOWN)
        .is_some_and(|rest| matches!(rest, "" | "/mcp"))
}

/// The URL of the metadata of a resource: its own, with the well-known part before the path.
pub fn location(resource: &str) -> Option<String> {
    let uri: Uri = resource.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if !matches!(scheme, "http" | "https") || uri.query().is_some() || resource.contains('#') {
        return None;
    }
    let path = uri.path().trim_end_matches('/');
    Some(format!("{scheme}://{authority}{WELL_KNOWN}{path}"))
}

/// The metadata of `resource`.
pub fn document(auth: &Auth, resource: &str, faults: &Faults) -> Value {
    let scopes = Role::ALL.map(|role| auth.scope(role));
    let mut document = json!({
        "resource": resource,
        "resource_name": "MCP reference server",
        "authorization_servers": auth.servers,
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
    });
    if faults.has(F::MetadataOfflineAccess) {
        document["scopes_supported"] = json!(["offline_access"]);
    }
    if faults.has(F::MetadataWithoutResource) {
        document["resource"] = Value::Null;
    }
    if faults.has(F::MetadataWithoutServers) {
        document["authorization_servers"] = json!([]);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_comes_before_the_path() {
        let at = |resource| location(resource).unwrap_or_default();
        let root = "https://mcp.example/.well-known/oauth-protected-resource";
        assert_eq!(at("https://mcp.example/mcp"), format!("{root}/mcp"));
        assert_eq!(at("https://mcp.example"), root);
        assert_eq!(at("https://mcp.example/mcp#there"), "");
        assert_eq!(at("mcp.example"), "");
        assert!(is_well_known("/.well-known/oauth-protected-resource/mcp"));
        assert!(!is_well_known(
            "/.well-known/oauth-protected-resource/other"
        ));
    }
}
