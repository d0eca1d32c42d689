//! How a run grows: wall time and memory against the number of cases, and against the number of tools of the server.
//! `cargo bench --bench scale` also writes reports/scale.json.
//!
//! Each run is a process of its own (this program again), so that its memory can be told from that of the others. The
//! server is another process; what it needed is in `cpu_ms` of all, not in the memory.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on fails"
)]

mod common;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_conform::catalog::Catalog;
use mcp_conform::run::{self, Fixture, Options};
use mcp_conform::target::{Endpoint, TargetInfo};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{TrialReport, Verdict};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

/// How often the catalog is played.
const REPEATS: [usize; 3] = [1, 10, 100];
/// How many tools the server has, and how many are on a page.
const TOOLS: [(usize, usize); 4] = [(10, 12), (1_000, 100), (10_000, 100), (10_000, 10_000)];

/// What one run is about.
#[derive(Clone, Copy)]
struct Scale {
    repeats: usize,
    /// The number of tools and their number on a page; the usual ones if there is none.
    tools: Option<(usize, usize)>,
}

impl Scale {
    fn arguments(self) -> Vec<String> {
        let (tools, page) = self.tools.unwrap_or_default();
        [self.repeats, tools, page].map(|n| n.to_string()).to_vec()
    }

    fn parse(arguments: &[String]) -> Scale {
        let numbers: Vec<usize> = arguments.iter().map(|n| n.parse().unwrap()).collect();
        let &[repeats, tools, page] = numbers.as_slice() else {
            panic!("REPEATS TOOLS TOOLS_PER_PAGE");
        };
        Scale {
            repeats,
            tools: (tools > 0).then_some((tools, page)),
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "one" => println!("{}", one(Scale::parse(rest))),
        Some((first, _)) if first == "--bench" => record(),
        // `cargo test --benches` only wants to know that it can be built.
        _ => {}
    }
}

/// Every run, one after the other.
fn record() {
    let repeats = REPEATS.map(|repeats| Scale {
        repeats,
        tools: None,
    });
    let tools = TOOLS.map(|tools| Scale {
        repeats: 1,
        tools: Some(tools),
    });
    let cases: Vec<Value> = repeats.into_iter().map(measured).collect();
    let tools: Vec<Value> = tools.into_iter().map(measured).collect();
    let record = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "processors": common::processors(),
        "by_cases": cases,
        "by_tools": tools,
    });
    common::save("scale.json", &record);
}

fn measured(scale: Scale) -> Value {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("one")
        .args(scale.arguments())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let result = serde_json::from_slice(&output.stdout).unwrap();
    println!("{result}");
    result
}

/// One run, in this process.
fn one(scale: Scale) -> Value {
    let options = Options {
        endpoints: endpoints(scale),
        target: TargetInfo {
            kind: "bundled".to_owned(),
            command: None,
            url: None,
            ..TargetInfo::default()
        },
        catalog: Arc::new(repeated(scale.repeats)),
        revisions: None,
        select: Vec::new(),
        fixture: Fixture::Auto,
        jobs: run::default_jobs(),
        timeout: Duration::from_secs(10),
        calls: Vec::new(),
        call_read_only: false,
        save_transcripts: None,
        arguments: Vec::new(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let started = Instant::now();
    let report = runtime.block_on(run::run(options, &mut |_| {})).unwrap();
    let wall = started.elapsed();
    let summary = &report.summary;
    let not_passed = |trial: &&TrialReport| {
        matches!(
            trial.verdict,
            Verdict::Fail | Verdict::Warn | Verdict::Broken
        )
    };
    for trial in report.trials.iter().filter(not_passed) {
        let why = trial.findings.first().map(|found| &*found.message);
        let why = why.or(trial.reason.as_deref()).unwrap_or_default();
        eprintln!("{}: {}: {why}", trial.name(), trial.verdict);
    }
    let trials = report.trials.len();
    // The HTTP server is killed when the run is over, and counts once it is reaped.
    std::thread::sleep(Duration::from_millis(100));
    let (own_ms, servers_ms) = cpu_ms();
    json!({
        "repeats": scale.repeats,
        "tools": scale.tools.map(|(tools, _)| tools),
        "tools_per_page": scale.tools.map(|(_, page)| page),
        "trials": trials,
        "trials_judged": summary.judged(),
        "trials_not_passed": summary.fail + summary.warn + summary.broken,
        "processes_started": summary.starts,
        "wall_ms": u64::try_from(wall.as_millis()).unwrap(),
        "trials_per_second": (trials as f64 / wall.as_secs_f64()).round(),
        "harness_cpu_ms": own_ms,
        "servers_cpu_ms": servers_ms,
        "harness_peak_rss_kib": common::peak_rss(std::process::id()),
    })
}

/// The built-in catalog with each case so many times. The copies share their content, so that what grows is the run.
fn repeated(times: usize) -> Catalog {
    let mut catalog = Catalog::builtin().unwrap();
    let cases = catalog.cases().to_vec();
    for case in std::iter::repeat_n(&cases, times - 1).flatten() {
        catalog.push(case.clone());
    }
    catalog
}

/// The bundled server over each transport.
fn endpoints(scale: Scale) -> Vec<Endpoint> {
    let flags = scale.tools.map(|(tools, page)| {
        let (tools, page) = (tools.to_string(), page.to_string());
        [
            "--tools".to_owned(),
            tools,
            "--tools-per-page".to_owned(),
            page,
        ]
    });
    let flags: Vec<&str> = flags.iter().flatten().map(String::as_str).collect();
    let over = |transport| Endpoint::reference(PROGRAM, transport, &flags);
    Transport::ALL.map(over).to_vec()
}

/// The CPU time of this process, and of its children that have ended; none where the system has no /proc.
fn cpu_ms() -> (Option<u64>, Option<u64>) {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return (None, None);
    };
    // Behind the name, which may hold anything: utime, stime, cutime and cstime are fields 14 to 17, in hundredths.
    let fields: Vec<u64> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse().unwrap())
        .collect();
    (
        Some(10 * (fields[0] + fields[1])),
        Some(10 * (fields[2] + fields[3])),
    )
}
