//! `cases coverage`: the numbers as a table.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use crate::catalog::coverage::{Cell, Coverage};
use crate::report::finding::BOLD;
use crate::revision::Revision;

/// The table, then what is open and what cannot be tested.
pub(super) fn text(coverage: &Coverage) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    let names = Revision::ALL.iter().map(Revision::to_string);
    table.set_header(std::iter::once("area".to_owned()).chain(names));
    let totals = coverage.totals();
    let rows = coverage
        .areas
        .iter()
        .map(|(area, cells)| (area.as_str(), cells));
    for (area, cells) in rows.chain([("all", &totals)]) {
        let cells = Revision::ALL
            .iter()
            .map(|revision| cell(cells.get(revision).copied().unwrap_or_default()));
        table.add_row(std::iter::once(area.to_owned()).chain(cells));
    }
    let mut text = String::from(
        "Requirements of servers: tested by a case or a rule / all; in brackets those not testable\n\n",
    );
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let (cases, rules) = (coverage.proven_cases, coverage.proven_rules);
    let _ = writeln!(
        text,
        "\nProven by a fault of the reference server: {} of {} cases, {} of {} rules",
        cases.some, cases.all, rules.some, rules.all
    );
    if !coverage.open.is_empty() {
        let _ = writeln!(text, "\n{BOLD}Open{BOLD:#}");
        for (id, revisions) in &coverage.open {
            let at: Vec<&str> = revisions.iter().map(|revision| revision.as_str()).collect();
            let _ = writeln!(text, "  {id}: at {}", at.join(", "));
        }
    }
    if !coverage.untested.is_empty() {
        let _ = writeln!(text, "\n{BOLD}Not testable{BOLD:#}");
        for (id, reason) in &coverage.untested {
            let _ = writeln!(text, "  {id}: {reason}");
        }
    }
    text
}

fn cell(cell: Cell) -> String {
    match (cell.total(), cell.untested) {
        (0, _) => "-".to_owned(),
        (total, 0) => format!("{}/{total}", cell.tested),
        (total, untested) => format!("{}/{total} ({untested})", cell.tested),
    }
}
