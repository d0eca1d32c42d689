//! `--report`: which reports are written, and where.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use clap::Args;

use super::Failure;
use crate::catalog::Catalog;
use crate::event::{Event, RunReport};
use crate::report::escape::visible;
use crate::report::human::{Human, Look};
use crate::report::json::Json;
use crate::report::junit::Junit;
use crate::report::progress::Progress;
use crate::report::{Outcome, Reporters};

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
    pub(super) fn open(&self, catalog: &Arc<Catalog>) -> Result<Reporters, Failure> {
        let default = [ReportSpec {
            kind: Kind::Human,
            path: None,
        }];
        let specs = if self.reports.is_empty() {
            default.as_slice()
        } else {
            &self.reports
        };
        self.distinct(specs)?;
        let mut reporters = Reporters::default();
        // First, so that the bar is gone before anything is printed.
        if let Some(progress) = Progress::if_watched() {
            reporters.push("stderr", Box::new(progress));
        }
        for spec in specs {
            let (name, writer, look): (String, Writer, Look) = match &spec.path {
                None => ("stdout".to_owned(), Box::new(io::stdout()), stdout_look()),
                Some(path) => {
                    let file = File::create(path).map_err(|error| {
                        Failure::usage(format!(
                            "cannot write the report {}: {error}",
                            path.display()
                        ))
                    })?;
                    (
                        path.display().to_string(),
                        Box::new(file),
                        Look {
                            unicode: true,
                            ..Look::default()
                        },
                    )
                }
            };
            reporters.push(
                name,
                match spec.kind {
                    Kind::Human => Box::new(Human::new(writer, catalog.clone(), self.strict, look)),
                    Kind::Json => Box::new(Json::new(writer)),
                    Kind::Junit => Box::new(Junit::new(writer, catalog.clone(), self.strict)),
                },
            );
        }
        Ok(reporters)
    }

    fn distinct(&self, specs: &[ReportSpec]) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        match specs.iter().find(|spec| !seen.insert(&spec.path)) {
            None => Ok(()),
            Some(ReportSpec { path: None, .. }) => Err(Failure::usage(
                "two reports would go to stdout: give all but one a path, as in --report junit=report.xml",
            )),
            Some(ReportSpec {
                path: Some(path), ..
            }) => Err(Failure::usage(format!(
                "two reports would go to {}: give each its own path",
                path.display()
            ))),
        }
    }

    /// The exit code, unless a report could not be written.
    pub(super) fn finish(&self, reporters: &Reporters, report: &RunReport) -> Result<u8, Failure> {
        let outcome = Outcome::of(&report.summary, self.strict);
        if let (Some((name, error)), false) =
            (reporters.failures().next(), outcome == Outcome::Failed)
        {
            return Err(Failure::run(format!(
                "cannot write the report to {name}: {error}"
            )));
        }
        Ok(outcome.exit_code())
    }

    /// Tells the reporters of a run that is over.
    pub(super) fn write(&self, reporters: &mut Reporters, report: &RunReport) {
        reporters.event(&Event::Started {
            target: &report.target,
        });
        reporters.event(&Event::Planned {
            profile: &report.profile,
            trials: report.trials.len(),
        });
        for trial in &report.trials {
            reporters.event(&Event::Judged { trial });
        }
        reporters.event(&Event::Finished { report });
    }
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
