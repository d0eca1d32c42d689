//! What inputs have in common that break a server in the same way.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::Input;
use crate::drive::Shot;

impl Input {
    /// Its shape as a number.
    pub(in crate::fuzz) fn shape(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.unopened.hash(&mut hasher);
        for method in self.replies.keys() {
            method.hash(&mut hasher);
        }
        for shot in &self.shots {
            match shot {
                Shot::Http(request) => {
                    request.method.hash(&mut hasher);
                    shape_of(&request.body).hash(&mut hasher);
                }
                // It is who asks that is odd, whatever is asked.
                Shot::Message {
                    identity: Some(name),
                    ..
                } => name.hash(&mut hasher),
                Shot::Message { bytes, headers, .. } if headers.is_empty() => {
                    shape_of(bytes).hash(&mut hasher);
                }
                // Whatever else it is, it is the headers that are odd.
                Shot::Message { headers, .. } => {
                    let mut names: Vec<String> =
                        headers.keys().map(|name| name.to_lowercase()).collect();
                    names.sort();
                    names.hash(&mut hasher);
                }
                Shot::Aborted(bytes) => ("aborted", shape_of(bytes)).hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

/// JSON without its values; of anything else the kind.
fn shape_of(bytes: &[u8]) -> String {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => skeleton(&value, 0),
        Err(_) if bytes.is_empty() => "empty".to_owned(),
        Err(_) if std::str::from_utf8(bytes).is_err() => "not UTF-8".to_owned(),
        Err(_) if bytes.starts_with("\u{feff}".as_bytes()) => "byte-order mark".to_owned(),
        Err(_) => "not JSON".to_owned(),
    }
}

/// The members that a message has. What others it has, and what is in its parameters, makes no other shape.
fn skeleton(value: &Value, depth: usize) -> String {
    let inner = |value: &Value| skeleton(value, depth + 1);
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "fraction".to_owned(),
        Value::Number(_) | Value::String(_) => "scalar".to_owned(),
        _ if depth > 1 => "…".to_owned(),
        Value::Array(items) => format!("[{}]", items.first().map(inner).unwrap_or_default()),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match name.as_str() {
                "method" => format!("method:{value}"),
                "jsonrpc" | "id" | "params" | "result" | "error" => {
                    format!("{name}:{}", inner(value))
                }
                _ if depth > 0 => name.clone(),
                _ => "other".to_owned(),
            };
            let mut members: Vec<String> = members.iter().map(member).collect();
            members.sort();
            members.dedup();
            format!("{{{}}}", members.join(","))
        }
    }
}
