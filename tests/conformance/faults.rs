//! One test per fault of the reference server and case or rule that claims to catch it.
//!
//! It is caught only by a finding that cites the requirement that the fault breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::Catalog;
use mcp_conform::matrix::{self, Setting};
use mcp_conform::revision::Revision;
use mcp_conform::rule::RULES;
use mcp_conform::transport::Transport;
use mcp_conform::verdict::{Finding, TrialReport};
use mcp_reference_server::{Fault, Proof, faults};

use crate::server::{self, Check};

/// Some faults are a silence, which ends here.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Where a fault is looked for, one place after the other, until it is caught.
const PLACES: [(Revision, Transport); 10] = [
    (Revision::V2026_07_28, Transport::Stdio),
    (Revision::V2025_11_25, Transport::Stdio),
    (Revision::V2026_07_28, Transport::Http),
    (Revision::V2025_11_25, Transport::Http),
    (Revision::V2025_03_26, Transport::Stdio),
    (Revision::V2025_03_26, Transport::Http),
    (Revision::V2025_06_18, Transport::Stdio),
    (Revision::V2025_06_18, Transport::Http),
    (Revision::V2024_11_05, Transport::Stdio),
    (Revision::V2024_11_05, Transport::Sse),
];

/// Cases in which every rule finds something to look at.
const TOUR: [&str; 36] = [
    "authorization/metadata",
    "cancellation/call-that-asks",
    "completion/prompt-argument",
    "elicitation/page",
    "elicitation/request-form",
    "elicitation/user-declines",
    "http/notification-unknown",
    "http/session-terminated",
    "http/version-invalid-notification",
    "logging/message-form",
    "logging/not-carried-over",
    "logging/not-requested",
    "logging/requested-message-form",
    "malformed/not-json",
    "messages/unknown-notification",
    "mrtr/asks-in-rounds",
    "mrtr/asks-for-sampling",
    "ping/several-at-once",
    "progress/string-token",
    "resources/read-listed",
    "resources/updates-end-with-the-subscription",
    "resources/updates-need-a-subscription",
    "robust/several-errors",
    "sampling/input-request-tool-results",
    "sampling/request-form",
    "sampling/tool-results",
    "sse/reconnection",
    "subscriptions/ended-by-the-server",
    "subscriptions/first-of-two-is-told",
    "subscriptions/listen-for-tools",
    "subscriptions/nothing-without-listening",
    "subscriptions/notified-of-tools",
    "subscriptions/other-types-are-not-sent",
    "tasks/progress-names-the-task",
    "tools/call-unknown-tool",
    "tools/list",
];

/// The tests: the claims, and that none is missing or void.
pub fn tests(catalog: &Arc<Catalog>) -> Vec<Trial> {
    let claims = matrix::claims(catalog);
    let known = named(|_| true);
    let audible = named(|fault| fault.proof == Proof::Conversation);
    let claimed: BTreeSet<&str> = claims.keys().map(String::as_str).collect();
    let mut tests = vec![
        none("fault/each is claimed", &audible - &claimed),
        none("fault/each that is claimed exists", &claimed - &known),
        none(
            "fault/none is claimed that cannot be heard",
            &claimed & &(&known - &audible),
        ),
        none(
            "fault/each case and rule claims one",
            without_claim(catalog),
        ),
    ];
    for fault in faults() {
        let mut groups = BTreeMap::<&[&str], Vec<String>>::new();
        for claimant in claims.get(fault.name).into_iter().flatten() {
            let group = groups.entry(flags(catalog, claimant)).or_default();
            group.push(claimant.clone());
        }
        for (flags, claimants) in groups {
            let hunt = Arc::new(Hunt {
                catalog: catalog.clone(),
                fault,
                flags,
                claimants: claimants.clone(),
                outcome: OnceLock::new(),
            });
            tests.extend(claimants.into_iter().map(|claimant| {
                let hunt = hunt.clone();
                Trial::test(
                    format!("fault/{} is caught by {claimant}", fault.name),
                    move || hunt.verify(&claimant),
                )
            }));
        }
    }
    tests
}

/// The names of these faults.
fn named(wanted: impl Fn(&Fault) -> bool) -> BTreeSet<&'static str> {
    let wanted = faults().iter().filter(|fault| wanted(fault));
    wanted.map(|fault| fault.name).collect()
}

/// The cases and rules of which nothing shows that they can fail.
fn without_claim(catalog: &Catalog) -> BTreeSet<&str> {
    let cases = catalog.cases().iter().filter(|case| case.faults.is_empty());
    let rules = RULES.iter().filter(|rule| rule.faults.is_empty());
    cases
        .map(|case| case.id.as_str())
        .chain(rules.map(|rule| rule.name))
        .collect()
}

/// How the reference server must be started for a case to apply.
fn flags(catalog: &Catalog, claimant: &str) -> &'static [&'static str] {
    match Setting::of(catalog, claimant) {
        Setting::Replicas => &server::REPLICATED,
        Setting::Tokens => &server::WITH_TOKENS,
        Setting::ModernOnly => &["--era", "modern"],
        Setting::Static => &["--static"],
        Setting::Usual => &[],
    }
}

/// A test that fails with these names, if there are any.
fn none(name: &str, names: BTreeSet<&str>) -> Trial {
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Trial::test(name, move || match names.is_empty() {
        true => Ok(()),
        false => Err(format!("not so: {names}").into()),
    })
}

/// The search for a fault by all who claim it and need the same server, at once.
struct Hunt {
    catalog: Arc<Catalog>,
    fault: &'static Fault,
    /// How the server is started, apart from the fault.
    flags: &'static [&'static str],
    claimants: Vec<String>,
    outcome: OnceLock<BTreeMap<String, Vec<String>>>,
}

impl Hunt {
    fn verify(&self, claimant: &str) -> Result<(), Failed> {
        match self.outcome.get_or_init(|| self.run()).get(claimant) {
            None => Ok(()),
            Some(seen) => Err(format!(
                "no finding cites {} although {}; seen instead:\n{}",
                self.fault.requirement,
                self.fault.explanation,
                seen.join("\n")
            )
            .into()),
        }
    }

    /// Those who did not catch it, and what they saw instead.
    fn run(&self) -> BTreeMap<String, Vec<String>> {
        let mut missed: BTreeMap<String, Vec<String>> = self
            .claimants
            .iter()
            .map(|claimant| (claimant.clone(), Vec::new()))
            .collect();
        for (revision, transport) in PLACES {
            let select = self.select(&missed, revision, transport);
            if select.is_empty() {
                continue;
            }
            let flags = [self.flags, &["--fault", self.fault.name]].concat();
            let modern_only = self.flags.contains(&"modern");
            let check = Check {
                endpoints: vec![server::endpoint(transport, &flags)],
                revisions: Some(match modern_only {
                    true => vec![revision, Revision::V2025_11_25],
                    false => vec![revision],
                }),
                select,
                timeout: TIMEOUT,
            };
            match server::check(&self.catalog, check) {
                Ok(report) => report
                    .trials
                    .iter()
                    .for_each(|trial| self.take(trial, &mut missed)),
                Err(error) => missed
                    .values_mut()
                    .for_each(|seen| seen.push(format!("{revision}+{transport}: {error}"))),
            }
            if missed.is_empty() {
                break;
            }
        }
        missed
    }

    fn take(&self, trial: &TrialReport, missed: &mut BTreeMap<String, Vec<String>>) {
        let cites = |finding: &Finding| finding.requirement == self.fault.requirement;
        if trial.findings.iter().any(cites) {
            missed.remove(&trial.case);
        } else if let Some(seen) = missed.get_mut(&trial.case) {
            let findings = trial
                .findings
                .iter()
                .map(|finding| format!("\n    {}: {}", finding.requirement, finding.message));
            seen.push(format!(
                "{}: {}{}{}",
                trial.name,
                trial.verdict,
                trial
                    .reason
                    .as_ref()
                    .map_or_else(String::new, |reason| format!(" ({reason})")),
                findings.collect::<String>()
            ));
        }
    }

    /// What is played at this place: the claimants that run there, and for rules something to look at.
    fn select(
        &self,
        missed: &BTreeMap<String, Vec<String>>,
        revision: Revision,
        transport: Transport,
    ) -> Vec<String> {
        let binds = self
            .catalog
            .requirement(self.fault.requirement)
            .is_some_and(|requirement| requirement.levels.contains_key(&revision));
        if !binds {
            return Vec::new();
        }
        let rules: Vec<String> = RULES
            .iter()
            .filter(|rule| (rule.applies)(revision, transport))
            .map(|rule| format!("rule/{}", rule.name))
            .filter(|rule| missed.contains_key(rule))
            .collect();
        let cases = self.catalog.cases().iter().filter(|case| {
            let shows = self.claimants.contains(&case.id) || TOUR.contains(&case.id.as_str());
            let plays = missed.contains_key(&case.id) || (!rules.is_empty() && shows);
            let over = case.transports.as_ref();
            plays
                && case.revisions.contains(revision)
                && over.is_none_or(|over| over.contains(&transport))
        });
        cases
            .map(|case| case.id.clone())
            .chain(rules.clone())
            .collect()
    }
}
