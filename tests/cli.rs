//! The command line from outside: what scripts rely on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use sha2::{Digest, Sha256};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    // Nothing of the terminal or the habits of whoever runs the tests may show.
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn help() {
    for (name, arguments) in [
        ("help", ["--help"].as_slice()),
        ("help_check", &["check", "--help"]),
        ("help_cases", &["cases", "--help"]),
        ("help_matrix", &["cases", "matrix", "--help"]),
        ("help_judge", &["judge", "--help"]),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), "");
        insta::assert_snapshot!(name, stdout(&output));
    }
}

#[test]
fn usage_errors() {
    let table: &[&[&str]] = &[
        &["chekc"],
        &["check", "--url", "localhost:8080"],
        &["check", "--url", "http://127.0.0.1:{port}/mcp"],
        &["check", "--", "server", "--port", "{port}"],
        &["check", "--header", "A: b"],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--header",
            "Authorization=secret",
        ],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--identity",
            "expired=Authorization: Bearer secret",
        ],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--header",
            "Authorization: Bearer secret",
            "--identity",
            "Authorization: Bearer secret",
        ],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--header",
            "X-Key: secret",
            "--identity",
            "expired=Authorization: Bearer secret",
        ],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--header",
            "X-Key: secret",
            "--identity",
            "expird=X-Key: secret",
        ],
        &["check", "--replica", "http://127.0.0.1:1/"],
        &[
            "check",
            "--url",
            "http://127.0.0.1:{port}/mcp",
            "--replica",
            "http://127.0.0.1:1/",
            "--",
            "server",
        ],
        &[
            "check",
            "--url",
            "http://127.0.0.1:1/",
            "--replica",
            "http://127.0.0.1:{port}/",
        ],
        &["check", "--env", "K", "--", "server"],
        &["check", "--report", "xml"],
        &["check", "--report", "json", "--report", "junit"],
        &["check", "--report", "json=no/such/folder/report.json"],
        &["check", "--revision", "2025-01-01"],
        &["check", "--revision", "auto", "--revision", "2025-11-25"],
        &["check", "--case", "tools/call-unkown-tool"],
        &["check", "--case", "tools/{"],
        &["check", "--timeout", "10"],
        &["check", "--jobs", "0"],
        &["check", "--call", "add={\"a\": 1,}"],
        &["check", "--cases", "no/such/folder"],
        &["judge"],
        &["judge", "no-such-file.jsonl"],
        &["cases", "show", "tools/call-unkown-tool"],
        &["cases", "matrix", "--fault", "no-such-*"],
        &["cases", "matrix", "--report", "xml=matrix.xml"],
        &["serve", "--stdio", "--fault", "no-such-fault"],
    ];
    let mut told = String::new();
    for arguments in table {
        let output = run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}\n{}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(
            !stderr(&output).contains("secret"),
            "what may be a secret is not quoted"
        );
        told.push_str(&format!(
            "$ mcp-conform {}\n{}\n",
            arguments.join(" "),
            stderr(&output)
        ));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn cases_of_ones_own_are_verified_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("mine.json"),
        r#"[{ "id": "other/x", "title": "", "steps": [] }]"#,
    )
    .unwrap();
    let output = run(&["check", "--cases", &dir.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for part in [
        "mine.json: /0/title: ",
        "mine.json: /0/steps: ",
        "\"requirements\" is a required property",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn the_cases_can_be_read() {
    let list = run(&["cases", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    // Each is a process: a sample of all areas will do.
    for entry in listed.as_array().unwrap().iter().step_by(12) {
        let shown = run(&["cases", "show", entry["name"].as_str().unwrap()]);
        assert_eq!(shown.status.code(), Some(0));
        let words: Vec<&str> = stdout(&shown).split_whitespace().collect();
        let title = entry["title"].as_str().unwrap();
        assert!(words.join(" ").contains(title), "wrapped, but whole");
        assert!(
            !stdout(&shown).contains('\u{1b}'),
            "no colours where nobody watches"
        );
    }
    let coverage = run(&["cases", "coverage", "--json"]);
    let coverage: serde_json::Value = serde_json::from_slice(&coverage.stdout).unwrap();
    assert!(
        coverage["areas"]["tools"]["2025-11-25"]["tested"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[test]
fn the_catalog_is_in_order() {
    let output = run(&["cases", "lint"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

/// The worked example of the README: it passes against the bundled server, and fails where that is broken.
#[test]
fn cases_of_ones_own_as_the_readme_has_them() {
    let readme = include_str!("../README.md");
    let example = readme.split("### Your own cases").nth(1).unwrap();
    let mut blocks = example.split("```json\n").skip(1);
    let mut block = || blocks.next().unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("requirements")).unwrap();
    std::fs::write(dir.path().join("requirements/reports.json"), block()).unwrap();
    std::fs::write(dir.path().join("reports.json"), block()).unwrap();
    let dir = dir.path().display().to_string();

    let lint = run(&["cases", "lint", "--cases", &dir]);
    assert_eq!(lint.status.code(), Some(0), "{}", stdout(&lint));
    let shown = run(&["cases", "show", "reports/*", "--cases", &dir]);
    assert_eq!((shown.status.code(), stderr(&shown)), (Some(0), ""));
    insta::assert_snapshot!("show_own_cases", stdout(&shown));
    let shown = run(&[
        "cases",
        "show",
        "reports/parameters",
        "--cases",
        &dir,
        "--json",
    ]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown[0]["kind"], "requirement");
    assert_eq!(
        shown[0]["tested_by"],
        serde_json::json!(["reports/parameter-is-no-sql"])
    );

    let check = |faults: &[&str]| {
        let fixed = [
            "check",
            "--cases",
            &dir,
            "--case",
            "reports/*",
            "--report",
            "json",
            "--",
            PROGRAM,
            "serve",
            "--stdio",
        ];
        let output = run(&[&fixed, faults].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report)
    };
    let (code, report) = check(&[]);
    assert_eq!(
        (code, &report["summary"]["pass"]),
        (Some(0), &serde_json::json!(4))
    );
    let (code, report) = check(&["--fault", "tool-error-protocol"]);
    assert_eq!(
        (code, &report["summary"]["fail"]),
        (Some(1), &serde_json::json!(2))
    );
    let trials = report["trials"].as_array().unwrap();
    let failed = trials
        .iter()
        .find(|trial| trial["verdict"] == "fail")
        .unwrap();
    let finding = &failed["findings"][0];
    assert_eq!(finding["requirement"], "reports/wrong-statement");
    assert_eq!(finding["spec"], "https://example.org/our-api#errors");
    assert!(finding["hint"].as_str().unwrap().contains("run_query"));
}

#[test]
fn coverage_does_not_go_down() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let committed = format!("{folder}/cases/coverage.json");
    let output = run(&["cases", "coverage", "--baseline", &committed]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coverage.json");
    let file = path.display().to_string();
    let saved = run(&["cases", "coverage", "--save", &file]);
    assert_eq!(saved.status.code(), Some(0), "{}", stderr(&saved));
    let same = run(&["cases", "coverage", "--baseline", &file]);
    assert_eq!((same.status.code(), stderr(&same)), (Some(0), ""));

    let mut more: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    more["tested"]["tools"]["2025-11-25"] = 1_000.into();
    std::fs::write(&path, more.to_string()).unwrap();
    let worse = run(&["cases", "coverage", "--baseline", &file]);
    assert_eq!(worse.status.code(), Some(1));
    for part in [
        "tools at 2025-11-25: 1000 tested before, now ",
        "If that is meant: mcp-conform cases coverage --save ",
    ] {
        assert!(stderr(&worse).contains(part), "{}", stderr(&worse));
    }
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
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
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
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
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

/// The saved transcripts give the same verdicts again, but for what was not played.
fn assert_judged_again(output: &Output, report: &serde_json::Value, transcripts: &str) {
    let again = run(&["judge", "--report", "json", transcripts]);
    assert_eq!(
        again.status.code(),
        output.status.code(),
        "{}",
        stderr(&again)
    );
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["target"], report["target"]);
    let played = |report: &serde_json::Value| {
        let trials = report["trials"].as_array().unwrap().iter();
        trials
            .filter(|trial| trial["verdict"] != "not-applicable")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(played(&again), played(report));
}

/// All files of a folder, one after the other.
fn texts(folder: &str) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}

fn assert_no_secret(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_secret(&path);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("s3cr3t"), "{}", path.display());
        }
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

#[test]
fn the_matrix_of_one_fault() {
    let dir = tempfile::tempdir().unwrap();
    let (json, markdown) = (dir.path().join("m.json"), dir.path().join("m.md"));
    let output = run(&[
        "cases",
        "matrix",
        "--fault=header-mismatch-code",
        "--timeout=10s",
        &format!("--report=json={}", json.display()),
        &format!("--report=markdown={}", markdown.display()),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("faults caught by all who claim them: 1 of 1 (100%)"));
    let matrix: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let row = &matrix["faults"][0];
    assert_eq!(
        row["caught_by"],
        serde_json::json!(["headers/method-missing"])
    );
    assert_eq!(row["places"], serde_json::json!(["2026-07-28+http"]));
    assert!(row["others"].as_object().unwrap().len() > 5);
    let text = std::fs::read_to_string(markdown).unwrap();
    assert!(
        text.contains("| header-mismatch-code | headers/failure-code | 1 |"),
        "{text}"
    );
}

/// A reference server over HTTP, which ends with this.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(flags: &[&str]) -> Served {
        let mut process = command(&["serve", "--log", "off", "--http", "127.0.0.1:0"])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = said.find_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("listening on ").map(str::to_owned)
        });
        Served {
            process,
            url: url.unwrap(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn no_credentials_of_an_identity_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let digest: String = Sha256::digest("s3cr3t-query")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let known = format!(
        "authorization_servers = [\"https://auth.example\"]\n[[keys]]\nsha256 = \"{digest}\"\nprincipal = \"a\"\nrole = \"admin\"\n"
    );
    std::fs::write(path("auth.toml"), known).unwrap();
    let server = Served::start(&[
        "--auth",
        &path("auth.toml"),
        "--fault",
        "query-token-served",
    ]);
    let token = "Authorization: Bearer s3cr3t-query";
    let output = run(&[
        "check",
        "--case",
        "authorization/token-in-query*",
        "--case",
        "authorization/expired-token*",
        "--report",
        "human",
        "--report",
        &format!("json={}", path("report.json")),
        "--save-transcripts",
        &path("transcripts"),
        "--url",
        &server.url,
        "--header",
        token,
        "--identity",
        &format!("in-query={token}"),
        "--identity",
        "expired=Authorization: Bearer s3cr3t-old",
    ]);
    let told = stdout(&output);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), ""),
        "{told}"
    );
    let saved = texts(&path("transcripts"));
    assert!(saved.contains("/mcp?access_token=[redacted]"));
    let again = "--identity 'expired=Authorization: [redacted]' --identity 'in-query=Authorization: [redacted]'";
    assert!(told.contains(again), "{told}");
    assert!(!told.contains("s3cr3t"), "{told}");
    let report = std::fs::read(path("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_judged_again(&output, &report, &path("transcripts"));
    assert_no_secret(dir.path());
}

#[test]
fn replicas_take_turns_and_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let transcripts = dir.path().join("transcripts").display().to_string();
    let shared = ["--state-key", "k", "--fault", "cursors-of-one-process"];
    let [first, second] = [Served::start(&shared), Served::start(&shared)];
    let output = run(&[
        "check",
        "--revision",
        "2026-07-28",
        "--case",
        "messages/list-goes-on-in-another-process",
        "--report",
        "json",
        "--save-transcripts",
        &transcripts,
        "--url",
        &first.url,
        "--replica",
        &second.url,
    ]);
    let told = stdout(&output);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), ""),
        "{told}"
    );
    for part in [
        "[replica 1]",
        "messages/any-connection",
        &format!("--replica {}", second.url),
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let saved = texts(&transcripts);
    assert!(saved.contains("\"kind\":\"http-request\",\"replica\":1"));
}

#[test]
fn replicas_that_cannot_take_turns_are_told() {
    let server = Served::start(&[]);
    let legacy = Served::start(&["--era", "legacy"]);
    let elsewhere = server.url.replace("/mcp", "/nothing");
    let table = [
        (
            &server.url,
            "http://127.0.0.1:1/mcp",
            "cannot connect to 127.0.0.1:1",
        ),
        (
            &server.url,
            &elsewhere,
            "/nothing: server/discover brings no result there",
        ),
        (
            &legacy.url,
            &server.url,
            "only requests of 2026-07-28 and later go to a --replica",
        ),
    ];
    for (url, replica, expected) in table {
        let output = run(&["check", "--url", url, "--replica", replica]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
