//! The report for people: what is wrong and why, then the summary.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use anstream::adapter::strip_str;
use serde_json::Value;

use super::count::counted;
use super::escape::{excerpt, visible};
use super::finding::{self, BOLD, DIM, FAIL, WARN, labelled, level_style};
use super::fold::{self, Block, Group};
use super::{Reporter, summary, table};
use crate::catalog::Catalog;
use crate::event::{Event, RunReport};
use crate::revision::Revision;
use crate::rule::RULES;
use crate::transport::Transport;
use crate::verdict::{Finding, TrialReport, Verdict};

/// How many warnings about one requirement are written out.
const MAX_LISTED: usize = 8;
/// How many trials that were not observed for one reason are named.
const MAX_NAMED: usize = 3;
const MAX_REASON: usize = 1_000;

/// How the report looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Whether it has colours.
    pub color: bool,
    /// Whether it may have more than ASCII.
    pub unicode: bool,
    /// The columns of the terminal, if it is one.
    pub width: Option<u16>,
}

/// Writes the report when the run is over.
pub struct Human<W> {
    writer: W,
    catalog: Arc<Catalog>,
    strict: bool,
    look: Look,
}

impl<W: Write + Send> Human<W> {
    /// Writes to this; requirements and titles are taken from the catalog, `strict` lets warnings fail.
    pub fn new(writer: W, catalog: Arc<Catalog>, strict: bool, look: Look) -> Human<W> {
        Human {
            writer,
            catalog,
            strict,
            look,
        }
    }
}

impl<W: Write + Send> Reporter for Human<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Event::Finished { report } = event else {
            return Ok(());
        };
        let text = Page {
            report,
            catalog: &self.catalog,
            strict: self.strict,
            look: self.look,
        }
        .text();
        match self.look.color {
            true => self.writer.write_all(text.as_bytes())?,
            false => write!(self.writer, "{}", strip_str(&text))?,
        }
        self.writer.flush()
    }
}

struct Page<'a> {
    report: &'a RunReport,
    catalog: &'a Catalog,
    strict: bool,
    look: Look,
}

impl Page<'_> {
    fn text(&self) -> String {
        let mut output = String::new();
        self.header(&mut output);
        for block in fold::blocks(self.with(Verdict::Broken)) {
            self.unjudged(&mut output, &block);
        }
        for block in fold::blocks(self.with(Verdict::Fail)) {
            self.failure(&mut output, &block);
        }
        let warned = [Verdict::Fail, Verdict::Warn].map(|verdict| self.with(verdict));
        let groups = fold::groups(warned.into_iter().flatten());
        if !groups.is_empty() {
            heading(&mut output, "Warnings");
        }
        for (index, group) in groups.iter().enumerate() {
            output.push_str(if index > 0 { "\n" } else { "" });
            self.warning(&mut output, group);
        }
        self.not_observed(&mut output);
        heading(&mut output, "Summary");
        output.push_str(&table::summary(
            self.report,
            self.look.width,
            self.look.unicode,
        ));
        summary::write(&mut output, self.report, self.strict);
        output
    }

    fn with(&self, verdict: Verdict) -> impl Iterator<Item = &TrialReport> {
        self.report
            .trials
            .iter()
            .filter(move |trial| trial.verdict == verdict)
    }

    fn header(&self, output: &mut String) {
        let RunReport {
            tool,
            target,
            profile,
            ..
        } = self.report;
        output.push_str(&format!(
            "{BOLD}{} {}{BOLD:#}, catalog {}\n",
            tool.name, tool.version, tool.catalog
        ));
        let mut what = vec![target.kind.clone()];
        what.extend(target.command.as_ref().map(|words| {
            shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
        }));
        what.extend(target.url.clone());
        labelled(output, "target", &visible(&what.join("  ")));
        let name = |member: &str| {
            profile
                .server
                .as_ref()
                .and_then(|server| server.get(member))
                .and_then(Value::as_str)
        };
        if let Some(server) = name("name") {
            let version = name("version").unwrap_or("of no version");
            labelled(
                output,
                "server",
                &format!("{} {}", excerpt(server, 100), excerpt(version, 100)),
            );
        }
        for transport in Transport::ALL {
            let mine = profile
                .offers
                .iter()
                .filter(|offer| offer.transport == transport);
            let revisions: Vec<String> = mine.map(|offer| offer.revision.to_string()).collect();
            if !revisions.is_empty() {
                labelled(output, transport.as_str(), &revisions.join(", "));
            }
        }
    }

    fn title_of(&self, case: &str) -> Option<&str> {
        match case.strip_prefix("rule/") {
            Some(name) => RULES
                .iter()
                .find(|rule| rule.name == name)
                .map(|rule| rule.title),
            None => self.catalog.case(case).map(|case| case.title.as_str()),
        }
    }

    fn title(&self, output: &mut String, block: &Block<'_>) {
        let style = if block.shown.verdict == Verdict::Warn {
            WARN
        } else {
            FAIL
        };
        let verdict = block.shown.verdict.as_str().to_uppercase();
        output.push_str(&format!(
            "\n{style}{verdict}{style:#} {BOLD}{}{BOLD:#}\n",
            visible(&block.shown.case)
        ));
        if let Some(title) = self.title_of(&block.shown.case) {
            output.push_str(&format!("  {}\n", visible(title)));
        }
        output.push_str(&format!("  at {}\n", fold::places(&block.places)));
    }

    fn failure(&self, output: &mut String, block: &Block<'_>) {
        self.title(output, block);
        let all = block.shown.findings.iter();
        for same in fold::sayings(all.filter(|finding| finding.level.fails())) {
            self.said(output, &same, block.shown.revision);
        }
        if block.places.len() > 1 {
            let (revision, transport) = (block.shown.revision, block.shown.transport);
            let shown = format!(
                "{revision}+{transport}; --report json has each of the {}",
                block.places.len()
            );
            labelled(output, "shown", &shown);
        }
    }

    /// Findings of which the first says all but what was sent.
    fn said(&self, output: &mut String, same: &[&Finding], revision: Revision) {
        for (number, found) in same.iter().enumerate() {
            match &found.fuzzed {
                Some(fuzzed) if number > 0 => finding::another(output, found, fuzzed),
                _ => {
                    output.push('\n');
                    finding::finding(output, found, revision, self.catalog);
                }
            }
        }
    }

    fn unjudged(&self, output: &mut String, block: &Block<'_>) {
        self.title(output, block);
        for line in block
            .shown
            .reason
            .as_deref()
            .unwrap_or("no reason was given")
            .lines()
        {
            output.push_str(&format!("  {}\n", excerpt(line, MAX_REASON)));
        }
    }

    fn warning(&self, output: &mut String, group: &Group<'_>) {
        let Some(first) = group.seen.iter().max_by_key(|seen| seen.places.last()) else {
            return;
        };
        finding::requirement(output, first.finding, self.catalog);
        for seen in group.seen.iter().take(MAX_LISTED) {
            let style = level_style(group.level);
            let message = excerpt(&seen.finding.message, 200);
            output.push_str(&format!(
                "            {style}-{style:#} {}: {message}\n",
                visible(seen.case)
            ));
            output.push_str(&format!(
                "              {DIM}at {}{DIM:#}\n",
                fold::places(&seen.places)
            ));
            let input = seen.finding.fuzzed.as_ref();
            let input = input.map(|fuzzed| finding::input(fuzzed));
            for line in input.into_iter().chain([visible(&seen.finding.reproduce)]) {
                output.push_str(&format!("              {DIM}{line}{DIM:#}\n"));
            }
        }
        let mut hints: Vec<&str> = group
            .seen
            .iter()
            .filter_map(|seen| seen.finding.hint.as_deref())
            .collect();
        hints.sort_unstable();
        hints.dedup();
        for hint in hints {
            labelled(output, "hint", &visible(hint));
        }
        if group.seen.len() > MAX_LISTED {
            let more = group.seen.len() - MAX_LISTED;
            labelled(
                output,
                "",
                &format!("and {more} more; --report json lists them"),
            );
        }
    }

    fn not_observed(&self, output: &mut String) {
        let blocks = fold::blocks(self.with(Verdict::NotObserved));
        if blocks.is_empty() {
            return;
        }
        heading(output, "Not observed");
        let mut reasons: BTreeMap<&str, Vec<Block<'_>>> = BTreeMap::new();
        for block in blocks {
            let reason = block.shown.reason.as_deref();
            let reason = reason.unwrap_or("no reason was given");
            reasons.entry(reason).or_default().push(block);
        }
        for (reason, blocks) in reasons {
            unobserved(output, &excerpt(reason, 200), &blocks);
        }
    }
}

/// What was not observed for one reason: each, or how many.
fn unobserved(output: &mut String, reason: &str, blocks: &[Block<'_>]) {
    if blocks.len() > MAX_NAMED {
        let count: usize = blocks.iter().map(|block| block.places.len()).sum();
        let trials = counted(count, "trial");
        let line = format!("  {trials}: {reason}; --report json names them\n");
        output.push_str(&line);
        return;
    }
    for block in blocks {
        let case = visible(&block.shown.case);
        let places = fold::places(&block.places);
        output.push_str(&format!(
            "  {case}: {reason}\n    {DIM}at {places}{DIM:#}\n"
        ));
    }
}

fn heading(output: &mut String, text: &str) {
    output.push_str(&format!("\n{BOLD}{text}{BOLD:#}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Summary;
    use crate::report::sample;
    use crate::verdict::{Fuzzed, Level, Tries};

    fn written(report: &RunReport, strict: bool, look: Look) -> String {
        let mut output = Vec::new();
        let catalog = Arc::new(sample::catalog());
        Human::new(&mut output, catalog, strict, look)
            .event(&Event::Finished { report })
            .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn one_failure_of_each_kind() {
        let look = Look {
            color: false,
            unicode: true,
            width: Some(100),
        };
        insta::assert_snapshot!(written(&sample::report(), false, look));
    }

    #[test]
    fn nothing_to_complain_about() {
        let mut report = sample::report();
        report
            .trials
            .retain(|trial| matches!(trial.verdict, Verdict::Pass));
        let latency = std::mem::take(&mut report.summary.latency);
        report.summary = Summary {
            latency,
            ..Summary::of(&report.trials)
        };
        insta::assert_snapshot!(written(&report, true, Look::default()));
    }

    #[test]
    fn what_is_wrong_in_the_same_words_is_said_once() {
        let mut report = sample::report();
        let failed = |trial: &&TrialReport| trial.verdict == Verdict::Fail;
        let mut trial = report.trials.iter().find(failed).unwrap().clone();
        trial.findings.truncate(1);
        trial.findings[0].fuzzed = Some(Box::new(Fuzzed {
            oracle: "fuzz/answers".to_owned(),
            input: Value::Null,
            shrunk: Value::Null,
            seen: 2,
            tries: Some(Tries { hits: 3, of: 4 }),
            case: None,
            transcript: None,
        }));
        let mut other = trial.findings[0].clone();
        other.reproduce = "another line".to_owned();
        let should = Finding {
            level: Level::Should,
            ..other.clone()
        };
        trial.findings.extend([other, should]);
        let unseen = ["a/1", "a/2", "a/3", "a/4"].map(|case| TrialReport {
            case: case.into(),
            verdict: Verdict::NotObserved,
            reason: Some("it was not there".to_owned()),
            findings: Vec::new(),
            ..trial.clone()
        });
        report.trials = unseen.into_iter().chain([trial]).collect();
        let text = written(&report, false, Look::default());
        let (failures, rest) = text.split_once("Warnings").unwrap();
        assert_eq!(failures.matches("  found ").count(), 1, "{text}");
        assert_eq!(failures.matches("  input ").count(), 2);
        assert!(failures.contains("or by") && failures.contains("another line"));
        assert!(failures.contains("2 times; alone in 3 of 4 tries; not saved"));
        assert!(rest.contains("SHOULD"));
        assert!(rest.contains("  4 trials: it was not there; --report json names them\n"));
    }

    #[test]
    fn nothing_a_server_says_reaches_the_terminal_as_it_is() {
        let text = written(
            &sample::report(),
            false,
            Look {
                color: true,
                unicode: true,
                width: None,
            },
        );
        assert!(text.contains('\u{1b}'), "there are colours");
        let plain = strip_str(&text).to_string();
        assert!(plain.chars().all(|c| c == '\n' || !c.is_control()));
        assert!(!plain.contains('\u{202e}'));
        assert!(!plain.contains("PWNED") || plain.contains("\\u{1b}]0;PWNED"));
    }
}
