//! What is told on stderr in the end, and the exit code.

use crate::bench::condition::Condition;
use crate::bench::report::BenchReport;
use crate::bench::trouble::{Kind, Trouble};
use crate::cli::Failure;
use crate::cli::output::complain;

/// What came of a benchmark.
pub(super) struct Outcome<'a> {
    pub(super) report: &'a BenchReport,
    pub(super) troubles: &'a [Trouble],
    /// Why nothing could be compared with a saved report.
    pub(super) missing: Option<&'a str>,
    /// Whether the user has just read what the report says, on the same terminal.
    pub(super) is_seen: bool,
}

impl Outcome<'_> {
    /// 1 outweighs 3: whoever reads the code wants to know first whether a limit was broken.
    pub(super) fn exit_code(&self, conditions: &[Condition]) -> Result<u8, Failure> {
        let is_troubled = self.is_troubled(conditions);
        if !self.is_seen {
            self.report
                .unlike
                .iter()
                .for_each(|note| complain("note", note));
        }
        let (mut is_broken, mut is_open) = (false, false);
        for condition in conditions {
            let what = format!("--fail-if '{condition}'");
            match condition.holds(self.report) {
                Some(places) => {
                    is_broken |= !places.is_empty();
                    places.iter().for_each(|place| complain(&what, place));
                }
                None => {
                    is_open = true;
                    complain(
                        &what,
                        "this was measured nowhere, so that nothing can be said: a longer --duration may help",
                    );
                }
            }
        }
        match () {
            () if is_broken => Ok(1),
            () if is_troubled || is_open => Ok(3),
            () if self.report.results.is_empty() => Err(Failure::run(
                "nothing was measured: no call could be made; `mcp-conform check` says what the server answers",
            )),
            () => Ok(0),
        }
    }

    /// Tells what went wrong; whether it is a reason for another exit code.
    fn is_troubled(&self, conditions: &[Condition]) -> bool {
        // Who says how many errors there may be need not hear that there are some.
        let limits_errors = conditions.iter().any(Condition::limits_errors);
        let mut is_troubled = false;
        for trouble in self.troubles {
            let is_allowed = limits_errors && trouble.kind == Kind::Counted;
            is_troubled |= !is_allowed;
            if !self.is_seen {
                tell(
                    if is_allowed { "note" } else { "error" },
                    &trouble.to_string(),
                );
            }
        }
        if let Some(missing) = self.missing {
            is_troubled = true;
            tell("error", missing);
        }
        is_troubled
    }
}

fn tell(what: &str, text: &str) {
    text.lines().for_each(|line| complain(what, line));
}
