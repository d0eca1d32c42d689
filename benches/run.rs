//! A whole run of the program against the reference server: how long it takes, and how much memory the harness itself
//! needs at its peak (the server is another process). `cargo bench --bench run` also writes reports/bench.json.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");
/// A process that is about to end has reached its peak: it is looked at so often that little is missed.
const LOOK: Duration = Duration::from_millis(2);

/// Name, options and command of each target: both transports in one run, as without arguments, then each alone.
const TARGETS: [(&str, &[&str], &[&str]); 3] = [
    ("bundled", &[], &[]),
    (
        "stdio",
        &[],
        &["--", PROGRAM, "serve", "--stdio", "--log", "off"],
    ),
    (
        "http",
        &["--url", "http://127.0.0.1:{port}/mcp"],
        &[
            "--",
            PROGRAM,
            "serve",
            "--log",
            "off",
            "--http",
            "127.0.0.1:{port}",
        ],
    ),
];

fn check(options: &[&str], command: &[&str]) -> Command {
    let mut program = Command::new(PROGRAM);
    program
        .args(["check", "--report", "json"])
        .args(options)
        .args(command);
    program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    program
}

fn whole_run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(10));
    for (name, options, command) in TARGETS.into_iter().skip(1) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| check(options, command).output().unwrap())
        });
    }
    group.finish();
}

/// One run of each target, with what criterion does not measure.
fn record() {
    let runs: Vec<Value> = TARGETS
        .into_iter()
        .map(|(name, options, command)| measured(name, options, command))
        .collect();
    let record = json!({ "version": env!("CARGO_PKG_VERSION"), "processors": common::processors(), "runs": runs });
    common::save("bench.json", &record);
}

fn measured(name: &str, options: &[&str], command: &[&str]) -> Value {
    let started = Instant::now();
    let child = check(options, command).spawn().unwrap();
    let pid = child.id();
    let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
    let mut peak = None;
    while !waiting.is_finished() {
        peak = peak.max(common::peak_rss(pid));
        std::thread::sleep(LOOK);
    }
    let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap();
    let report: Value = serde_json::from_slice(&waiting.join().unwrap().stdout).unwrap();
    let judged: u64 = ["pass", "fail", "warn"]
        .iter()
        .filter_map(|verdict| report["summary"][verdict].as_u64())
        .sum();
    json!({
        "target": name,
        "wall_ms": wall_ms,
        "trials_judged": judged,
        "processes_started": report["summary"]["starts"],
        "harness_peak_rss_kib": peak,
    })
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = whole_run
}

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        record();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
