//! A server that closes each connection after its answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::common::{list, report, results};

/// Answers one request, then closes.
fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.to_ascii_lowercase().split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut answer = serde_json::json!({ "jsonrpc": "2.0", "id": request["id"] });
    match request["method"] == "server/discover" {
        true => {
            answer["result"] = serde_json::json!({
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {},
            });
        }
        false => answer["error"] = serde_json::json!({ "code": -32601, "message": "no" }),
    }
    let answer = answer.to_string();
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length";
    (&stream).write_all(format!("{head}: {}\r\n\r\n{answer}", answer.len()).as_bytes())
}

#[test]
fn each_call_takes_a_new_connection_and_that_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    let report = report(0, &["--url", &url, "--concurrency=1,4"], &[]);
    assert_eq!(results(&report).len(), 2);
    for result in results(&report) {
        assert_eq!(result["errors"], 0, "{result}");
        let [count, reconnects] =
            ["count", "reconnects"].map(|name| result[name].as_u64().unwrap_or(0));
        // The first call of each caller, in each turn at most, has a connection that was made before.
        let rounds = result["rounds"].as_array().unwrap().len() as u64;
        let callers = result["concurrency"].as_u64().unwrap();
        assert!(
            count > 0 && reconnects + rounds * callers >= count,
            "{result}"
        );
    }
    assert_eq!(list(&report, "connections")[0]["closed_by_server"], true);
}
