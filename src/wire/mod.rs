//! Messages against our own JSON Schemas of the wire: schemas/REVISION.json, whose README explains the table `x-mcp`.

mod document;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::judge::pattern::describe::{describe, plain};
use crate::message::{Kind, kind};
use crate::revision::Revision;

pub use document::document;

/// No more violations than this are reported of one message.
const MAX_VIOLATIONS: usize = 5;

/// The name under which a schema document knows itself.
const DOCUMENT: &str = "urn:mcp-conform:wire";

/// The wire schema of a revision, made when it is first asked for.
pub fn schemas(revision: Revision) -> Option<&'static WireSchema> {
    static SCHEMAS: [OnceLock<Result<WireSchema, String>>; Revision::ALL.len()] =
        [const { OnceLock::new() }; Revision::ALL.len()];
    let schema = SCHEMAS[revision as usize].get_or_init(|| WireSchema::load(document(revision)?));
    // A test proves that each can be loaded.
    schema.as_ref().ok()
}

/// Where and why a message breaks the wire schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A JSON Pointer into the message.
    pub pointer: String,
    /// What is wrong there: short, escaped, one clause.
    pub message: String,
}

impl Violation {
    fn new(message: impl Into<String>) -> Violation {
        Violation {
            pointer: String::new(),
            message: message.into(),
        }
    }
}

/// The schemas of one revision, compiled when they are first used.
pub struct WireSchema {
    registry: Registry<'static>,
    request: Checker,
    notification: Checker,
    result_response: Checker,
    error_response: Checker,
    result: Checker,
    /// Only where the revision has batches.
    batch: Option<Checker>,
    requests: HashMap<String, Method>,
    notifications: HashMap<String, (From, Checker)>,
}

struct Method {
    from: From,
    request: Checker,
    result: Checker,
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Who may send it.
#[derive(Clone, Copy)]
struct From {
    client: bool,
    server: bool,
}

impl From {
    fn includes(self, side: Side) -> bool {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }
}

/// A reference into the document and its validator.
struct Checker {
    reference: String,
    validator: OnceLock<Result<Validator, String>>,
}

impl WireSchema {
    fn load(document: Value) -> Result<WireSchema, String> {
        let table = document.get("x-mcp").cloned().unwrap_or_default();
        let registry = Registry::new()
            .add(DOCUMENT, document)
            .and_then(|builder| builder.prepare())
            .map_err(|error| error.to_string())?;
        let envelope = |name: &str| Checker::at(&table["envelope"], name);
        let entries = |name: &str| table[name].as_object().cloned().unwrap_or_default();
        let methods = entries("requests").into_iter().map(|(name, entry)| {
            let request = Checker::at(&entry, "request")?;
            Ok((
                name,
                Method {
                    from: from(&entry)?,
                    request,
                    result: Checker::at(&entry, "result")?,
                },
            ))
        });
        let notifications = entries("notifications")
            .into_iter()
            .map(|(name, entry)| Ok((name, (from(&entry)?, Checker::at(&entry, "notification")?))));
        Ok(WireSchema {
            request: envelope("request")?,
            notification: envelope("notification")?,
            result_response: envelope("resultResponse")?,
            error_response: envelope("errorResponse")?,
            result: envelope("result")?,
            batch: envelope("batch").ok(),
            requests: methods.collect::<Result<_, String>>()?,
            notifications: notifications.collect::<Result<_, String>>()?,
            registry,
        })
    }

    /// How a message that a server sent breaks the schema. `request_method` is the method of the request that it
    /// answers, if it does; without it a result is checked as far as all results are alike.
    pub fn server_message(&self, message: &Value, request_method: Option<&str>) -> Vec<Violation> {
        self.message(message, request_method, Side::Server)
    }

    /// How an array is no batch of this revision, whatever its members hold; `None` where the revision has no batches.
    pub fn batch(&self, array: &Value) -> Option<Vec<Violation>> {
        Some(self.check(self.batch.as_ref()?, array))
    }

    /// What [`server_message`](Self::server_message) says, of a message that a client sent.
    pub fn client_message(&self, message: &Value, request_method: Option<&str>) -> Vec<Violation> {
        self.message(message, request_method, Side::Client)
    }

    fn message(&self, message: &Value, request_method: Option<&str>, side: Side) -> Vec<Violation> {
        match kind(message) {
            Kind::Request { method, .. } => {
                let known = self
                    .requests
                    .get(method)
                    .filter(|known| known.from.includes(side));
                self.check(known.map_or(&self.request, |known| &known.request), message)
            }
            Kind::Notification { method } => {
                let known = self
                    .notifications
                    .get(method)
                    .filter(|(from, _)| from.includes(side));
                self.check(
                    known.map_or(&self.notification, |(_, checker)| checker),
                    message,
                )
            }
            Kind::Response { .. } if message.get("error").is_some() => {
                self.check(&self.error_response, message)
            }
            Kind::Response { .. } => self.success(message, request_method, side),
            Kind::Other if !message.is_object() => self.batch(message).unwrap_or_else(|| {
                vec![Violation::new(format!(
                    "a message is an object, not {}",
                    describe(message)
                ))]
            }),
            Kind::Other if message.get("method").is_some() => self.check(&self.request, message),
            Kind::Other => vec![Violation::new(
                "neither a request nor a notification nor a response",
            )],
        }
    }

    fn success(&self, message: &Value, request_method: Option<&str>, side: Side) -> Vec<Violation> {
        let asker = if side == Side::Server {
            Side::Client
        } else {
            Side::Server
        };
        let known = request_method
            .and_then(|method| self.requests.get(method))
            .filter(|known| known.from.includes(asker));
        let checker = known.map_or(&self.result, |known| &known.result);
        let mut violations = self.check(&self.result_response, message);
        if let Some(result) = message.get("result") {
            for violation in self.check(checker, result) {
                let pointer = format!("/result{}", violation.pointer);
                // The envelope has an opinion of the result as well.
                if violations.len() < MAX_VIOLATIONS
                    && !violations.iter().any(|other| other.pointer == pointer)
                {
                    violations.push(Violation {
                        pointer,
                        ..violation
                    });
                }
            }
        }
        violations
    }

    fn check(&self, checker: &Checker, value: &Value) -> Vec<Violation> {
        match checker.validator(&self.registry) {
            Ok(validator) if validator.is_valid(value) => Vec::new(),
            Ok(validator) => validator
                .iter_errors(value)
                .take(MAX_VIOLATIONS)
                .map(violation)
                .collect(),
            // A test proves that every reference can be compiled.
            Err(error) => vec![Violation::new(error.clone())],
        }
    }
}

impl Checker {
    fn at(entry: &Value, name: &str) -> Result<Checker, String> {
        let reference = entry[name]
            .as_str()
            .ok_or_else(|| format!("x-mcp: {name:?} is missing"))?;
        Ok(Checker {
            reference: reference.to_owned(),
            validator: OnceLock::new(),
        })
    }

    fn validator(&self, registry: &Registry<'_>) -> Result<&Validator, &String> {
        let compile = || {
            jsonschema::options()
                .offline()
                .with_registry(registry)
                .should_validate_formats(false)
                .build(&json!({ "$ref": format!("{DOCUMENT}{}", self.reference) }))
                .map_err(|error| format!("{}: {error}", self.reference))
        };
        self.validator.get_or_init(compile).as_ref()
    }
}

fn from(entry: &Value) -> Result<From, String> {
    match entry["from"].as_str() {
        Some("client") => Ok(From {
            client: true,
            server: false,
        }),
        Some("server") => Ok(From {
            client: false,
            server: true,
        }),
        Some("both") => Ok(From {
            client: true,
            server: true,
        }),
        other => Err(format!("x-mcp: nobody sends from {other:?}")),
    }
}

fn violation(error: jsonschema::ValidationError<'_>) -> Violation {
    let what = error.masked_with(describe(error.instance())).to_string();
    Violation {
        pointer: error.instance_path().as_str().to_owned(),
        message: plain(&what),
    }
}
