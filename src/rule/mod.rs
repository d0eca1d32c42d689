//! Always-on rules: checks of every session, whatever is tested in it.
//!
//! A rule folds over a whole session and names the entries where it found something. One rule a file, one line each in
//! [`RULES`].

mod only_messages;
mod response_ids;

use serde_json::Value;

use crate::judge::Session;
use crate::judge::evidence::{self, Violation};
use crate::revision::Revision;
use crate::transport::Transport;
use crate::verdict::{Finding, Verdict};

/// One always-on check.
pub struct Rule {
    /// Kebab name; its trials are called `rule/NAME`.
    pub name: &'static str,
    /// One sentence that is true of a conforming server.
    pub title: &'static str,
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
pub static RULES: &[Rule] = &[only_messages::RULE, response_ids::RULE];

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

    /// The usual cause of the violation added last.
    pub fn hint(&mut self, hint: &str) {
        if let Some(violation) = self.violations.last_mut() {
            violation.hint = Some(hint.to_owned());
        }
    }
}

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
            let known = |known: &Finding| known.requirement == finding.requirement && known.message == finding.message;
            if !self.findings.iter().any(known) {
                self.findings.push(finding);
            }
        }
    }

    /// The verdict of the rule's trial.
    pub fn verdict(&self) -> Verdict {
        if self.observed { Verdict::of(&self.findings) } else { Verdict::NotObserved }
    }

    /// Why it was not judged.
    pub fn reason(&self) -> Option<String> {
        (!self.observed).then(|| "nothing that the rule is about was seen".to_owned())
    }
}

/// Applies every rule that makes sense for the session.
pub fn apply(session: &Session<'_>) -> Vec<RuleOutcome> {
    let (revision, transport) = (session.header.revision, session.header.transport);
    let binds = |rule: &&Rule| rule.requirements.iter().any(|requirement| evidence::binds(session, requirement));
    RULES
        .iter()
        .filter(|rule| (rule.applies)(revision, transport))
        .filter(binds)
        .map(|rule| {
            let mut sight = Sight::default();
            (rule.check)(session, &mut sight);
            let mut outcome = RuleOutcome { rule: rule.name, observed: sight.observed, findings: Vec::new() };
            let findings = sight.violations.into_iter().filter_map(|violation| evidence::finding(session, violation)).collect();
            outcome.merge(RuleOutcome { rule: rule.name, observed: false, findings });
            outcome
        })
        .collect()
}
