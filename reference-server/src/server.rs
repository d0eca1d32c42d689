//! What all connections of one server share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Value, json};

use crate::auth::{Auth, Caller};
use crate::database::Database;
use crate::faults::{F, Faults};
use crate::hub::Hub;
use crate::jsonrpc::Object;
use crate::log::Log;
use crate::offer::{Feature, Offer};
use crate::rate::Rate;
use crate::revision::Revision;
use crate::state::Signer;
use crate::tasks::{Store, modern::EXTENSION};

/// The server behind every connection. Of single clients it keeps tasks and how often they called, and nothing else.
pub struct Server {
    /// The deliberate violations it commits.
    pub faults: Faults,
    /// What it offers.
    pub offer: Offer,
    /// Who wants to hear of changes.
    pub hub: Arc<Hub>,
    /// Signs request states.
    pub signer: Signer,
    /// Who asks, where nobody has to say so.
    pub local: Arc<Caller>,
    /// Who is known, where everybody has to say so.
    pub auth: Option<Auth>,
    /// What can be queried.
    pub database: Database,
    /// How often each caller may call.
    pub rate: Option<Rate>,
    /// What is told on standard error.
    pub log: Log,
    /// How often `test://watched-resource` has changed.
    pub watched_version: AtomicU64,
    /// Work that outlives its request.
    pub tasks: Arc<Store>,
    /// Who we are, at each revision: see [`infos`].
    pub infos: [Arc<Value>; Revision::ALL.len()],
    /// Who we are, in few words: see [`name`].
    pub name: Arc<Value>,
}

impl Server {
    /// Who we are, in the members that `revision` knows.
    pub fn info(&self, revision: Revision) -> Arc<Value> {
        Arc::clone(&self.infos[revision as usize])
    }

    /// What we offer, in the members that `revision` knows.
    pub fn capabilities(&self, revision: Revision) -> Object {
        let mut capabilities = Object::new();
        let offer = &self.offer;
        let changes = match offer.is_static {
            false => json!({"listChanged": true}),
            true => json!({}),
        };
        let mut declare = |name: &str, details: Value| {
            capabilities.insert(name.into(), details);
        };
        if offer.has(Feature::Tools) && !self.faults.has(F::ToolsUndeclared) {
            declare("tools", changes.clone());
        }
        let hidden = [F::ResourcesUndeclared, F::EmbedsWithoutResources];
        if offer.has(Feature::Resources) && !hidden.iter().any(|fault| self.faults.has(*fault)) {
            let mut details = changes.clone();
            if !offer.is_static {
                details["subscribe"] = true.into();
            }
            declare("resources", details);
        }
        if offer.has(Feature::Prompts) && !self.faults.has(F::PromptsUndeclared) {
            declare("prompts", self.faults.prompt_capability(changes));
        }
        if !self.faults.has(F::LoggingUndeclared) {
            declare("logging", json!({}));
        }
        let has_tasks = offer.has(Feature::Tasks) && !self.faults.has(F::TasksHidden);
        match revision {
            Revision::V2025_11_25 if has_tasks && !self.faults.has(F::TasksUndeclared) => {
                let requests = json!({"tools": {"call": {}}});
                declare(
                    "tasks",
                    json!({"list": {}, "cancel": {}, "requests": requests}),
                );
            }
            Revision::V2026_07_28 => {
                let mut extensions = match has_tasks {
                    true => json!({EXTENSION: {}}),
                    false => json!({}),
                };
                if self.faults.has(F::ExtensionIdBare) {
                    extensions["bare"] = json!({});
                }
                if self.faults.has(F::ExtensionSettings) {
                    extensions["com.example/extension"] = true.into();
                }
                declare("extensions", extensions);
            }
            _ => {}
        }
        let completes = offer.has(Feature::Completions)
            && !self.faults.has(F::CompletionsUndeclared)
            && !self.faults.has(F::CompletionUnsupportedCode);
        if revision >= Revision::V2025_03_26 && completes {
            declare("completions", json!({}));
        }
        capabilities
    }

    /// How to use this server, for the model.
    pub fn instructions(&self) -> &'static str {
        "A server to test clients against. query_database works on data that others may use as well; every other tool is \
         harmless and keeps nothing."
    }
}

/// Who we are, at each revision.
pub fn infos(faults: &Faults) -> [Arc<Value>; Revision::ALL.len()] {
    Revision::ALL.map(|revision| Arc::new(info(faults, revision)))
}

/// What every modern result says of us: without the icons, which would be the most of a short result.
pub fn name(faults: &Faults) -> Arc<Value> {
    let mut name = info(faults, Revision::LATEST);
    if let Some(members) = name.as_object_mut() {
        members.shift_remove("icons");
    }
    Arc::new(name)
}

fn info(faults: &Faults, revision: Revision) -> Value {
    let mut info = json!({
        "name": "mcp-reference-server",
        "version": env!("CARGO_PKG_VERSION"),
    });
    if faults.has(F::ServerInfoWithoutVersion) {
        info = json!({"name": "mcp-reference-server"});
    }
    if revision >= Revision::V2025_06_18 {
        info["title"] = "MCP reference server".into();
    }
    if revision >= Revision::V2025_11_25 {
        info["icons"] = crate::features::wire::icons(faults);
    }
    if revision == Revision::V2025_11_25 {
        info["description"] = "Correct by default, faulty on demand".into();
    }
    info
}
