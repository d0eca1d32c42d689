//! What judging says: verdicts, findings, and the report of one trial. This is the vocabulary of the JSON report.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::revision::Revision;
use crate::transport::Transport;

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// The specification's MUST, MUST NOT, REQUIRED.
    Must,
    /// Ours: the server must survive and keep answering.
    Robust,
    /// The specification's SHOULD, SHOULD NOT.
    Should,
    /// The text or its examples say so without a keyword.
    Stated,
}

impl Level {
    /// Whether a finding of this level fails its trial; otherwise it is a warning.
    pub fn fails(self) -> bool {
        matches!(self, Level::Must | Level::Robust)
    }

    /// The level of a deviation that the catalog tolerates: never one that fails.
    pub fn tolerated(self) -> Level {
        if self.fails() { Level::Stated } else { self }
    }

    /// The word printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::Robust => "ROBUST",
            Level::Should => "SHOULD",
            Level::Stated => "STATED",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything asked for was seen.
    Pass,
    /// A MUST or ROBUST finding.
    Fail,
    /// SHOULD or STATED findings only.
    Warn,
    /// Not declared, or the requirement does not bind this server.
    NotApplicable,
    /// Nothing that the case is about ever appeared.
    NotObserved,
    /// The harness could not run it.
    Broken,
}

impl Verdict {
    /// Every verdict, in the order of the summary.
    pub const ALL: [Verdict; 6] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Warn,
        Verdict::NotApplicable,
        Verdict::NotObserved,
        Verdict::Broken,
    ];

    /// The word printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Warn => "warn",
            Verdict::NotApplicable => "not-applicable",
            Verdict::NotObserved => "not-observed",
            Verdict::Broken => "broken",
        }
    }

    /// The verdict of a trial that was judged, by its findings.
    pub fn of(findings: &[Finding]) -> Verdict {
        match findings.iter().any(|finding| finding.level.fails()) {
            true => Verdict::Fail,
            false if findings.is_empty() => Verdict::Pass,
            false => Verdict::Warn,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One violated requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The id of the requirement.
    pub requirement: String,
    /// Its level at the revision; lower if the catalog tolerates the deviation.
    pub level: Level,
    /// Where the specification says so.
    pub spec: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What would have been right, as a pattern or a sentence.
    pub expected: Value,
    /// What came.
    pub actual: Value,
    /// The evidence.
    pub entries: Vec<EntryRef>,
    /// A command that plays this alone.
    pub reproduce: String,
    /// The usual cause, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The input, if fuzzing found it.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub fuzzed: Option<Box<Fuzzed>>,
}

/// How fuzzing found something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fuzzed {
    /// What says that it is wrong.
    pub oracle: String,
    /// The input as it came, as steps of a case.
    pub input: Value,
    /// The smallest that does the same, as steps of a case.
    pub shrunk: Value,
    /// How often it was seen.
    pub seen: u64,
    /// How often the smallest did it, if not each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries: Option<Tries>,
    /// The id of the case that was saved; none where no case can say it, or it could not be saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The file with everything that crossed the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// How often inputs did the same that were tried several times, each time in a session of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// So often they did it.
    pub hits: u32,
    /// So often they were tried.
    pub of: u32,
}

/// One entry of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRef {
    /// The name of the session.
    pub transcript: String,
    /// The index of the entry, from 0.
    pub entry: usize,
    /// Which way it went: `sent` or `received`.
    pub direction: Direction,
    /// The start of what crossed the wire.
    pub excerpt: String,
}

/// Which way an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From us.
    Sent,
    /// To us.
    Received,
    /// Neither: an exit, a deadline.
    Event,
}

/// The report of one trial, of a case or of a rule. All of a run are kept until its end, so they are small: the id is
/// that of the case, and the name is made when somebody asks for it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TrialReport {
    /// The id of the case, or `rule/NAME`.
    pub case: Arc<str>,
    /// The revision spoken.
    pub revision: Revision,
    /// The transport used.
    pub transport: Transport,
    /// The outcome.
    pub verdict: Verdict,
    /// How long it took on the wire, in milliseconds.
    pub duration_ms: f64,
    /// Why it was not judged, or is broken.
    #[serde(default)]
    pub reason: Option<String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl TrialReport {
    /// `CASE@REVISION+TRANSPORT`.
    pub fn name(&self) -> String {
        trial_name(&self.case, self.revision, self.transport)
    }

    /// What trials are sorted by: as their names are, but nothing is made.
    fn key(&self) -> (&str, &str, &str) {
        let (revision, transport) = (self.revision.as_str(), self.transport.as_str());
        (&self.case, revision, transport)
    }

    /// Puts trials into the order of reports.
    pub fn sort(trials: &mut [TrialReport]) {
        trials.sort_by(|left, right| left.key().cmp(&right.key()));
    }
}

impl Serialize for TrialReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut trial = serializer.serialize_struct("TrialReport", 8)?;
        trial.serialize_field("name", &self.name())?;
        trial.serialize_field("case", &self.case)?;
        trial.serialize_field("revision", &self.revision)?;
        trial.serialize_field("transport", &self.transport)?;
        trial.serialize_field("verdict", &self.verdict)?;
        trial.serialize_field("duration_ms", &self.duration_ms)?;
        match &self.reason {
            Some(reason) => trial.serialize_field("reason", reason)?,
            None => trial.skip_field("reason")?,
        }
        trial.serialize_field("findings", &self.findings)?;
        trial.end()
    }
}

/// The name that a trial has everywhere.
pub fn trial_name(case: &str, revision: Revision, transport: Transport) -> String {
    format!("{case}@{revision}+{transport}")
}
