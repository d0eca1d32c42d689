//! The command line: one file per subcommand. Scripts rely on it, so names are kept.

#[cfg(unix)]
mod bench;
mod calls;
mod cases;
mod check;
mod coverage;
mod destination;
mod fuzz;
mod judge;
mod matrix;
mod output;
mod revisions;
mod running;
mod serve;
mod show;
mod target;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::lint::RuleCitations;
use crate::catalog::{Catalog, CatalogError};
use crate::rule::RULES;

/// Certify MCP servers over stdio and HTTP.
///
/// Without a subcommand the bundled reference server is checked over both transports.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-conform",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Colours on a terminal
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        global = true,
        value_name = "WHEN"
    )]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a server: the bundled one if no target is given
    Check(Box<check::Check>),
    /// Look for the input that breaks a server, and make it small
    Fuzz(Box<fuzz::Fuzz>),
    /// Measure what a call costs, over stdio and over HTTP, and why
    #[cfg(unix)]
    Bench(Box<bench::Bench>),
    /// Read, verify and count the cases
    Cases(cases::Cases),
    /// Give the verdicts again, from saved transcripts
    Judge(judge::Judge),
    /// Run the bundled reference server
    Serve(Box<serve::Serve>),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> ColorChoice {
        match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }
}

/// Why a subcommand ends early: what to tell the user, and the exit code.
#[derive(Debug)]
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The user asked for what makes no sense, or gave input that cannot be used.
    fn usage(message: impl ToString) -> Failure {
        Failure {
            message: message.to_string(),
            code: 2,
        }
    }

    /// What was asked for could not be carried out.
    fn run(message: impl ToString) -> Failure {
        Failure {
            message: message.to_string(),
            code: 3,
        }
    }
}

/// Does what these arguments say; the first is the name of the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; a reader who has seen enough is no error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    ColorChoice::from(cli.color).write_global();
    let code = match cli
        .command
        .unwrap_or_else(|| Command::Check(Box::default()))
    {
        Command::Check(check) => check.run(),
        Command::Fuzz(fuzz) => fuzz.run(),
        #[cfg(unix)]
        Command::Bench(bench) => bench.run(),
        Command::Cases(cases) => cases.run(),
        Command::Judge(judge) => judge.run(),
        Command::Serve(serve) => serve.run(),
    };
    ExitCode::from(code.unwrap_or_else(|failure| {
        let style = anstyle::AnsiColor::Red.on_default().bold();
        let _ = writeln!(
            anstream::stderr(),
            "{style}error{style:#}: {}",
            failure.message
        );
        failure.code
    }))
}

/// Where cases come from.
#[derive(Debug, Default, Args)]
struct CatalogArgs {
    /// Add the cases of this folder (AREA.json, requirements/AREA.json) to the built-in ones
    #[arg(long = "cases", value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl CatalogArgs {
    fn load(&self) -> Result<Catalog, Failure> {
        let catalog = Catalog::builtin();
        let catalog = match &self.dir {
            None => catalog,
            Some(dir) => catalog.and_then(|catalog| catalog.with_dir(dir)),
        };
        catalog.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &CatalogError) -> Failure {
        match &self.dir {
            Some(dir) => Failure::usage(format!("--cases {}: {error}", dir.display())),
            None => Failure::usage(error),
        }
    }
}

/// What each rule cites, under the name of its trials.
fn rule_citations() -> Vec<RuleCitations> {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    RULES
        .iter()
        .map(|rule| RuleCitations {
            name: format!("rule/{}", rule.name),
            requirements: owned(rule.requirements),
            faults: owned(rule.faults),
            applies: rule.applies,
        })
        .collect()
}

/// Writes to stdout; a reader who has seen enough is no error.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::run(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    /// What is wrong with it is said where it is read, with a reason.
    #[test]
    fn an_identity_alone_is_read() {
        for command in ["check", "fuzz"] {
            let line = ["mcp-conform", command, "--identity", "nonsense"];
            assert!(Cli::try_parse_from(line).is_ok());
        }
    }
}
