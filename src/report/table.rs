//! The summary table: area by revision and transport.

use std::collections::BTreeMap;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use crate::event::RunReport;
use crate::revision::Revision;
use crate::transport::Transport;
use crate::verdict::{TrialReport, Verdict};

/// The signs for what was seen, in the order in which a cell shows them.
type Signs = [(Verdict, &'static str, &'static str); 5];

const UNICODE: Signs = [
    (Verdict::Pass, "✓", "pass"),
    (Verdict::Fail, "✗", "fail"),
    (Verdict::Warn, "!", "warn"),
    (Verdict::NotObserved, "?", "not observed"),
    (Verdict::Broken, "#", "broken"),
];
const ASCII: Signs = [
    (Verdict::Pass, "+", "pass"),
    (Verdict::Fail, "x", "fail"),
    (Verdict::Warn, "!", "warn"),
    (Verdict::NotObserved, "?", "not observed"),
    (Verdict::Broken, "#", "broken"),
];

/// Counts by verdict.
type Counts = BTreeMap<Verdict, usize>;

/// The first part of a case's id.
pub fn area(trial: &TrialReport) -> &str {
    crate::catalog::area(&trial.case)
}

/// The table with its legend.
pub fn summary(report: &RunReport, width: Option<u16>, unicode: bool) -> String {
    let signs = if unicode { UNICODE } else { ASCII };
    let mut rows: BTreeMap<(&str, Transport), BTreeMap<Revision, Counts>> = BTreeMap::new();
    for trial in &report.trials {
        let row = rows.entry((area(trial), trial.transport)).or_default();
        *row.entry(trial.revision)
            .or_default()
            .entry(trial.verdict)
            .or_default() += 1;
    }
    let mut revisions: Vec<Revision> = report.trials.iter().map(|trial| trial.revision).collect();
    revisions.sort();
    revisions.dedup();

    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .enforce_styling();
    table.style_text_only();
    match width {
        Some(width) => table.set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    let heading = ["".to_owned(), "".to_owned()]
        .into_iter()
        .chain(revisions.iter().map(Revision::to_string));
    table.set_header(heading);
    let mut last = "";
    for ((area, transport), row) in &rows {
        let name = if *area == last { "" } else { area };
        last = area;
        let cells = revisions
            .iter()
            .map(|revision| cell(row.get(revision), &signs));
        table.add_row(
            [Cell::new(name), Cell::new(transport.as_str())]
                .into_iter()
                .chain(cells),
        );
    }
    let legend: Vec<String> = signs
        .iter()
        .map(|(_, sign, word)| format!("{sign} {word}"))
        .collect();
    let lines: Vec<String> = table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    format!("{}  {}\n", lines.concat(), legend.join("  "))
}

fn cell(counts: Option<&Counts>, signs: &Signs) -> Cell {
    let count = |verdict: Verdict| {
        counts
            .and_then(|counts| counts.get(&verdict))
            .copied()
            .unwrap_or(0)
    };
    let parts: Vec<String> = signs
        .iter()
        .filter(|(verdict, _, _)| count(*verdict) > 0)
        .map(|(verdict, sign, _)| format!("{}{sign}", count(*verdict)))
        .collect();
    let cell = Cell::new(if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(" ")
    });
    if count(Verdict::Fail) > 0 || count(Verdict::Broken) > 0 {
        cell.fg(Color::Red)
    } else if count(Verdict::Warn) > 0 {
        cell.fg(Color::Yellow)
    } else {
        cell
    }
}
