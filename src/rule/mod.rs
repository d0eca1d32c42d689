//! Always-on rules: checks of every session, whatever is tested in it.
//!
//! A rule folds over a whole session and names the entries where it found something. One rule a file, one line each in
//! [`RULES`].

mod accepted;
mod buffering;
mod cache_hints;
mod channel;
mod completed_pages;
mod completions;
mod content_type;
mod declared_only;
mod envelope;
mod error_codes;
mod event_ids;
mod get_stream;
mod icons;
mod input_required;
mod later_methods;
mod listen_streams;
mod log_messages;
mod look;
mod meta_keys;
mod mirrored_headers;
mod no_batches;
mod no_server_requests;
mod notification_capabilities;
mod notification_unanswered;
mod only_messages;
mod opening;
mod priming;
mod progress;
mod quiet_before_initialized;
mod resource_metadata;
mod resource_updates;
mod response_ids;
mod result_type;
mod sampling_results;
mod server_cancellations;
mod server_info;
mod server_request_ids;
mod session_id;
mod session_survives;
mod sse_data;
mod sse_messages;
mod stream;
mod stream_ends;
mod subscriptions;
mod task_states;
#[cfg(test)]
pub(crate) mod testing;
mod utf8;
mod wire_schema;

use std::collections::HashSet;

use serde_json::Value;

use crate::judge::Session;
use crate::judge::evidence::{self, Violation};
use crate::profile::Offer;
use crate::revision::Revision;
use crate::transport::Transport;
use crate::verdict::{Finding, Verdict};

/// One always-on check.
pub struct Rule {
    /// Kebab name; its trials are called `rule/NAME`.
    pub name: &'static str,
    /// One sentence that is true of a conforming server.
    pub title: &'static str,
    /// Why a client cares.
    pub why: &'static str,
    /// The requirements that its findings cite.
    pub requirements: &'static [&'static str],
    /// The faults of the reference server that it catches.
    pub faults: &'static [&'static str],
    /// Where it makes sense.
    pub applies: fn(Revision, Transport) -> bool,
    /// Looks at a session.
    pub check: fn(&Session<'_>, &mut Sight),
}

/// Every rule.
pub static RULES: &[Rule] = &[
    opening::RULE,
    session_survives::RULE,
    only_messages::RULE,
    utf8::RULE,
    no_batches::RULE,
    envelope::RULE,
    wire_schema::RULE,
    response_ids::RULE,
    notification_unanswered::RULE,
    server_request_ids::RULE,
    server_cancellations::RULE,
    no_server_requests::RULE,
    later_methods::RULE,
    declared_only::RULE,
    input_required::RULE,
    quiet_before_initialized::RULE,
    notification_capabilities::RULE,
    progress::RULE,
    log_messages::RULE,
    resource_updates::RULE,
    completed_pages::RULE,
    completions::RULE,
    sampling_results::RULE,
    task_states::RULE,
    subscriptions::RULE,
    listen_streams::RULE,
    result_type::RULE,
    server_info::RULE,
    error_codes::RULE,
    cache_hints::RULE,
    meta_keys::RULE,
    icons::RULE,
    mirrored_headers::RULE,
    content_type::RULE,
    accepted::RULE,
    session_id::RULE,
    stream_ends::RULE,
    get_stream::RULE,
    resource_metadata::RULE,
    buffering::RULE,
    sse_data::RULE,
    sse_messages::RULE,
    event_ids::RULE,
    priming::RULE,
];

/// What a rule saw in a session.
#[derive(Debug, Default)]
pub struct Sight {
    observed: bool,
    violations: Vec<Violation>,
}

impl Sight {
    /// Something that the rule is about was there.
    pub fn observe(&mut self) {
        self.observed = true;
    }

    /// Something is wrong, as this entry shows.
    pub fn violation(
        &mut self,
        requirement: &str,
        entries: &[usize],
        message: impl Into<String>,
        expected: impl Into<Value>,
        actual: impl Into<Value>,
    ) {
        self.observed = true;
        self.violations.push(Violation {
            requirement: requirement.to_owned(),
            message: message.into(),
            expected: expected.into(),
            actual: actual.into(),
            entries: entries.to_vec(),
            tolerated: false,
            hint: None,
        });
    }

    /// The violation added last is defensible: a warning.
    pub fn tolerate(&mut self) {
        if let Some(violation) = self.violations.last_mut() {
            violation.tolerated = true;
        }
    }

    /// The usual cause of the violation added last.
    pub fn hint(&mut self, hint: &str) {
        if let Some(violation) = self.violations.last_mut() {
            violation.hint = Some(hint.to_owned());
        }
    }
}

/// Why a rule has no verdict.
pub const UNSEEN: &str = "nothing that the rule is about was seen";

/// What a rule says of one session, or of several.
#[derive(Debug, Clone)]
pub struct RuleOutcome {
    /// The name of the rule.
    pub rule: &'static str,
    /// Whether what it is about was there.
    pub observed: bool,
    /// What it found, each kind once.
    pub findings: Vec<Finding>,
}

impl RuleOutcome {
    /// Adds what the same rule says of another session. The same violation is kept once.
    pub fn merge(&mut self, other: RuleOutcome) {
        self.observed |= other.observed;
        for finding in other.findings {
            let known = |known: &Finding| {
                known.requirement == finding.requirement && known.message == finding.message
            };
            if !self.findings.iter().any(known) {
                self.findings.push(finding);
            }
        }
    }

    /// The verdict of the rule's trial.
    pub fn verdict(&self) -> Verdict {
        if self.observed {
            Verdict::of(&self.findings)
        } else {
            Verdict::NotObserved
        }
    }

    /// Why it was not judged.
    pub fn reason(&self) -> Option<String> {
        (!self.observed).then(|| UNSEEN.to_owned())
    }
}

/// Applies every rule that makes sense for the session.
pub fn apply(session: &Session<'_>) -> Vec<RuleOutcome> {
    let (revision, transport) = (session.header.revision, session.header.transport);
    let binds = |rule: &&Rule| {
        rule.requirements
            .iter()
            .any(|requirement| evidence::binds(session, requirement))
    };
    // Of a server that does not open there is one finding: that.
    let profile = &session.header.profile;
    let closed = profile
        .offer(revision, transport)
        .is_none_or(Offer::is_closed);
    RULES
        .iter()
        .filter(|rule| !closed || rule.name == opening::RULE.name)
        .filter(|rule| (rule.applies)(revision, transport))
        .filter(binds)
        .map(|rule| outcome(rule, session))
        .collect()
}

/// What a rule says of a session. The same violation counts once, where it was seen first.
fn outcome(rule: &Rule, session: &Session<'_>) -> RuleOutcome {
    let mut sight = Sight::default();
    (rule.check)(session, &mut sight);
    let mut known = HashSet::new();
    let mut is_new = |violation: &Violation| {
        known.insert((violation.requirement.clone(), violation.message.clone()))
    };
    let first: Vec<Violation> = sight.violations.into_iter().filter(&mut is_new).collect();
    let findings = first
        .into_iter()
        .filter_map(|violation| evidence::of_rule(session, rule.name, violation))
        .collect();
    RuleOutcome {
        rule: rule.name,
        observed: sight.observed,
        findings,
    }
}
