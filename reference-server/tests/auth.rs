//! Authorization: who is let in, what each may do, and what the log says of it.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use common::client::knowing;
use common::{Http, Response, initialize, modern, request};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const RESOURCE: &str = "https://mcp.example/mcp";
const ISSUER: &str = "https://auth.example";
const METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";

/// A server that knows three keys and one issuer.
struct Protected {
    server: Http,
    key: EncodingKey,
    public: String,
    _folder: TempDir,
}

impl Protected {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let public = pair.public_key_pem();
        fs::write(folder.path().join("issuer.pem"), &public).unwrap();
        let mut file = format!(
            "resource = \"{RESOURCE}\"\n[jwt]\nissuer = \"{ISSUER}\"\nalgorithm = \"ES256\"\nkey = \"issuer.pem\"\nleeway = 0\n"
        );
        for role in ["reader", "writer", "admin"] {
            let digest = Sha256::digest(format!("the-key-of-{role}"));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            file.push_str(&format!(
                "[[keys]]\nsha256 = \"{digest}\"\nprincipal = \"{role}\"\nrole = \"{role}\"\n"
            ));
        }
        let path = folder.path().join("auth.toml");
        fs::write(&path, file).unwrap();
        let arguments = [&["--auth", path.to_str().unwrap()], more].concat();
        Self {
            server: Http::start(&arguments),
            key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(),
            public,
            _folder: folder,
        }
    }

    /// A token that would be accepted, but for these claims.
    fn token(&self, changed: Value) -> String {
        encode(&Header::new(Algorithm::ES256), &claims(changed), &self.key).unwrap()
    }

    fn post(&self, token: &str, message: &Value) -> Response {
        let bearer = format!("Bearer {token}");
        let method = message["method"].as_str().unwrap();
        let mut headers = vec![
            ("Authorization", bearer.as_str()),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", method),
        ];
        let params = &message["params"];
        let name = params["name"].as_str().or(params["taskId"].as_str());
        headers.extend(name.map(|name| ("Mcp-Name", name)));
        self.server.post(&headers, message)
    }

    fn query(&self, token: &str, sql: &str) -> Response {
        let call = json!({"name": "query_database", "arguments": {"sql": sql}});
        self.post(token, &modern(1, "tools/call", call))
    }

    fn discover(&self, token: &str) -> Response {
        self.post(token, &modern(1, "server/discover", json!({})))
    }
}

fn claims(changed: Value) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut claims = json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "exp": now + 600, "scope": "openid mcp:read",
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn challenge(response: &Response) -> &str {
    response.header("www-authenticate").unwrap()
}

#[test]
fn who_has_no_token_is_told_where_to_get_one() {
    let protected = Protected::start(&[]);
    let server = &protected.server;
    let response = server.modern("server/discover", json!({}));
    assert_eq!(response.status, 401);
    let expected = format!("bearer scope=\"mcp:read\", resource_metadata=\"{METADATA}\"");
    assert_eq!(challenge(&response), expected);
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    ] {
        let metadata = server.request_at(path, "GET", &[], "").json();
        assert_eq!(metadata["resource"], RESOURCE);
        assert_eq!(metadata["authorization_servers"], json!([ISSUER]));
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    }
    for path in ["/mcp", "/sse", "/elsewhere"] {
        assert_eq!(
            server.request_at(path, "GET", &[], "").status,
            401,
            "{path}"
        );
    }
    for header in ["Basic YTpi", "Bearer wrong", "Bearer the-key-of-nobody"] {
        let response = server.request("POST", &[("Authorization", header)], "{}");
        assert_eq!(response.status, 401, "{header}");
    }
    for header in ["Bearer", "Bearer a b", "Bearer a,b"] {
        let response = server.request("POST", &[("Authorization", header)], "{}");
        assert_eq!(response.status, 400, "{header}");
        assert!(challenge(&response).contains("invalid_request"));
    }
    // Not even a good token is taken from the URL.
    let good = ("Authorization", "Bearer the-key-of-admin");
    let path = "/mcp?access_token=the-key-of-admin";
    assert_eq!(server.request_at(path, "POST", &[], "{}").status, 400);
    assert_eq!(server.request_at(path, "POST", &[good], "{}").status, 400);
    assert_eq!(server.request("POST", &[good, good], "{}").status, 400);
}

#[test]
fn a_token_has_to_be_good_in_every_respect() {
    let protected = Protected::start(&[]);
    let refused = |token: &str, why: &str| {
        let response = protected.discover(token);
        assert_eq!(response.status, 401, "{why}");
        let said = challenge(&response);
        assert!(
            said.contains("error=\"invalid_token\"") && said.contains(why),
            "{said}"
        );
    };
    assert_eq!(protected.discover(&protected.token(json!({}))).status, 200);
    let audiences = json!({"aud": ["https://other.example", RESOURCE]});
    assert_eq!(protected.discover(&protected.token(audiences)).status, 200);
    refused(&protected.token(json!({"exp": 1})), "expired");
    refused(
        &protected.token(json!({"nbf": 99_999_999_999_u64})),
        "not valid yet",
    );
    refused(
        &protected.token(json!({"aud": "https://other.example"})),
        "for somebody else",
    );
    refused(
        &protected.token(json!({"iss": "https://other.example"})),
        "by somebody else",
    );
    for claim in ["exp", "aud", "iss"] {
        let mut claims = claims(json!({}));
        claims.as_object_mut().unwrap().remove(claim);
        let token = encode(&Header::new(Algorithm::ES256), &claims, &protected.key).unwrap();
        refused(&token, "lacks a claim");
    }
    refused(&protected.token(json!({"sub": ""})), "lacks a claim");
    let mut header = Header::new(Algorithm::ES256);
    header.crit = Some(vec!["https://example.com/once".into()]);
    let token = encode(&header, &claims(json!({})), &protected.key).unwrap();
    refused(&token, "critical");
    // Signed by somebody else, with another algorithm, with our public key as a secret, or not at all.
    let other = rcgen::KeyPair::generate().unwrap();
    let other = EncodingKey::from_ec_pem(other.serialize_pem().as_bytes()).unwrap();
    let token = encode(&Header::new(Algorithm::ES256), &claims(json!({})), &other).unwrap();
    refused(&token, "signature");
    let confused = EncodingKey::from_secret(protected.public.as_bytes());
    let token = encode(
        &Header::new(Algorithm::HS256),
        &claims(json!({})),
        &confused,
    )
    .unwrap();
    refused(&token, "another algorithm");
    let good = protected.token(json!({}));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (_, body) = head.split_once('.').unwrap();
    // {"alg":"none"}
    refused(&format!("eyJhbGciOiJub25lIn0.{body}."), "");
    refused(&format!("eyJhbGciOiJub25lIn0.{body}.{signature}"), "");
    // Nothing that we know of is granted.
    let response = protected.discover(&protected.token(json!({"scope": "openid"})));
    assert_eq!(response.status, 403);
    assert!(challenge(&response).contains("error=\"insufficient_scope\""));
}

#[test]
fn a_key_set_has_the_key_that_a_token_names() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let pairs = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let key = |index: usize, name: &str| {
        let point = pairs[index].public_key_raw();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let (x, y) = (part(1..33), part(33..65));
        json!({"kty": "EC", "crv": "P-256", "kid": name, "x": x, "y": y})
    };
    let unusable = json!({"kty": "oct", "kid": "secret", "k": "AAAA"});
    let set = json!({"keys": [unusable, key(0, "old"), key(1, "new")]});
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys.json"), set.to_string()).unwrap();
    let path = folder.path().join("auth.toml");
    let file = format!(
        "[jwt]\nissuer = \"{ISSUER}\"\naudience = \"{RESOURCE}\"\nalgorithm = \"ES256\"\njwks = \"keys.json\"\n"
    );
    fs::write(&path, file).unwrap();
    let server = Http::start(&["--auth", path.to_str().unwrap(), "--log", "off"]);
    let status = |signer: usize, algorithm: Algorithm, name: Option<&str>| {
        let pem = pairs[signer].serialize_pem();
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
            _ => EncodingKey::from_secret(&[0, 0, 0]),
        };
        let mut header = Header::new(algorithm);
        header.kid = name.map(str::to_owned);
        let token = encode(&header, &claims(json!({})), &key).unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        server.post(&headers, &initialize("2025-11-25")).status
    };
    assert_eq!(status(0, Algorithm::ES256, Some("old")), 200);
    assert_eq!(status(1, Algorithm::ES256, Some("new")), 200);
    assert_eq!(status(1, Algorithm::ES256, Some("old")), 401);
    assert_eq!(status(1, Algorithm::ES256, Some("unknown")), 401);
    assert_eq!(status(1, Algorithm::ES256, None), 401);
    assert_eq!(status(0, Algorithm::HS256, Some("secret")), 401);
}

#[test]
fn a_role_is_enough_for_what_it_covers_and_a_challenge_names_what_is_missing() {
    let protected = Protected::start(&[]);
    let (read, change, drop) = (
        "SELECT 1",
        "UPDATE products SET stock = 1",
        "DROP TABLE orders",
    );
    let scoped = |scope: &str| protected.token(json!({"scope": scope}));
    let (reader, writer, admin) = (scoped("mcp:read"), scoped("mcp:write"), scoped("mcp:admin"));
    for (token, sql, missing) in [
        ("the-key-of-reader", read, None),
        ("the-key-of-reader", change, Some("mcp:write")),
        ("the-key-of-reader", drop, Some("mcp:admin")),
        ("the-key-of-writer", change, None),
        ("the-key-of-writer", drop, Some("mcp:admin")),
        (&reader, change, Some("mcp:write")),
        (&writer, read, None),
        (&writer, drop, Some("mcp:admin")),
        (&admin, change, None),
        (&admin, drop, None),
    ] {
        let response = protected.query(token, sql);
        match missing {
            None => assert_eq!(response.status, 200, "{sql}"),
            Some(scope) => {
                assert_eq!(response.status, 403, "{sql}");
                assert_eq!(
                    response.json()["error"]["data"]["requiredScopes"],
                    json!([scope])
                );
                let said = challenge(&response);
                assert!(said.contains("error=\"insufficient_scope\""), "{said}");
                assert!(said.contains(&format!("scope=\"{scope}\"")), "{said}");
                assert!(
                    said.contains(&format!("resource_metadata=\"{METADATA}\"")),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn a_session_belongs_to_whoever_opened_it() {
    let protected = Protected::start(&[]);
    let server = &protected.server;
    let alice = format!("Bearer {}", protected.token(json!({})));
    let alice = ("Authorization", alice.as_str());
    let opened = server.post(&[alice], &initialize("2025-11-25"));
    let id = opened.header("mcp-session-id").unwrap();
    let session = ("Mcp-Session-Id", id);
    let ping = request(1, "ping", json!({}));
    let status = |headers: &[(&str, &str)]| server.post(headers, &ping).status;
    assert_eq!(status(&[session, alice]), 200);
    assert_eq!(status(&[session]), 401, "a session is no token");
    let mallory = format!("Bearer {}", protected.token(json!({"sub": "mallory"})));
    let mallory = ("Authorization", mallory.as_str());
    assert_eq!(status(&[session, mallory]), 404);
    assert_eq!(server.request("GET", &[session, mallory], "").status, 404);
    assert_eq!(
        server.request("DELETE", &[session, mallory], "").status,
        404
    );
    let renewed = format!("Bearer {}", protected.token(json!({"scope": "mcp:admin"})));
    assert_eq!(status(&[session, ("Authorization", &renewed)]), 200);
}

#[test]
fn a_request_state_is_of_use_only_to_whom_it_was_given() {
    let protected = Protected::start(&[]);
    let name = "test_input_required_result_request_state";
    let call = |token: &str, call: Value| protected.post(token, &modern(1, "tools/call", call));
    let asked = call("the-key-of-reader", json!({"name": name})).json();
    let again = json!({
        "name": name,
        "requestState": asked["result"]["requestState"],
        "inputResponses": {"confirm": {"action": "accept", "content": {"ok": true}}},
    });
    for other in ["the-key-of-writer", &protected.token(json!({}))] {
        assert_eq!(call(other, again.clone()).json()["error"]["code"], -32602);
    }
    let done = call("the-key-of-reader", again).json();
    assert_eq!(done["result"]["content"][0]["text"], "state-ok");
}

#[test]
fn a_subscription_is_closed_by_nobody_but_its_owner() {
    let protected = Protected::start(&[]);
    let (reader, writer) = ("the-key-of-reader", "the-key-of-writer");
    let call = |token: &str, call: Value| {
        let call = protected.post(token, &modern(1, "tools/call", call));
        assert_eq!(call.status, 200);
    };
    let close = |uri: &str| json!({"name": "test_close_subscriptions", "arguments": {"uri": uri}});
    let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["test://static-text"]});
    let listen = modern(
        "sub",
        "subscriptions/listen",
        json!({"notifications": filter}),
    );
    let headers = [
        ("Authorization", "Bearer the-key-of-reader"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "subscriptions/listen"),
    ];
    let mut stream = protected.server.open("POST", &headers, &listen.to_string());
    // Once the response begins, there is a subscription.
    let mut begun = [0; 12];
    stream.peek(&mut begun).unwrap();
    call(writer, close("test://static-text"));
    call(reader, close("test://watched-resource"));
    call(writer, json!({"name": "test_trigger_tool_change"}));
    call(reader, close("test://static-text"));
    let events = Response::read(&mut stream).events();
    let methods = events.iter().map(|event| event["method"].as_str());
    let methods: Vec<_> = methods.map(Option::unwrap_or_default).collect();
    assert_eq!(
        methods,
        [
            "notifications/subscriptions/acknowledged",
            "notifications/tools/list_changed",
            "notifications/cancelled",
            "",
        ]
    );
    assert_eq!(events[3]["id"], "sub");
}

#[test]
fn calls_and_refusals_are_logged_and_no_secret_is() {
    let mut protected = Protected::start(&[]);
    let token = protected.token(json!({}));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let call = json!({
        "name": "query_database",
        "arguments": {"sql": "SELECT 'literal-value', ?", "parameters": ["parameter-value"]},
        "_meta": {"traceparent": format!("00-{trace}-b7ad6b7169203331-01")},
    });
    assert_eq!(
        protected
            .post(&token, &modern(1, "tools/call", call))
            .status,
        200
    );
    assert_eq!(
        protected
            .query("the-key-of-reader", "DROP TABLE orders")
            .status,
        403
    );
    assert_eq!(protected.discover("guessed-secret").status, 401);
    let server = &protected.server;
    server.request_at("/mcp?access_token=query-secret", "POST", &[], "{}");
    server.request("POST", &[("Origin", "http://evil.example")], "{}");
    let admin = [("Authorization", "Bearer the-key-of-admin")];
    server.request("POST", &admin, &"x".repeat(3_000_000));
    server.post(
        &admin,
        &request(1, "method-secret", json!({"name": "name-secret"})),
    );
    let lines: Vec<String> = protected.server.log().take(7).collect();
    let all = lines.join("\n");
    let secrets = ["the-key-of", "secret", "-value", "SELECT", "DROP", &token];
    for secret in secrets {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let entries = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let entries: Vec<Value> = entries.collect();
    let entry = |index: usize, name: &str| entries[index][name].as_str().unwrap_or_default();
    assert_eq!(
        (entry(0, "event"), entry(0, "principal")),
        ("call", "jwt:alice")
    );
    assert_eq!(
        (entry(0, "method"), entry(0, "tool")),
        ("tools/call", "query_database")
    );
    assert_eq!(
        (entry(0, "correlation"), entry(0, "outcome")),
        (trace, "ok")
    );
    assert!(entries[0]["ms"].is_number() && entry(0, "time").ends_with('Z'));
    assert_eq!(
        (entry(1, "principal"), &entries[1]["code"]),
        ("key:reader", &json!(403))
    );
    for (index, status) in [(2, 401), (3, 400), (4, 403), (5, 413), (6, 400)] {
        assert_eq!(entry(index, "event"), "refusal", "{all}");
        assert_eq!(entries[index]["status"], status, "{all}");
    }
    assert_eq!(entry(2, "principal"), "unknown");
    assert_eq!(entry(5, "principal"), "key:admin");
}

#[test]
fn slow_statements_of_one_caller_keep_no_other_from_the_database() {
    let protected = Protected::start(&["--log", "off"]);
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let call =
        json!({"name": "query_database", "arguments": {"sql": endless, "timeoutMs": 30_000}});
    let call = modern(1, "tools/call", call).to_string();
    let headers = [
        ("Authorization", "Bearer the-key-of-reader"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "query_database"),
    ];
    let _waiting = [(); 12].map(|()| {
        let mut stream = BufReader::new(protected.server.open("POST", &headers, &call));
        let mut status = String::new();
        stream.read_line(&mut status).unwrap();
        assert!(status.contains(" 200 "), "{status}");
        stream
    });
    let answer = protected.query("the-key-of-writer", "SELECT 7");
    assert_eq!(
        answer.answer()["result"]["structuredContent"]["rows"],
        json!([[7]])
    );
}

#[test]
fn a_handshake_that_is_refused_is_an_error_in_the_log() {
    let mut server = Http::start(&[]);
    let refused = server.post(&[], &request(1, "initialize", json!({})));
    assert_eq!(refused.json()["error"]["code"], -32602);
    let line = server.log().next().unwrap();
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&entry["event"], &entry["outcome"]),
        (&json!("call"), &json!("error"))
    );
    assert_eq!(entry["code"], -32602);
}

#[test]
fn each_caller_has_a_rate() {
    let protected = Protected::start(&["--rate", "1"]);
    assert_eq!(protected.discover("the-key-of-reader").status, 200);
    // A machine that is busy may take a second for one call, and then the next is right.
    let mut calls = std::iter::repeat_with(|| protected.discover("the-key-of-reader")).take(20);
    let refused = calls.find(|response| response.status != 200).unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let error = &refused.json()["error"];
    assert_eq!(error["code"], 429);
    assert!(error["data"]["retryAfterMs"].as_u64().unwrap() <= 1001);
    assert_eq!(
        protected.discover("the-key-of-writer").status,
        200,
        "the other's is another"
    );
    let mut server = common::Stdin::start_with(&["--rate", "1"]);
    let discover = modern(1, "server/discover", json!({}));
    assert!(server.ask(&discover)["result"].is_object());
    let mut calls = std::iter::repeat_with(|| server.ask(&discover)).take(20);
    let refused = calls.find_map(|answer| answer["error"]["code"].as_i64());
    assert_eq!(refused, Some(429));
}

#[test]
fn a_log_that_nobody_reads_holds_up_nobody() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-reference-server"))
        .args(["--stdio", "--log", "calls"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let ping = modern(1, "server/discover", json!({}));
    // More than the pipe and the queue hold.
    for _ in 0..3000 {
        writeln!(input, "{ping}").unwrap();
        assert!(answers.next().unwrap().unwrap().contains("result"));
    }
    let log = BufReader::new(child.stderr.take().unwrap()).lines();
    writeln!(input, "{ping}").unwrap();
    let lost = log.map_while(Result::ok).find_map(|line| {
        let entry: Value = serde_json::from_str(&line).unwrap();
        (entry["event"] == "lost").then(|| entry["lines"].as_u64())
    });
    assert!(lost.flatten().is_some_and(|lines| lines > 0), "{lost:?}");
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.toml");
    let servers = "authorization_servers = [\"https://auth.example\"]\n";
    let jwt = |rest: &str| format!("{servers}[jwt]\nissuer = \"i\"\naudience = \"a\"\n{rest}");
    for (text, why) in [
        (String::new(), "authorization_servers is missing"),
        (servers.to_owned(), "knows nobody"),
        (format!("{servers}tokens = []"), "unknown field"),
        (
            format!(
                "{servers}resource = \"mcp\"\n[[certificates]]\nname = \"a\"\nrole = \"reader\""
            ),
            "resource is not",
        ),
        (
            format!("{servers}[[keys]]\nsha256 = \"00\"\nprincipal = \"a\"\nrole = \"reader\""),
            "64 hexadecimal",
        ),
        (
            format!("{servers}[[certificates]]\nname = \"a\"\nrole = \"king\""),
            "unknown variant",
        ),
        (
            format!("{servers}[scopes]\nreader = \"a b\"\nwriter = \"w\"\nadmin = \"a\""),
            "name of a scope",
        ),
        (jwt("algorithm = \"HS256\"\nkey = \"k\""), "public keys"),
        (jwt("algorithm = \"ES256\""), "key or jwks"),
        (
            jwt("algorithm = \"ES256\"\nkey = \"missing.pem\""),
            "cannot read",
        ),
        (
            jwt("algorithm = \"ES256\"\nkey = \"auth.toml\""),
            "no public key",
        ),
        (jwt("algorithm = \"none\"\nkey = \"k\""), "unknown variant"),
    ] {
        fs::write(&path, &text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_mcp-reference-server"))
            .args(["--http", "127.0.0.1:0", "--auth", path.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {said}");
        assert!(
            said.contains("cannot use") && said.contains(why),
            "{text}: {said}"
        );
    }
}

#[test]
fn tasks_and_jobs_are_shown_to_their_principal_only() {
    let protected = Protected::start(&[]);
    let ask = |principal: &str, method: &str, params: Value| {
        let message = modern(
            1,
            method,
            knowing(modern(1, method, params)["params"].take()),
        );
        let key = format!("the-key-of-{principal}");
        protected.post(&key, &message).json()
    };
    let call = json!({"name": "slow_compute", "arguments": {"seconds": 60}});
    let created = ask("writer", "tools/call", call);
    let id = &created["result"]["taskId"];
    let job = json!({"name": "start_job", "arguments": {"part_ms": 60_000}});
    let job = ask("writer", "tools/call", job)["result"]["structuredContent"].take();
    let update = json!({"taskId": id, "inputResponses": {}});
    for (method, params) in [
        ("tasks/get", json!({"taskId": id})),
        ("tasks/update", update),
        ("tasks/cancel", json!({"taskId": id})),
        ("tasks/get", json!({"taskId": job["job_id"]})),
    ] {
        for other in ["reader", "admin"] {
            let refused = ask(other, method, params.clone());
            assert_eq!(refused["error"]["code"], -32602, "{method} {refused}");
        }
    }
    let status = json!({"name": "job_status", "arguments": {"job_id": job["job_id"]}});
    assert_eq!(
        ask("admin", "tools/call", status.clone())["result"]["isError"],
        true
    );
    assert!(
        ask("writer", "tools/call", status)["result"]
            .get("isError")
            .is_none()
    );
    let seen = ask("writer", "tasks/get", json!({"taskId": id}));
    assert_eq!(
        seen["result"]["status"], "working",
        "nobody has cancelled it"
    );
}

#[test]
fn a_secret_that_everybody_knows_is_refused() {
    let program = env!("CARGO_BIN_EXE_mcp-reference-server");
    let mut child = Command::new(program)
        .args(["--stdio", "--state-key", ""])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
