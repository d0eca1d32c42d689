//! The kill matrix: each fault of the reference server, played against the whole catalog.
//!
//! Cases and rules claim faults. A claim holds if the trial of who claims it cites the requirement that the fault violates.
//! A case or rule is *proven* if such a claim of it holds, and if it passes with the server as it should be: one that is
//! only ever not observed shows nothing.

mod play;
mod report;
pub mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mcp_reference_server::{Fault, Proof};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::catalog::coverage::Share;
use crate::catalog::{Catalog, area};
use crate::rule::RULES;
use crate::verdict::{Level, TrialReport, Verdict};

pub use play::{Play, Setting};
pub use report::{markdown, summary};

/// What is played, and how.
pub struct Options {
    /// The program whose subcommand `serve` is the reference server.
    pub program: PathBuf,
    /// The cases.
    pub catalog: Arc<Catalog>,
    /// The faults; those that no conversation shows are left out.
    pub faults: Vec<&'static Fault>,
    /// How many faults are played at once.
    pub jobs: usize,
    /// How long a request may take: some faults are a silence.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Matrix {
    /// One row for each fault.
    pub faults: Vec<Row>,
    /// The cases and rules that claim one of them, and what shows that they can pass and fail.
    pub claimants: BTreeMap<String, Proven>,
    /// Trials with findings about the server without any fault: there must be none.
    pub healthy_findings: Vec<String>,
}

/// What shows that a case or rule is no empty one.
#[derive(Debug, Default, Serialize)]
pub struct Proven {
    /// It passes with the server without any fault, somewhere.
    pub passes: bool,
    /// It catches a fault that it claims.
    pub catches: bool,
}

/// A fault, and what the catalog says of a server that has it.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The name of the fault.
    pub fault: &'static str,
    /// The requirement that it violates.
    pub requirement: &'static str,
    /// Revisions and transports at which it was played.
    pub places: BTreeSet<String>,
    /// Who claims it and cites the requirement.
    pub caught_by: BTreeSet<String>,
    /// Who claims it and does not, with what was seen instead.
    pub missed_by: BTreeMap<String, Vec<String>>,
    /// Who does not claim it and finds something, with the requirements cited.
    pub others: BTreeMap<String, BTreeSet<String>>,
    /// MUSTs of other areas that are cited, with who cites them: the blame may have fallen on the wrong one.
    pub suspicious: BTreeMap<String, BTreeSet<String>>,
    /// Why it could not be played at some place.
    pub errors: Vec<String>,
}

impl Row {
    /// Before anything is played: all who claim the fault have missed it.
    pub fn new(fault: &'static Fault, claimants: &[String]) -> Row {
        let missed = claimants.iter().map(|name| (name.clone(), Vec::new()));
        Row {
            fault: fault.name,
            requirement: fault.requirement,
            places: BTreeSet::new(),
            caught_by: BTreeSet::new(),
            missed_by: missed.collect(),
            others: BTreeMap::new(),
            suspicious: BTreeMap::new(),
            errors: Vec::new(),
        }
    }

    /// Whether all who claim it catch it, and somebody does.
    pub fn is_caught(&self) -> bool {
        self.missed_by.is_empty() && !self.caught_by.is_empty()
    }

    /// Looks at what came of playing the faulty server.
    pub fn take(&mut self, played: Result<Vec<TrialReport>, String>) {
        match played {
            Ok(trials) => trials.iter().for_each(|trial| self.look_at(trial)),
            Err(error) => self.errors.push(error),
        }
    }

    fn look_at(&mut self, trial: &TrialReport) {
        self.places
            .insert(format!("{}+{}", trial.revision, trial.transport));
        let case = &*trial.case;
        let cited = || trial.findings.iter().map(|finding| &finding.requirement);
        if let Some(seen) = self.missed_by.get_mut(case) {
            match cited().any(|cited| cited == self.requirement) {
                true => drop(self.missed_by.remove(case)),
                false => seen.push(seen_instead(trial)),
            }
            if !self.missed_by.contains_key(case) {
                self.caught_by.insert(case.to_owned());
            }
        } else if !self.caught_by.contains(case) && !trial.findings.is_empty() {
            let others = self.others.entry(case.to_owned()).or_default();
            others.extend(cited().cloned());
        }
        let elsewhere = trial.findings.iter().filter(|finding| {
            finding.level == Level::Must && area(&finding.requirement) != area(self.requirement)
        });
        for finding in elsewhere {
            let cited = self.suspicious.entry(finding.requirement.clone());
            cited.or_default().insert(case.to_owned());
        }
    }
}

fn seen_instead(trial: &TrialReport) -> String {
    let reason = trial.reason.iter().map(|reason| format!(" ({reason})"));
    let findings = trial
        .findings
        .iter()
        .map(|finding| format!("; {}: {}", finding.requirement, finding.message));
    let more: String = reason.chain(findings).collect();
    format!("{}: {}{more}", trial.name(), trial.verdict)
}

impl Matrix {
    /// How many faults are caught by all who claim them.
    pub fn faults_caught(&self) -> Share {
        Share::of(self.faults.iter().map(Row::is_caught))
    }

    /// How many cases and rules are proven.
    pub fn proven(&self) -> Share {
        let proven = |proven: &Proven| proven.passes && proven.catches;
        Share::of(self.claimants.values().map(proven))
    }

    /// Whether nothing is left to be desired.
    pub fn is_complete(&self) -> bool {
        let all = |share: Share| share.some == share.all;
        all(self.faults_caught()) && all(self.proven()) && self.healthy_findings.is_empty()
    }

    /// Looks at a trial of the server without any fault.
    fn take_healthy(&mut self, trial: &TrialReport) {
        if let (Verdict::Pass, Some(proven)) = (trial.verdict, self.claimants.get_mut(&*trial.case))
        {
            proven.passes = true;
        }
        if !trial.findings.is_empty() || trial.verdict == Verdict::Broken {
            self.healthy_findings.push(seen_instead(trial));
        }
    }
}

/// Who claims each fault: cases, and rules as `rule/NAME`.
pub fn claims(catalog: &Catalog) -> BTreeMap<String, Vec<String>> {
    let mut claims = BTreeMap::<String, Vec<String>>::new();
    let mut claim = |fault: &str, claimant: String| {
        claims.entry(fault.to_owned()).or_default().push(claimant);
    };
    for case in catalog.cases() {
        for fault in &case.faults {
            claim(fault, case.id.to_string());
        }
    }
    for rule in RULES {
        for fault in rule.faults {
            claim(fault, format!("rule/{}", rule.name));
        }
    }
    claims
}

/// Plays the matrix, and tells of each row when it is done.
pub async fn run(options: Options, mut done: impl FnMut(&Row)) -> Matrix {
    let options = Arc::new(options);
    let claims = claims(&options.catalog);
    let mut matrix = Matrix::default();
    let slots = Arc::new(Semaphore::new(options.jobs.max(1)));
    let mut rows = JoinSet::new();
    let audible = options.faults.iter().copied();
    for fault in audible.filter(|fault| fault.proof == Proof::Conversation) {
        let claimants = claims.get(fault.name).cloned().unwrap_or_default();
        for claimant in &claimants {
            matrix.claimants.entry(claimant.clone()).or_default();
        }
        let (options, slots) = (options.clone(), slots.clone());
        rows.spawn(async move {
            let _slot = slots.acquire_owned().await;
            play::row(&options, fault, &claimants).await
        });
    }
    let claimants: Vec<String> = matrix.claimants.keys().cloned().collect();
    for trial in play::healthy(&options, &claimants, &mut matrix.healthy_findings).await {
        matrix.take_healthy(&trial);
    }
    while let Some(row) = rows.join_next().await {
        // A task ends early only if it panicked, which our lints forbid.
        let Ok(row) = row else { continue };
        for claimant in &row.caught_by {
            matrix
                .claimants
                .entry(claimant.clone())
                .or_default()
                .catches = true;
        }
        done(&row);
        matrix.faults.push(row);
    }
    matrix.faults.sort_by_key(|row| row.fault);
    matrix
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::revision::Revision;
    use crate::transport::Transport;
    use crate::verdict::Finding;

    const FAULT: Fault = Fault {
        name: "some-fault",
        requirement: "tools/right",
        explanation: "does it wrong",
        proof: Proof::Conversation,
        harm: None,
    };

    fn trial(case: &str, cited: &[(&str, Level)]) -> TrialReport {
        let finding = |(requirement, level): &(&str, Level)| Finding {
            requirement: (*requirement).to_owned(),
            level: *level,
            spec: String::new(),
            message: "wrong".to_owned(),
            expected: json!(1),
            actual: json!(2),
            entries: Vec::new(),
            reproduce: String::new(),
            hint: None,
            fuzzed: None,
        };
        let findings: Vec<Finding> = cited.iter().map(finding).collect();
        TrialReport {
            case: case.into(),
            revision: Revision::V2025_11_25,
            transport: Transport::Stdio,
            verdict: Verdict::of(&findings),
            duration_ms: 0.0,
            reason: None,
            findings,
        }
    }

    fn row(trials: &[TrialReport]) -> Row {
        let mut row = Row::new(&FAULT, &["tools/a".to_owned(), "rule/b".to_owned()]);
        row.take(Ok(trials.to_vec()));
        row
    }

    #[test]
    fn a_kill_cites_the_requirement_of_the_fault() {
        let right = [("tools/right", Level::Should)];
        let caught = row(&[trial("tools/a", &right), trial("rule/b", &right)]);
        assert!(caught.is_caught());
        let wrong = [("tools/other", Level::Must)];
        let missed = row(&[trial("tools/a", &wrong), trial("rule/b", &right)]);
        assert!(!missed.is_caught());
        assert_eq!(
            missed.missed_by["tools/a"],
            ["tools/a@2025-11-25+stdio: fail; tools/other: wrong"]
        );
        let later = row(&[trial("tools/a", &[]), trial("tools/a", &right)]);
        assert!(later.caught_by.contains("tools/a") && !later.is_caught());
    }

    #[test]
    fn others_are_told_and_other_areas_are_suspicious() {
        let row = row(&[
            trial("tools/c", &[("tools/other", Level::Must)]),
            trial("ping/d", &[("ping/empty", Level::Must)]),
            trial("ping/e", &[("ping/soon", Level::Should)]),
            trial("ping/f", &[]),
        ]);
        let others: Vec<&str> = row.others.keys().map(String::as_str).collect();
        assert_eq!(others, ["ping/d", "ping/e", "tools/c"]);
        assert_eq!(row.suspicious.len(), 1);
        assert!(row.suspicious["ping/empty"].contains("ping/d"));
    }

    #[test]
    fn what_never_passes_is_not_proven() {
        let mut matrix = Matrix::default();
        let both = Proven {
            passes: false,
            catches: true,
        };
        matrix.claimants.insert("tools/a".to_owned(), both);
        assert!(!matrix.is_complete());
        matrix.take_healthy(&trial("tools/a", &[]));
        assert_eq!(matrix.proven(), Share { some: 1, all: 1 });
        assert!(matrix.is_complete());
        matrix.take_healthy(&trial("tools/z", &[("tools/right", Level::Must)]));
        assert!(!matrix.is_complete(), "the healthy server has no findings");
    }
}
