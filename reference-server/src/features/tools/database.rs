//! `query_database`: SQL for those who may.

use std::time::Duration;

use serde_json::{Value, json};

use super::structured;
use crate::context::{Answer, Context, Failure};
use crate::database::{Outcome, Parameters, Query, Trouble};
use crate::features::resources::tables;
use crate::features::string;
use crate::hub::Event;
use crate::jsonrpc::Object;

/// The longest that a statement may be given, and what it gets if nothing is said.
const MAX_TIMEOUT_MS: u64 = 30_000;
const TIMEOUT_MS: u64 = 5_000;

pub async fn query(context: &Context, arguments: &Object) -> Answer {
    let parameters = match arguments.get("parameters") {
        Some(Value::Object(named)) => Parameters::Named(named.clone()),
        Some(Value::Array(positional)) => Parameters::Positional(positional.clone()),
        _ => Parameters::Positional(Vec::new()),
    };
    let timeout = arguments.get("timeoutMs").and_then(Value::as_f64);
    let timeout = timeout.map_or(TIMEOUT_MS, |timeout| timeout as u64);
    let query = Query {
        sql: string(arguments, "sql")?.into(),
        parameters,
        timeout: Duration::from_millis(timeout.min(MAX_TIMEOUT_MS)),
    };
    match context.server.database.run(query, &context.caller).await {
        Ok(outcome) => {
            announce(context, &outcome);
            Ok(structured(outcome.to_value()))
        }
        Err(Trouble::Role(needed)) => Err(context.forbid(needed)),
        Err(trouble) => Err(Failure::Tool(trouble.to_string())),
    }
}

/// Tells those who watch a table that it has changed.
fn announce(context: &Context, outcome: &Outcome) {
    let effects = &outcome.effects;
    if effects.schema {
        context.publish(&Event::Resources);
    }
    if effects.schema || outcome.changes > 0 {
        let changed = effects.tables.iter();
        for table in changed.filter(|table| !table.starts_with("sqlite_")) {
            context.publish(&Event::Resource(tables::uri(table)));
        }
    }
}

/// The schema of the arguments.
pub fn arguments() -> Value {
    json!({
        "type": "object",
        "properties": {
            "sql": {"type": "string", "description": "One SQL statement of SQLite, with placeholders for values"},
            "parameters": {
                "description": "The values: an array for ?, an object for :name. A BLOB is {\"base64\": \"...\"}",
                "type": ["array", "object"],
            },
            "timeoutMs": {
                "description": "How long it may take, in milliseconds",
                "type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS, "default": TIMEOUT_MS,
            },
        },
        "required": ["sql"],
        "additionalProperties": false,
    })
}

/// The schema of the result.
pub fn result() -> Value {
    json!({
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "array"}, "description": "The values of each row, in the order of the columns"},
            "changes": {"type": "integer", "description": "How many rows were inserted, updated or deleted"},
            "truncated": {"type": "boolean", "description": "Whether some of the result was kept back"},
            "limit": {"enum": ["rows", "cell", "size", "time"], "description": "What kept it back"},
        },
        "required": ["columns", "rows", "changes", "truncated"],
    })
}
