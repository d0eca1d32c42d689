//! `cases matrix`: plays each fault of the reference server against the whole catalog.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use globset::Glob;
use indicatif::{ProgressBar, ProgressDrawTarget};
use mcp_reference_server::{Fault, faults};

use super::cases::to_json;
use super::running::{timeout, unless_interrupted};
use super::{CatalogArgs, Failure, print};
use crate::matrix::{self, Matrix, Options};
use crate::run;

/// Play each fault of the reference server: every case must be able to fail, and to pass
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    catalog: CatalogArgs,

    /// Only faults whose name matches, such as 'header-*' (repeatable)
    #[arg(long = "fault", value_name = "GLOB")]
    faults: Vec<Glob>,

    /// Write every fault with who caught it, who else found something, and what: json or markdown (repeatable)
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<Report>,

    /// How many faults are played at once [default: three times the processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// How long a request to a faulty server may take
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = timeout)]
    timeout: Duration,
}

#[derive(Debug, Clone)]
struct Report {
    is_json: bool,
    path: PathBuf,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> Result<Report, String> {
        match text.split_once('=') {
            Some((kind @ ("json" | "markdown"), path)) if !path.is_empty() => Ok(Report {
                is_json: kind == "json",
                path: path.into(),
            }),
            _ => Err("write json or markdown, = and a path".to_owned()),
        }
    }
}

impl Report {
    fn write(&self, matrix: &Matrix) -> Result<(), Failure> {
        let text = match self.is_json {
            true => to_json(matrix)?,
            false => matrix::markdown(matrix),
        };
        std::fs::write(&self.path, text)
            .map_err(|error| Failure::run(format!("cannot write {}: {error}", self.path.display())))
    }
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let faults = self.selected()?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::run(format!("cannot find this program: {error}")))?;
        let bar =
            ProgressBar::with_draw_target(Some(faults.len() as u64), ProgressDrawTarget::stderr());
        let options = Options {
            program,
            catalog: Arc::new(self.catalog.load()?),
            faults,
            jobs: self
                .jobs
                .map_or_else(|| 3 * run::processors(), NonZeroUsize::get),
            timeout: self.timeout,
        };
        let done = |row: &matrix::Row| {
            if !row.is_caught() {
                bar.println(format!("missed {}", row.fault));
            }
            bar.inc(1);
        };
        let matrix = unless_interrupted(matrix::run(options, done))?;
        bar.finish_and_clear();
        print(&matrix::summary(&matrix))?;
        for report in &self.reports {
            report.write(&matrix)?;
        }
        Ok(u8::from(!matrix.is_complete()))
    }

    /// The faults asked for: all if nothing is said.
    fn selected(&self) -> Result<Vec<&'static Fault>, Failure> {
        for glob in &self.faults {
            let matcher = glob.compile_matcher();
            if !faults().iter().any(|fault| matcher.is_match(fault.name)) {
                return Err(Failure::usage(format!(
                    "--fault {glob}: there is no such fault; `mcp-conform serve --list-faults` shows them all"
                )));
            }
        }
        let matchers: Vec<_> = self.faults.iter().map(Glob::compile_matcher).collect();
        let is_selected =
            |name: &str| matchers.is_empty() || matchers.iter().any(|m| m.is_match(name));
        Ok(faults()
            .iter()
            .filter(|fault| is_selected(fault.name))
            .collect())
    }
}
