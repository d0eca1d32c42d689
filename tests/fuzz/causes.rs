//! One cause, one finding; and none where there is no cause.

use std::collections::HashSet;
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
#[cfg(unix)]
use mcp_conform::event::RunReport;
use mcp_conform::fuzz::{self, Options};
use mcp_conform::target::{CommandLine, Endpoint};
#[cfg(unix)]
use mcp_conform::verdict::Tries;
use serde_json::Value;
#[cfg(unix)]
use serde_json::json;
use tokio::sync::watch;

use crate::proof::{self, found, runtime};
use crate::{LEGACY, PROGRAM, run};

/// Faults of which one thing is to be told, and by which oracle: a crash, hangs, acceptances, something shown, a rule.
const CAUSES: [(&str, &str); 10] = [
    ("dies-on-null-id", "fuzz/survives"),
    ("dies-on-early-request", "fuzz/survives"),
    ("cancel-at-once-dies", "fuzz/survives"),
    ("reserved-method-ignored", "fuzz/answers"),
    ("carriage-return-kept", "fuzz/answers"),
    ("log-level-unchecked", "fuzz/refuses-invalid"),
    ("tool-call-unchecked", "fuzz/refuses-invalid"),
    ("unknown-tool-code", "fuzz/shows-no-internals"),
    ("jsonrpc-wrong", "rule/envelope"),
    ("tool-schema-null", "rule/wire-schema"),
];
/// Enough to see each of them many times.
const INPUTS: u64 = 1_000;
/// The first argument of a process that plays a slow server.
pub const MARK: &str = "--slow";
/// How long that takes for each line.
const SLOW: Duration = Duration::from_millis(60);

pub fn tests() -> Vec<Trial> {
    let causes = CAUSES.map(|(fault, oracle)| {
        let name = format!("fuzz/{fault} is told once");
        Trial::test(name, move || is_told_once(fault, oracle))
    });
    let mut tests = Vec::from(causes);
    tests.push(Trial::test(
        "fuzz/of a window that ends a server what is needed is told",
        what_is_needed_is_told,
    ));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/what does not happen each time says how often it does",
        what_depends_on_the_moment_says_so,
    ));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/a server that does not come back says nothing of how often it ends",
        who_does_not_come_back_was_not_tried,
    ));
    tests.push(Trial::test(
        "fuzz/transcripts are judged together",
        transcripts_are_judged_together,
    ));
    tests.push(Trial::test(
        "fuzz/a slow and noisy server is none that hangs",
        nothing_is_found_in_a_slow_server,
    ));
    #[cfg(target_os = "linux")]
    tests.push(Trial::test(
        "fuzz/what grows too much is ended",
        what_grows_too_much_is_ended,
    ));
    tests
}

fn is_told_once(fault: &str, oracle: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["--fault", fault];
    let options = Options {
        inputs: INPUTS,
        ..proof::options(PROGRAM, LEGACY, &flags, folder.path())
    };
    let (_stop, stopped) = watch::channel(false);
    let report = runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?;
    match &found(&report)[..] {
        [found] if found.oracle == oracle && found.seen > 0 => Ok(()),
        other => Err(format!("{other:#?}").into()),
    }
}

/// A server ends at three messages that it reads at once: these are told of a window of many, as one step.
fn what_is_needed_is_told() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["--fault", "cancel-at-once-dies"];
    let options = proof::options(PROGRAM, LEGACY, &flags, folder.path());
    let report = proof::until_found(options, 1)?;
    let found = found(&report);
    let steps = found.first().and_then(|found| found.shrunk.as_array());
    let together = steps.and_then(|steps| match &steps[..] {
        [step] => step["together"].as_array(),
        _ => None,
    });
    match together.map(Vec::len) {
        Some(3) => Ok(()),
        _ => Err(format!("{found:#?}").into()),
    }
}

/// Two processes of three end at a line that is no JSON.
#[cfg(unix)]
fn what_depends_on_the_moment_says_so() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let saved = folder.path().join("findings");
    let server = "echo >> \"$1\"; if [ $(($(wc -l < \"$1\") % 3)) = 0 ]; then FAULT=; \
                  else FAULT='--fault dies-on-bad-json'; fi; \
                  exec \"$0\" serve --stdio --log off $FAULT";
    let starts = folder.path().join("starts").display().to_string();
    let words = ["sh", "-c", server, PROGRAM, &starts].map(str::to_owned);
    let mut options = proof::options(PROGRAM, LEGACY, &[], &saved);
    options.run.endpoints = vec![Endpoint::Stdio(CommandLine {
        words: words.to_vec(),
        ..CommandLine::default()
    })];
    let report = proof::until_found(options, 1)?;
    let found = found(&report);
    let tries = found.first().and_then(|found| found.tries);
    let why = std::fs::read_to_string(saved.join("fuzz.json"))?;
    match tries {
        Some(Tries { hits, of }) if hits < of && why.contains(&format!("in {hits} of {of}")) => {
            Ok(())
        }
        _ => Err(format!("{found:?}: {why}").into()),
    }
}

/// It ends in the window, at the next try and at the one that verifies it, and starts no more.
#[cfg(unix)]
fn who_does_not_come_back_was_not_tried() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let case = json!([{
        "id": "fuzz/one",
        "title": "A line that ends a server",
        "requirements": ["robust/stays-alive"],
        "revisions": "2025-11-25",
        "steps": [{ "bytes": "{" }],
    }]);
    std::fs::write(path("fuzz.json"), case.to_string())?;
    std::fs::write(path("ends"), "")?;
    let server = "[ $(wc -l < \"$1\") -lt 3 ] || exit 1; \
                  \"$0\" serve --stdio --log off --fault dies-on-bad-json || echo >> \"$1\"";
    let output = run(&[
        "fuzz",
        "--timeout=1s",
        "--replay",
        &path("fuzz.json"),
        "--report=json",
        "--",
        "sh",
        "-c",
        server,
        PROGRAM,
        &path("ends"),
    ])?;
    let report: RunReport = serde_json::from_slice(&output.stdout)?;
    let ends = std::fs::read_to_string(path("ends"))?.len();
    match (&found(&report)[..], ends) {
        ([found], 3) if found.tries.is_none() => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Two findings, each with its transcript: one list of trials, and each finding says where it was seen.
fn transcripts_are_judged_together() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["dies-on-null-id", "dies-on-empty-line"];
    let flags = flags.map(|fault| ["--fault", fault]).concat();
    let options = proof::options(PROGRAM, LEGACY, &flags, folder.path());
    let report = proof::until_found(options, 2)?;
    let path = folder.path().display().to_string();
    let judged = run(&["judge", &path, "--report", "json"])?;
    let again: Value = serde_json::from_slice(&judged.stdout)?;
    let trials = again["trials"].as_array().ok_or("no trials")?;
    let names: HashSet<String> = trials
        .iter()
        .map(|trial| {
            format!(
                "{}{}{}",
                trial["case"], trial["revision"], trial["transport"]
            )
        })
        .collect();
    let survives = trials.iter().find(|trial| trial["case"] == "fuzz/survives");
    let findings = survives.and_then(|trial| trial["findings"].as_array());
    let transcripts: HashSet<&str> = (findings.into_iter().flatten())
        .filter_map(|finding| finding["entries"][0]["transcript"].as_str())
        .collect();
    let are_saved = |names: &HashSet<&str>| {
        let mut names = names.iter();
        names.all(|name| folder.path().join(format!("{name}.jsonl")).exists())
    };
    let is_failed = survives.is_some_and(|trial| trial["verdict"] == "fail");
    match found(&report).len() {
        2 if names.len() == trials.len()
            && is_failed
            && transcripts.len() == 2
            && are_saved(&transcripts) =>
        {
            Ok(())
        }
        count => Err(format!("{count} findings, {transcripts:?}, {survives:#?}").into()),
    }
}

/// A window takes longer than any single answer may, and what is logged meanwhile is nobody's concern.
fn nothing_is_found_in_a_slow_server() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut options = Options {
        inputs: 100,
        ..proof::options(PROGRAM, LEGACY, &[], folder.path())
    };
    let program = std::env::current_exe()?.display().to_string();
    options.run.endpoints = vec![Endpoint::Stdio(CommandLine {
        words: vec![program, MARK.to_owned()],
        ..CommandLine::default()
    })];
    let (_stop, stopped) = watch::channel(false);
    let report = runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?;
    let inputs = report.fuzzing.as_ref().map(|fuzzing| fuzzing.inputs);
    match (&found(&report)[..], inputs) {
        ([], Some(100)) => Ok(()),
        other => Err(format!("{other:#?}").into()),
    }
}

/// Passes lines on to the reference server one by one, and takes its time.
pub fn slow_server() -> std::io::Result<()> {
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--stdio", "--log", "off"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut to = server.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    let mut from = std::io::stdin().lock();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        std::thread::sleep(SLOW);
        for number in 0..50 {
            eprintln!("step {number} of something that takes a while");
        }
        to.write_all(&line)?;
        line.clear();
    }
    drop(to);
    server.wait().map(drop)
}

/// A server that keeps a mebibyte for each call is ended long before its growth would be measured, and started again.
#[cfg(target_os = "linux")]
fn what_grows_too_much_is_ended() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let options = Options {
        inputs: 2_000,
        max_growth: 16,
        ..proof::options(PROGRAM, LEGACY, &["--fault", "leaks"], folder.path())
    };
    let (_stop, stopped) = watch::channel(false);
    let report = runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?;
    let findings = report.trials.iter().flat_map(|trial| &trial.findings);
    let sizes = findings
        .filter(|finding| finding.requirement == "robust/bounded-memory")
        .map(|finding| finding.actual["MiB"].clone());
    let sizes: Vec<Value> = sizes.collect();
    let inputs = report.fuzzing.as_ref().map(|fuzzing| fuzzing.inputs);
    let [Value::Array(held)] = &sizes[..] else {
        return Err(format!("{sizes:?}").into());
    };
    let held: Vec<u64> = held.iter().filter_map(Value::as_u64).collect();
    match held[..] {
        [first, then] if then > first + 16 && inputs == Some(2_000) => Ok(()),
        _ => Err(format!("{held:?}, {inputs:?}").into()),
    }
}
