//! Which faults of the reference server fuzzing must find, and where it looks for them.
//!
//! Every fault that does a harm is here: what is not found makes the proof fail.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests and benchmarks use some of it, and cannot go on without it"
)]

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::fuzz::{self, Given, Options, Progress};
use mcp_conform::matrix::tokens;
use mcp_conform::revision::Revision;
use mcp_conform::run::{self, Fixture, RunError};
use mcp_conform::target::{Endpoint, TargetInfo};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::Fuzzed;
use mcp_reference_server::{Fault, Harm, faults};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Within so many inputs each fault is found.
pub const INPUTS: u64 = 10_000;

/// The faults that do a harm.
pub fn harmful() -> impl Iterator<Item = (&'static Fault, Harm)> {
    faults()
        .iter()
        .filter_map(|fault| Some((fault, fault.harm?)))
}

/// Where a fault is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub revision: Revision,
    pub transport: Transport,
    /// The server speaks the modern era alone.
    pub modern_only: bool,
    /// The server wants tokens.
    pub tokens: bool,
}

impl Setting {
    /// How the server is started there, apart from its fault.
    pub fn flags(self) -> Vec<&'static str> {
        let era: &[&str] = if self.modern_only {
            &["--era", "modern"]
        } else {
            &[]
        };
        let tokens: &[&str] = if self.tokens { &WITH_TOKENS } else { &[] };
        [era, tokens].concat()
    }
}

/// How the reference server wants a token like those that we have.
pub const WITH_TOKENS: [&str; 2] = [
    "--auth",
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/matrix/auth.toml"),
];

/// What the explanation of a fault says about where it shows.
pub fn setting(fault: &Fault) -> Setting {
    let says = |word: &str| fault.explanation.contains(word);
    let area = fault.requirement.split('/').next().unwrap_or_default();
    let named = Revision::ALL
        .into_iter()
        .rev()
        .find(|revision| says(revision.as_str()));
    let at_http = [
        "HTTP",
        "POST",
        "Mcp-",
        "Last-Event-ID",
        "declared as JSON",
        "Origin",
        "stream",
    ];
    let is_of_another = ["mrtr/state-principal", "tasks/isolation"].contains(&fault.requirement);
    let wants_tokens = area == "authorization" || is_of_another;
    let transport = match area {
        _ if says("HTTP+SSE") => Transport::Sse,
        _ if says("(stdio)") => Transport::Stdio,
        _ if wants_tokens => Transport::Http,
        "http" | "headers" | "sse" => Transport::Http,
        _ if at_http.iter().any(|word| says(word)) => Transport::Http,
        _ => Transport::Stdio,
    };
    // At legacy revisions the answer may still come on another stream.
    let is_cut = fault.requirement == "http/stream-delivers-response";
    let modern_only = says("modern only") || fault.requirement == "headers/version-required";
    let revision = match named {
        Some(revision) => revision,
        // Where there are sessions they are closed to others.
        _ if says("modern") || is_cut || is_of_another => Revision::V2026_07_28,
        _ if says("batch") && fault.harm == Some(Harm::Acceptance) => Revision::V2025_03_26,
        _ => Revision::V2025_11_25,
    };
    Setting {
        revision,
        transport,
        modern_only,
        tokens: wants_tokens,
    }
}

/// What came of looking for a fault once.
pub struct Search {
    /// How many inputs it took.
    pub inputs: u64,
    /// What was found first.
    pub found: Vec<Fuzzed>,
    /// The requirements cited, first of all.
    pub cited: Vec<String>,
}

impl Search {
    /// Whether what was found is the harm that the fault does.
    pub fn is_hit(&self, harm: Harm) -> bool {
        self.found.iter().any(|found| is_of(&found.oracle, harm))
    }
}

/// Whether an oracle tells of such a harm. A server that accepts too much may break a rule by it.
fn is_of(oracle: &str, harm: Harm) -> bool {
    match harm {
        Harm::Crash => oracle == "fuzz/survives",
        Harm::Hang => ["fuzz/stays-alive", "fuzz/answers", "fuzz/survives"].contains(&oracle),
        Harm::Leak => oracle == "fuzz/bounded",
        Harm::Acceptance => oracle == "fuzz/refuses-invalid" || oracle.starts_with("rule/"),
    }
}

/// So many other things that a fault brings about are passed over.
const MAX_OTHERS: usize = 4;

/// Looks for a fault once, until its harm is found. What else is found on the way, such as a warning, is passed over.
pub fn search(program: &str, fault: &Fault, seed: u64, folder: &Path) -> Search {
    let mut search = search_until(program, fault, seed, folder, 1);
    for findings in 2..=MAX_OTHERS + 1 {
        if fault.harm.is_none_or(|harm| search.is_hit(harm)) || search.found.len() + 1 < findings {
            break;
        }
        search = search_until(program, fault, seed, folder, findings);
    }
    search
}

/// Looks for a fault until there are so many findings.
fn search_until(program: &str, fault: &Fault, seed: u64, folder: &Path, findings: usize) -> Search {
    let setting = setting(fault);
    let flags = [&["--fault", fault.name], &setting.flags()[..]].concat();
    let mut options = Options {
        inputs: INPUTS,
        seed,
        ..options(
            program,
            (setting.revision, setting.transport),
            &flags,
            folder,
        )
    };
    if setting.modern_only {
        // Or nobody would know.
        options.run.revisions = None;
    }
    let report = until_found(options, findings);
    let Ok(report) = report else {
        return Search {
            inputs: 0,
            found: Vec::new(),
            cited: Vec::new(),
        };
    };
    let findings = report.trials.iter().flat_map(|trial| &trial.findings);
    Search {
        inputs: report.fuzzing.as_ref().map_or(0, |fuzzing| fuzzing.inputs),
        cited: findings
            .map(|finding| finding.requirement.clone())
            .collect(),
        found: found(&report),
    }
}

/// Fuzzes until so many things are found.
pub fn until_found(options: Options, findings: usize) -> Result<RunReport, RunError> {
    let (stop, stopped) = watch::channel(false);
    let watcher = move |_: &str, progress: Progress| {
        if progress.findings >= findings {
            let _ = stop.send(true);
        }
    };
    runtime().block_on(fuzz::run(options, stopped, &watcher))
}

/// Tries saved inputs again.
pub fn replayed(
    program: &str,
    place: (Revision, Transport),
    flags: &[&str],
    inputs: Vec<Given>,
) -> RunReport {
    let folder = tempfile::tempdir().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let options = Options {
        replay: Some(inputs),
        ..options(program, place, flags, folder.path())
    };
    runtime()
        .block_on(fuzz::run(options, stopped, &|_, _| {}))
        .unwrap()
}

/// What fuzzing adds to the findings of a report.
pub fn found(report: &RunReport) -> Vec<Fuzzed> {
    let findings = report.trials.iter().flat_map(|trial| &trial.findings);
    findings
        .filter_map(|finding| finding.fuzzed.as_deref().cloned())
        .collect()
}

/// One runtime for all.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// The reference server with these flags, and our tokens if it wants any.
fn endpoint(program: &str, transport: Transport, flags: &[&str]) -> Endpoint {
    let mut endpoint = Endpoint::reference(program, transport, flags);
    if let Endpoint::Http(http) = &mut endpoint
        && flags.ends_with(&WITH_TOKENS)
    {
        http.headers = vec![tokens::ours().unwrap()];
        http.identities = tokens::identities().unwrap();
    }
    endpoint
}

/// A minute of fuzzing at the reference server with these flags, unless changed.
pub fn options(
    program: &str,
    (revision, transport): (Revision, Transport),
    flags: &[&str],
    folder: &Path,
) -> Options {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let catalog = CATALOG.get_or_init(|| Arc::new(Catalog::builtin().unwrap()));
    Options {
        run: run::Options {
            endpoints: vec![endpoint(program, transport, flags)],
            target: TargetInfo::default(),
            catalog: catalog.clone(),
            revisions: Some(vec![revision]),
            select: Vec::new(),
            fixture: Fixture::Auto,
            jobs: 1,
            // Silence is what some faults are.
            timeout: Duration::from_secs(1),
            calls: calls(),
            call_read_only: false,
            save_transcripts: None,
            arguments: ["mcp-conform", "fuzz"].map(str::to_owned).to_vec(),
        },
        time: Duration::from_secs(600),
        inputs: u64::MAX,
        seed: 1,
        max_growth: fuzz::MAX_GROWTH,
        save: folder.to_owned(),
        replay: None,
    }
}

/// What a user would allow who knows these tools: they take a moment, and act on nothing.
fn calls() -> Vec<(String, Value)> {
    vec![
        (
            "test_mirrored_headers".to_owned(),
            json!({ "region": "us-west1" }),
        ),
        ("test_tool_with_progress".to_owned(), json!({})),
        // Refused, because it wants to be a task.
        ("failing_job".to_owned(), json!({})),
    ]
}
