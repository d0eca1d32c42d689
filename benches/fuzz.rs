//! How fast the fuzzer is, and what memory it needs, with the bundled server over each transport in each era.
//! `cargo bench --bench fuzz` also writes reports/fuzz.json; `cargo bench --bench fuzz -- 1000000` tries so many inputs
//! and writes reports/fuzz-long.json.
//!
//! Each run is a process of its own, so that its memory can be told from that of the others.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

mod common;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// How many inputs each run tries, unless a number is given.
const INPUTS: u64 = 200_000;
/// The same inputs each time.
const SEED: u64 = 1;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only wants to know that it can be built.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let asked: Option<u64> = arguments.iter().find_map(|argument| argument.parse().ok());
    let inputs = asked.unwrap_or(INPUTS);
    let mut runs = Vec::new();
    for revision in ["2025-11-25", "2026-07-28"] {
        for transport in ["stdio", "http"] {
            runs.push(measured(revision, transport, inputs));
        }
    }
    let command = "cargo bench --bench fuzz";
    let (file, command) = match asked {
        Some(asked) => ("fuzz-long.json", format!("{command} -- {asked}")),
        None => ("fuzz.json", command.to_owned()),
    };
    let record = json!({
        "command": command,
        "version": env!("CARGO_PKG_VERSION"),
        "processors": common::processors(),
        "seed": SEED,
        "healthy": runs,
    });
    common::save(file, &record);
}

fn measured(revision: &str, transport: &str, inputs: u64) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let address = "127.0.0.1:{port}";
    let url = format!("http://{address}/mcp");
    let server = match transport {
        "stdio" => vec!["--", PROGRAM, "serve", "--stdio"],
        _ => vec!["--url", &url, "--", PROGRAM, "serve", "--http", address],
    };
    let child = Command::new(PROGRAM)
        .args(["fuzz", "--revision", revision, "--save"])
        .arg(folder.path())
        .args(["--inputs", &inputs.to_string(), "--seed", &SEED.to_string()])
        .args(["--report", &format!("json={}", path.display())])
        .args(server)
        .args(["--log", "off"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let (peak, servers) = peak_rss(child);
    let report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let summary = &report["summary"];
    let of = |verdict: &str| summary[verdict].as_u64().unwrap();
    let result = json!({
        "revision": revision,
        "transport": transport,
        "inputs": report["inputs"],
        "inputs_per_second": report["inputs_per_s"].as_f64().unwrap().round(),
        "not_passed": of("fail") + of("warn") + of("broken"),
        "processes_started": summary["starts"],
        "harness_peak_rss_kib": peak,
        "server_peak_rss_kib": servers,
    });
    println!("{result}");
    result
}

/// The most that the process held until it ended, and a server that it started, in KiB; none where the system has no
/// /proc.
fn peak_rss(mut child: Child) -> (Option<u64>, Option<u64>) {
    let (mut peak, mut servers) = (None, None);
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(common::peak_rss(child.id()));
        let children = common::children(child.id());
        servers = servers.max(children.into_iter().filter_map(common::peak_rss).max());
        std::thread::sleep(Duration::from_millis(50));
    }
    (peak, servers)
}
