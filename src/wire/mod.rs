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
    /// Requests and notifications, by who sends them: one validator, because they have much in common.
    from_client: Checker,
    from_server: Checker,
    result_response: Checker,
    error_response: Checker,
    result: Checker,
    /// Only where the revision has batches.
    batch: Option<Checker>,
    /// The results of requests by their methods, and who sends the requests.
    results: HashMap<String, (From, Checker)>,
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

/// A schema, whose references are into the document, and its validator.
struct Checker {
    schema: Value,
    validator: OnceLock<Result<Validator, String>>,
}

impl WireSchema {
    fn load(document: Value) -> Result<WireSchema, String> {
        let table = document.get("x-mcp").cloned().unwrap_or_default();
        let registry = Registry::new()
            .add(DOCUMENT, document)
            .and_then(|builder| builder.prepare())
            .map_err(|error| error.to_string())?;
        let envelope = |name: &str| refer(&table["envelope"], name).map(Checker::of);
        let results = members(&table["requests"]).map(|(method, entry)| {
            let result = Checker::of(refer(entry, "result")?);
            Ok((method.clone(), (from(entry)?, result)))
        });
        Ok(WireSchema {
            from_client: Checker::of(calls(&table, Side::Client)?),
            from_server: Checker::of(calls(&table, Side::Server)?),
            result_response: envelope("resultResponse")?,
            error_response: envelope("errorResponse")?,
            result: envelope("result")?,
            batch: envelope("batch").ok(),
            results: results.collect::<Result<_, String>>()?,
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
            Kind::Request { .. } | Kind::Notification { .. } => self.call(message, side),
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
            Kind::Other if message.get("method").is_some() => self.call(message, side),
            Kind::Other => vec![Violation::new(
                "neither a request nor a notification nor a response",
            )],
        }
    }

    fn call(&self, message: &Value, side: Side) -> Vec<Violation> {
        let checker = match side {
            Side::Client => &self.from_client,
            Side::Server => &self.from_server,
        };
        self.check(checker, message)
    }

    fn success(&self, message: &Value, request_method: Option<&str>, side: Side) -> Vec<Violation> {
        let asker = if side == Side::Server {
            Side::Client
        } else {
            Side::Server
        };
        let known = request_method
            .and_then(|method| self.results.get(method))
            .filter(|(from, _)| from.includes(asker));
        let checker = known.map_or(&self.result, |(_, result)| result);
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
    fn of(schema: Value) -> Checker {
        Checker {
            schema,
            validator: OnceLock::new(),
        }
    }

    fn validator(&self, registry: &Registry<'_>) -> Result<&Validator, &String> {
        let compile = || {
            jsonschema::options()
                .offline()
                .with_registry(registry)
                .should_validate_formats(false)
                .build(&self.schema)
                .map_err(|error| format!("{}: {error}", self.schema))
        };
        self.validator.get_or_init(compile).as_ref()
    }
}

/// What a side sends that is no answer.
fn calls(table: &Value, side: Side) -> Result<Value, String> {
    let requests = by_method(table, "requests", "request", side)?;
    let notifications = by_method(table, "notifications", "notification", side)?;
    Ok(json!({ "if": { "required": ["id"] }, "then": requests, "else": notifications }))
}

/// The schema of the method, or that of the envelope if the side has no such method.
fn by_method(table: &Value, entries: &str, name: &str, side: Side) -> Result<Value, String> {
    let is = |method: Value| json!({ "properties": { "method": method } });
    let mut methods = Vec::new();
    let mut branches = Vec::new();
    for (method, entry) in members(&table[entries]) {
        if from(entry)?.includes(side) {
            branches
                .push(json!({ "if": is(json!({ "const": method })), "then": refer(entry, name)? }));
            methods.push(method);
        }
    }
    let other = refer(&table["envelope"], name)?;
    branches.push(json!({ "if": is(json!({ "enum": methods })), "else": other }));
    Ok(json!({ "allOf": branches }))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The schema to which a member of the table refers.
fn refer(entry: &Value, name: &str) -> Result<Value, String> {
    let reference = entry[name]
        .as_str()
        .ok_or_else(|| format!("x-mcp: {name:?} is missing"))?;
    Ok(json!({ "$ref": format!("{DOCUMENT}{reference}") }))
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
