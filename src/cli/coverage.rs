//! `cases coverage`: the numbers as a table, and against what they were.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use mcp_reference_server::Proof;

use super::cases::to_json;
use super::{CatalogArgs, Failure, print, rule_citations};
use crate::catalog::baseline::Baseline;
use crate::catalog::coverage::{Cell, Coverage, Share};
use crate::report::finding::BOLD;
use crate::revision::Revision;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    catalog: CatalogArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Fail if anything is worse than in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the counts of today to this file, for --baseline
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    save: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<(), Failure> {
        let faults: Vec<(&str, &str)> = mcp_reference_server::faults()
            .iter()
            .filter(|fault| fault.proof == Proof::Conversation)
            .map(|fault| (fault.name, fault.requirement))
            .collect();
        let coverage = Coverage::of(&self.catalog.load()?, &rule_citations(), &faults);
        print(&if self.json {
            to_json(&coverage)?
        } else {
            text(&coverage)
        })?;
        if let Some(path) = &self.save {
            std::fs::write(path, Baseline::of(&coverage).to_json()).map_err(|error| {
                Failure::run(format!("cannot write {}: {error}", path.display()))
            })?;
        }
        match &self.baseline {
            Some(path) => compare(path, &coverage),
            None => Ok(()),
        }
    }
}

fn compare(path: &Path, coverage: &Coverage) -> Result<(), Failure> {
    let failure = |error: String| Failure::usage(format!("--baseline {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
    let baseline: Baseline =
        serde_json::from_str(&text).map_err(|error| failure(error.to_string()))?;
    let worse = baseline.worse(coverage);
    if worse.is_empty() {
        return Ok(());
    }
    Err(Failure {
        message: format!(
            "coverage went down\n  {}\nIf that is meant: mcp-conform cases coverage --save {}",
            worse.join("\n  "),
            path.display()
        ),
        code: 1,
    })
}

/// The table, then what is open and what cannot be tested.
fn text(coverage: &Coverage) -> String {
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
    table.add_row(std::iter::once("of clients".to_owned()).chain(clients(coverage)));
    let mut text = String::from(
        "Requirements of servers that are tested, of all; (n) cannot be tested, with the reason; !n are open.\n\
         Tested means on each transport: over stdio and over HTTP. Those of clients are not tested yet.\n\n",
    );
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "\n{}", proofs(coverage));
    if !coverage.unproven_requirements.is_empty() {
        let _ = writeln!(text, "\n{BOLD}Cited, and not proven{BOLD:#}");
        for id in &coverage.unproven_requirements {
            let _ = writeln!(text, "  {id}");
        }
    }
    if !coverage.open.is_empty() {
        let _ = writeln!(text, "\n{BOLD}Open{BOLD:#}");
        for (id, places) in &coverage.open {
            let places: Vec<String> = places
                .iter()
                .flat_map(|(revision, transports)| {
                    transports
                        .iter()
                        .map(move |transport| format!("{revision}+{transport}"))
                })
                .collect();
            let _ = writeln!(text, "  {id}: at {}", places.join(", "));
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

fn proofs(coverage: &Coverage) -> String {
    let of = |share: Share| format!("{} of {}", share.some, share.all);
    format!(
        "Proven by a fault of the reference server: {} cases, {} rules, {} requirements that they cite.\n\
         Faults that are caught: {}.",
        of(coverage.proven_cases),
        of(coverage.proven_rules),
        of(coverage.proven_requirements),
        of(coverage.caught_faults)
    )
}

fn clients(coverage: &Coverage) -> impl Iterator<Item = String> {
    Revision::ALL.iter().map(|revision| {
        let areas = coverage.clients.values();
        areas
            .filter_map(|cells| cells.get(revision))
            .sum::<usize>()
            .to_string()
    })
}

fn cell(cell: Cell) -> String {
    if cell.total() == 0 {
        return "-".to_owned();
    }
    let mut text = format!("{}/{}", cell.tested, cell.total());
    if cell.untested > 0 {
        let _ = write!(text, " ({})", cell.untested);
    }
    if cell.open > 0 {
        let _ = write!(text, " !{}", cell.open);
    }
    text
}
