//! Which trials are played, in which sessions, and why the others are not.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::{Case, Catalog, Selection, SessionKind};
use crate::condition;
use crate::profile::Profile;
use crate::revision::{Era, Revision};
use crate::transport::Transport;
use crate::verdict::{TrialReport, Verdict, trial_name};

/// What the trials of a session weigh together at most.
const MAX_WEIGHT: usize = 180;
/// What a trial weighs that waits, where one weighs 1 that is a question and its answer.
const WAIT: usize = 10;

/// A trial to be played.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its case.
    pub case: Arc<Case>,
    revision: Revision,
    transport: Transport,
}

impl Trial {
    /// Its name. Made when it is needed: all trials are planned before the first is played.
    pub fn name(&self) -> String {
        trial_name(&self.case.id, self.revision, self.transport)
    }

    fn weight(&self) -> usize {
        if self.case.waits() { WAIT } else { 1 }
    }
}

/// Trials that share a session, or one that has its own.
#[derive(Debug, Clone)]
pub struct Group {
    /// The revision.
    pub revision: Revision,
    /// The transport.
    pub transport: Transport,
    /// The client capabilities declared.
    pub client: Map<String, Value>,
    /// How the session begins.
    pub session: SessionKind,
    /// The trials, harmless ones first.
    pub trials: Vec<Trial>,
}

/// What will be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is played.
    pub groups: Vec<Group>,
    /// What is not, with its reason.
    pub left_out: Vec<TrialReport>,
}

impl Plan {
    /// How many trials there are in all.
    pub fn trials(&self) -> usize {
        self.left_out.len()
            + self
                .groups
                .iter()
                .map(|group| group.trials.len())
                .sum::<usize>()
    }
}

/// Plans every selected case at each revision and transport that the server speaks.
pub fn plan(catalog: &Catalog, profile: &Profile, selection: &Selection) -> Plan {
    let cases = catalog.cases();
    let mut plan = Plan::default();
    for offer in &profile.offers {
        let (revision, transport) = (offer.revision, offer.transport);
        for case in cases
            .iter()
            .filter(|case| runs(case, revision, transport, profile))
        {
            let name = trial_name(&case.id, revision, transport);
            if !selection.matches(&case.id, &name) {
                continue;
            }
            let blocked = offer.is_closed().then(|| {
                format!(
                    "blocked by {}",
                    trial_name("rule/opening", revision, transport)
                )
            });
            let unmet = || condition::unmet(&case.needs, profile, revision, transport);
            match blocked.or_else(unmet) {
                Some(reason) => plan
                    .left_out
                    .push(left_out(case, revision, transport, reason)),
                None => plan.put(Trial {
                    case: case.clone(),
                    revision,
                    transport,
                }),
            }
        }
    }
    plan.groups = plan.groups.into_iter().flat_map(portions).collect();
    // The longest first, so that none is left running alone at the end. A client that can do something is one who waits
    // for tasks and is asked questions: that takes longer than many requests which are answered at once.
    plan.groups
        .sort_by_key(|group| (group.client.is_empty(), Reverse(group.trials.len())));
    plan
}

/// A large group in several: they are played side by side, and no transcript grows with the catalog. Each begins with
/// something harmless: what is hostile may be the first message from which a server of both eras sees what is spoken. Those
/// that wait come after others, whose late messages they see.
fn portions(mut group: Group) -> Vec<Group> {
    let mut trials = std::mem::take(&mut group.trials);
    trials.sort_by_key(|trial| (trial.case.is_hostile(), trial.weight()));
    let weight: usize = trials.iter().map(Trial::weight).sum();
    let count = weight.div_ceil(MAX_WEIGHT);
    let portion = |first| Group {
        trials: trials.iter().skip(first).step_by(count).cloned().collect(),
        ..group.clone()
    };
    (0..count).map(portion).collect()
}

/// The report of a trial that is not played.
pub fn left_out(
    case: &Case,
    revision: Revision,
    transport: Transport,
    reason: String,
) -> TrialReport {
    TrialReport {
        case: case.id.clone(),
        revision,
        transport,
        verdict: Verdict::NotApplicable,
        duration_ms: 0.0,
        reason: Some(reason),
        findings: Vec::new(),
    }
}

fn runs(case: &Case, revision: Revision, transport: Transport, profile: &Profile) -> bool {
    if !case.is_over(transport) || !case.revisions.contains(revision) {
        return false;
    }
    let newer = |other: Revision| {
        other > revision && other.era() == revision.era() && case.revisions.contains(other)
    };
    let newest = !profile
        .offers
        .iter()
        .any(|offer| offer.transport == transport && newer(offer.revision));
    !case.once || newest
}

impl Plan {
    fn put(&mut self, trial: Trial) {
        let (revision, transport) = (trial.revision, trial.transport);
        let session = match (trial.case.session, revision.era()) {
            // Without a handshake there is nothing to leave out: every session is open, and a request carries its own
            // capabilities. A case of its own still gets a connection of its own.
            (SessionKind::Unopened, Era::Modern) => SessionKind::Fresh,
            (session, _) => session,
        };
        let client = trial.case.client.clone();
        let shares = |group: &&mut Group| {
            session == SessionKind::Shared
                && group.session == session
                && (group.revision, group.transport) == (revision, transport)
                && group.client == client
        };
        match self.groups.iter_mut().find(shares) {
            Some(group) => group.trials.push(trial),
            None => self.groups.push(Group {
                revision,
                transport,
                client,
                session,
                trials: vec![trial],
            }),
        }
    }
}

/// The names that steps may use without having saved them: see cases/README.md.
pub fn vars(
    profile: &Profile,
    revision: Revision,
    transport: Transport,
) -> BTreeMap<String, Value> {
    let mut vars = BTreeMap::new();
    vars.insert("revision".to_owned(), json!(revision.as_str()));
    let Some(offer) = profile.offer(revision, transport) else {
        return vars;
    };
    if let Some((tool, arguments)) = condition::allowed_call(profile, offer) {
        vars.insert("tool".to_owned(), Value::String(tool));
        vars.insert("arguments".to_owned(), arguments);
    }
    if let Some(uri) = offer
        .resources
        .first()
        .and_then(|resource| resource.get("uri"))
    {
        vars.insert("resource".to_owned(), uri.clone());
    }
    if let Some(prompt) = condition::simple_prompt(offer) {
        vars.insert("prompt".to_owned(), Value::String(prompt.to_owned()));
    }
    vars
}
