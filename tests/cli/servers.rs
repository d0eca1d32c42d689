//! Runs against servers that others started: whose credentials are sent, and to which process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use sha2::{Digest, Sha256};

use crate::common::{assert_judged_again, assert_no_secret, command, run, stderr, stdout, texts};

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
