//! Where a benchmark's report goes.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::bench::markdown;
use crate::bench::report::{BenchReport, FORMAT};
use crate::bench::{html, human};
use crate::cli::destination::Destination;
use crate::cli::output::{kind_and_path, stdout_look};
use crate::cli::{Failure, print};
use crate::report::human::Look;

/// What comes out.
#[derive(Debug, Default, Args)]
pub(super) struct Reports {
    /// Write a report: human (default), json, markdown or html; to stdout, or to a file (repeatable)
    #[arg(long = "report", value_name = "KIND[=PATH]")]
    reports: Vec<Spec>,
}

#[derive(Debug, Clone)]
struct Spec {
    kind: Kind,
    path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Human,
    Json,
    Markdown,
    Html,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        let (kind, path) = kind_and_path(text)?;
        let kind = match kind {
            "human" => Kind::Human,
            "json" => Kind::Json,
            "markdown" => Kind::Markdown,
            "html" => Kind::Html,
            _ => {
                return Err(
                    "write human, json, markdown or html, and =PATH behind it for a file"
                        .to_owned(),
                );
            }
        };
        Ok(Spec { kind, path })
    }
}

/// Reports to be written, each with its file if it goes to one.
pub(super) struct Opened(Vec<(Kind, Option<Destination>)>);

impl Reports {
    /// Opens everything that will be written, so that a bad path fails before anything is measured. The report is also
    /// kept where `save` says.
    pub(super) fn open(&self, save: Option<&Path>) -> Result<Opened, Failure> {
        let default = [Spec {
            kind: Kind::Human,
            path: None,
        }];
        let specs = match self.reports.is_empty() {
            true => &default[..],
            false => &self.reports,
        };
        let saved = save.map(|path| Spec {
            kind: Kind::Json,
            path: Some(path.to_owned()),
        });
        let all = specs.iter().chain(&saved);
        let mut opened: Vec<(Kind, Option<Destination>)> = Vec::new();
        for spec in all {
            let destination = spec.path.as_deref().map(Destination::open).transpose()?;
            let same = |(_, other): &&(Kind, Option<Destination>)| match (other, &destination) {
                (Some(other), Some(one)) => other.is_same_file(one),
                (None, None) => true,
                _ => false,
            };
            if opened.iter().find(same).is_some() {
                let place = match &destination {
                    Some(destination) => destination.shown(),
                    None => "stdout".to_owned(),
                };
                return Err(Failure::usage(format!(
                    "two reports would go to {place}: give each its own path, as in --report json=bench.json"
                )));
            }
            opened.push((spec.kind, destination));
        }
        Ok(Opened(opened))
    }
}

impl Opened {
    /// Whether the report for people goes to the terminal on which errors are told as well.
    pub(super) fn are_seen(&self) -> bool {
        let is_shown =
            |(kind, to): &(Kind, Option<Destination>)| matches!(kind, Kind::Human) && to.is_none();
        self.0.iter().any(is_shown)
            && std::io::stdout().is_terminal()
            && std::io::stderr().is_terminal()
    }

    pub(super) fn write(self, report: &BenchReport) -> Result<(), Failure> {
        for (kind, destination) in self.0 {
            let look = match destination {
                None => stdout_look(),
                Some(_) => Look {
                    unicode: true,
                    ..Look::default()
                },
            };
            let text = match kind {
                Kind::Human => human::page(report, look),
                Kind::Json => to_json(report)?,
                Kind::Markdown => markdown::page(report),
                Kind::Html => html::render(report).map_err(Failure::run)?,
            };
            match destination {
                Some(destination) => destination.write(&text)?,
                None => print(&text)?,
            }
        }
        Ok(())
    }
}

fn to_json(report: &BenchReport) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(report);
    text.map(|text| text + "\n").map_err(Failure::run)
}

/// Reads a report that was kept.
pub(super) fn read(path: &Path) -> Result<BenchReport, Failure> {
    let wrong = |what: String| Failure::usage(format!("--compare {}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let report: BenchReport = serde_json::from_str(&text).map_err(|error| {
        wrong(format!(
            "this is no report of a benchmark ({error}): name a file that --save wrote"
        ))
    })?;
    match report.format {
        FORMAT => Ok(report),
        other => Err(wrong(format!(
            "its format is {other}, and this program reads {FORMAT}: measure it again with --save"
        ))),
    }
}
