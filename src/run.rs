//! Runs a whole check: probe, plan, drive, judge, and tell the reporters.

pub(crate) mod session;
pub(crate) mod setup;
mod unreachable;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc;

use crate::catalog::select::SelectError;
use crate::catalog::{Catalog, Selection};
use crate::event::{Event, Latency, RunReport, Summary};
use crate::host::HostError;
use crate::judge::{Judged, RuleLedger};
use crate::plan;
use crate::revision::Revision;
use crate::rule::RULES;
use crate::target::{Endpoint, TargetInfo};
use crate::transport::Transport;
use crate::verdict::TrialReport;

/// What to check, and how.
pub struct Options {
    /// What to reach.
    pub endpoints: Vec<Endpoint>,
    /// What reports say of it.
    pub target: TargetInfo,
    /// The cases.
    pub catalog: Arc<Catalog>,
    /// The revisions to test; none means those that the server accepts.
    pub revisions: Option<Vec<Revision>>,
    /// Only trials whose name or case matches one of these globs; all if empty.
    pub select: Vec<String>,
    /// Which fixture to assume.
    pub fixture: Fixture,
    /// How many sessions run at once.
    pub jobs: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// Calls that the user allows: tool name and arguments.
    pub calls: Vec<(String, serde_json::Value)>,
    /// Whether tools annotated as read-only may be called.
    pub call_read_only: bool,
    /// Where to save transcripts.
    pub save_transcripts: Option<PathBuf>,
    /// The command line that repeats this run, secrets redacted. Reproduce lines put their selection behind its
    /// second word, the subcommand.
    pub arguments: Vec<String>,
}

/// How many sessions of each transport run at once unless the user says otherwise: enough that while some wait, others keep the
/// processors busy.
pub fn default_jobs() -> usize {
    6 * processors()
}

/// How many processors there are for us.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Which tools, resources and prompts a deeper case may rely on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fixture {
    /// The official one if its names are listed.
    #[default]
    Auto,
    /// None.
    None,
    /// The official one.
    Official,
}

/// Receives the events of a run, in order.
pub type Listener<'a> = &'a mut (dyn FnMut(&Event<'_>) + Send);

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The patterns select nothing.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Nothing could be started or reached.
    #[error(transparent)]
    Host(#[from] HostError),
    /// What was reached is no MCP server, or did not live to be one.
    #[error("{0}")]
    NoServer(String),
    /// The server speaks none of the revisions asked for.
    #[error("nothing to test: {0}")]
    NotSpoken(String),
    /// A transcript could not be saved.
    #[error("cannot save in {}: {source}", path.display())]
    Save {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Checks the target.
///
/// # Errors
/// Where nothing could be run at all. What a server does wrong, were it in its first message, is a finding.
pub async fn run(options: Options, listener: Listener<'_>) -> Result<RunReport, RunError> {
    let started = Instant::now();
    let selection = Selection::new(&options.select)?;
    setup::verify_selection(&selection, &options.catalog)?;
    listener(&Event::Started {
        target: &options.target,
    });
    let setup::Setup {
        bench,
        profile,
        warm,
        failed,
    } = setup::setup(&options).await?;
    let plan = plan::plan(&options.catalog, &profile, &selection);
    let expected = plan.trials() + RULES.len() * profile.offers.len();
    let mut collector = Collector {
        listener,
        ledger: RuleLedger::default(),
        trials: Vec::with_capacity(expected),
        round_trips: Vec::new(),
    };
    (collector.listener)(&Event::Planned {
        profile: &profile,
        trials: expected,
    });
    for trial in plan.left_out {
        collector.take_trial(trial);
    }
    let (results, mut judged) = mpsc::unbounded_channel();
    let work = session::run_groups(
        bench.clone(),
        plan.groups,
        warm,
        failed,
        options.jobs,
        results,
    );
    let collect = async {
        while let Some((revision, transport, session)) = judged.recv().await {
            collector.take(revision, transport, session);
        }
    };
    let (done, ()) = tokio::join!(work, collect);
    done?;
    Ok(collector.finish(&options, &selection, &profile, started, bench.starts()))
}

struct Collector<'a> {
    listener: Listener<'a>,
    ledger: RuleLedger,
    trials: Vec<TrialReport>,
    round_trips: Vec<(Transport, Histogram<u64>)>,
}

impl Collector<'_> {
    fn take_trial(&mut self, trial: TrialReport) {
        (self.listener)(&Event::Judged { trial: &trial });
        self.trials.push(trial);
    }

    fn take(&mut self, revision: Revision, transport: Transport, session: Judged) {
        self.ledger.add(revision, transport, session.rules);
        for trial in session.trials {
            self.take_trial(trial);
        }
        for micros in session.round_trips {
            self.record(transport, micros);
        }
    }

    fn record(&mut self, transport: Transport, micros: u64) {
        let known = self
            .round_trips
            .iter()
            .position(|(known, _)| *known == transport);
        let position = known.unwrap_or_else(|| {
            // Three digits over one microsecond to a minute: always a valid histogram.
            self.round_trips
                .extend(Histogram::new_with_bounds(1, 60_000_000, 3).map(|h| (transport, h)));
            self.round_trips.len().saturating_sub(1)
        });
        if let Some((_, histogram)) = self.round_trips.get_mut(position) {
            histogram.saturating_record(micros.max(1));
        }
    }

    fn finish(
        mut self,
        options: &Options,
        selection: &Selection,
        profile: &crate::profile::Profile,
        started: Instant,
        starts: usize,
    ) -> RunReport {
        for trial in std::mem::take(&mut self.ledger).trials() {
            if selection.matches(&trial.case, &trial.name()) {
                self.take_trial(trial);
            }
        }
        TrialReport::sort(&mut self.trials);
        let mut summary = Summary::of(&self.trials);
        summary.latency = self
            .round_trips
            .iter()
            .map(|(transport, histogram)| latency(*transport, histogram))
            .collect();
        summary.latency.sort_by_key(|latency| latency.transport);
        summary.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        summary.starts = starts;
        let report = RunReport::new(
            &options.catalog,
            options.target.clone(),
            profile.clone(),
            summary,
            self.trials,
        );
        (self.listener)(&Event::Finished { report: &report });
        report
    }
}

fn latency(transport: Transport, histogram: &Histogram<u64>) -> Latency {
    Latency {
        transport,
        count: histogram.len(),
        p50_us: histogram.value_at_quantile(0.5),
        p99_us: histogram.value_at_quantile(0.99),
    }
}
