//! The JUnit report: one suite per area, revision and transport.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use anstream::adapter::strip_str;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::escape::visible;
use super::{Reporter, finding, table};
use crate::catalog::Catalog;
use crate::event::{Event, RunReport};
use crate::verdict::{TrialReport, Verdict};

/// Writes the report when the run is over.
pub struct Junit<W> {
    writer: W,
    catalog: Arc<Catalog>,
    strict: bool,
}

impl<W: Write + Send> Junit<W> {
    /// Writes to this; requirements are taken from the catalog, `strict` lets warnings fail.
    pub fn new(writer: W, catalog: Arc<Catalog>, strict: bool) -> Junit<W> {
        Junit {
            writer,
            catalog,
            strict,
        }
    }

    fn report(&self, run: &RunReport) -> Report {
        let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
        for trial in &run.trials {
            let name = format!(
                "{} {} {}",
                table::area(trial),
                trial.revision,
                trial.transport
            );
            let suite = suites
                .entry(name.clone())
                .or_insert_with(|| TestSuite::new(name));
            suite.add_test_case(self.test_case(trial));
        }
        let mut report = Report::new(run.tool.name.as_str());
        report.set_time(milliseconds(run.summary.duration_ms));
        report.add_test_suites(suites.into_values());
        report
    }

    fn test_case(&self, trial: &TrialReport) -> TestCase {
        let mut case = TestCase::new(visible(&trial.name()), self.status(trial));
        case.set_classname(table::area(trial));
        case.set_time(milliseconds(trial.duration_ms));
        if trial.verdict == Verdict::Warn && !self.strict {
            case.set_system_out(self.findings(trial));
        }
        case
    }

    fn status(&self, trial: &TrialReport) -> TestCaseStatus {
        let reason = visible(trial.reason.as_deref().unwrap_or_default());
        match trial.verdict {
            Verdict::Pass => TestCaseStatus::success(),
            Verdict::Warn if !self.strict => TestCaseStatus::success(),
            Verdict::Fail | Verdict::Warn => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                if let Some(finding) = trial.findings.iter().min_by_key(|finding| finding.level) {
                    status.set_type(finding.level.as_str());
                    status.set_message(visible(&finding.message));
                }
                status.set_description(self.findings(trial));
                status
            }
            Verdict::Broken => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_type(trial.verdict.as_str());
                status.set_message(reason);
                status
            }
            Verdict::NotApplicable | Verdict::NotObserved => {
                let mut status = TestCaseStatus::skipped();
                status.set_type(trial.verdict.as_str());
                status.set_message(format!("{}: {reason}", trial.verdict));
                status
            }
        }
    }

    fn findings(&self, trial: &TrialReport) -> String {
        let mut text = String::new();
        for finding in &trial.findings {
            finding::finding(&mut text, finding, trial.revision, &self.catalog);
        }
        strip_str(&text).to_string()
    }
}

/// Whatever is no duration counts as none.
fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default()
}

impl<W: Write + Send> Reporter for Junit<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Event::Finished { report } = event else {
            return Ok(());
        };
        let text = self.report(report).to_string().map_err(io::Error::other)?;
        self.writer.write_all(text.as_bytes())?;
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(strict: bool) -> String {
        let mut output = Vec::new();
        let report = sample::report();
        let catalog = Arc::new(sample::catalog());
        Junit::new(&mut output, catalog, strict)
            .event(&Event::Finished { report: &report })
            .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn one_failure_of_each_kind() {
        insta::assert_snapshot!(written(false));
    }

    #[test]
    fn strict_makes_failures_of_warnings() {
        let failures = |text: &str| text.matches("<failure").count();
        assert!(failures(&written(true)) > failures(&written(false)));
        assert_eq!(written(true).matches("<system-out>").count(), 0);
    }

    #[test]
    fn control_characters_do_not_break_the_xml() {
        assert!(written(false).chars().all(|c| c == '\n' || !c.is_control()));
    }
}
