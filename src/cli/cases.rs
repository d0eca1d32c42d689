//! `cases`: read, verify and count the catalog.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{CatalogArgs, Failure, coverage, matrix, print, rule_citations, show};
use crate::catalog::lint::lint;
use crate::catalog::load::{self, Kind};
use crate::catalog::{Catalog, Problem};
use crate::report::finding::BOLD;
use crate::rule::RULES;

/// Read, verify and count the cases.
#[derive(Debug, Args)]
pub(super) struct Cases {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every case and rule with its title, by area
    List {
        #[command(flatten)]
        catalog: CatalogArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell what a case does and accepts, or what a requirement asks and who tests it
    Show {
        /// The name of a case, a rule, a trial or a requirement; or a glob
        name: String,
        #[command(flatten)]
        catalog: CatalogArgs,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Verify the catalog: form, references, patterns, requirements that nothing tests
    Lint {
        #[command(flatten)]
        catalog: CatalogArgs,
    },
    /// Count what is tested of what the specification asks, by area and revision
    Coverage(coverage::Arguments),
    /// Play each fault of the reference server: every case must be able to fail, and to pass
    Matrix(matrix::Arguments),
}

impl Cases {
    pub(super) fn run(self) -> Result<u8, Failure> {
        match self.command {
            Command::List { catalog, json } => {
                let catalog = catalog.load()?;
                let listed = listed(&catalog);
                print(&if json {
                    to_json(&listed)?
                } else {
                    list(&listed)
                })
                .map(|()| 0)
            }
            Command::Show {
                name,
                catalog,
                json,
            } => show::run(&catalog.load()?, &name, json).map(|()| 0),
            Command::Lint { catalog } => lint_all(&catalog),
            Command::Coverage(arguments) => arguments.run().map(|()| 0),
            Command::Matrix(arguments) => arguments.run(),
        }
    }
}

/// Indented, with a newline at the end.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| format!("{text}\n"))
        .map_err(|error| Failure::run(format!("cannot write JSON: {error}")))
}

/// A case or a rule.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: String,
    area: &'a str,
    title: &'a str,
    requirements: Vec<&'a str>,
    /// Absent for rules, which look at every session.
    #[serde(skip_serializing_if = "Option::is_none")]
    revisions: Option<Vec<&'a str>>,
}

fn listed(catalog: &Catalog) -> Vec<Listed<'_>> {
    let cases = catalog.cases().iter().map(|case| Listed {
        name: case.id.to_string(),
        area: case.area(),
        title: &case.title,
        requirements: case.requirements.iter().map(String::as_str).collect(),
        revisions: Some(
            case.revisions
                .iter()
                .map(|revision| revision.as_str())
                .collect(),
        ),
    });
    let rules = RULES.iter().map(|rule| Listed {
        name: format!("rule/{}", rule.name),
        area: "rule",
        title: rule.title,
        requirements: rule.requirements.to_vec(),
        revisions: None,
    });
    let mut listed: Vec<Listed<'_>> = cases.chain(rules).collect();
    // The order of the file is kept within an area; the rules come last.
    listed.sort_by_key(|listed| (listed.revisions.is_none(), listed.area));
    listed
}

fn list(listed: &[Listed<'_>]) -> String {
    let width = listed
        .iter()
        .map(|listed| listed.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    let mut area = "";
    for listed in listed {
        if listed.area != area {
            area = listed.area;
            let before = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{before}{BOLD}{area}{BOLD:#}");
        }
        let _ = writeln!(text, "  {:width$}  {}", listed.name, listed.title);
    }
    text
}

fn lint_all(arguments: &CatalogArgs) -> Result<u8, Failure> {
    let mut files = load::builtin();
    if let Some(dir) = &arguments.dir {
        files.extend(load::read_dir(dir).map_err(|error| arguments.failure(&error))?);
    }
    let problems = lint(&files, &Catalog::default(), Some(&rule_citations()));
    let mut text: String = problems
        .iter()
        .map(|problem: &Problem| format!("{problem}\n"))
        .collect();
    let cases = files.iter().filter(|file| file.kind == Kind::Cases).count();
    let _ = match problems.len() {
        0 => writeln!(
            text,
            "{cases} files of cases, {} of requirements: no problem",
            files.len() - cases
        ),
        1 => writeln!(text, "1 problem"),
        many => writeln!(text, "{many} problems"),
    };
    print(&text)?;
    Ok(u8::from(!problems.is_empty()))
}
