//! The tables of the database as resources: `resource://database/table/{name}`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::context::{Context, Failure};
use crate::database::{Parameters, Query};
use crate::jsonrpc::ErrorObject;
use crate::server::Server;

/// The template that stands for all of them.
pub const TEMPLATE: &str = "resource://database/table/{name}";
const PREFIX: &str = "resource://database/table/";

/// How many rows are shown, and how long it may take to find them.
const ROWS: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(5);

/// The URI of a table. Everything but letters, digits and `-._~` is escaped.
pub fn uri(table: &str) -> String {
    let mut uri = PREFIX.to_owned();
    for byte in table.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The name of the table that a URI stands for, if there is one.
pub fn find(server: &Server, uri: &str) -> Option<String> {
    let name = decode(uri.strip_prefix(PREFIX)?)?;
    server
        .database
        .tables()
        .into_iter()
        .find(|table| *table == name)
}

fn decode(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                bytes.push(u8::try_from(16 * high + low).ok()?);
            }
            // A name of several segments is no name of a table.
            b'/' => return None,
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Every table, as it is listed.
pub fn listed(server: &Server) -> impl Iterator<Item = Value> {
    server.database.tables().into_iter().map(|table| {
        json!({
            "uri": uri(&table),
            "name": table,
            "title": format!("The table {table}"),
            "description": "The columns and first rows of a table of the database",
            "mimeType": "application/json",
        })
    })
}

/// The template, as it is listed.
pub fn template() -> Value {
    json!({
        "uriTemplate": TEMPLATE,
        "name": "table",
        "title": "A table",
        "description": "The columns and first rows of a table of the database",
        "mimeType": "application/json",
    })
}

/// What can be read about a table.
pub async fn read(context: &Context, uri: &str, table: &str) -> Result<Value, Failure> {
    // A name cannot be bound; inside quotes, doubled where there are any, it is nothing but a name.
    let name = table.replace('"', "\"\"");
    let query = Query {
        sql: format!("SELECT * FROM main.\"{name}\" LIMIT {ROWS}"),
        parameters: Parameters::Positional(Vec::new()),
        timeout: TIMEOUT,
    };
    let outcome = context.server.database.run(query, &context.caller).await;
    let outcome = outcome.map_err(|trouble| ErrorObject::internal(trouble.to_string()))?;
    let text = outcome.to_value().to_string();
    Ok(json!({"uri": uri, "mimeType": "application/json", "text": text}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_survives_its_uri() {
        for name in [
            "products",
            "with space",
            "a/b",
            "größe",
            "100%",
            "\"; DROP TABLE x",
        ] {
            let uri = uri(name);
            assert!(uri.is_ascii() && !uri.contains(' '), "{uri}");
            assert_eq!(decode(&uri[PREFIX.len()..]).as_deref(), Some(name));
        }
        assert_eq!(decode("%4"), None);
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%ff"), None);
    }
}
