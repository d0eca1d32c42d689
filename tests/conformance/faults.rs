//! One test per fault of the reference server and case or rule that claims to catch it.
//!
//! It is caught only by a finding that cites the requirement that the fault breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::Catalog;
use mcp_conform::matrix::{self, Options, Play, Row, Setting};
use mcp_conform::revision::Revision;
use mcp_conform::rule::RULES;
use mcp_conform::transport::Transport;
use mcp_reference_server::{Fault, Proof, faults};

use crate::server;

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
const TOUR: [&str; 37] = [
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
    "tasks/status-names-the-task-once",
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
        let mut groups = BTreeMap::<Setting, Vec<String>>::new();
        for claimant in claims.get(fault.name).into_iter().flatten() {
            let group = groups.entry(Setting::of(catalog, claimant)).or_default();
            group.push(claimant.clone());
        }
        for (setting, claimants) in groups {
            let hunt = Arc::new(Hunt {
                catalog: catalog.clone(),
                fault,
                setting,
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
        .map(|case| &*case.id)
        .chain(rules.map(|rule| rule.name))
        .collect()
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
    setting: Setting,
    claimants: Vec<String>,
    outcome: OnceLock<Row>,
}

impl Hunt {
    fn verify(&self, claimant: &str) -> Result<(), Failed> {
        let row = self.outcome.get_or_init(|| self.run());
        match row.missed_by.get(claimant) {
            None => Ok(()),
            Some(seen) => Err(format!(
                "no finding cites {} although {}; seen instead:\n{}",
                self.fault.requirement,
                self.fault.explanation,
                [&seen[..], &row.errors].concat().join("\n")
            )
            .into()),
        }
    }

    fn run(&self) -> Row {
        let options = Options {
            program: server::PROGRAM.into(),
            catalog: self.catalog.clone(),
            faults: vec![self.fault],
            jobs: 1,
            timeout: TIMEOUT,
        };
        let mut row = Row::new(self.fault, &self.claimants);
        for (revision, transport) in PLACES {
            let play = Play {
                setting: self.setting,
                transport,
                revisions: vec![revision],
                fault: Some(self.fault.name),
                select: self.select(&row, revision, transport),
            };
            if !play.select.is_empty() {
                row.take(server::wait(play.run(&options)));
            }
            if row.missed_by.is_empty() {
                break;
            }
        }
        row
    }

    /// What is played at this place: the claimants that run there, and for rules something to look at.
    fn select(&self, row: &Row, revision: Revision, transport: Transport) -> Vec<String> {
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
            .filter(|rule| row.missed_by.contains_key(rule))
            .collect();
        let cases = self.catalog.cases().iter().filter(|case| {
            let shows =
                self.claimants.iter().any(|name| **name == *case.id) || TOUR.contains(&&*case.id);
            let plays = row.missed_by.contains_key(&*case.id) || (!rules.is_empty() && shows);
            plays && case.revisions.contains(revision) && case.is_over(transport)
        });
        cases
            .map(|case| case.id.to_string())
            .chain(rules.clone())
            .collect()
    }
}
