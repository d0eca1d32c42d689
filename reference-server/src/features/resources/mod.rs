//! Resources: what can be read under a URI, fixed or made from a template.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/resources>

pub mod tables;

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::tools::jobs;
use super::{media, pagination, string, wire};
use crate::context::{Answer, Context};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};
use crate::revision::Revision;
use crate::server::Server;

/// The resource that can be changed with the tool `test_trigger_resource_update`.
pub const WATCHED: &str = "test://watched-resource";

/// What the URIs of resources begin with that always fail.
const FAILING: &str = "test://failing/";

/// How much the URIs may take together that one session watches, in bytes.
const MAX_WATCHED: usize = 64 * 1024;
/// Small enough for two pages each.
const RESOURCES_PER_PAGE: usize = 4;
const TEMPLATES_PER_PAGE: usize = 1;

struct Resource {
    uri: &'static str,
    name: &'static str,
    description: &'static str,
    mime_type: &'static str,
}

const RESOURCES: &[Resource] = &[
    Resource {
        uri: "test://static-text",
        name: "static-text",
        description: "Text that never changes",
        mime_type: "text/plain",
    },
    Resource {
        uri: "test://static-binary",
        name: "static-binary",
        description: "A tiny image",
        mime_type: "image/png",
    },
    Resource {
        uri: WATCHED,
        name: "watched-resource",
        description: "Text that changes when test_trigger_resource_update is called",
        mime_type: "text/plain",
    },
    Resource {
        uri: "test://example-resource",
        name: "example-resource",
        description: "Text that prompts embed",
        mime_type: "text/plain",
    },
    Resource {
        uri: "test://embedded-resource",
        name: "embedded-resource",
        description: "Text that a tool embeds",
        mime_type: "text/plain",
    },
    Resource {
        uri: "test://mixed-content-resource",
        name: "mixed-content-resource",
        description: "JSON that a tool embeds",
        mime_type: "application/json",
    },
];

/// Answers `resources/list`.
pub fn list(context: &Context, params: &Object) -> Answer {
    let listed = |resource: &Resource| {
        let item = json!({
            "uri": resource.uri,
            "name": resource.name,
            "title": resource.description,
            "description": resource.description,
            "mimeType": resource.mime_type,
        });
        wire::listed(item, context.revision)
    };
    let tables = tables::listed(&context.server);
    let tables = tables.map(|item| wire::listed(item, context.revision));
    let mut items: Vec<Value> = RESOURCES.iter().map(listed).chain(tables).collect();
    wire::adorn(&mut items, context);
    pagination::page(context, params, "resources", items, RESOURCES_PER_PAGE)
}

/// Answers `resources/templates/list`.
pub fn templates(context: &Context, params: &Object) -> Answer {
    let items = vec![
        json!({
            "uriTemplate": "test://template/{id}/data",
            "name": "template-data",
            "title": "Data by id",
            "description": "JSON that repeats the id",
            "mimeType": "application/json",
        }),
        json!({
            "uriTemplate": "job://{id}",
            "name": "job",
            "title": "A job",
            "description": "How far a job of the caller is, and what it has so far",
            "mimeType": "application/json",
        }),
        json!({
            "uriTemplate": "test://greeting/{name}",
            "name": "greeting",
            "title": "A greeting",
            "description": "A greeting for whoever is named",
            "mimeType": "text/plain",
        }),
        tables::template(),
        json!({
            "uriTemplate": "test://failing/{reason}",
            "name": "failing",
            "title": "A resource that fails",
            "description": "Cannot be read, whatever the reason",
            "mimeType": "text/plain",
        }),
    ];
    let items = items
        .into_iter()
        .map(|item| wire::listed(item, context.revision));
    let items = items.collect();
    pagination::page(
        context,
        params,
        "resourceTemplates",
        items,
        TEMPLATES_PER_PAGE,
    )
}

/// Answers `resources/read`.
pub async fn read(context: &Context, params: &Object) -> Answer {
    let uri = given_uri(&context.server, params)?;
    if uri.starts_with(FAILING) {
        return Err(context.breakdown(F::ResourceFailureCode).into());
    }
    let table = tables::find(&context.server, uri);
    let found = match table {
        Some(table) => Some(tables::read(context, uri, &table).await?),
        None => contents(&context.server, uri).or_else(|| jobs::contents(context, uri)),
    };
    let contents = match found {
        Some(contents) => vec![contents],
        None if context.fault(F::MissingResourceEmpty) => Vec::new(),
        None if context.fault(F::MissingResourceFound)
            || context.fault(F::UriUnchecked) && !uri.contains(':') =>
        {
            vec![json!({"uri": uri, "mimeType": "text/plain", "text": "found"})]
        }
        None if context.fault(F::MissingResourceCode) => {
            // Each era's code is the wrong one in the other.
            let other = match context.revision.is_modern() {
                true => Revision::LATEST_LEGACY,
                false => Revision::LATEST,
            };
            return Err(not_found(other, uri).into());
        }
        None => return Err(not_found(context.revision, uri).into()),
    };
    let mut result = Object::new();
    result.insert("contents".into(), Value::Array(contents));
    Ok(result)
}

/// The URI that a request names.
pub fn given_uri<'a>(server: &Server, params: &'a Object) -> Result<&'a str, ErrorObject> {
    match string(params, "uri") {
        Err(_) if server.faults.has(F::UriUnchecked) => Ok(""),
        uri => uri,
    }
}

/// The error for a URI that nothing is behind.
pub fn not_found(revision: Revision, uri: &str) -> ErrorObject {
    let code = if revision.is_modern() { -32602 } else { -32002 };
    ErrorObject::new(code, "Resource not found").data(json!({"uri": uri}))
}

/// Refuses to watch more than can be kept for a client.
///
/// # Errors
///
/// -32603 if the URIs take too much.
pub fn bound_watched<'a>(uris: impl Iterator<Item = &'a String>) -> Result<(), ErrorObject> {
    match uris
        .map(|uri| size_of::<String>() + uri.len())
        .sum::<usize>()
        <= MAX_WATCHED
    {
        true => Ok(()),
        false => {
            let why =
                format!("the URIs of watched resources take at most {MAX_WATCHED} bytes together");
            Err(ErrorObject::internal(why))
        }
    }
}

/// Whether something can be read under `uri`.
pub fn exists(server: &Server, uri: &str) -> bool {
    RESOURCES.iter().any(|resource| resource.uri == uri)
        || generated(uri).is_some()
        || tables::find(server, uri).is_some()
}

fn contents(server: &Server, uri: &str) -> Option<Value> {
    let text = match uri {
        "test://static-text" => "This is the content of the static text resource.".into(),
        "test://example-resource" => "Embedded resource content for testing.".into(),
        "test://embedded-resource" => "This is an embedded resource content.".into(),
        "test://mixed-content-resource" => r#"{"test":"data","value":123}"#.into(),
        "test://static-binary" => {
            return Some(json!({"uri": uri, "mimeType": "image/png", "blob": media::PNG}));
        }
        WATCHED => {
            let version = server.watched_version.load(Ordering::Relaxed);
            format!("Version {version} of the watched resource.")
        }
        _ if server.faults.has(F::TemplateUnreadable) => return None,
        _ => return generated(uri),
    };
    let resource = RESOURCES.iter().find(|resource| resource.uri == uri)?;
    Some(json!({"uri": uri, "mimeType": resource.mime_type, "text": text}))
}

/// The contents of a resource that a template stands for.
fn generated(uri: &str) -> Option<Value> {
    let one_segment = |text: &str| !text.is_empty() && !text.contains('/');
    let data = uri
        .strip_prefix("test://template/")
        .and_then(|rest| rest.strip_suffix("/data"));
    if let Some(id) = data.filter(|id| one_segment(id)) {
        let data = format!("Data for ID: {id}");
        let text = json!({"id": id, "templateTest": true, "data": data}).to_string();
        return Some(json!({"uri": uri, "mimeType": "application/json", "text": text}));
    }
    let name = uri
        .strip_prefix("test://greeting/")
        .filter(|name| one_segment(name))?;
    Some(json!({"uri": uri, "mimeType": "text/plain", "text": format!("Hello, {name}!")}))
}
