//! Ordinary small servers: each offers one tool, speaks one revision, and knows nothing else.

use std::io::{BufRead, stdin};

use serde_json::{Map, Value, json};

/// The first argument of a process that is such a server; then follow its revision and, over HTTP, the port, and this if
/// it has sessions, which no client can end.
pub const MARK: &str = "--modest";
/// See there.
pub const WITH_SESSIONS: &str = "--sessions";

const MODERN: &str = "2026-07-28";
const META: &str = "io.modelcontextprotocol/";

/// Serves until its input ends, or over HTTP until it is told to stop.
pub fn main(mut words: impl Iterator<Item = String>) {
    let revision = words.next().unwrap();
    match words.next() {
        Some(port) => {
            let has_sessions = words.any(|word| word == WITH_SESSIONS);
            http::serve(revision, port.parse().unwrap(), has_sessions);
        }
        None => stdin()
            .lock()
            .split(b'\n')
            .map_while(Result::ok)
            .for_each(|line| {
                if let Some(answer) = answer(&revision, &line) {
                    println!("{answer}");
                }
            }),
    }
}

/// What is wrong: a code, and for the modern era details.
struct Refusal(i64, Option<Value>);

/// What is answered to a line or a body, if anything.
fn answer(revision: &str, text: &[u8]) -> Option<Value> {
    match serde_json::from_slice(text) {
        // Batches are those of one revision only.
        Ok(Value::Array(batch)) if revision == "2025-03-26" && !batch.is_empty() => {
            let answers: Vec<Value> = batch
                .iter()
                .filter_map(|message| reply(revision, message))
                .collect();
            (!answers.is_empty()).then(|| answers.into())
        }
        Ok(message) => reply(revision, &message),
        Err(_) => {
            let error = json!({ "code": -32700, "message": "this is no JSON" });
            let mut answer = json!({ "jsonrpc": "2.0", "error": error });
            name_no_id(revision, &mut answer);
            Some(answer)
        }
    }
}

/// The answer to a message, if it wants one.
fn reply(revision: &str, message: &Value) -> Option<Value> {
    let id = match message.get("id") {
        Some(id @ Value::String(_)) => Some(id.clone()),
        Some(id @ Value::Number(number)) if !number.is_f64() => Some(id.clone()),
        _ => None,
    };
    let is_response = message.get("method").is_none()
        && (message.get("result").is_some() || message.get("error").is_some());
    let well_formed = message["jsonrpc"] == "2.0"
        && message["method"].is_string()
        && message.get("params").is_none_or(Value::is_object)
        && (id.is_some() || message.get("id").is_none());
    let outcome = match well_formed {
        true if id.is_none() => return None,
        true => result(revision, message),
        false if is_response => return None,
        false => Err(Refusal(-32600, None)),
    };
    let mut answer = json!({ "jsonrpc": "2.0" });
    match id {
        Some(id) => answer["id"] = id,
        None => name_no_id(revision, &mut answer),
    }
    match outcome {
        Ok(result) => answer["result"] = result,
        Err(Refusal(code, data)) => {
            answer["error"] = json!({ "code": code, "message": "this server does not do that" });
            if let Some(data) = data {
                answer["error"]["data"] = data;
            }
        }
    }
    Some(answer)
}

/// Where no id can be read JSON-RPC wants null, and the schemas of some revisions have no place for that.
fn name_no_id(revision: &str, answer: &mut Value) {
    if revision != "2025-11-25" {
        answer["id"] = Value::Null;
    }
}

fn result(revision: &str, message: &Value) -> Result<Value, Refusal> {
    let empty = Map::new();
    let params = message
        .get("params")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let is_modern = revision == MODERN;
    if is_modern {
        admit(message, params)?;
    }
    let info = json!({ "name": "modest", "version": "1" });
    let mut result = match message["method"].as_str().unwrap_or_default() {
        "initialize" if !is_modern => match params.get("protocolVersion") {
            Some(Value::String(_)) => {
                json!({ "protocolVersion": revision, "capabilities": { "tools": {} }, "serverInfo": info })
            }
            _ => return Err(Refusal(-32602, None)),
        },
        "ping" if !is_modern => json!({}),
        "server/discover" if is_modern => {
            json!({ "supportedVersions": [MODERN], "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "public" })
        }
        // There is only one page, so no cursor leads anywhere.
        "tools/list" if params.contains_key("cursor") => return Err(Refusal(-32602, None)),
        "tools/list" => {
            let tool = json!({
                "name": "add",
                "description": "Adds two numbers",
                "inputSchema": {
                    "type": "object",
                    "properties": { "a": { "type": "number" }, "b": { "type": "number" } },
                    "required": ["a", "b"],
                },
            });
            match is_modern {
                true => json!({ "tools": [tool], "ttlMs": 0, "cacheScope": "public" }),
                false => json!({ "tools": [tool] }),
            }
        }
        "tools/call" => call(params)?,
        _ => return Err(Refusal(-32601, None)),
    };
    if is_modern {
        result["resultType"] = json!("complete");
        result["_meta"] = json!({ format!("{META}serverInfo"): info });
    }
    Ok(result)
}

/// The modern era: each request says what it speaks, and what the client can do.
fn admit(message: &Value, params: &Map<String, Value>) -> Result<(), Refusal> {
    let meta = params.get("_meta");
    let member = |name: &str| meta.and_then(|meta| meta.get(format!("{META}{name}")));
    let unsupported = |requested: &Value| {
        let data = json!({ "supported": [MODERN], "requested": requested });
        Err(Refusal(-32022, Some(data)))
    };
    if message["method"] == "initialize" {
        return unsupported(&params.get("protocolVersion").cloned().unwrap_or_default());
    }
    let info = member("clientInfo");
    let named = info.is_none_or(|info| info["name"].is_string() && info["version"].is_string());
    match (member("protocolVersion"), member("clientCapabilities")) {
        (Some(Value::String(version)), Some(Value::Object(_))) if named => {
            match version == MODERN {
                true => Ok(()),
                false => unsupported(&json!(version)),
            }
        }
        _ => Err(Refusal(-32602, None)),
    }
}

fn call(params: &Map<String, Value>) -> Result<Value, Refusal> {
    if params.get("name") != Some(&json!("add")) {
        return Err(Refusal(-32602, None));
    }
    let number = |name: &str| params.get("arguments")?.get(name)?.as_f64();
    let (text, is_error) = match (number("a"), number("b")) {
        (Some(a), Some(b)) => ((a + b).to_string(), false),
        _ => ("a and b are numbers".to_owned(), true),
    };
    Ok(json!({ "content": [{ "type": "text", "text": text }], "isError": is_error }))
}

/// The same over Streamable HTTP: no streams, and sessions for those who ask for them.
mod http {
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::convert::Infallible;
    use std::hash::{BuildHasher, RandomState};
    use std::rc::Rc;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;
    use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
    use hyper::service::service_fn;
    use hyper::{Method, Request, Response};
    use hyper_util::rt::TokioIo;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    const SESSION: &str = "mcp-session-id";

    /// What the server is.
    struct Server {
        revision: String,
        /// The ids of sessions, if there are any.
        sessions: Option<RefCell<HashSet<String>>>,
    }

    pub fn serve(revision: String, port: u16, has_sessions: bool) {
        let server = Rc::new(Server {
            revision,
            sessions: has_sessions.then(RefCell::default),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async {
            let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
            while let Ok((connection, _)) = listener.accept().await {
                let server = server.clone();
                tokio::task::spawn_local(async move {
                    let service = service_fn(|request| {
                        let server = server.clone();
                        async move { Ok::<_, Infallible>(server.respond(request).await) }
                    });
                    let builder = hyper::server::conn::http1::Builder::new();
                    builder
                        .serve_connection(TokioIo::new(connection), service)
                        .await
                });
            }
        });
    }

    impl Server {
        async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
            let (head, body) = request.into_parts();
            let revision = self.revision.as_str();
            let is_modern = revision == super::MODERN;
            let version = text(&head.headers, "mcp-protocol-version");
            let other = !is_modern && version.is_some_and(|version| version != revision);
            let status = match (head.uri.path(), &head.method) {
                _ if is_foreign(&head.headers) => 403,
                ("/mcp", &Method::POST) if other => 400,
                ("/mcp", &Method::POST) => 200,
                ("/mcp", _) => 405,
                _ => 404,
            };
            if status != 200 {
                return response(status, None);
            }
            let Ok(body) = body.collect().await else {
                return response(400, None);
            };
            let body = body.to_bytes();
            let opens = is_initialize(&body);
            match (&self.sessions, text(&head.headers, SESSION)) {
                (Some(_), None) if !opens => return response(400, None),
                (Some(open), Some(id)) if !open.borrow().contains(id) => {
                    return response(404, None);
                }
                _ => {}
            }
            let Some(mut answer) = super::answer(revision, &body) else {
                return response(202, None);
            };
            // Who comes from the other era is told so, whatever the headers.
            let is_stranger = answer["error"]["code"] == -32022;
            if is_modern && !is_stranger && !is_mirrored(&head.headers, &body) {
                answer = json!({
                    "jsonrpc": "2.0",
                    "id": answer["id"],
                    "error": { "code": -32020, "message": "the headers say something else" },
                });
            }
            let status = match answer["error"]["code"].as_i64() {
                // Nothing could be read that an answer would be due to.
                Some(_) if answer["id"].is_null() => 400,
                Some(-32601) if is_modern => 404,
                Some(_) if is_modern => 400,
                _ => 200,
            };
            let succeeds = answer.get("result").is_some();
            let mut response = response(status, Some(answer));
            if let Some(open) = self.sessions.as_ref().filter(|_| opens && succeeds) {
                let count = open.borrow().len();
                let id = format!("{count}-{:016x}", RandomState::new().hash_one(count));
                response.headers_mut().insert(SESSION, id.parse().unwrap());
                open.borrow_mut().insert(id);
            }
            response
        }
    }

    fn is_initialize(body: &[u8]) -> bool {
        serde_json::from_slice::<Value>(body).is_ok_and(|message| message["method"] == "initialize")
    }

    /// Whether the headers of a modern request repeat what its body says.
    fn is_mirrored(headers: &HeaderMap, body: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            return true;
        };
        let version = &message["params"]["_meta"][format!("{}protocolVersion", super::META)];
        let name = &message["params"]["name"];
        [
            ("mcp-protocol-version", version),
            ("mcp-method", &message["method"]),
            ("mcp-name", name),
        ]
        .iter()
        .all(|(header, value)| match value.as_str() {
            Some(value) => text(headers, header).is_some_and(|text| decoded(text) == value),
            None => true,
        })
    }

    /// What a header cannot carry as it is comes in Base64.
    fn decoded(text: &str) -> String {
        let encoded = text
            .strip_prefix("=?base64?")
            .and_then(|rest| rest.strip_suffix("?="));
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        bytes.map_or_else(
            || text.to_owned(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap_or("?"))
    }

    /// What a web page sends that was lured here.
    fn is_foreign(headers: &HeaderMap) -> bool {
        let is_local = |text: &str| text.contains("127.0.0.1") || text.contains("localhost");
        [ORIGIN, HOST]
            .iter()
            .any(|name| text(headers, name.as_str()).is_some_and(|text| !is_local(text)))
    }

    fn response(status: u16, body: Option<Value>) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(status);
        if body.is_some() {
            response = response.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        response.body(Full::from(body)).unwrap()
    }
}
