//! What is said of a transcript, in each report.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use mcp_conform::catalog::Catalog;
use mcp_conform::event::{Event, REPORT_FORMAT, RunReport, Summary, Tool};
use mcp_conform::report::Reporter;
use mcp_conform::report::human::{Human, Look};
use mcp_conform::report::json::Json;
use mcp_conform::report::junit::Junit;
use mcp_conform::target::TargetInfo;
use mcp_conform::transcript::Transcript;
use mcp_conform::verdict::TrialReport;

static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Catalog::builtin().unwrap().into());

/// Writes each report: people see nothing that a terminal obeys, programs read what was written.
pub fn write(transcript: &Transcript, trials: Vec<TrialReport>) {
    let report = RunReport {
        format: REPORT_FORMAT.to_owned(),
        tool: Tool {
            name: "mcp-conform".to_owned(),
            version: "0".to_owned(),
            catalog: String::new(),
        },
        target: TargetInfo::default(),
        profile: (*transcript.header.profile).clone(),
        summary: Summary::of(&trials),
        trials,
        fuzzing: None,
    };
    let look = Look {
        unicode: true,
        ..Look::default()
    };
    let human = written(&report, |kept| {
        Human::new(kept, CATALOG.clone(), false, look)
    });
    let obeyed = |c: char| {
        c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2028}'
    };
    assert!(!human.contains(obeyed), "{human:?}");
    let json = written(&report, Json::new);
    assert_eq!(serde_json::from_str::<RunReport>(&json).unwrap(), report);
    let junit = written(&report, |kept| Junit::new(kept, CATALOG.clone(), false));
    let suites = quick_junit::Report::deserialize_from_str(&junit).unwrap();
    let cases: usize = suites
        .test_suites
        .iter()
        .map(|suite| suite.test_cases.len())
        .sum();
    assert_eq!(cases, report.trials.len());
}

/// What a reporter writes.
fn written<R: Reporter>(report: &RunReport, reporter: impl FnOnce(Kept) -> R) -> String {
    let kept = Kept::default();
    reporter(kept.clone())
        .event(&Event::Finished { report })
        .unwrap();
    let bytes = std::mem::take(&mut *kept.0.lock().unwrap());
    String::from_utf8(bytes).unwrap()
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
