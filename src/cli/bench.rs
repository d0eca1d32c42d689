//! `bench`: what a call costs.

mod checks;
mod numbers;
mod outcome;
mod output;
mod progress;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::sync::oneshot;

use super::Failure;
use super::calls::Calls;
use super::revisions::{self, Revisions};
use super::running::{block_on, duration, interrupted, timeout};
use super::target::{Others, Target, other};
use crate::bench::condition::Condition;
use crate::bench::report::BenchReport;
use crate::bench::subject::{Allowed, Named, Subject};
use crate::bench::{self, Measured, Options};
use crate::catalog::Catalog;
use numbers::{callers, distinct, payload, rate};
use outcome::Outcome;
use output::Reports;
use progress::Bar;

/// How long threads that wait for a server may hold up the end.
const GRACE: Duration = Duration::from_millis(500);
/// The name of the target that is named by --url or behind --.
const TARGET: &str = "target";

const CONDITION_HELP: &str = "\
Exit with 1 if this holds anywhere, and with 3 if it was measured nowhere (repeatable): a figure, <, <=, > or >=, and a limit with its unit. Figures: min, p50, \
p90, p99, p99.9, max, cpu (for each call) and startup, with a time such as 5ms; throughput, as in 'throughput < 1000/s'; \
errors, a number or a share such as 1% (fewer are then no reason for exit code 3); rss, as in 'rss > 200MiB'; ratio, of each comparison that could be made";

/// Measure what a call costs: the bundled server over both transports if no target is given.
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// Another target, measured in turns with the first and compared with it: a URL, the command of a stdio server, or a URL
    /// and behind it the command of the HTTP server to start (repeatable)
    #[arg(long = "and", value_name = "NAME=URL|NAME='COMMAND ARGS'")]
    others: Vec<String>,

    /// How long each result is measured
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = timeout)]
    duration: Duration,

    /// How long calls are made before that
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    warmup: Duration,

    /// How many calls are open at a time, one number after the other
    #[arg(long, value_name = "N,...", default_value = "1,8,32", value_delimiter = ',', value_parser = callers)]
    concurrency: Vec<usize>,

    /// Calls to make per second, whether or not earlier ones were answered; latency counts from when they were due
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,

    /// How many bytes take the place of {payload} in the arguments of --call, one number after the other; 0: as given
    #[arg(long, value_name = "BYTES,...", default_value = "0", value_delimiter = ',', value_parser = payload)]
    payload: Vec<usize>,

    /// A revision, all of them, or auto for the newest that the server accepts (repeatable) [default: auto]
    #[arg(long = "revision", value_name = "REV|all|auto")]
    revisions: Vec<Revisions>,

    /// How long a call may take before it counts as failed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = timeout)]
    timeout: Duration,

    /// Hold back for so long what goes to HTTP targets, and what comes from them, as a network would
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    network_delay: Option<Duration>,

    /// Keep the report here, for --compare
    #[arg(long, value_name = "PATH")]
    save: Option<PathBuf>,

    /// Compare with a report that was kept earlier
    #[arg(long, value_name = "PATH")]
    compare: Option<PathBuf>,

    /// Exit with 1 if this holds anywhere, such as 'p99 > 5ms', and with 3 if it was not measured (repeatable)
    #[arg(long = "fail-if", value_name = "CONDITION", long_help = CONDITION_HELP)]
    conditions: Vec<Condition>,

    #[command(flatten)]
    reports: Reports,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    calls: Calls,
}

/// What the command line names.
struct Targets {
    measured: Vec<Named>,
    /// Those whose lists are read as well.
    catalogs: Vec<Named>,
    /// The options that say the same again.
    arguments: Vec<String>,
}

impl Bench {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let saved = match &self.compare {
            Some(path) => Some(output::read(path)?),
            None => None,
        };
        checks::files(self.save.as_deref(), self.compare.as_deref())?;
        let (options, catalogs) = self.options()?;
        checks::calls(&options)?;
        checks::payloads(&options)?;
        checks::conditions(&self.conditions, &options, saved.is_some())?;
        let reports = self.reports.open(self.save.as_deref())?;
        let catalog = Arc::new(Catalog::builtin().map_err(Failure::run)?);
        let Measured {
            mut report,
            troubles,
        } = play(options, catalogs, catalog)?;
        let mut missing = None;
        if let (Some(saved), Some(path)) = (saved, &self.compare) {
            let path = path.display().to_string();
            missing = compare(&mut report, &saved, &path);
        }
        report.diagnoses = bench::diagnose::diagnose(&report);
        let is_seen = reports.are_seen();
        reports.write(&report)?;
        let outcome = Outcome {
            report: &report,
            troubles: &troubles,
            missing: missing.as_deref(),
            is_seen,
        };
        outcome.exit_code(&self.conditions)
    }

    fn options(&self) -> Result<(Options, Vec<Named>), Failure> {
        let Targets {
            measured,
            catalogs,
            arguments,
        } = self.targets()?;
        let mut all = ["mcp-conform", "bench"].map(str::to_owned).to_vec();
        all.extend(self.arguments());
        all.extend(self.calls.arguments());
        all.extend(arguments);
        let options = Options {
            arguments: all,
            targets: measured,
            allowed: Allowed {
                revisions: revisions::asked(&self.revisions)?,
                fixture: self.calls.fixture(),
                calls: self.calls.calls.clone(),
                call_read_only: self.calls.call_read_only,
                timeout: self.timeout,
            },
            concurrency: distinct(&self.concurrency),
            payloads: distinct(&self.payload),
            rate: self.rate,
            duration: self.duration,
            warmup: self.warmup,
            network_delay: self.network_delay,
        };
        let has_http = options.targets.iter().any(|named| named.endpoint.is_http());
        if self.network_delay.is_some() && !has_http {
            return Err(Failure::usage(
                "--network-delay is for HTTP targets, and there is none: give --url, or leave it out",
            ));
        }
        Ok((options, catalogs))
    }

    fn targets(&self) -> Result<Targets, Failure> {
        let resolved = self.target.resolve(&Others::default())?;
        let mut catalogs = Vec::new();
        let mut targets = match resolved.info.kind.as_str() {
            "bundled" => {
                let program = std::env::current_exe()
                    .map_err(|error| Failure::run(format!("cannot find this program: {error}")))?;
                let program = program.display().to_string();
                if self.calls.calls.is_empty() {
                    catalogs = bench::large_catalogs(&program);
                }
                bench::bundled(&program)
            }
            _ => {
                let named = |endpoint| Named {
                    name: TARGET.to_owned(),
                    endpoint,
                    info: resolved.info.clone(),
                };
                resolved.endpoints.iter().cloned().map(named).collect()
            }
        };
        let mut arguments = Vec::new();
        for text in &self.others {
            let (named, said) = other(text)?;
            if targets.iter().any(|target| target.name == named.name) {
                return Err(Failure::usage(format!(
                    "--and {}: there is a target of that name already",
                    named.name
                )));
            }
            arguments.extend(["--and".to_owned(), said]);
            targets.push(named);
        }
        arguments.extend(resolved.arguments);
        Ok(Targets {
            measured: targets,
            catalogs,
            arguments,
        })
    }

    /// The options that say the same again, but for who is measured and what is called.
    fn arguments(&self) -> Vec<String> {
        let list = |numbers: &[usize]| {
            let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
            numbers.join(",")
        };
        let time = |duration| {
            humantime::format_duration(duration)
                .to_string()
                .replace(' ', "")
        };
        let mut arguments = vec![
            format!("--duration={}", time(self.duration)),
            format!("--warmup={}", time(self.warmup)),
            format!("--concurrency={}", list(&self.concurrency)),
            format!("--payload={}", list(&self.payload)),
        ];
        arguments.extend(self.rate.map(|rate| format!("--rate={rate}/s")));
        let delay = self.network_delay.map(time);
        arguments.extend(delay.map(|delay| format!("--network-delay={delay}")));
        arguments
    }
}

/// Compares with a saved report; says so if nothing in it fits.
fn compare(report: &mut BenchReport, saved: &BenchReport, path: &str) -> Option<String> {
    let compared = bench::compare::with_saved(&report.results, &saved.results, path);
    if compared.is_empty() {
        return Some(format!(
            "nothing in {path} can be compared: no result there has the same target, transport, revision, call, callers, \
             size and rate; measure as it says under `arguments`"
        ));
    }
    report.unlike = bench::compare::unlike(report, saved, path);
    report.comparisons.extend(compared);
    None
}

fn play(
    options: Options,
    catalogs: Vec<Named>,
    catalog: Arc<Catalog>,
) -> Result<Measured, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let bar = Bar::if_watched();
    let work = async {
        let stopper = stop.clone();
        let reaching = async {
            let subjects = bench::reach(&options, &catalog).await?;
            let long = Options {
                targets: catalogs,
                ..options.clone()
            };
            let long = bench::reach(&long, &catalog).await?;
            Ok::<_, bench::subject::PrepareError>((subjects, long))
        };
        bar.reaching();
        let (subjects, long) = tokio::select! {
            reached = reaching => reached.map_err(Failure::run)?,
            () = interrupted() => return Err(Failure::run("interrupted: nothing was measured yet")),
        };
        checks::has_place(&options, &subjects)?;
        tokio::spawn(async move {
            interrupted().await;
            stopper.store(true, Ordering::Relaxed);
        });
        bar.begin(bench::schedule::expected(&options, &subjects, &long));
        let measuring = on_thread(options, subjects, long, stop.clone(), bar.clone());
        let measured = measuring.await;
        bar.end();
        measured.map_err(|_| Failure::run("the thread that measures ended too early"))
    };
    block_on(work, GRACE)?
}

/// Measures on a thread where nothing else happens.
fn on_thread(
    options: Options,
    mut subjects: Vec<Subject>,
    mut catalogs: Vec<Subject>,
    stop: Arc<AtomicBool>,
    bar: Bar,
) -> oneshot::Receiver<Measured> {
    let (tx, rx) = oneshot::channel();
    let handle = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let watcher = |progress| bar.show(progress);
        let measured = bench::measure(
            &options,
            &mut subjects,
            &mut catalogs,
            &handle,
            &stop,
            &watcher,
        );
        for subject in subjects.iter().chain(&catalogs) {
            handle.block_on(subject.host.stop());
        }
        let _ = tx.send(measured);
    });
    rx
}
