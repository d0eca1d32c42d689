//! `--report`: which reports are written, and where.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use clap::Args;

use super::Failure;
use super::destination::Destination;
use crate::catalog::Catalog;
use crate::event::{Event, RunReport};
use crate::report::escape::visible;
use crate::report::human::{Human, Look};
use crate::report::json::Json;
use crate::report::junit::Junit;
use crate::report::progress::Progress;
use crate::report::{Outcome, Reporter, Reporters};

/// What comes out.
#[derive(Debug, Default, Args)]
pub(super) struct Output {
    /// Write a report: human (default), json or junit; to stdout, or to a file (repeatable)
    #[arg(long = "report", value_name = "KIND[=PATH]")]
    reports: Vec<ReportSpec>,

    /// Let warnings fail as well
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone)]
struct ReportSpec {
    kind: Kind,
    path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Human,
    Json,
    Junit,
}

impl FromStr for ReportSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportSpec, String> {
        let (kind, path) = kind_and_path(text)?;
        let kind = match kind {
            "human" => Kind::Human,
            "json" => Kind::Json,
            "junit" => Kind::Junit,
            _ => {
                return Err("write human, json or junit, and =PATH behind it for a file".to_owned());
            }
        };
        Ok(ReportSpec { kind, path })
    }
}

/// KIND or KIND=PATH, taken apart.
pub(super) fn kind_and_path(text: &str) -> Result<(&str, Option<PathBuf>), String> {
    match text.split_once('=') {
        Some((_, "")) => Err("the path after = is empty".to_owned()),
        Some((kind, path)) => Ok((kind, Some(PathBuf::from(path)))),
        None => Ok((text, None)),
    }
}

type Writer = Box<dyn Write + Send>;

impl Output {
    /// Opens everything that will be written, so that a bad path fails before the run.
    pub(super) fn open(&self, catalog: &Arc<Catalog>) -> Result<Reports, Failure> {
        let default = [ReportSpec {
            kind: Kind::Human,
            path: None,
        }];
        let specs = if self.reports.is_empty() {
            default.as_slice()
        } else {
            &self.reports
        };
        let mut reports = Reports::default();
        // First, so that the bar is gone before anything is printed.
        if let Some(progress) = Progress::if_watched() {
            reports.reporters.push("stderr", Box::new(progress));
        }
        for (number, spec) in specs.iter().enumerate() {
            let to_stdout = |spec: &ReportSpec| spec.path.is_none();
            if to_stdout(spec) && specs[..number].iter().any(to_stdout) {
                return Err(Failure::usage(
                    "two reports would go to stdout: give all but one a path, as in --report junit=report.xml",
                ));
            }
            let (name, writer, look) = reports.place(spec.path.as_deref())?;
            let reporter: Box<dyn Reporter> = match spec.kind {
                Kind::Human => Box::new(Human::new(writer, catalog.clone(), self.strict, look)),
                Kind::Json => Box::new(Json::new(writer)),
                Kind::Junit => Box::new(Junit::new(writer, catalog.clone(), self.strict)),
            };
            reports.reporters.push(name, reporter);
        }
        Ok(reports)
    }

    /// Puts the reports in their places. The exit code, unless one could not be written; what was found weighs more.
    pub(super) fn finish(&self, reports: Reports, report: &RunReport) -> Result<u8, Failure> {
        let outcome = Outcome::of(&report.summary, self.strict);
        match reports.put() {
            Err(failure) if outcome == Outcome::Failed => complain("error", &failure.message),
            written => written?,
        }
        Ok(outcome.exit_code())
    }
}

/// The reports of a run. What goes to a file is in its place when it is whole: until then, and if the run fails, what was
/// there stays.
#[derive(Default)]
pub(super) struct Reports {
    reporters: Reporters,
    files: Vec<Destination>,
}

impl Reports {
    /// Where a report goes: the name of the place, and how it looks there.
    fn place(&mut self, path: Option<&Path>) -> Result<(String, Writer, Look), Failure> {
        let Some(path) = path else {
            return Ok(("stdout".to_owned(), Box::new(io::stdout()), stdout_look()));
        };
        let file = Destination::open(path)?;
        let name = file.shown();
        if self.files.iter().any(|other| other.is_same_file(&file)) {
            return Err(Failure::usage(format!(
                "two reports would go to {name}: give each its own path"
            )));
        }
        let writer = file.writer().map_err(|error| unwritten(&name, &error))?;
        self.files.push(file);
        let look = Look {
            unicode: true,
            ..Look::default()
        };
        Ok((name, Box::new(writer), look))
    }

    /// Tells what happens.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        self.reporters.event(event);
    }

    /// Puts what is whole in its place.
    fn put(self) -> Result<(), Failure> {
        let Reports { reporters, files } = self;
        let failed: Vec<_> = reporters.failures().collect();
        let mut outcome = match failed.first() {
            Some((name, error)) => Err(unwritten(name, error)),
            None => Ok(()),
        };
        for file in files {
            let name = file.shown();
            if failed.iter().all(|(other, _)| *other != name) {
                outcome = outcome.and(file.put().map_err(|error| unwritten(&name, &error)));
            }
        }
        outcome
    }

    /// Tells the reporters of a run that is over.
    pub(super) fn write(&mut self, report: &RunReport) {
        self.event(&Event::Started {
            target: &report.target,
        });
        self.event(&Event::Planned {
            profile: &report.profile,
            trials: report.trials.len(),
        });
        for trial in &report.trials {
            self.event(&Event::Judged { trial });
        }
        self.event(&Event::Finished { report });
    }
}

fn unwritten(name: &str, error: &io::Error) -> Failure {
    Failure::run(format!("cannot write the report to {name}: {error}"))
}

pub(super) fn stdout_look() -> Look {
    let stdout = io::stdout();
    let width = match stdout.is_terminal() {
        true => terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0),
        false => None,
    };
    Look {
        color: AutoStream::choice(&stdout) != ColorChoice::Never,
        unicode: locale_is_utf8(),
        width,
    }
}

/// The first of these variables that is set decides, as POSIX says.
fn locale_is_utf8() -> bool {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let deciding = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find(|name| set(name));
    let locale = deciding
        .and_then(|name| std::env::var(name).ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

/// Tells on stderr what is wrong.
pub(super) fn complain(what: &str, text: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(
        anstream::stderr(),
        "{style}{what}{style:#}: {}",
        visible(text)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(reports: &[&str]) -> Output {
        Output {
            reports: reports.iter().map(|text| text.parse().unwrap()).collect(),
            strict: false,
        }
    }

    #[test]
    fn each_report_has_its_own_place() {
        let catalog = Arc::new(Catalog::default());
        let dir = tempfile::tempdir().unwrap();
        let path = format!("junit={}", dir.path().join("report.xml").display());
        assert!(output(&[&path, "human"]).open(&catalog).is_ok());
        assert!(
            output(&["json", "human"])
                .open(&catalog)
                .is_err_and(|failure| failure.code == 2)
        );
        assert!(output(&[&path, &path]).open(&catalog).is_err());
        let nowhere = format!("json={}", dir.path().join("none/report.json").display());
        assert!(
            output(&[&nowhere])
                .open(&catalog)
                .is_err_and(|failure| failure.message.contains("none/report.json"))
        );
        for text in ["xml", "json=", ""] {
            assert!(text.parse::<ReportSpec>().is_err(), "{text}");
        }
    }
}
