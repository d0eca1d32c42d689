//! Runs against a server that the program starts, and their verdicts again.

use crate::common::{PROGRAM, assert_judged_again, assert_no_secret, json, run, stderr, stdout};

#[test]
fn a_run_writes_its_reports_and_can_be_judged_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let output = run(&[
        "check",
        "--case",
        "ping/*",
        "--case",
        "rule/*",
        "--revision",
        "2025-11-25",
        "--report",
        "json",
        "--report",
        &format!("junit={}", path("report.xml")),
        "--report",
        &format!("human={}", path("report.txt")),
        "--save-transcripts",
        &path("transcripts"),
        "--env",
        "KEY=s3cr3t-value",
        "--",
        PROGRAM,
        "serve",
        "--stdio",
        "--state-key",
        "s3cr3t-value",
        "--log",
        "messages",
    ]);
    assert_eq!(stderr(&output), "", "progress is for terminals");
    let report = json(&output);
    assert_eq!(report["format"], "mcp-conform/1");
    assert_eq!(report["target"]["kind"], "stdio");
    assert!(report["summary"]["pass"].as_u64().unwrap() > 0);
    assert!(
        std::fs::read_to_string(path("report.xml"))
            .unwrap()
            .contains("<testsuites")
    );
    assert!(
        std::fs::read_to_string(path("report.txt"))
            .unwrap()
            .contains("2025-11-25  conforms: ")
    );

    assert_judged_again(&output, &report, &path("transcripts"));
    assert_no_secret(dir.path());
    assert!(!stdout(&output).contains("s3cr3t"));
}

#[test]
fn a_url_of_http_sse_is_recognized_and_judged_again() {
    let dir = tempfile::tempdir().unwrap();
    let transcripts = dir.path().join("transcripts").display().to_string();
    let output = run(&[
        "check",
        "--case",
        "sse/*",
        "--case",
        "tools/*",
        "--case",
        "rule/*",
        "--report",
        "json",
        "--save-transcripts",
        &transcripts,
        "--url",
        "http://127.0.0.1:{port}/sse",
        "--header",
        "X-Key: s3cr3t-value",
        "--",
        PROGRAM,
        "serve",
        "--http",
        "127.0.0.1:{port}",
    ]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    let report = json(&output);
    let trials = report["trials"].as_array().unwrap();
    let passed = |name: &str| {
        let found = trials.iter().find(|trial| trial["name"] == name);
        found.is_some_and(|trial| trial["verdict"] == "pass")
    };
    assert!(passed("sse/second-client@2024-11-05+sse"));
    assert!(passed("rule/sse-messages@2024-11-05+sse"));
    assert_judged_again(&output, &report, &transcripts);
    assert_no_secret(dir.path());
    assert!(!stdout(&output).contains("s3cr3t"));
}

/// Whoever looks at a report later must not find half of one, or lose the last.
#[test]
fn a_run_that_fails_leaves_the_reports_of_earlier_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("old.json"), "{}").unwrap();
    let old = format!("json={}", path("old.json"));
    let new = format!("junit={}", path("new.xml"));
    for command in ["check", "fuzz"] {
        let reports = [command, "--report", &old, "--report", &new];
        let output = run(&[&reports[..], &["--", "/no/such/program"]].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert_eq!(std::fs::read_to_string(path("old.json")).unwrap(), "{}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn what_cannot_be_started_is_told_in_one_paragraph() {
    let output = run(&["check", "--", "/no/such/program"]);
    assert_eq!(output.status.code(), Some(3));
    let told = stderr(&output);
    assert!(
        told.starts_with("error: ") && told.contains("/no/such/program"),
        "{told}"
    );
    assert_eq!(stdout(&output), "");
}

#[cfg(unix)]
#[test]
fn fuzzing_says_why_no_session_opens() {
    let silent = ["--", "sh", "-c", "while read line; do :; done"];
    let output = run(&[&["fuzz", "--timeout", "300ms"], &silent[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    let told = stderr(&output);
    assert!(
        told.contains("initialize is not answered in time"),
        "{told}"
    );
    assert!(told.contains("check --timeout 300ms"), "{told}");
}

/// Between the choice of a free port and the server that is to listen there, somebody else may take it.
#[cfg(unix)]
#[test]
fn a_port_that_was_taken_meanwhile_costs_another_start() {
    let dir = tempfile::tempdir().unwrap();
    let begun = dir.path().join("begun").display().to_string();
    let server = "if mkdir \"$1\" 2> /dev/null; then echo 'Address already in use' >&2; exit 1; fi; \
                  exec \"$0\" serve --log off --http \"127.0.0.1:$2\"";
    let url = "http://127.0.0.1:{port}/mcp";
    let check = [
        "check", "--case", "ping/*", "--report", "json", "--url", url,
    ];
    let server = ["--", "sh", "-c", server, PROGRAM, &begun, "{port}"];
    let output = run(&[&check[..], &server[..]].concat());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert_eq!(json(&output)["summary"]["starts"], 2);
}
