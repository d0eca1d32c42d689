//! What a run tells its reporters. A reporter only ever sees these.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::profile::Profile;
use crate::revision::Revision;
use crate::target::TargetInfo;
use crate::transport::Transport;
use crate::verdict::{TrialReport, Verdict};

/// The version of the JSON report.
pub const REPORT_FORMAT: &str = "mcp-conform/1";

/// One step of a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins: the server is being probed.
    Started {
        /// What is tested.
        target: &'a TargetInfo,
    },
    /// The server was probed and the trials are planned.
    Planned {
        /// What the probe found.
        profile: &'a Profile,
        /// How many trials will be reported, those not applicable and those of rules included.
        trials: usize,
    },
    /// A trial has its verdict. Trials of rules come at the end.
    Judged {
        /// The trial.
        trial: &'a TrialReport,
    },
    /// The run is over.
    Finished {
        /// Everything, with the trials sorted by name.
        report: &'a RunReport,
    },
}

/// The whole result of a run; serialised, it is the JSON report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Always [`REPORT_FORMAT`].
    pub format: String,
    /// What made the report.
    pub tool: Tool,
    /// What was tested.
    pub target: TargetInfo,
    /// What the probe found.
    pub profile: Profile,
    /// The result in short.
    pub summary: Summary,
    /// Every trial, sorted by name.
    pub trials: Vec<TrialReport>,
    /// What fuzzing tried, if that is what the run was.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub fuzzing: Option<Fuzzing>,
}

/// What fuzzing tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fuzzing {
    /// How many inputs.
    pub inputs: u64,
    /// How many in a second, on average over the whole run.
    pub inputs_per_s: f64,
    /// What the inputs depend on: the same seed gives the same ones. None where they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What they were.
    pub coverage: Coverage,
    /// Why some findings are not saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaved: Option<String>,
}

/// How many inputs there were of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// By generator.
    pub generators: BTreeMap<String, u64>,
    /// By method, where there was one.
    pub methods: BTreeMap<String, u64>,
    /// By what was wrong with them.
    pub keywords: BTreeMap<String, u64>,
}

/// So many methods are told apart: there is no end of those that are made up.
const MAX_METHODS: usize = 100;

impl Coverage {
    /// Counts one of this generator, about this method, with this wrong with it.
    pub fn count(&mut self, generator: &str, method: Option<&str>, keyword: &str) {
        *self.generators.entry(generator.to_owned()).or_default() += 1;
        *self.keywords.entry(keyword.to_owned()).or_default() += 1;
        if let Some(method) = method {
            let is_told_apart =
                self.methods.len() < MAX_METHODS || self.methods.contains_key(method);
            let method = if is_told_apart { method } else { "(other)" };
            *self.methods.entry(method.to_owned()).or_default() += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Coverage) {
        let pairs = [
            (&mut self.generators, &other.generators),
            (&mut self.methods, &other.methods),
            (&mut self.keywords, &other.keywords),
        ];
        for (all, more) in pairs {
            for (name, count) in more {
                *all.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl RunReport {
    /// The report of this version of the program.
    pub fn new(
        catalog: &Catalog,
        target: TargetInfo,
        profile: Profile,
        summary: Summary,
        trials: Vec<TrialReport>,
    ) -> RunReport {
        RunReport {
            format: REPORT_FORMAT.to_owned(),
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                catalog: catalog.hash.clone(),
            },
            target,
            profile,
            summary,
            trials,
            fuzzing: None,
        }
    }
}

/// The program that made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `mcp-conform`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hash of the catalog.
    pub catalog: String,
}

/// A run in short: a count per verdict, the two statements per revision, and by-products.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    pub warn: usize,
    pub not_applicable: usize,
    pub not_observed: usize,
    pub broken: usize,
    /// The two statements, per revision.
    pub statements: Vec<Statement>,
    /// The round trip of each transport.
    pub latency: Vec<Latency>,
    /// Wall time of the run in milliseconds.
    #[serde(rename = "duration_ms")]
    pub duration_ms: f64,
    /// How many processes were started.
    pub starts: usize,
}

/// What can be said of one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The revision.
    pub revision: Revision,
    /// The transports over which it was judged.
    pub transports: Vec<Transport>,
    /// No MUST finding, and a session opened.
    pub conforms: bool,
    /// No ROBUST finding, and a session opened.
    pub robust: bool,
    /// How many trials were judged.
    pub judged: usize,
}

/// Round trips of ordinary requests, measured at the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The transport.
    pub transport: Transport,
    /// How many round trips were counted.
    pub count: u64,
    /// The median, in microseconds.
    pub p50_us: u64,
    /// The 99th percentile, in microseconds.
    pub p99_us: u64,
}

impl Summary {
    /// Counts verdicts and makes the statements; the by-products are added by the run.
    pub fn of(trials: &[TrialReport]) -> Summary {
        let mut summary = Summary::default();
        for trial in trials {
            *summary.count_mut(trial.verdict) += 1;
        }
        summary.statements = Revision::ALL
            .into_iter()
            .filter_map(|revision| Statement::of(revision, trials))
            .collect();
        summary
    }

    /// How many trials had this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail => self.fail,
            Verdict::Warn => self.warn,
            Verdict::NotApplicable => self.not_applicable,
            Verdict::NotObserved => self.not_observed,
            Verdict::Broken => self.broken,
        }
    }

    fn count_mut(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Warn => &mut self.warn,
            Verdict::NotApplicable => &mut self.not_applicable,
            Verdict::NotObserved => &mut self.not_observed,
            Verdict::Broken => &mut self.broken,
        }
    }

    /// How many trials were judged: passed, failed or warned.
    pub fn judged(&self) -> usize {
        self.pass + self.fail + self.warn
    }
}

impl Statement {
    fn of(revision: Revision, trials: &[TrialReport]) -> Option<Statement> {
        let mine = || {
            trials
                .iter()
                .filter(move |trial| trial.revision == revision)
        };
        mine().next()?;
        let judged = mine()
            .filter(|trial| matches!(trial.verdict, Verdict::Pass | Verdict::Fail | Verdict::Warn))
            .count();
        // Where no session opens nothing speaks for the server. A case is judged in one that was opened, whatever came of it.
        let opened = mine().any(|trial| match trial.verdict {
            Verdict::Pass | Verdict::Warn => true,
            Verdict::Fail => !trial.case.starts_with("rule/"),
            _ => false,
        });
        let violates = |level| {
            mine()
                .flat_map(|trial| &trial.findings)
                .any(|finding| finding.level == level)
        };
        let mut transports: Vec<Transport> = mine().map(|trial| trial.transport).collect();
        transports.sort();
        transports.dedup();
        Some(Statement {
            revision,
            transports,
            conforms: opened && !violates(crate::verdict::Level::Must),
            robust: opened && !violates(crate::verdict::Level::Robust),
            judged,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::verdict::{Finding, Level};

    fn failed(case: &str, level: Level) -> TrialReport {
        TrialReport {
            case: case.into(),
            revision: Revision::V2025_11_25,
            transport: Transport::Stdio,
            verdict: Verdict::Fail,
            duration_ms: 0.0,
            reason: None,
            findings: vec![Finding {
                requirement: "a/b".to_owned(),
                level,
                spec: String::new(),
                message: String::new(),
                expected: Value::Null,
                actual: Value::Null,
                entries: Vec::new(),
                reproduce: String::new(),
                hint: None,
                fuzzed: None,
            }],
        }
    }

    #[test]
    fn a_failure_says_only_what_it_is_about() {
        let said = |trials: &[&TrialReport]| {
            let trials: Vec<TrialReport> = trials.iter().copied().cloned().collect();
            let statement = Summary::of(&trials).statements.remove(0);
            (statement.conforms, statement.robust, statement.judged)
        };
        let must = failed("tools/x", Level::Must);
        let robust = failed("malformed/x", Level::Robust);
        assert_eq!(said(&[&must]), (false, true, 1));
        assert_eq!(said(&[&robust]), (true, false, 1));
        assert_eq!(said(&[&must, &robust]), (false, false, 2));
        for level in [Level::Must, Level::Robust] {
            let unopened = failed("rule/opening", level);
            assert_eq!(said(&[&unopened]), (false, false, 1), "no session opens");
        }
    }
}
