//! The fuzzer finds what is wrong with a server that is wrong on purpose, and nothing wrong with one that is right.
//!
//! One test per harmful fault, with one seed; `cargo bench --bench fuzz_proof` takes twenty.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use mcp_conform::event::RunReport;
use mcp_conform::fuzz::{self, Options};
use mcp_conform::matrix::tokens;
use mcp_conform::revision::Revision;
use mcp_conform::target::{CommandLine, Endpoint};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{Fuzzed, Verdict};
use mcp_reference_server::{Fault, Harm};
use serde_json::{Value, json};
use tokio::sync::watch;

mod causes;
mod proof;

use proof::{WITH_TOKENS, found, runtime};

/// What a test does.
type Test = fn() -> Result<(), Failed>;
/// One revision over one transport.
type Place = (Revision, Transport);

const LEGACY: Place = (Revision::V2025_11_25, Transport::Stdio);
const PLACES: [Place; 4] = [
    LEGACY,
    (Revision::V2026_07_28, Transport::Stdio),
    (Revision::V2025_11_25, Transport::Http),
    (Revision::V2026_07_28, Transport::Http),
];
/// Faults whose saved findings are played: of each harm and transport, and of each way to say what is expected.
const SAVED: [&str; 23] = [
    "dies-on-null-id",
    "dies-on-empty-line",
    "dies-on-early-request",
    "dies-on-wrong-content-type",
    "cancel-at-once-dies",
    "deaf-after-bad-envelope",
    "reserved-method-ignored",
    "unknown-tool-succeeds",
    "log-level-unchecked",
    "session-unknown-served",
    "header-name-unchecked",
    "invalid-token-served",
    "expired-served",
    "query-token-served",
    "session-authenticates",
    "form-refusal-sulked",
    "form-answer-unchecked",
    "state-elsewhere",
    "inputs-malformed-accepted",
    "task-cancel-twice",
    "session-survives",
    "tasks-shared",
    "state-shared",
];
const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(causes::MARK) {
        return causes::slow_server().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let mut arguments = Arguments::from_args();
    // The tests wait for servers more than they compute.
    let threads = || 4 * available_parallelism().map_or(1, usize::from);
    arguments.test_threads = arguments.test_threads.or_else(|| Some(threads()));
    let mut tests: Vec<Trial> = proof::harmful()
        .map(|(fault, harm)| {
            let name = format!("fuzz/{} is found", fault.name);
            Trial::test(name, move || is_found(fault, harm))
        })
        .collect();
    for place in PLACES {
        let name = format!("fuzz/nothing is found at {}+{}", place.0, place.1);
        tests.push(Trial::test(name, move || nothing_is_found(place, &[])));
    }
    for place in PLACES
        .into_iter()
        .filter(|place| place.1 == Transport::Http)
    {
        let name = format!(
            "fuzz/nothing is found at {}+{} with tokens",
            place.0, place.1
        );
        tests.push(Trial::test(name, move || {
            nothing_is_found(place, &WITH_TOKENS)
        }));
    }
    for (fault, harm) in proof::harmful().filter(|(fault, _)| SAVED.contains(&fault.name)) {
        let name = format!("fuzz/what {} does is a case", fault.name);
        tests.push(Trial::test(name, move || found_is_a_case(fault, harm)));
    }
    tests.extend(causes::tests());
    tests.push(Trial::test(
        "fuzz/it ends when told to",
        it_ends_when_told_to,
    ));
    tests.push(Trial::test(
        "fuzz/each of what is given is tried",
        each_of_what_is_given_is_tried,
    ));
    let others: [(&str, Test); 8] = [
        (
            "fuzz/what is looked into is verified in overtime",
            what_is_looked_into_is_verified_in_overtime,
        ),
        (
            "fuzz/an internal error is a case",
            an_internal_error_is_a_case,
        ),
        (
            "fuzz/a transcript is judged as it was found",
            a_transcript_is_judged_as_it_was_found,
        ),
        (
            "fuzz/what holds elsewhere is skipped",
            what_holds_elsewhere_is_skipped,
        ),
        (
            "fuzz/what needs the token of another is skipped without",
            what_needs_the_token_of_another_is_skipped_without,
        ),
        (
            "fuzz/where nothing can be saved is told first",
            where_nothing_can_be_saved_is_told_first,
        ),
        (
            "fuzz/what cannot be saved is reported",
            what_cannot_be_saved_is_reported,
        ),
        (
            "fuzz/what is not verified in time is open",
            what_is_not_verified_in_time_is_open,
        ),
    ];
    tests.extend(others.map(|(name, test)| Trial::test(name, test)));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/what is looked into when time is up is told",
        what_is_looked_into_when_time_is_up_is_told,
    ));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/a slow start costs little",
        a_slow_start_costs_little,
    ));
    #[cfg(unix)]
    tests.push(Trial::test(
        "fuzz/an interrupt saves what was found",
        an_interrupt_saves_what_was_found,
    ));
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn is_found(fault: &Fault, harm: Harm) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let search = proof::search(PROGRAM, fault, 1, folder.path());
    if !search.is_hit(harm) {
        return Err(format!("{} inputs, {:?}", search.inputs, search.found).into());
    }
    // What breaks a server like this is small.
    let is_large = ["mebibyte", "length", "deep", "after 20"]
        .iter()
        .any(|word| fault.explanation.contains(word));
    let small = match harm {
        Harm::Crash | Harm::Acceptance if !is_large => 600,
        _ => usize::MAX,
    };
    let messages = |step: &Value| step["together"].as_array().map_or(1, Vec::len);
    let size = |found: &Fuzzed| {
        let steps = found.shrunk.as_array().into_iter().flatten();
        found.shrunk.to_string().len() / steps.map(messages).sum::<usize>()
    };
    match search.found.iter().map(size).min() {
        Some(size) if size > small => {
            Err(format!("{size} bytes a message: {:?}", search.found).into())
        }
        _ => Ok(()),
    }
}

fn nothing_is_found(place: Place, flags: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (_stop, stopped) = watch::channel(false);
    let options = Options {
        inputs: 1_500,
        ..proof::options(PROGRAM, place, flags, folder.path())
    };
    let report = runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?;
    let wrong = report
        .trials
        .iter()
        .filter(|trial| !matches!(trial.verdict, Verdict::Pass | Verdict::NotObserved));
    let wrong: Vec<String> = wrong.map(|trial| format!("{trial:?}")).collect();
    // What tools say while they work is seen, too.
    let of_streams: &[&str] = match place.1 {
        Transport::Http => &["rule/sse-data", "rule/stream-ends"],
        _ => &[],
    };
    let rules = ["rule/progress", "rule/log-messages"];
    for rule in rules.iter().chain(of_streams) {
        let mut trials = report.trials.iter();
        if !trials.any(|trial| &*trial.case == *rule && trial.verdict == Verdict::Pass) {
            return Err(format!("{rule} saw nothing").into());
        }
    }
    let fuzzing = report.fuzzing.unwrap_or_default();
    match wrong.is_empty() && fuzzing.inputs == 1_500 && fuzzing.coverage.generators.len() > 5 {
        true => Ok(()),
        false => Err(format!("{fuzzing:?}\n{}", wrong.join("\n")).into()),
    }
}

/// What was found is saved so that it fails again with the fault, and passes without.
fn found_is_a_case(fault: &Fault, harm: Harm) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let search = proof::search(PROGRAM, fault, 1, folder.path());
    if !search.is_hit(harm) {
        return Err(format!("not found: {:?}", search.cited).into());
    }
    no_token_is_saved(folder.path())?;
    let setting = proof::setting(fault);
    let place = (setting.revision, setting.transport);
    let saved = fuzz::read_cases(&folder.path().join("fuzz.json"))?;
    let flags = setting.flags();
    let faulty = [&["--fault", fault.name], &flags[..]].concat();
    let again = proof::replayed(PROGRAM, place, &faulty, saved.clone());
    let healthy = proof::replayed(PROGRAM, place, &flags, saved);
    let faulty = checked(place, &faulty, folder.path())?;
    let fine = checked(place, &flags, folder.path())?;
    match (
        found(&again).is_empty(),
        found(&healthy).is_empty(),
        faulty,
        fine,
    ) {
        (false, true, 1.., 0) => Ok(()),
        wrong => {
            let found = found(&healthy);
            Err(format!("again, healthy, check, healthy check: {wrong:?}: {found:?}").into())
        }
    }
}

/// All our tokens begin with the same header, and so does what is forged from them.
fn no_token_is_saved(folder: &Path) -> Result<(), Failed> {
    let (_, ours) = tokens::ours()?;
    let begin = ours.trim_start_matches("Bearer ").split('.').next();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let text = std::fs::read_to_string(&path)?;
        if begin.is_some_and(|begin| text.contains(begin)) {
            return Err(format!("{}: {text}", path.display()).into());
        }
    }
    Ok(())
}

/// How many of the cases of this folder `check` finds something with.
fn checked((revision, transport): Place, flags: &[&str], folder: &Path) -> Result<usize, Failed> {
    let url = "http://127.0.0.1:{port}/mcp";
    let report = folder.join("report.json");
    let mut command = Command::new(PROGRAM);
    command.args([
        "check",
        "--case",
        "fuzz/*",
        "--timeout",
        "1s",
        "--revision",
        revision.as_str(),
    ]);
    command.arg("--cases").arg(folder).arg("--report");
    command.arg(format!("json={}", report.display()));
    match transport {
        Transport::Stdio => command.args(["--", PROGRAM, "serve", "--stdio"]),
        _ => command.args(["--url", url]).args(callers(flags)?).args([
            "--",
            PROGRAM,
            "serve",
            "--http",
            "127.0.0.1:{port}",
        ]),
    };
    command.args(["--log", "off"]).args(flags);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let report: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    std::fs::remove_file(folder.join("report.json"))?;
    let trials = report["trials"].as_array().ok_or("no trials")?;
    let has_findings = |trial: &&Value| {
        trial["findings"]
            .as_array()
            .is_some_and(|found| !found.is_empty())
    };
    Ok(trials.iter().filter(has_findings).count())
}

/// Who we are to a server that is started like this, and who else there is, as options.
fn callers(flags: &[&str]) -> Result<Vec<String>, Failed> {
    if !flags.ends_with(&WITH_TOKENS) {
        return Ok(Vec::new());
    }
    let (name, value) = tokens::ours()?;
    let mut options = vec!["--header".to_owned(), format!("{name}: {value}")];
    for (identity, headers) in tokens::identities()? {
        for (name, value) in headers {
            options.extend([
                "--identity".to_owned(),
                format!("{identity}={name}: {value}"),
            ]);
        }
    }
    Ok(options)
}

fn it_ends_when_told_to() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (stop, stopped) = watch::channel(false);
    let options = proof::options(PROGRAM, LEGACY, &[], folder.path());
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

fn each_of_what_is_given_is_tried() -> Result<(), Failed> {
    let case = |name: &str, bytes: &str| {
        json!({
            "id": format!("fuzz/{name}"),
            "title": "A line that ends a server",
            "requirements": ["robust/stays-alive"],
            "revisions": "2025-11-25",
            "steps": [{ "bytes": bytes }],
        })
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("fuzz.json");
    let cases = json!([case("one", "{"), case("two", "[]")]);
    std::fs::write(&file, cases.to_string())?;
    let flags = ["--fault", "dies-on-bad-json", "--fault", "dies-on-batch"];
    let report = proof::replayed(PROGRAM, LEGACY, &flags, fuzz::read_cases(&file)?);
    // No seed makes these inputs.
    let seed = report.fuzzing.as_ref().and_then(|fuzzing| fuzzing.seed);
    let findings = report.trials.iter().flat_map(|trial| &trial.findings);
    let names_a_seed = findings
        .clone()
        .any(|finding| finding.reproduce.contains("--seed"));
    match (found(&report).len(), seed, names_a_seed) {
        (2, None, false) => Ok(()),
        other => Err(format!("findings, seed, whether one is named: {other:?}").into()),
    }
}

/// Something shown that should not be is a warning of the saved case as well, and none once it is mended.
fn an_internal_error_is_a_case() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["--fault", "unknown-tool-code"];
    let report = proof::until_found(
        Options {
            inputs: 200,
            ..proof::options(PROGRAM, LEGACY, &flags, folder.path())
        },
        1,
    )?;
    let found = found(&report);
    let shown = |found: &Fuzzed| found.oracle == "fuzz/shows-no-internals";
    let faulty = checked(LEGACY, &flags, folder.path())?;
    let fine = checked(LEGACY, &[], folder.path())?;
    match (found.iter().any(shown), faulty, fine) {
        (true, 1.., 0) => Ok(()),
        wrong => Err(format!("{wrong:?}: {found:?}").into()),
    }
}

/// Runs the program, without what it prints.
fn run(arguments: &[&str]) -> std::io::Result<std::process::Output> {
    Command::new(PROGRAM).args(arguments).output()
}

/// Beside each case is what crossed the wire, and `judge` says the same of it.
fn a_transcript_is_judged_as_it_was_found() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["--fault", "dies-on-null-id"];
    let report = proof::until_found(
        Options {
            inputs: 1_000,
            ..proof::options(PROGRAM, LEGACY, &flags, folder.path())
        },
        1,
    )?;
    let found = found(&report).into_iter().next().ok_or("nothing found")?;
    let transcript = found.transcript.clone().ok_or("no transcript")?;
    let stem = Path::new(&transcript)
        .file_stem()
        .and_then(|stem| stem.to_str());
    if found
        .case
        .as_deref()
        .and_then(|case| case.strip_prefix("fuzz/"))
        != stem
    {
        return Err(format!("{transcript} is not beside {:?}", found.case).into());
    }
    let judged = run(&["judge", &transcript, "--report", "json"])?;
    let again: Value = serde_json::from_slice(&judged.stdout)?;
    let trials = again["trials"].as_array().ok_or("no trials")?;
    let failed: Vec<&Value> = trials
        .iter()
        .filter(|trial| trial["verdict"] == "fail")
        .collect();
    match failed.iter().any(|trial| trial["case"] == "fuzz/survives") {
        true if judged.status.code() == Some(1) => Ok(()),
        _ => Err(format!("{}: {failed:?}", judged.status).into()),
    }
}

/// A case is tried where it holds. If there is no such place, it is said, and nothing passes.
fn what_holds_elsewhere_is_skipped() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("fuzz.json");
    let path = file.display().to_string();
    let replay = |revisions: &str, transport: &str| -> Result<(Option<i32>, String), Failed> {
        let case = json!([{
            "id": "fuzz/one",
            "title": "A line that ends a server",
            "requirements": ["robust/stays-alive"],
            "revisions": revisions,
            "transports": [transport],
            "steps": [{ "bytes": "{" }],
        }]);
        std::fs::write(&file, case.to_string())?;
        let fuzz = ["fuzz", "--replay", &path, "--", PROGRAM];
        let serve = [
            "serve",
            "--stdio",
            "--log",
            "off",
            "--fault",
            "dies-on-bad-json",
        ];
        let output = run(&[&fuzz[..], &serve[..]].concat())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code(), text))
    };
    let (code, text) = replay("2025-11-25", "http")?;
    if code != Some(3) || !text.contains("skipped: it is for 2025-11-25 over http") {
        return Err(format!("over HTTP: {code:?}\n{text}").into());
    }
    // An older revision is spoken for the case that is for it.
    match replay("2025-06-18", "stdio")? {
        (Some(1), text) if text.contains("at 2025-06-18+stdio") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn what_needs_the_token_of_another_is_skipped_without() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("fuzz.json");
    let case = json!([{
        "id": "fuzz/one",
        "title": "Somebody else is let in",
        "requirements": ["authorization/invalid-token-401"],
        "revisions": "2025-11-25",
        "needs": ["identity:expired"],
        "steps": [{ "as": "expired", "bytes": "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}" }],
    }]);
    std::fs::write(&file, case.to_string())?;
    let replayed = |flags: &[&str]| -> Result<Option<String>, Failed> {
        let cases = fuzz::read_cases(&file)?;
        let report = proof::replayed(PROGRAM, PLACES[2], flags, cases);
        let mut trials = report.trials.into_iter();
        let skipped = trials.find(|trial| trial.verdict == Verdict::NotApplicable);
        Ok(skipped.and_then(|trial| trial.reason))
    };
    match (replayed(&[])?, replayed(&WITH_TOKENS)?) {
        (Some(reason), None) if reason.contains("--identity expired") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// A folder that cannot be written, and no time: nothing is started.
fn where_nothing_can_be_saved_is_told_first() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "")?;
    let save = file.join("findings").display().to_string();
    let started = folder.path().join("started").display().to_string();
    let target = ["--", "touch", &started];
    for (flags, told) in [
        (["--save", &save], "cannot be saved there"),
        (["--time", "0s"], "in no time"),
    ] {
        let output = run(&[&["fuzz"], &flags[..], &target].concat())?;
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !text.contains(told) {
            return Err(format!("{}: {text}", output.status).into());
        }
    }
    match Path::new(&started).exists() {
        true => Err("the target was started".into()),
        false => Ok(()),
    }
}

/// The folder is taken away meanwhile: the findings are reported, and why they are not saved.
fn what_cannot_be_saved_is_reported() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "")?;
    let flags = ["--fault", "dies-on-null-id"];
    let report = proof::until_found(
        Options {
            inputs: 1_000,
            ..proof::options(PROGRAM, LEGACY, &flags, &file.join("findings"))
        },
        1,
    )?;
    let unsaved = report
        .fuzzing
        .as_ref()
        .and_then(|fuzzing| fuzzing.unsaved.clone());
    match &found(&report)[..] {
        [found, ..] if found.case.is_none() && unsaved.is_some() => Ok(()),
        other => Err(format!("{unsaved:?}: {other:?}").into()),
    }
}

/// Making an input smaller takes longer than there is time: it is told as it came.
#[cfg(unix)]
fn what_is_looked_into_when_time_is_up_is_told() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let options = Options {
        time: Duration::from_secs(5),
        ..slow_to_start(folder.path())
    };
    let (_stop, stopped) = watch::channel(false);
    let report = runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?;
    match found(&report).is_empty() {
        false => Ok(()),
        true => Err("nothing is told".into()),
    }
}

/// What comes of so many seconds of fuzzing, where it takes so many to verify silence.
fn among_silence(time: u64, timeout: u64) -> Result<RunReport, Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["--fault", "carriage-return-kept"];
    let mut options = Options {
        time: Duration::from_secs(time),
        ..proof::options(PROGRAM, LEGACY, &flags, folder.path())
    };
    options.run.timeout = Duration::from_secs(timeout);
    let (_stop, stopped) = watch::channel(false);
    Ok(runtime().block_on(fuzz::run(options, stopped, &|_, _| {}))?)
}

/// Silence takes longer to verify than there is time and overtime: the oracle has not passed.
fn what_is_not_verified_in_time_is_open() -> Result<(), Failed> {
    let report = among_silence(3, 60)?;
    let mut trials = report.trials.iter();
    let answers = trials.find(|trial| &*trial.case == "fuzz/answers");
    match answers.map(|trial| (trial.verdict, trial.reason.as_deref())) {
        Some((Verdict::Broken, Some(reason))) if reason.contains("--time") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// To verify silence takes longer than the whole time, and less than the overtime.
fn what_is_looked_into_is_verified_in_overtime() -> Result<(), Failed> {
    match &found(&among_silence(10, 9)?)[..] {
        [found] if found.oracle == "fuzz/answers" => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// A server that takes 0.3 s to start, and that a malformed line ends.
#[cfg(unix)]
fn slow_to_start(folder: &Path) -> Options {
    let server = "sleep 0.3; exec \"$0\" serve --stdio --log off --fault dies-on-bad-json";
    let words = ["sh", "-c", server, PROGRAM].map(str::to_owned).to_vec();
    let mut options = proof::options(PROGRAM, LEGACY, &[], folder);
    options.run.endpoints = vec![Endpoint::Stdio(CommandLine {
        words,
        ..CommandLine::default()
    })];
    options
}

/// One malformed line ends a server that takes 0.3 s to start: found within the first hundred inputs, and made small
/// with twenty starts or in ten seconds.
#[cfg(unix)]
fn a_slow_start_costs_little() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let options = Options {
        inputs: 100,
        ..slow_to_start(folder.path())
    };
    let began = Instant::now();
    let report = proof::until_found(options, 1)?;
    let took = began.elapsed();
    let starts = report.summary.starts;
    let found = found(&report);
    let size = found.first().map(|found| found.shrunk.to_string().len());
    // The probe starts it for each revision, and the search for the culprit comes before.
    let is_cheap = starts <= 20 || took < Duration::from_secs(10);
    match size {
        Some(size) if size < 100 && is_cheap => Ok(()),
        _ => Err(format!("{starts} starts, {took:?}, {found:?}").into()),
    }
}

/// Ctrl-C: the end within a second, what was found is saved, no process is left.
#[cfg(unix)]
fn an_interrupt_saves_what_was_found() -> Result<(), Failed> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let folder = tempfile::tempdir()?;
    let save = folder.path().join("findings").display().to_string();
    let mut child = Command::new(PROGRAM)
        .args(["fuzz", "--time", "10m", "--revision", "2025-11-25"])
        .args(["--save", &save, "--", PROGRAM])
        .args(["serve", "--stdio", "--log", "off", "--fault"])
        // Its command line is what the server is known by.
        .args(["dies-on-null-id", "--state-key", &save])
        .stdout(Stdio::null())
        .spawn()?;
    let file = folder.path().join("findings/fuzz.json");
    let found = wait_until(Duration::from_secs(60), || fuzz::read_cases(&file).is_ok());
    kill(Pid::from_raw(child.id().try_into()?), Signal::SIGINT)?;
    let asked = Instant::now();
    let status = child.wait()?;
    let took = asked.elapsed();
    // What was killed is there until it is reaped.
    let is_gone = wait_until(Duration::from_secs(1), || running_with(&save) == 0);
    match found && status.code() == Some(1) && took < Duration::from_secs(1) && is_gone {
        true => Ok(()),
        false => Err(format!("{status}, {took:?}, found: {found}, gone: {is_gone}").into()),
    }
}

/// Looks again and again; whether it came true in time.
#[cfg(unix)]
fn wait_until(limit: Duration, is_so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() && began.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(10));
    }
    is_so()
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
