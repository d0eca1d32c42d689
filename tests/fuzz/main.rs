//! The fuzzer finds what is wrong with a server that is wrong on purpose, and nothing wrong with one that is right.
//!
//! One test per fault, listed by name, with few inputs and one seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::fuzz::{self, Input, Options};
use mcp_conform::revision::Revision;
use mcp_conform::run::{self, Fixture};
use mcp_conform::target::{Endpoint, TargetInfo};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{Fuzzed, Verdict};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Where a fault is looked for.
type Place = (Revision, Transport);

const LEGACY: Place = (Revision::V2025_11_25, Transport::Stdio);
const MODERN: Place = (Revision::V2026_07_28, Transport::Stdio);
const LEGACY_HTTP: Place = (Revision::V2025_11_25, Transport::Http);
const MODERN_HTTP: Place = (Revision::V2026_07_28, Transport::Http);

/// The fault, where it is looked for, and the oracle or rule that must say so.
const FOUND: [(&str, Place, &str); 22] = [
    ("dies-on-bad-json", LEGACY, "fuzz/survives"),
    ("dies-on-bad-json", MODERN_HTTP, "fuzz/survives"),
    ("deaf-after-bad-json", MODERN, "fuzz/stays-alive"),
    ("dies-on-invalid-utf8", LEGACY, "fuzz/survives"),
    ("dies-on-empty-line", MODERN, "fuzz/survives"),
    ("dies-on-byte-order-mark", LEGACY, "fuzz/survives"),
    ("dies-on-batch", MODERN, "fuzz/survives"),
    ("dies-on-null-id", LEGACY, "fuzz/survives"),
    ("dies-on-bad-envelope", MODERN, "fuzz/survives"),
    ("deaf-after-bad-envelope", LEGACY, "fuzz/stays-alive"),
    ("dies-on-stray-response", LEGACY, "fuzz/survives"),
    ("dies-on-lone-surrogate", MODERN, "fuzz/survives"),
    ("dies-on-nul", LEGACY, "fuzz/survives"),
    ("dies-on-prototype", MODERN, "fuzz/survives"),
    ("dies-on-huge-number", LEGACY, "fuzz/survives"),
    ("dies-on-bad-meta", LEGACY, "fuzz/survives"),
    ("dies-on-deep-nesting", MODERN, "fuzz/survives"),
    ("dies-on-unknown-method", LEGACY_HTTP, "fuzz/survives"),
    ("hangs-on-huge", LEGACY, "fuzz/stays-alive"),
    (
        "notification-answered",
        LEGACY,
        "rule/notification-unanswered",
    ),
    ("wrong-id", MODERN, "rule/response-ids"),
    ("log-on-stdout", LEGACY, "rule/only-messages"),
];

/// Enough for the classics and some more.
const INPUTS: u64 = 200;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests: Vec<Trial> = FOUND
        .iter()
        .map(|(fault, place, oracle)| {
            let name = format!("fuzz/{fault} is found at {}+{}", place.0, place.1);
            Trial::test(name, move || is_found(fault, *place, oracle))
        })
        .collect();
    for place in [LEGACY, MODERN, LEGACY_HTTP, MODERN_HTTP] {
        let name = format!("fuzz/nothing is found at {}+{}", place.0, place.1);
        tests.push(Trial::test(name, move || nothing_is_found(place)));
    }
    tests.push(Trial::test("fuzz/what is found is a case", found_is_a_case));
    tests.push(Trial::test(
        "fuzz/it ends when told to",
        it_ends_when_told_to,
    ));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/an interrupt saves what was found",
        an_interrupt_saves_what_was_found,
    ));
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn is_found(fault: &str, place: Place, oracle: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let report = fuzz(place, Some(fault), folder.path(), Given::Inputs(INPUTS));
    let found = findings(&report);
    let Some(found) = found.iter().find(|found| found.oracle == oracle) else {
        return Err(format!("{oracle} says nothing; others: {found:?}").into());
    };
    // What breaks a server like this is small.
    let large = ["hangs-on-huge", "dies-on-deep-nesting"].contains(&fault);
    let size = found.shrunk.to_string().len();
    match large || size < 300 {
        true => Ok(()),
        false => Err(format!("not small: {}", found.shrunk).into()),
    }
}

fn nothing_is_found(place: Place) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let report = fuzz(place, None, folder.path(), Given::Inputs(1_500));
    let wrong = report
        .trials
        .iter()
        .filter(|trial| trial.verdict != Verdict::Pass);
    let wrong: Vec<String> = wrong.map(|trial| format!("{trial:?}")).collect();
    let fuzzing = report.fuzzing.unwrap_or_default();
    match wrong.is_empty() && fuzzing.inputs == 1_500 && fuzzing.coverage.generators.len() > 5 {
        true => Ok(()),
        false => Err(format!("{fuzzing:?}\n{}", wrong.join("\n")).into()),
    }
}

/// What was found is saved so that it fails again, with the fault, and passes without.
fn found_is_a_case() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let fault = "dies-on-null-id";
    fuzz(LEGACY, Some(fault), folder.path(), Given::Inputs(100));
    let saved = fuzz::read_cases(&folder.path().join("fuzz.json"))?;
    let again = fuzz(
        LEGACY,
        Some(fault),
        folder.path(),
        Given::These(saved.clone()),
    );
    let healthy = fuzz(LEGACY, None, folder.path(), Given::These(saved));
    let catalog = Catalog::builtin()?.with_dir(folder.path())?;
    let cases = catalog
        .cases()
        .iter()
        .filter(|case| case.area() == "fuzz")
        .count();
    match (
        findings(&again).is_empty(),
        findings(&healthy).is_empty(),
        cases,
    ) {
        (false, true, 1..) => Ok(()),
        wrong => Err(format!("again, healthy, cases: {wrong:?}").into()),
    }
}

fn it_ends_when_told_to() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (stop, stopped) = watch::channel(false);
    let options = options(LEGACY, None, folder.path(), Given::Inputs(u64::MAX));
    let watcher = move |_: &str, progress: fuzz::Progress| {
        if progress.inputs > 100 {
            let _ = stop.send(true);
        }
    };
    let report = runtime().block_on(fuzz::run(options, stopped, &watcher))?;
    match report
        .fuzzing
        .is_some_and(|fuzzing| fuzzing.inputs < 100_000)
    {
        true => Ok(()),
        false => Err("it went on".into()),
    }
}

/// Ctrl-C: the end within a second, what was found is saved, no process is left.
#[cfg(unix)]
fn an_interrupt_saves_what_was_found() -> Result<(), Failed> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let folder = tempfile::tempdir()?;
    let save = folder.path().join("findings").display().to_string();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mcp-conform"))
        .args(["fuzz", "--time", "10m", "--revision", "2025-11-25"])
        .args(["--save", &save, "--", env!("CARGO_BIN_EXE_mcp-conform")])
        .args(["serve", "--stdio", "--log", "off", "--fault"])
        // Its command line is what the server is known by.
        .args(["dies-on-null-id", "--state-key", &save])
        .stdout(std::process::Stdio::null())
        .spawn()?;
    std::thread::sleep(Duration::from_secs(8));
    kill(Pid::from_raw(child.id().try_into()?), Signal::SIGINT)?;
    let asked = Instant::now();
    let status = child.wait()?;
    let took = asked.elapsed();
    // What was killed is there until it is reaped.
    std::thread::sleep(Duration::from_millis(300));
    let saved = fuzz::read_cases(&folder.path().join("findings/fuzz.json"))?;
    let left = running_with(&save);
    // Twice a second: the machine may be busy with other tests.
    let is_quick = took < Duration::from_secs(2);
    match status.code() == Some(1) && is_quick && !saved.is_empty() && left == 0 {
        true => Ok(()),
        false => Err(format!("{status}, {took:?}, {} saved, {left} left", saved.len()).into()),
    }
}

/// How many processes have this in their command line.
#[cfg(unix)]
fn running_with(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(word))
        .count()
}

enum Given {
    Inputs(u64),
    These(Vec<Input>),
}

fn findings(report: &RunReport) -> Vec<Fuzzed> {
    let findings = report.trials.iter().flat_map(|trial| &trial.findings);
    findings
        .filter_map(|finding| finding.fuzzed.as_deref().cloned())
        .collect()
}

fn fuzz(place: Place, fault: Option<&str>, folder: &std::path::Path, given: Given) -> RunReport {
    let (_stop, stopped) = watch::channel(false);
    let options = options(place, fault, folder, given);
    runtime()
        .block_on(fuzz::run(options, stopped, &|_, _| {}))
        .unwrap()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

fn options(
    (revision, transport): Place,
    fault: Option<&str>,
    folder: &std::path::Path,
    given: Given,
) -> Options {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let catalog = CATALOG.get_or_init(|| Arc::new(Catalog::builtin().unwrap()));
    let (inputs, replay) = match given {
        Given::Inputs(inputs) => (inputs, None),
        Given::These(inputs) => (u64::MAX, Some(inputs)),
    };
    Options {
        run: run::Options {
            endpoints: vec![endpoint(transport, fault)],
            target: TargetInfo::default(),
            catalog: catalog.clone(),
            revisions: Some(vec![revision]),
            select: Vec::new(),
            fixture: Fixture::Auto,
            jobs: 1,
            // Silence is what some faults are.
            timeout: Duration::from_secs(1),
            calls: Vec::new(),
            call_read_only: false,
            save_transcripts: None,
            arguments: ["mcp-conform", "fuzz"].map(str::to_owned).to_vec(),
        },
        time: Duration::from_secs(600),
        inputs,
        seed: 1,
        save: folder.to_owned(),
        replay,
    }
}

fn endpoint(transport: Transport, fault: Option<&str>) -> Endpoint {
    let flags: Vec<&str> = fault.into_iter().flat_map(|f| ["--fault", f]).collect();
    Endpoint::reference(env!("CARGO_BIN_EXE_mcp-conform"), transport, &flags)
}
