//! The tests: what is compared, and where.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::Catalog;
use mcp_conform::revision::{Era, Revision};
use mcp_conform::target::{CommandLine, Endpoint, HttpEndpoint};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{TrialReport, Verdict};

use crate::difference::{Difference, Differences};
use crate::relay::MARK;
use crate::server::{self, Check};

/// Longer than any answer takes on a machine with other things to do.
pub const TIMEOUT: Duration = Duration::from_secs(20);
/// Fewer trials that pass than this in one place show nothing.
const ENOUGH: usize = 100;

/// Differences that are played together: if nothing changes, none of them matters. If something does, each is played
/// alone.
const COMPANIES: [(&[Difference], &[Place]); 6] = {
    use Difference::*;
    const SAID: &[Difference] = &[
        ReorderedKeys,
        ExtraMembers,
        OtherWording,
        WhiteSpace,
        EscapedText,
        ByteWise,
        OtherHeaders,
        ConnectionClose,
    ];
    [
        (
            &[
                ReorderedKeys,
                ExtraMembers,
                OtherWording,
                WhiteSpace,
                EscapedText,
                ByteWise,
                ChattyStderr,
            ],
            &[STDIO, OLDER_STDIO],
        ),
        (&[CrLf, Slow, LateStart, UnknownNotifications], &[STDIO]),
        (&[OutOfOrder, LateUpdates], &[STDIO]),
        (SAID, &[HTTP, OLDER_HTTP, SSE]),
        (
            &[
                CrLf,
                Slow,
                LateStart,
                UnknownNotifications,
                AnswersAsStreams,
                ChattyStderr,
            ],
            &[HTTP, SSE],
        ),
        (&[OutOfOrder, EventDress, AnswersAsJson], &[HTTP, SSE]),
    ]
};

/// A transport, and the revisions that are spoken over it.
type Place = (Transport, &'static [Revision]);

const STDIO: Place = (Transport::Stdio, NEWEST);
const HTTP: Place = (Transport::Http, NEWEST);
const SSE: Place = (Transport::Sse, &[Revision::V2024_11_05]);
const OLDER_STDIO: Place = (Transport::Stdio, &[Revision::V2024_11_05]);
const OLDER_HTTP: Place = (Transport::Http, &[Revision::V2025_03_26]);
/// The newest of each era.
const NEWEST: &[Revision] = &[Revision::V2025_11_25, Revision::V2026_07_28];

/// Every test.
pub fn all() -> Vec<Trial> {
    let runs = Runs {
        catalog: Arc::new(Catalog::builtin().unwrap()),
        known: Arc::default(),
    };
    let mut tests = crate::content::tests();
    tests.extend(crate::fair::all());
    for (company, places) in COMPANIES {
        for (place, difference) in places
            .iter()
            .flat_map(|place| company.iter().map(move |d| (*place, *d)))
        {
            if !concerns(difference, place.0) {
                continue;
            }
            for era in [Era::Legacy, Era::Modern] {
                let Some(revision) = place.1.iter().find(|revision| revision.era() == era) else {
                    continue;
                };
                let (runs, revision) = (runs.clone(), *revision);
                let name = format!("{}@{revision}+{}", difference.name(), place.0);
                let test = Trial::test(name, move || {
                    runs.verify(company, difference, place, revision)
                });
                // Each plays the whole catalog: `cargo test --test harmless -- --ignored`.
                tests.push(test.with_ignored_flag(true));
            }
        }
    }
    tests
}

/// Whether a difference makes one over a transport.
fn concerns(difference: Difference, transport: Transport) -> bool {
    transport != Transport::Sse
        || !matches!(
            difference,
            Difference::AnswersAsStreams | Difference::AnswersAsJson
        )
}

/// The trials of a run by name.
type Trials = BTreeMap<String, TrialReport>;

/// A run that is made when the first of the tests asks for it.
type Run = Arc<OnceLock<Arc<Trials>>>;

/// The runs that were made, each once.
#[derive(Clone)]
struct Runs {
    catalog: Arc<Catalog>,
    known: Arc<Mutex<BTreeMap<(Differences, Place), Run>>>,
}

impl Runs {
    fn verify(
        &self,
        company: &[Difference],
        difference: Difference,
        place: Place,
        revision: Revision,
    ) -> Result<(), Failed> {
        let plain = self.run(Differences::default(), place);
        let here = |trial: &&TrialReport| trial.revision == revision;
        let passed = plain
            .values()
            .filter(here)
            .filter(|trial| trial.verdict == Verdict::Pass);
        if passed.count() < ENOUGH {
            return Err("too few trials pass anyhow".into());
        }
        let changes = |played: &[Difference]| {
            let played = Differences::of(played);
            let other = self.run(played.clone(), place);
            changes(&played, &plain, &other, revision)
        };
        let mut changed = changes(company);
        // Who is to blame is one that makes a change alone; if there is none, it takes several.
        let alone = |other: &Difference| !changes(&[*other]).is_empty();
        if !changed.is_empty() && company.iter().any(alone) {
            changed = changes(&[difference]);
        }
        match changed.is_empty() {
            true => Ok(()),
            false => Err(changed.join("\n").into()),
        }
    }

    fn run(&self, played: Differences, place: Place) -> Arc<Trials> {
        let key = (played.clone(), place);
        let run = self.known.lock().unwrap().entry(key).or_default().clone();
        let trials = || {
            let check = Check {
                endpoints: vec![through(&played, server::endpoint(place.0, &[]))],
                revisions: Some(place.1.to_vec()),
                select: Vec::new(),
                timeout: TIMEOUT,
            };
            let report = server::check(&self.catalog, check).unwrap();
            let trials = report.trials.into_iter();
            Arc::new(trials.map(|trial| (trial.name(), trial)).collect())
        };
        run.get_or_init(trials).clone()
    }
}

/// The endpoint with the relay in front of it.
fn through(played: &Differences, endpoint: Endpoint) -> Endpoint {
    if *played == Differences::default() {
        return endpoint;
    }
    let itself = std::env::current_exe().unwrap().display().to_string();
    let relayed = |server: CommandLine, place: &[&str]| {
        let relay = [&itself, MARK, &played.to_string()].map(str::to_owned);
        let place = place.iter().chain(&["--"]).map(|word| (*word).to_owned());
        let words = server
            .words
            .iter()
            .map(|word| word.replace("{port}", "{inner}"));
        CommandLine {
            words: relay.into_iter().chain(place).chain(words).collect(),
            ..server
        }
    };
    match endpoint {
        Endpoint::Stdio(command) => Endpoint::Stdio(relayed(command, &["stdio"])),
        Endpoint::Http(http) => Endpoint::Http(HttpEndpoint {
            command: http
                .command
                .map(|command| relayed(command, &["http", "{port}"])),
            ..http
        }),
    }
}

/// The trials whose verdicts are not those of the plain run.
fn changes(
    played: &Differences,
    plain: &Trials,
    other: &Trials,
    revision: Revision,
) -> Vec<String> {
    let names = plain
        .keys()
        .chain(other.keys().filter(|name| !plain.contains_key(*name)));
    names
        .filter_map(|name| match (plain.get(name), other.get(name)) {
            (Some(before), Some(after)) if before.revision == revision => {
                let same = before.verdict == after.verdict || is_allowed(played, before, after);
                (!same).then(|| format!("{name}: {} became {}", before.verdict, explain(after)))
            }
            (Some(before), None) if before.revision == revision => {
                Some(format!("{name}: is missing"))
            }
            (None, Some(after)) if after.revision == revision => Some(format!("{name}: is new")),
            _ => None,
        })
        .collect()
}

/// Where answers come in another way, rules about that way may have nothing to see, or something.
fn is_allowed(played: &Differences, before: &TrialReport, after: &TrialReport) -> bool {
    let neutral = [Verdict::Pass, Verdict::NotObserved];
    let ways = [Difference::AnswersAsJson, Difference::AnswersAsStreams];
    ways.iter().any(|way| played.has(*way))
        && before.case.starts_with("rule/")
        && neutral.contains(&before.verdict)
        && neutral.contains(&after.verdict)
}

/// What is said of a trial.
pub fn explain(trial: &TrialReport) -> String {
    let mut text = trial.verdict.to_string();
    text.extend(trial.reason.iter().map(|reason| format!(" ({reason})")));
    for finding in &trial.findings {
        text.push_str(&format!(
            "\n    {}: {}; expected {}, got {}",
            finding.requirement, finding.message, finding.expected, finding.actual
        ));
        for entry in &finding.entries {
            text.push_str(&format!(
                "\n        {:?} {}",
                entry.direction, entry.excerpt
            ));
        }
    }
    text
}
