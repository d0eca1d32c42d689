//! The report for people at a terminal.

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table as Layout, presets};

use super::report::BenchReport;
use super::sentences::{compared, failures, setting};
use super::tables::{Table, tables};
use crate::report::escape::visible;
use crate::report::human::Look;

const BOLD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

/// The whole report.
pub fn page(report: &BenchReport, look: Look) -> String {
    let mut text = format!("{}\n", styled(look, DIM, &visible(&setting(report))));
    for table in tables(report) {
        text.push_str(&format!("\n{}\n", styled(look, BOLD, table.title)));
        text.push_str(&laid_out(&table, look));
    }
    let lists = [
        ("Errors, which are in no latency", failures(report), true),
        ("Compared", compared(report), false),
        ("What seems to be behind it", diagnoses(report), false),
    ];
    for (title, lines, bad) in lists {
        if lines.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{}\n", styled(look, BOLD, title)));
        for line in lines {
            let line = visible(&line);
            let line = if bad { styled(look, BAD, &line) } else { line };
            text.push_str(&format!("  {line}\n"));
        }
    }
    if let Some(partial) = &report.partial {
        let title = "PARTIAL: this is what was measured until then";
        text.push_str(&format!("\n{}\n", styled(look, BAD.bold(), title)));
        for line in partial.lines() {
            text.push_str(&format!("  {}\n", visible(line)));
        }
    }
    match look.unicode {
        true => text,
        false => text.replace('µ', "u").replace('×', "x"),
    }
}

fn styled(look: Look, style: Style, text: &str) -> String {
    match look.color {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    }
}

fn diagnoses(report: &BenchReport) -> Vec<String> {
    let diagnoses = report.diagnoses.iter();
    diagnoses
        .flat_map(|diagnosis| {
            let first = format!("{}: {}", diagnosis.target, diagnosis.text);
            let evidence = diagnosis.evidence.iter().map(|line| format!("  - {line}"));
            std::iter::once(first).chain(evidence)
        })
        .collect()
}

fn laid_out(table: &Table, look: Look) -> String {
    let mut layout = Layout::new();
    layout
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = look.width {
        layout
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    let cell = |index: usize, text: &str| {
        let alignment = match index < table.words {
            true => CellAlignment::Left,
            false => CellAlignment::Right,
        };
        Cell::new(text).set_alignment(alignment)
    };
    let heads = table.heads.iter().enumerate();
    layout.set_header(heads.map(|(index, head)| cell(index, head)));
    let mut last = "";
    for row in &table.rows {
        // What is the same as above it need not be read again.
        let first = row.first().map_or("", String::as_str);
        let repeats = first == last && table.words > 1;
        last = first;
        layout.add_row(row.iter().enumerate().map(|(index, text)| {
            let text = if repeats && index == 0 { "" } else { text };
            cell(index, &visible(text))
        }));
    }
    let lines = layout.lines();
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}
