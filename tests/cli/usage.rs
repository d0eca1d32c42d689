//! Help, and what is wrong with a command line.

use std::process::Stdio;

use crate::common::{command, run, stderr, stdout};

#[test]
fn help() {
    for (name, arguments) in [
        ("help", ["--help"].as_slice()),
        ("help_check", &["check", "--help"]),
        ("help_cases", &["cases", "--help"]),
        ("help_matrix", &["cases", "matrix", "--help"]),
        ("help_judge", &["judge", "--help"]),
        ("help_fuzz", &["fuzz", "--help"]),
        ("help_bench", &["bench", "--help"]),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), "");
        insta::assert_snapshot!(name, stdout(&output));
    }
}

/// Command lines that are none, as a shell reads them.
const WRONG: [&str; 40] = [
    "chekc",
    "check --url localhost:8080",
    "check --url http://127.0.0.1:{port}/mcp",
    "check -- server --port {port}",
    "check --header 'A: b'",
    "check --url http://127.0.0.1:1/ --header Authorization=secret",
    "check --url http://127.0.0.1:1/ --identity 'expired=Authorization: Bearer secret'",
    "check --url http://127.0.0.1:1/ --header 'Authorization: Bearer secret' --identity 'Authorization: Bearer secret'",
    "check --url http://127.0.0.1:1/ --header 'X-Key: secret' --identity 'expired=Authorization: Bearer secret'",
    "check --url http://127.0.0.1:1/ --header 'X-Key: secret' --identity 'expird=X-Key: secret'",
    "check --replica http://127.0.0.1:1/",
    "check --url http://127.0.0.1:{port}/mcp --replica http://127.0.0.1:1/ -- server",
    "check --url http://127.0.0.1:1/ --replica http://127.0.0.1:{port}/",
    "check --env K -- server",
    "check --report xml",
    "check --report json --report junit",
    "check --report json=no/such/folder/report.json",
    "check --revision 2025-01-01",
    "check --revision auto --revision 2025-11-25",
    "check --case tools/call-unkown-tool",
    "check --case tools/{",
    "check --timeout 10",
    "check --jobs 0",
    r#"check --call 'add={"a": 1,}'"#,
    "check --cases no/such/folder",
    "bench --and http://127.0.0.1:1/mcp",
    "bench --and b=http://127.0.0.1:{port}/mcp",
    "bench --and 'b=server \"'",
    "bench --and bundled-http=http://127.0.0.1:1/mcp",
    "bench --concurrency 1,0",
    "bench --fail-if 'p99 > 5'",
    "bench --network-delay 50ms -- server",
    "bench --compare no-such-file.json",
    "bench --report xml",
    "judge",
    "judge no-such-file.jsonl",
    "cases show tools/call-unkown-tool",
    "cases matrix --fault no-such-*",
    "cases matrix --report xml=matrix.xml",
    "serve --stdio --fault no-such-fault",
];

#[test]
fn usage_errors() {
    let mut told = String::new();
    for line in WRONG {
        let words = shlex::split(line).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = run(&words);
        assert_eq!(output.status.code(), Some(2), "{line}\n{}", stderr(&output));
        assert_eq!(stdout(&output), "", "{line}");
        assert!(
            !stderr(&output).contains("secret"),
            "what may be a secret is not quoted"
        );
        told.push_str(&format!("$ mcp-conform {line}\n{}\n", stderr(&output)));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let mut child = command(&["cases", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}
