//! One test per trial of the reference server, which does nothing wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anstream::adapter::strip_str;
use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::{Case, Catalog, Selection};
use mcp_conform::condition;
use mcp_conform::event::RunReport;
use mcp_conform::plan;
use mcp_conform::profile::Profile;
use mcp_conform::report::finding;
use mcp_conform::revision::Revision;
use mcp_conform::rule::RULES;
use mcp_conform::target::Endpoint;
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{TrialReport, Verdict, trial_name};

use crate::server::{self, Check};

/// The trials at the one modern revision.
const MODERN: &str = "*@2026-07-28+http";
/// Longer than any answer takes on a machine with other things to do.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many processes a check over all transports starts at most: 40 over stdio, and the servers of the others.
const MAX_STARTS: usize = 44;

/// The verdicts of one check, run when the first of them is asked for.
struct Verdicts {
    catalog: Arc<Catalog>,
    endpoints: Vec<Endpoint>,
    select: Vec<String>,
    outcome: OnceLock<Outcome>,
}

/// What came of it.
struct Outcome {
    trials: BTreeMap<String, TrialReport>,
    starts: usize,
}

/// The tests: what is not applicable is listed as ignored.
pub fn tests(catalog: &Arc<Catalog>) -> Vec<Trial> {
    let endpoints = Transport::ALL.map(|transport| server::endpoint(transport, &[]));
    let verdicts = Verdicts::new(catalog, endpoints.to_vec(), Vec::new());
    // A selection of next to nothing: only what the probe finds is of interest.
    let profile = verdicts.run(vec!["rule/opening".to_owned()]).profile;
    let plan = plan::plan(catalog, &profile, &Selection::default());
    let played = plan
        .groups
        .into_iter()
        .flat_map(|group| group.trials)
        .map(|trial| (trial.name(), false));
    let left_out = plan.left_out.into_iter().map(|trial| (trial.name(), true));
    let mut names: Vec<(String, bool)> = played.chain(left_out).collect();
    names.extend(rules(catalog, &profile).map(|name| (name, false)));
    names.sort();
    let test = |(name, ignored): (String, bool)| {
        let (verdicts, trial) = (Arc::clone(&verdicts), name.clone());
        Trial::test(name, move || verdicts.verify(&trial)).with_ignored_flag(ignored)
    };
    let tests = names.into_iter().map(test);
    let mut tests: Vec<Trial> = tests.chain(with_tokens(catalog)).collect();
    tests.push(Trial::test("starts", move || verdicts.verify_starts()));
    tests.extend(with_replicas(catalog));
    tests.extend(alone(catalog));
    tests
}

/// Each revision alone, over whichever of the endpoints carry it.
fn alone(catalog: &Arc<Catalog>) -> impl Iterator<Item = Trial> {
    Revision::ALL.into_iter().map(|revision| {
        let catalog = catalog.clone();
        let check = move || {
            let report = server::check(
                &catalog,
                Check {
                    endpoints: Transport::ALL
                        .map(|transport| server::endpoint(transport, &[]))
                        .to_vec(),
                    revisions: Some(vec![revision]),
                    select: vec![
                        "ping/*".to_owned(),
                        "tools/list".to_owned(),
                        "rule/opening".to_owned(),
                    ],
                    timeout: TIMEOUT,
                },
            );
            let report = report.map_err(|error| error.to_string())?;
            let over: BTreeSet<Transport> =
                report.trials.iter().map(|trial| trial.transport).collect();
            let carried = Transport::ALL
                .into_iter()
                .filter(|transport| transport.carries(revision));
            let wrong = report
                .trials
                .iter()
                .filter(|trial| trial.verdict == Verdict::Fail)
                .count();
            match wrong == 0 && over == carried.collect() {
                true => Ok(()),
                false => Err(Failed::from(format!("{wrong} failed, over {over:?}"))),
            }
        };
        Trial::test(format!("alone: {revision}"), check)
    })
}

/// Whatever is asked at a modern revision, of two processes in turn.
fn with_replicas(catalog: &Arc<Catalog>) -> impl Iterator<Item = Trial> {
    planned(
        catalog,
        "with replicas",
        &server::REPLICATED,
        vec![MODERN.to_owned()],
    )
}

/// The trials that apply only to a server that wants a token.
fn with_tokens(catalog: &Arc<Catalog>) -> impl Iterator<Item = Trial> {
    let wants_one = |case: &&Arc<Case>| case.needs.iter().any(|need| need == server::AUTHORIZATION);
    let cases = catalog.cases().iter().filter(wants_one);
    let select = cases.map(|case| case.id.to_string()).collect();
    planned(catalog, "with tokens", &server::WITH_TOKENS, select)
}

/// The trials of these cases with a server that is started with these flags.
fn planned(
    catalog: &Arc<Catalog>,
    name: &'static str,
    flags: &[&str],
    select: Vec<String>,
) -> impl Iterator<Item = Trial> {
    let endpoints = vec![server::endpoint(Transport::Http, flags)];
    let verdicts = Verdicts::new(catalog, endpoints, select.clone());
    let profile = verdicts.run(vec!["rule/opening".to_owned()]).profile;
    let plan = plan::plan(catalog, &profile, &Selection::new(&select).unwrap());
    let trials = plan.groups.into_iter().flat_map(|group| group.trials);
    trials.map(move |trial| {
        let verdicts = verdicts.clone();
        let trial = trial.name();
        Trial::test(format!("{name}: {trial}"), move || verdicts.verify(&trial))
    })
}

/// The trials of the rules that make sense for what the server offers.
fn rules(catalog: &Catalog, profile: &Profile) -> impl Iterator<Item = String> {
    profile.offers.iter().flat_map(move |offer| {
        let (revision, transport) = (offer.revision, offer.transport);
        let binds = move |id: &&str| {
            catalog.requirement(id).is_some_and(|requirement| {
                requirement.levels.contains_key(&revision)
                    && condition::unmet(&requirement.when, profile, revision, transport).is_none()
            })
        };
        RULES
            .iter()
            .filter(move |rule| (rule.applies)(revision, transport))
            .filter(move |rule| rule.requirements.iter().any(&binds))
            .map(move |rule| trial_name(&format!("rule/{}", rule.name), revision, transport))
    })
}

impl Verdicts {
    fn new(catalog: &Arc<Catalog>, endpoints: Vec<Endpoint>, select: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            catalog: catalog.clone(),
            endpoints,
            select,
            outcome: OnceLock::new(),
        })
    }

    fn run(&self, select: Vec<String>) -> RunReport {
        let check = Check {
            endpoints: self.endpoints.clone(),
            revisions: None,
            select,
            timeout: TIMEOUT,
        };
        server::check(&self.catalog, check).unwrap()
    }

    fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| {
            let report = self.run(self.select.clone());
            let trials = report.trials.into_iter();
            Outcome {
                trials: trials.map(|trial| (trial.name(), trial)).collect(),
                starts: report.summary.starts,
            }
        })
    }

    /// A server that takes a second to start must not be started for every case.
    fn verify_starts(&self) -> Result<(), Failed> {
        match self.outcome().starts {
            0..=MAX_STARTS => Ok(()),
            more => {
                Err(format!("{more} processes were started, at most {MAX_STARTS} should be").into())
            }
        }
    }

    fn verify(&self, name: &str) -> Result<(), Failed> {
        let trials = &self.outcome().trials;
        let trial = trials.get(name).ok_or("the run does not report it")?;
        match trial.verdict {
            Verdict::Pass | Verdict::NotApplicable => Ok(()),
            _ => Err(self.explain(trial).into()),
        }
    }

    fn explain(&self, trial: &TrialReport) -> String {
        let mut text = format!(
            "{} {}\n",
            trial.verdict,
            trial.reason.as_deref().unwrap_or("")
        );
        for found in &trial.findings {
            finding::finding(&mut text, found, trial.revision, &self.catalog);
        }
        strip_str(&text).to_string()
    }
}
