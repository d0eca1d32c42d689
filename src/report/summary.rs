//! The end of the report for people: counts, statements, round trips, and what it all comes to.

use std::collections::{BTreeMap, HashSet};

use super::Outcome;
use super::count::{counted, thousands};
use super::escape::excerpt;
use super::finding::{DIM, FAIL, PASS};
use super::fold::{self, Place};
use crate::event::{Fuzzing, RunReport, Statement, Summary};
use crate::verdict::Verdict;

/// How many reasons are written out.
const MAX_LISTED: usize = 8;

/// Writes what stands below the table.
pub fn write(output: &mut String, report: &RunReport, strict: bool) {
    counts(output, report);
    fuzzing(output, report);
    not_applicable(output, report);
    statements(output, report);
    latency(output, report);
    outcome(output, report, strict);
}

fn counts(output: &mut String, report: &RunReport) {
    let summary = &report.summary;
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|verdict| (summary.count(verdict), verdict.as_str().replace('-', " ")))
        .filter(|(count, word)| *count > 0 || word == "fail" || word == "pass")
        .map(|(count, word)| format!("{} {word}", thousands(count as u64)))
        .collect();
    let total = counted(report.trials.len(), "trial");
    let seconds = summary.duration_ms / 1_000.0;
    let starts = match summary.starts {
        0 => String::new(),
        1 => ", 1 process started".to_owned(),
        more => format!(", {more} processes started"),
    };
    output.push_str(&format!(
        "\n{total}: {} ({seconds:.1} s{starts})\n",
        counts.join(", ")
    ));
}

fn fuzzing(output: &mut String, report: &RunReport) {
    let Some(fuzzing) = &report.fuzzing else {
        return;
    };
    match fuzzing.seed {
        Some(seed) => generated(output, fuzzing, seed),
        None => output.push_str(&format!(
            "{} tried again\n",
            counted(fuzzing.inputs, "input")
        )),
    }
    let untried = untried(report);
    if fuzzing.seed.is_some() && !untried.is_empty() {
        let untried = fold::places(&untried);
        output.push_str(&format!("  not tried: {untried}; see --revision\n"));
    }
    if let Some(reason) = &fuzzing.unsaved {
        let line = format!("{FAIL}not saved{FAIL:#}: {}\n", excerpt(reason, 240));
        output.push_str(&line);
    }
}

fn generated(output: &mut String, fuzzing: &Fuzzing, seed: u64) {
    let coverage = &fuzzing.coverage;
    let generators = coverage.generators.iter();
    let counts: Vec<String> = generators
        .map(|(name, count)| format!("{name} {}", thousands(*count)))
        .collect();
    output.push_str(&format!(
        "{}, {} a second, seed {seed}\n  by generator: {}\n  {} and {} to be wrong; --report json counts each\n",
        counted(fuzzing.inputs, "input"),
        thousands(fuzzing.inputs_per_s as u64),
        counts.join(", "),
        counted(coverage.methods.len(), "method"),
        counted(coverage.keywords.len(), "way"),
    ));
}

/// Where the server can be spoken to as well: what was found elsewhere may hold there.
fn untried(report: &RunReport) -> Vec<Place> {
    let tried: HashSet<Place> = (report.trials.iter())
        .map(|trial| (trial.revision, trial.transport))
        .collect();
    let open = report
        .profile
        .offers
        .iter()
        .filter(|offer| !offer.is_closed());
    let places = open.map(|offer| (offer.revision, offer.transport));
    places.filter(|place| !tried.contains(place)).collect()
}

fn not_applicable(output: &mut String, report: &RunReport) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in report
        .trials
        .iter()
        .filter(|trial| trial.verdict == Verdict::NotApplicable)
    {
        *reasons
            .entry(trial.reason.as_deref().unwrap_or("no reason was given"))
            .or_default() += 1;
    }
    if reasons.is_empty() {
        return;
    }
    output.push_str("\nNot applicable, by reason\n");
    let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    for (reason, count) in reasons.iter().take(MAX_LISTED) {
        output.push_str(&format!(
            "  {:>5}  {}\n",
            thousands(*count as u64),
            excerpt(reason, 120)
        ));
    }
    let rest: usize = reasons
        .iter()
        .skip(MAX_LISTED)
        .map(|(_, count)| count)
        .sum();
    if rest > 0 {
        let more = reasons.len() - MAX_LISTED;
        let more = counted(more, "other reason");
        let line = format!("  {rest:>5}  for {more}; --report json has all\n");
        output.push_str(&line);
    }
}

fn statements(output: &mut String, report: &RunReport) {
    let summary = &report.summary;
    if !summary.statements.is_empty() || !summary.latency.is_empty() {
        output.push('\n');
    }
    for statement in &summary.statements {
        output.push_str(&statement_line(statement));
    }
}

fn latency(output: &mut String, report: &RunReport) {
    for latency in &report.summary.latency {
        output.push_str(&format!(
            "round trip over {}: p50 {}, p99 {} ({})\n",
            latency.transport,
            micros(latency.p50_us),
            micros(latency.p99_us),
            counted(latency.count, "request")
        ));
    }
}

fn outcome(output: &mut String, report: &RunReport, strict: bool) {
    let summary = &report.summary;
    let (style, word) = match Outcome::of(summary, strict) {
        Outcome::Clean => (PASS, "PASS"),
        Outcome::Failed => (FAIL, "FAIL"),
        Outcome::Incomplete => (FAIL, "INCOMPLETE"),
    };
    output.push_str(&format!(
        "\n{style}{word}{style:#}: {}\n",
        verdict_sentence(summary, strict)
    ));
}

fn statement_line(statement: &Statement) -> String {
    let answer = |holds: bool| match (statement.judged, holds) {
        (0, _) => format!("{DIM}-  {DIM:#}"),
        (_, true) => format!("{PASS}yes{PASS:#}"),
        (_, false) => format!("{FAIL}no {FAIL:#}"),
    };
    let transports: Vec<&str> = statement
        .transports
        .iter()
        .map(|transport| transport.as_str())
        .collect();
    format!(
        "{}  conforms: {}  robust: {}  ({} judged over {})\n",
        statement.revision,
        answer(statement.conforms),
        answer(statement.robust),
        thousands(statement.judged as u64),
        transports.join(", ")
    )
}

fn verdict_sentence(summary: &Summary, strict: bool) -> String {
    let trials = |count: usize| counted(count, "trial");
    let mut parts = Vec::new();
    if summary.fail > 0 {
        parts.push(format!("{} failed", trials(summary.fail)));
    }
    if summary.warn > 0 {
        let strictly = if strict {
            ", which --strict does not forgive"
        } else {
            ""
        };
        parts.push(format!("{} gave warnings{strictly}", trials(summary.warn)));
    }
    if summary.broken > 0 {
        parts.push(format!("{} could not be run", trials(summary.broken)));
    }
    if summary.judged() == 0 {
        return "nothing was judged".to_owned();
    }
    if summary.fail == 0 && summary.broken == 0 {
        parts.insert(0, "no trial failed".to_owned());
    }
    parts.join(", ")
}

fn micros(us: u64) -> String {
    if us < 10_000 {
        format!("{} us", thousands(us))
    } else {
        format!("{:.1} ms", us as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_in_a_unit_that_fits() {
        assert_eq!(micros(950), "950 us");
        assert_eq!(micros(12_345), "12.3 ms");
    }
}
