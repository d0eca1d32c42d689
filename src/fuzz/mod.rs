//! Fuzzing: inputs of many kinds, in windows, until something is wrong; then the smallest input that does it again.
//!
//! [`generate`] makes inputs from a seed, [`place`] sends them in sessions of the same kind as the cases have,
//! [`oracle`] says what is wrong (without I/O), [`hunt`] repeats it and makes it smaller, [`campaign`] goes on.

mod accepted;
mod callable;
mod callers;
mod campaign;
pub(crate) mod dice;
mod earlier;
pub mod generate;
mod hunt;
mod input;
mod internals;
mod judged;
mod ledger;
mod lost;
mod memory;
mod oracle;
mod place;
mod replied;
mod report;
mod save;
mod schema;
mod shrink;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::event::RunReport;
use crate::profile::{Offer, Profile};
use crate::revision::{Era, Revision};
use crate::run::{self, RunError};
use crate::transcript::{Entry, FORMAT, Header, StepRef};
use crate::transport::Transport;
use crate::verdict::{Finding, TrialReport, Tries, Verdict};

pub(crate) use callable::HARMLESS;
use campaign::{Campaign, Limit};
use generate::Inputs;
pub use input::Input;
pub use judged::judged;
pub use memory::MAX_GROWTH;
pub use oracle::Oracle;
use place::Place;
pub use save::{Given, ReplayError, read_cases, verify_folder};
pub use schema::{Broken, Schema};

/// What to fuzz, and how long.
pub struct Options {
    /// What to reach, and what is allowed there; its selection is not used.
    pub run: run::Options,
    /// How long in all.
    pub time: Duration,
    /// How many inputs in all.
    pub inputs: u64,
    /// What the inputs depend on.
    pub seed: u64,
    /// By how many MiB a process may grow before it is ended, and told.
    pub max_growth: u64,
    /// Where findings are saved as cases.
    pub save: PathBuf,
    /// Only these inputs, instead of generated ones.
    pub replay: Option<Vec<Given>>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Inputs tried in this place.
    pub inputs: u64,
    /// How many in a second.
    pub per_second: f64,
    /// Findings there.
    pub findings: usize,
}

/// How sure something is that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It happens again.
    Repeated,
    /// The time was up before it was tried with all patience.
    Unverified,
    /// It did not happen again.
    Once,
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What says that it is wrong.
    pub oracle: Oracle,
    /// What is wrong.
    pub finding: Finding,
    /// The inputs as they came.
    pub input: Vec<Input>,
    /// The smallest that do the same.
    pub shrunk: Vec<Input>,
    /// How often it was seen.
    pub seen: u64,
    /// The input among the smallest and the message in it that is to blame, if one is.
    pub blamed: Option<StepRef>,
    /// What kind of request that is.
    pub subject: Option<String>,
    /// How sure it is.
    pub certainty: Certainty,
    /// How often the smallest did it, if not each time.
    pub tries: Option<Tries>,
    /// What crossed the wire when the smallest did it.
    pub entries: Vec<Entry>,
    /// The id of the case that was saved.
    pub saved: Option<String>,
    /// Where its transcript is.
    pub transcript: Option<PathBuf>,
    /// The revision spoken.
    pub revision: Revision,
    /// The transport used.
    pub transport: Transport,
}

/// Who wants to know how far it is: in which place, and how far there.
pub type Watcher<'a> = &'a (dyn Fn(&str, Progress) + Sync);

/// Fuzzes every place that the target offers: the newest revision of each era over each transport, unless others are
/// asked for. `stop` ends it early, with what was found until then.
///
/// # Errors
/// Where nothing could be reached.
pub async fn run(
    options: Options,
    mut stop: watch::Receiver<bool>,
    watcher: Watcher<'_>,
) -> Result<RunReport, RunError> {
    let started = Instant::now();
    let setup = tokio::select! {
        setup = run::setup::setup(&options.run) => setup?,
        _ = stop.changed() => {
            return Err(RunError::NoServer("interrupted before anything was tried".to_owned()));
        }
    };
    let given = options.replay.as_deref().unwrap_or_default();
    let places = places(&setup.profile, options.run.revisions.as_deref(), given);
    let probed = setup.warm.into_iter().chain(setup.failed);
    if places.is_empty() {
        return Err(setup.bench.unopened(probed).await);
    }
    for session in probed {
        drop(session.close().await);
    }
    let trials = skipped(given, &places, &setup.profile);
    let mut tallies = Vec::new();
    let mut done = 0;
    for (number, offer) in places.iter().enumerate() {
        let (revision, transport) = (offer.revision, offer.transport);
        let Some(place) = place(&setup.bench, &setup.profile, &options, revision, transport) else {
            continue;
        };
        let inputs = match &options.replay {
            Some(given) => {
                let can_be_tried = |given: &&Given| {
                    let unmet = given.unmet(&setup.profile, revision, transport);
                    given.holds(revision, transport) && unmet.is_none()
                };
                let here = given.iter().filter(can_be_tried);
                let here: Vec<Input> = here.map(|given| given.input.clone()).collect();
                // Nothing was tried there, so nothing passes.
                if here.is_empty() {
                    continue;
                }
                Inputs::given(here)
            }
            None => Inputs::new(
                Arc::new(callable::words(&setup.profile, offer)),
                options.seed,
            ),
        };
        // What is left is shared by the places that are left.
        let left = places.len() - number;
        let time = options.time.saturating_sub(started.elapsed());
        let limit = Limit {
            inputs: match inputs.given_count() {
                Some(count) => count as u64,
                None => options.inputs.saturating_sub(done) / left as u64,
            },
            until: Instant::now() + time / u32::try_from(left).unwrap_or(1),
        };
        let name = format!("{revision}+{transport}");
        let tally = Campaign::new(&place, inputs)
            .run(limit, &options.save, &mut stop, &|progress| {
                watcher(&name, progress)
            })
            .await;
        done += tally.inputs;
        tallies.push((revision, transport, tally));
        if *stop.borrow() {
            break;
        }
    }
    for host in &setup.bench.hosts {
        host.stop().await;
    }
    Ok(report::report(
        &options,
        &setup.profile,
        &setup.bench,
        tallies,
        trials,
        started,
    ))
}

/// The newest revision of each era over each transport, or what is asked for; and whatever else something given is for.
fn places<'a>(profile: &'a Profile, asked: Option<&[Revision]>, given: &[Given]) -> Vec<&'a Offer> {
    let open = || profile.offers.iter().filter(|offer| !offer.is_closed());
    let is_newest = |offer: &Offer| {
        open()
            .filter(|other| {
                other.transport == offer.transport && other.revision.era() == offer.revision.era()
            })
            .all(|other| other.revision <= offer.revision)
    };
    let holds = |given: &Given, offer: &Offer| given.holds(offer.revision, offer.transport);
    let elsewhere: Vec<&Given> = (given.iter())
        .filter(|given| !open().any(|offer| is_newest(offer) && holds(given, offer)))
        .collect();
    let wanted = |offer: &&Offer| match asked {
        Some(asked) => asked.contains(&offer.revision),
        None => is_newest(offer) || elsewhere.iter().any(|given| holds(given, offer)),
    };
    open().filter(wanted).collect()
}

/// What is given and is for none of these places, or needs credentials that are not given.
fn skipped(given: &[Given], places: &[&Offer], profile: &Profile) -> Vec<TrialReport> {
    let Some(first) = places.first() else {
        return Vec::new();
    };
    let names: Vec<String> = places
        .iter()
        .map(|offer| format!("{}+{}", offer.revision, offer.transport))
        .collect();
    let reason = |given: &Given| {
        let mut here = places
            .iter()
            .filter(|offer| given.holds(offer.revision, offer.transport))
            .map(|offer| given.unmet(profile, offer.revision, offer.transport))
            .peekable();
        match here.peek() {
            None => Some(format!(
                "it is for {}, and what was tried is {}",
                given.places(),
                names.join(", ")
            )),
            Some(_) => here.collect::<Option<Vec<_>>>()?.into_iter().next(),
        }
    };
    let skip = |given: &Given| {
        Some(TrialReport {
            case: given.case.clone(),
            revision: first.revision,
            transport: first.transport,
            verdict: Verdict::NotApplicable,
            duration_ms: 0.0,
            reason: Some(format!("skipped: {}", reason(given)?)),
            findings: Vec::new(),
        })
    };
    given.iter().filter_map(skip).collect()
}

fn place(
    bench: &Arc<run::session::Bench>,
    profile: &Arc<Profile>,
    options: &Options,
    revision: Revision,
    transport: Transport,
) -> Option<Place> {
    let client = client(revision);
    let spec = bench.spec(revision, transport, client.clone())?;
    Some(Place {
        header: Header {
            format: FORMAT.to_owned(),
            session: format!("{revision}+{transport}.fuzz"),
            revision,
            transport,
            client: client.into(),
            superseded: Vec::new(),
            profile: profile.clone(),
            catalog: options.run.catalog.hash.clone(),
            select: Vec::new(),
            command_line: Arc::new(options.run.arguments.clone()),
        },
        catalog: options.run.catalog.clone(),
        spec,
        max_growth: options.max_growth,
        is_silent: AtomicBool::new(false),
        is_slow: AtomicBool::new(false),
        round_trip: AtomicU64::new(u64::MAX),
    })
}

/// What a client declares where it does so once: all that a server may ask, so that it asks. Where each request declares
/// what it needs, the inputs do.
fn client(revision: Revision) -> Map<String, Value> {
    let asks = ["elicitation", "roots", "sampling"];
    let declared = asks.into_iter().filter(|_| revision.era() == Era::Legacy);
    declared.map(|name| (name.to_owned(), json!({}))).collect()
}
