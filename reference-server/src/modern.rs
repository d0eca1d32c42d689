//! The stateless era: every request carries its revision and capabilities, 2026-07-28 on.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic>

use std::sync::Arc;

use serde_json::{Value, json};

use crate::auth::Caller;
use crate::context::{Answer, Context, Failure, Outlet, Peer};
use crate::faults::{F, Faults};
use crate::features::{self, logging::Level};
use crate::jsonrpc::{ErrorObject, Given, Id, Meta, Object, Params, Reply};
use crate::log::Call;
use crate::revision::Revision;
use crate::rounds::Rounds;
use crate::server::Server;
use crate::subscriptions;
use crate::tasks;
use crate::work::Work;

const PREFIX: &str = "io.modelcontextprotocol/";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The lifetime of what never changes while the server runs, in milliseconds.
const STABLE_TTL_MS: u64 = 300_000;

/// Whether a request is meant for this era: it carries one of the era's `_meta` fields, or its
/// method exists in no other.
pub fn is_meant(method: &str, meta: &Meta) -> bool {
    let marked = meta.version.is_some() || meta.capabilities.is_some() || meta.client.is_some();
    let own = ["server/discover", "subscriptions/listen", "tasks/update"];
    marked || own.contains(&method)
}

/// What the `_meta` of a request says about it, but for its revision.
#[derive(Debug)]
pub struct Metadata {
    capabilities: Arc<Object>,
    log_level: Option<Level>,
}

impl Metadata {
    /// Reads `_meta`, refusing a request that is malformed or in a revision not served this way.
    pub fn admit(server: &Server, meta: &Meta) -> Result<Self, ErrorObject> {
        let (version, metadata) = Self::read(server, meta)?;
        Self::check_version(server, version)?;
        Ok(metadata)
    }

    /// Reads `_meta`, refusing a request that lacks a required field. The revision comes as it is written.
    pub fn read<'a>(server: &Server, meta: &'a Meta) -> Result<(&'a str, Self), ErrorObject> {
        let malformed = |what: &str| {
            let error = format!("_meta[\"{PREFIX}{what}");
            Err(ErrorObject::invalid_params(error).status(400))
        };
        let lenient = server.faults.has(F::MetaUnchecked);
        let any_type = server.faults.has(F::MetaTypesUnchecked);
        let version = match &meta.version {
            Some(Value::String(version)) => version,
            None if lenient => Revision::LATEST.as_str(),
            Some(_) if any_type => Revision::LATEST.as_str(),
            _ => return malformed("protocolVersion\"] is a required string"),
        };
        let capabilities = match &meta.capabilities {
            Some(Value::Object(capabilities)) => capabilities.clone(),
            None if lenient || server.faults.has(F::ClientCapabilitiesUnchecked) => Object::new(),
            Some(_) if any_type => Object::new(),
            _ => return malformed("clientCapabilities\"] is a required object"),
        };
        let is_text = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_string);
        match &meta.client {
            None if server.faults.has(F::ClientInfoRequired) => {
                return malformed("clientInfo\"] is required");
            }
            None => {}
            Some(client) if server.faults.knows_another(client) => {
                return malformed("clientInfo\"] is another than before");
            }
            Some(Given::Object(client)) if is_text(&client.name) && is_text(&client.version) => {}
            Some(_) => return malformed("clientInfo\"] has a name and a version"),
        }
        server.faults.refuse_capabilities(&capabilities)?;
        let log_level = match meta.others.get(LOG_LEVEL) {
            None => None,
            Some(level) => match level.as_str().and_then(Level::parse) {
                None if !server.faults.has(F::LogLevelUnchecked) => {
                    return malformed("logLevel\"] is no log level");
                }
                level => level,
            },
        };
        let metadata = Self {
            capabilities: Arc::new(server.faults.remember_capabilities(capabilities)),
            log_level,
        };
        Ok((version, metadata))
    }

    /// Refuses a revision that is not served this way.
    pub fn check_version(server: &Server, version: &str) -> Result<(), ErrorObject> {
        let supported = Revision::parse(version).is_some_and(Revision::is_modern);
        if supported && server.faults.was_disappointed() {
            return Err(ErrorObject::internal("an earlier request was unsupported"));
        }
        if supported || server.faults.has(F::VersionUnchecked) {
            return Ok(());
        }
        Err(unsupported(version))
    }
}

fn unsupported(requested: &str) -> ErrorObject {
    let data = json!({"supported": supported_versions(), "requested": requested});
    ErrorObject::new(-32022, "Unsupported protocol version")
        .data(data)
        .status(400)
}

/// Tells a client of the other era what would be understood.
fn no_handshake(faults: &Faults, params: &Object) -> Answer {
    if faults.has(F::InitializeServed) {
        let mut result = Object::new();
        result.insert("protocolVersion".into(), Revision::LATEST.as_str().into());
        result.insert("capabilities".into(), json!({}));
        return Ok(result);
    }
    let requested = params.get("protocolVersion").and_then(Value::as_str);
    Err(match faults.has(F::InitializeUnnamed) {
        true => ErrorObject::invalid_params("There is no handshake here").status(400),
        false => unsupported(requested.unwrap_or_default()),
    }
    .into())
}

fn supported_versions() -> Vec<&'static str> {
    let modern = Revision::ALL
        .into_iter()
        .filter(|revision| revision.is_modern());
    modern.map(Revision::as_str).collect()
}

/// A request of this era.
pub struct Request {
    /// Echoed in the answer, and the name of a subscription.
    pub id: Id,
    /// What is asked.
    pub method: String,
    /// With which parameters.
    pub params: Params,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// Where its notifications go.
    pub outlet: Arc<dyn Outlet>,
}

/// Works on a request, once the transport has read its metadata, or answers what is wrong with it.
pub fn work(
    server: &Arc<Server>,
    metadata: Result<Metadata, ErrorObject>,
    request: Request,
) -> Work {
    let server = Arc::clone(server);
    // Boxed, because the work takes room for it.
    let metadata = metadata.map_err(Box::new);
    let Request {
        id,
        method,
        params,
        caller,
        outlet,
    } = request;
    let call = Call::begin(&server, &caller, &id, &method, &params);
    let method = server.faults.method(method);
    let params = Arc::new(params);
    call.around(Box::pin(async move {
        let faults = &server.faults;
        faults.speak_unasked(Revision::LATEST, &method, &id, &*outlet);
        let answer = match metadata {
            Ok(metadata) => answer(&server, metadata, &id, &method, &params, caller, outlet).await,
            Err(_) if method == "initialize" && !server.offer.eras.has_legacy() => {
                no_handshake(faults, &params)
            }
            Err(error) => Err((*error).into()),
        };
        let mut reply = match answer {
            Ok(mut result) => {
                dress(&server, &method, "complete", &mut result);
                faults.spoil_result(&method, Revision::LATEST, &params, &mut result);
                Reply::result(&id, result)
            }
            Err(Failure::InputRequired(mut result)) => {
                dress(&server, &method, "input_required", &mut result);
                faults.spoil_input_required(&mut result);
                Reply::result(&id, result)
            }
            Err(Failure::Error(error)) => Reply::error(Some(&id), error),
            Err(Failure::Tool(why)) => Reply::error(Some(&id), ErrorObject::internal(why)),
        };
        reply.server_info = match method.as_str() {
            "server/discover" => Some(server.info(Revision::LATEST)),
            _ => Some(Arc::clone(&server.name)),
        };
        faults.spoil_reply(&method, Revision::LATEST, &mut reply);
        reply
    }))
}

async fn answer(
    server: &Arc<Server>,
    metadata: Metadata,
    id: &Id,
    method: &str,
    params: &Arc<Params>,
    caller: Arc<Caller>,
    outlet: Arc<dyn Outlet>,
) -> Answer {
    server.faults.refuse_meta(params.meta())?;
    if server.faults.is_discovered(method) {
        return Err(server.faults.unknown_method(method).into());
    }
    if server.faults.is_undiscovered(method) {
        return Err(ErrorObject::invalid_request("discover the server first").into());
    }
    match method {
        "tools/list" if server.faults.has(F::InputRequiredOnList) => {
            let mut result = Object::new();
            result.insert("requestState".into(), "come-back".into());
            return Err(Failure::InputRequired(result));
        }
        "server/discover" => return Ok(discover(server)),
        "subscriptions/listen" if !server.faults.has(F::ListenUnknown) => {
            let declared = tasks::modern::is_declared(&metadata.capabilities);
            return subscriptions::listen(server, id, params, outlet, &caller, declared).await;
        }
        "initialize" | "ping" | "logging/setLevel" if server.faults.has(F::RemovedMethods) => {
            return Ok(Object::new());
        }
        _ => {}
    }
    let rounds = match method {
        "tools/call" | "prompts/get" | "resources/read" => {
            Rounds::read(server, &caller, method, Arc::clone(params))?
        }
        _ => Rounds::none(),
    };
    let context = Context {
        server: Arc::clone(server),
        caller,
        revision: Revision::LATEST,
        capabilities: metadata.capabilities,
        outlet,
        progress_token: features::progress_token(params.meta())?,
        log_level: metadata.log_level,
        peer: Peer::Rounds(rounds),
    };
    let result = features::answer(&context, method, params).await?;
    if let Peer::Rounds(rounds) = &context.peer {
        rounds.finish(&server.faults)?;
    }
    Ok(result)
}

fn discover(server: &Server) -> Object {
    let mut result = Object::new();
    result.insert("supportedVersions".into(), json!(supported_versions()));
    let capabilities = server.capabilities(Revision::LATEST);
    result.insert("capabilities".into(), Value::Object(capabilities));
    result.insert("instructions".into(), server.instructions().into());
    result
}

/// Adds the kind of a result, and the caching hints where they belong.
fn dress(server: &Server, method: &str, kind: &str, result: &mut Object) {
    // The extension has a kind of its own.
    result.entry("resultType").or_insert(kind.into());
    if kind == "complete"
        && let Some(ttl) = ttl(method)
    {
        result.entry("ttlMs").or_insert(ttl.into());
        // Where callers differ, what one is told is not for others.
        let scope = match server.auth {
            Some(_) => "private",
            None => "public",
        };
        result.insert("cacheScope".into(), scope.into());
    }
}

/// How long a result stays fresh, in milliseconds; `None` where results are not cached.
fn ttl(method: &str) -> Option<u64> {
    match method {
        "server/discover" | "tools/list" | "prompts/list" => Some(STABLE_TTL_MS),
        "resources/list" | "resources/templates/list" => Some(STABLE_TTL_MS),
        // Another client may change a resource at any time.
        "resources/read" => Some(0),
        _ => None,
    }
}
