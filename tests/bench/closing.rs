//! Servers that close each connection after their answer, or fail now and then.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::common::{bench, json, list, report, results, stderr};

/// Answers one request, then closes. The answer to each so manieth is an error.
fn answer(stream: TcpStream, fails: Option<u64>, count: u64) -> std::io::Result<()> {
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
    let fails = fails.is_some_and(|each| count.is_multiple_of(each));
    match request["method"] == "server/discover" && !fails {
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

/// Serves until the process ends. Returns the URL.
fn serve(fails: Option<u64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (stream, count) in listener.incoming().flatten().zip(1..) {
            std::thread::spawn(move || answer(stream, fails, count));
        }
    });
    url
}

#[test]
fn calls_that_fail_are_told_and_leave_the_report_partial() {
    let url = serve(Some(50));
    let output = bench(&["--url", &url], &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report = json(&output);
    let result = &results(&report)[0];
    let errors = result["errors"].as_u64().unwrap();
    assert!(
        errors > 0 && result["count"].as_u64().unwrap() > 0,
        "{result}"
    );
    assert_eq!(result["errors_by_kind"]["error -32601"], errors);
    assert_eq!(result["partial"], true);
    let told = format!("target: server/discover, 1 at a time: {errors} of ");
    assert!(
        report["partial"].as_str().unwrap().contains(&told),
        "{report}"
    );
    assert!(stderr(&output).contains(&told), "{}", stderr(&output));

    // Who says how many may fail has said that some may.
    let code = |condition| {
        bench(&["--url", &url, "--fail-if", condition], &[])
            .status
            .code()
    };
    assert_eq!(code("errors > 0"), Some(1));
    assert_eq!(code("errors > 99%"), Some(0));
}

#[test]
fn each_call_takes_a_new_connection_and_that_is_told() {
    let url = serve(None);
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
