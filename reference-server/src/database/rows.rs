//! Values between JSON and SQLite.
//!
//! | SQLite | JSON |
//! | --- | --- |
//! | NULL, INTEGER, REAL, TEXT | null, number, number, string |
//! | BLOB, and TEXT that is not UTF-8 | `{"base64": "..."}` |
//! | an infinite REAL | `{"real": "Infinity"}` |
//!
//! A parameter may also be a boolean, which SQLite keeps as 1 or 0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Statement;
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Map, Value, json};

use super::Trouble;
use crate::jsonrpc;

/// The most bytes of one value that are given out; the rest is left out.
const MAX_CELL: usize = 64 * 1024;

/// What a statement is run with. Values only ever reach SQLite by being bound.
#[derive(Clone, Debug)]
pub enum Parameters {
    /// For `?` and `?1`, in order.
    Positional(Vec<Value>),
    /// For `:name`, `@name` and `$name`, by name.
    Named(Map<String, Value>),
}

impl Parameters {
    /// Gives the statement its values: each placeholder gets one, and each value has a placeholder.
    pub fn bind(&self, statement: &mut Statement) -> Result<(), Trouble> {
        let wrong = |why: String| Err(Trouble::Parameters(why));
        let expected = statement.parameter_count();
        let given = match self {
            Self::Positional(values) => values.len(),
            Self::Named(values) => values.len(),
        };
        if expected != given {
            return wrong(format!(
                "the statement has {expected}, and {given} were given"
            ));
        }
        for index in 1..=expected {
            let value = match self {
                Self::Positional(values) => values.get(index - 1),
                Self::Named(values) => {
                    let name = statement.parameter_name(index).unwrap_or_default();
                    match name.get(1..).filter(|_| !name.starts_with('?')) {
                        Some(bare) => values.get(bare),
                        None => return wrong(format!("number {index} has no name")),
                    }
                }
            };
            let Some(value) = value else {
                return wrong(format!("number {index} is not given"));
            };
            let value = to_sql(value).map_err(|why| {
                // The value itself stays out of messages and logs.
                Trouble::Parameters(format!("number {index} {why}"))
            })?;
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(())
    }
}

fn to_sql(value: &Value) -> Result<Sql, &'static str> {
    Ok(match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer((*flag).into()),
        Value::String(text) => Sql::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Sql::Integer(integer),
            (None, Some(real)) if number.is_f64() => Sql::Real(real),
            _ => return Err("is an integer of more than 64 bits"),
        },
        Value::Object(object) => match (object.len(), object.get("base64")) {
            (1, Some(Value::String(text))) => match STANDARD.decode(text) {
                Ok(bytes) => Sql::Blob(bytes),
                Err(_) => return Err("is no valid Base64"),
            },
            _ => return Err("is an object, but not {\"base64\": \"...\"}"),
        },
        Value::Array(_) => return Err("is an array"),
    })
}

/// A value as JSON, how many bytes it takes there, and whether some of it was left out.
pub fn to_json(value: ValueRef) -> (Value, usize, bool) {
    let (json, cut) = match value {
        ValueRef::Null => (Value::Null, false),
        ValueRef::Integer(integer) => (integer.into(), false),
        ValueRef::Real(real) if real.is_finite() => (real.into(), false),
        ValueRef::Real(real) => {
            let sign = if real < 0.0 { "-" } else { "" };
            (json!({"real": format!("{sign}Infinity")}), false)
        }
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => {
                let mut end = text.len().min(MAX_CELL);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                (text[..end].into(), end < text.len())
            }
            Err(_) => blob(bytes),
        },
        ValueRef::Blob(bytes) => blob(bytes),
    };
    let size = jsonrpc::size(&json);
    (json, size, cut)
}

fn blob(bytes: &[u8]) -> (Value, bool) {
    let end = bytes.len().min(MAX_CELL);
    let encoded = STANDARD.encode(&bytes[..end]);
    (json!({"base64": encoded}), end < bytes.len())
}
