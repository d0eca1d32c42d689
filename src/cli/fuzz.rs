//! `fuzz`: looks for the input that breaks a server.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use super::Failure;
use super::calls::Calls;
use super::check::verify_identities;
use super::output::{Output, complain};
use super::revisions::{self, Revisions};
use super::running::{block_on, duration, failure, interrupted, timeout};
use super::target::{Callers, Others, Target};
use crate::catalog::Catalog;
use crate::event::RunReport;
use crate::fuzz::{self, Options, Progress};
use crate::report::count::counted;
use crate::run;

/// How long it goes on unless the user says otherwise.
const TIME: &str = "60s";
/// How long threads that wait for a server may hold up the end.
const GRACE: Duration = Duration::from_millis(500);

/// Fuzz a server: the bundled one if no target is given.
#[derive(Debug, Args)]
pub(super) struct Fuzz {
    /// How long in all, such as 30s or 10m; what is at hand then is verified, in one --timeout
    #[arg(long, value_name = "DURATION", default_value = TIME, value_parser = some_time)]
    time: Duration,

    /// How many inputs in all, whatever time they take
    #[arg(long, value_name = "N", conflicts_with = "time", value_parser = clap::value_parser!(u64).range(1..))]
    inputs: Option<u64>,

    /// What the inputs depend on: the same seed gives the same inputs [default: a new one, which is shown]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Where findings are saved: cases for --replay and for check --cases, and a transcript of each for judge
    #[arg(long, value_name = "DIR", default_value = "fuzz-findings")]
    save: PathBuf,

    /// Try the inputs of such a file again where its cases hold, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "seed"])]
    replay: Option<PathBuf>,

    /// A revision, all of them, or auto for the newest of each era that the server accepts (repeatable) [default: auto]
    #[arg(long = "revision", value_name = "REV|all|auto")]
    revisions: Vec<Revisions>,

    /// How long a valid request may take before the server is said to hang, such as 500ms or 1m
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = timeout)]
    timeout: Duration,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    callers: Callers,

    #[command(flatten)]
    calls: Calls,

    #[command(flatten)]
    output: Output,
}

/// Longer than anybody waits.
const NO_END: Duration = Duration::from_secs(1 << 32);

impl Fuzz {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let replay = match &self.replay {
            Some(path) => Some(fuzz::read_cases(path).map_err(Failure::usage)?),
            None => None,
        };
        if replay.is_none() {
            fuzz::verify_folder(&self.save).map_err(|error| {
                let folder = self.save.display();
                Failure::usage(format!(
                    "--save {folder}: findings cannot be saved there: {error}"
                ))
            })?;
        }
        let seed = self.seed.unwrap_or_else(some_seed);
        let time = match (&self.inputs, &replay) {
            (None, None) => self.time,
            _ => NO_END,
        };
        let resolved = self.target.resolve(&Others::from(self.callers))?;
        let catalog = Arc::new(Catalog::builtin().map_err(Failure::run)?);
        verify_identities(&resolved.endpoints, &catalog)?;
        let mut reports = self.output.open(&catalog)?;
        let mut arguments = ["mcp-conform", "fuzz"].map(str::to_owned).to_vec();
        if let Some(path) = &self.replay {
            arguments.extend(["--replay".to_owned(), path.display().to_string()]);
        }
        arguments.extend(self.calls.arguments());
        arguments.extend(resolved.arguments);
        let run = run::Options {
            arguments,
            endpoints: resolved.endpoints,
            target: resolved.info,
            catalog,
            revisions: revisions::asked(&self.revisions)?,
            select: Vec::new(),
            fixture: self.calls.fixture(),
            jobs: 1,
            timeout: self.timeout,
            calls: self.calls.calls,
            call_read_only: self.calls.call_read_only,
            save_transcripts: None,
        };
        let options = Options {
            run,
            time,
            inputs: self.inputs.unwrap_or(u64::MAX),
            seed,
            max_growth: fuzz::MAX_GROWTH,
            save: self.save,
            replay,
        };
        let report = play(options, time)?;
        reports.write(&report);
        let code = self.output.finish(reports, &report)?;
        match report.fuzzing.and_then(|fuzzing| fuzzing.unsaved) {
            // What was found weighs more.
            Some(reason) if code == 0 => Err(Failure::run(reason)),
            _ => Ok(code),
        }
    }
}

/// Reads how long it goes on.
fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("nothing is tried in no time".to_owned()),
        time => Ok(time),
    }
}

/// Any number will do; the clock has another one each time.
fn some_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // The low digits are what differs.
    now.map_or(1, |now| u64::from(now.subsec_nanos()) ^ now.as_secs())
}

fn play(options: Options, time: Duration) -> Result<RunReport, Failure> {
    let seed = options.replay.is_none().then_some(options.seed);
    let bar = Bar::if_watched(time, seed);
    let watcher = |place: &str, progress: Progress| bar.show(place, progress);
    let (stop, stopped) = watch::channel(false);
    let is_stopped = stopped.clone();
    let work = async {
        tokio::spawn(async move {
            interrupted().await;
            let _ = stop.send(true);
            // Kept, or the end of the channel would look like a stop.
            std::future::pending::<()>().await;
        });
        let report = fuzz::run(options, stopped, &watcher).await;
        bar.0.finish_and_clear();
        if *is_stopped.borrow() {
            complain(
                "note",
                "interrupted: this is what was tried and found until then",
            );
        }
        report
    };
    block_on(work, GRACE)?.map_err(failure)
}

/// Inputs per second, findings, time left: on stderr, and only if that is a terminal.
struct Bar(ProgressBar, Instant, Duration);

impl Bar {
    fn if_watched(time: Duration, seed: Option<u64>) -> Bar {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let seed = seed.map(|seed| format!("seed {seed}: "));
        let seed = seed.unwrap_or_default();
        bar.set_message(format!("{seed}looking at the server"));
        Bar(bar, Instant::now(), time)
    }

    fn show(&self, place: &str, progress: Progress) {
        let Bar(bar, began, time) = self;
        let left = match time.checked_sub(began.elapsed()) {
            Some(left) if *time < NO_END => format!(", {} s left", left.as_secs()),
            _ => String::new(),
        };
        bar.set_message(format!(
            "{place}: {}, {:.0} a second, {}{left}",
            counted(progress.inputs, "input"),
            progress.per_second,
            counted(progress.findings, "finding")
        ));
        bar.tick();
    }
}
