//! One test per trial of the reference server, which does nothing wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anstream::adapter::strip_str;
use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::{Catalog, Selection};
use mcp_conform::condition;
use mcp_conform::plan;
use mcp_conform::profile::Profile;
use mcp_conform::report::finding;
use mcp_conform::rule::RULES;
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{TrialReport, Verdict, trial_name};

use crate::server::{self, Check};

/// Longer than any answer takes on a machine with other things to do.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The verdicts of a whole check, run when the first of them is asked for.
struct Verdicts {
    catalog: Arc<Catalog>,
    trials: OnceLock<BTreeMap<String, TrialReport>>,
}

/// The tests: what is not applicable is listed as ignored.
pub fn tests(catalog: &Arc<Catalog>) -> Vec<Trial> {
    let verdicts = Arc::new(Verdicts {
        catalog: catalog.clone(),
        trials: OnceLock::new(),
    });
    // A selection of next to nothing: only what the probe finds is of interest.
    let profile = run(catalog, vec!["rule/opening".to_owned()]).profile;
    let plan = plan::plan(catalog, &profile, &Selection::default());
    let played = plan
        .groups
        .into_iter()
        .flat_map(|group| group.trials)
        .map(|trial| (trial.name, false));
    let left_out = plan.left_out.into_iter().map(|trial| (trial.name, true));
    let mut names: Vec<(String, bool)> = played.chain(left_out).collect();
    names.extend(rules(catalog, &profile).map(|name| (name, false)));
    names.sort();
    let test = |(name, ignored): (String, bool)| {
        let (verdicts, trial) = (verdicts.clone(), name.clone());
        Trial::test(name, move || verdicts.verify(&trial)).with_ignored_flag(ignored)
    };
    names.into_iter().map(test).collect()
}

fn run(catalog: &Arc<Catalog>, select: Vec<String>) -> mcp_conform::event::RunReport {
    let check = Check {
        endpoints: Transport::ALL
            .map(|transport| server::endpoint(transport, &[]))
            .to_vec(),
        revisions: None,
        select,
        timeout: TIMEOUT,
    };
    server::check(catalog, check).unwrap()
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
    fn verify(&self, name: &str) -> Result<(), Failed> {
        let trials = self.trials.get_or_init(|| {
            let trials = run(&self.catalog, Vec::new()).trials;
            trials
                .into_iter()
                .map(|trial| (trial.name.clone(), trial))
                .collect()
        });
        let trial = trials.get(name).ok_or("the run does not report it")?;
        match (trial.verdict, &trial.reason) {
            (Verdict::Pass | Verdict::NotApplicable, _) | (Verdict::NotObserved, Some(_)) => Ok(()),
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
