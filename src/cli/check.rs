//! `check`: certifies a server.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::calls::Calls;
use super::output::{Output, Reports};
use super::revisions::{self, Revisions};
use super::running::{failure, timeout, unless_interrupted};
use super::target::{Others, Resolved, Target};
use super::{CatalogArgs, Failure};
use crate::catalog::Catalog;
use crate::condition::IDENTITY;
use crate::event::RunReport;
use crate::run::{self, Options};
use crate::target::{Endpoint, TargetInfo};

/// How long a request may take unless the user says otherwise.
const TIMEOUT: &str = "10s";
/// Check a server: the bundled one if no target is given.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    others: Others,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    catalog: CatalogArgs,

    /// A revision, all of them, or auto for those that the server accepts (repeatable) [default: auto]
    #[arg(long = "revision", value_name = "REV|all|auto")]
    revisions: Vec<Revisions>,

    /// Only cases and trials whose name matches, such as 'tools/*' or '*@2025-11-25+stdio' (repeatable)
    #[arg(long = "case", value_name = "GLOB")]
    select: Vec<String>,

    /// How many sessions of each transport run at once [default: six times the processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// How long a request may take, such as 500ms or 1m
    #[arg(long, value_name = "DURATION", default_value = TIMEOUT, value_parser = timeout)]
    timeout: Duration,

    /// Save everything that crosses the wire in this folder
    #[arg(long, value_name = "DIR")]
    save_transcripts: Option<PathBuf>,

    #[command(flatten)]
    calls: Calls,
}

impl Default for Check {
    fn default() -> Check {
        Check {
            target: Target::default(),
            others: Others::default(),
            output: Output::default(),
            catalog: CatalogArgs::default(),
            revisions: Vec::new(),
            select: Vec::new(),
            jobs: None,
            timeout: Duration::from_secs(10),
            save_transcripts: None,
            calls: Calls::default(),
        }
    }
}

impl Check {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let revisions = revisions::asked(&self.revisions)?;
        let resolved = self.target.resolve(&self.others)?;
        let catalog = Arc::new(self.catalog.load()?);
        verify_identities(&resolved.endpoints, &catalog)?;
        let mut reports = self.output.open(&catalog)?;
        let options = Options {
            arguments: self.arguments(&resolved),
            endpoints: resolved.endpoints,
            target: resolved.info,
            catalog,
            revisions,
            select: self.select,
            fixture: self.calls.fixture(),
            jobs: self.jobs.map_or_else(run::default_jobs, NonZeroUsize::get),
            timeout: self.timeout,
            calls: self.calls.calls,
            call_read_only: self.calls.call_read_only,
            save_transcripts: self.save_transcripts,
        };
        let report = check(options, &mut reports)?;
        self.output.finish(reports, &report)
    }

    /// What reports say of the target.
    pub(super) fn target_info(&self) -> Option<TargetInfo> {
        self.target
            .resolve(&self.others)
            .ok()
            .map(|resolved| resolved.info)
    }

    /// The command line that does the same again, but for the selection.
    fn arguments(&self, resolved: &Resolved) -> Vec<String> {
        let mut arguments = vec!["mcp-conform".to_owned(), "check".to_owned()];
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        if timeout(TIMEOUT).is_ok_and(|usual| usual != self.timeout) {
            option(
                "--timeout",
                humantime::format_duration(self.timeout).to_string(),
            );
        }
        if let Some(dir) = &self.catalog.dir {
            option("--cases", dir.display().to_string());
        }
        arguments.extend(self.calls.arguments());
        arguments.extend(resolved.arguments.iter().cloned());
        arguments
    }
}

/// A misspelt identity would be used by no case, and nobody would notice.
pub(super) fn verify_identities(endpoints: &[Endpoint], catalog: &Catalog) -> Result<(), Failure> {
    let needs = catalog.cases().iter().flat_map(|case| &case.needs);
    let known: BTreeSet<&str> = needs
        .filter_map(|word| word.strip_prefix(IDENTITY))
        .collect();
    let mut given = endpoints
        .iter()
        .filter_map(Endpoint::identities)
        .flat_map(|all| all.keys());
    if let Some(name) = given.find(|name| !known.contains(name.as_str())) {
        let known = known.iter().copied().collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(format!(
            "--identity {name}: no case uses this name; known are {known}"
        )));
    }
    Ok(())
}

fn check(options: Options, reports: &mut Reports) -> Result<RunReport, Failure> {
    let mut listener = |event: &crate::event::Event<'_>| reports.event(event);
    unless_interrupted(run::run(options, &mut listener))?.map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::Revision;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        check: Check,
    }

    fn parse(arguments: &[&str]) -> Result<Check, clap::Error> {
        Only::try_parse_from([&["check"], arguments].concat()).map(|only| only.check)
    }

    #[test]
    fn the_defaults_are_those_of_no_subcommand() {
        assert_eq!(
            format!("{:?}", parse(&[]).unwrap()),
            format!("{:?}", Check::default())
        );
    }

    #[test]
    fn what_is_repeated_says_the_same() {
        let given = [
            "--fixture",
            "none",
            "--timeout",
            "500ms",
            "--call",
            "a b={\"x\": [1]}",
            "--call-read-only",
            "--",
            "server",
            "--flag",
        ];
        let check = parse(&given).unwrap();
        let arguments = check.arguments(
            &check
                .target
                .resolve(&check.others)
                .unwrap_or_else(|f| panic!("{}", f.message)),
        );
        assert_eq!(arguments[..2], ["mcp-conform", "check"]);
        let again: Vec<&str> = arguments[2..].iter().map(String::as_str).collect();
        assert_eq!(
            format!("{:?}", parse(&again).unwrap()),
            format!("{check:?}")
        );
    }

    #[test]
    fn revisions_add_up() {
        let asked = |given: &[&str]| revisions::asked(&parse(given).unwrap().revisions);
        assert!(asked(&[]).is_ok_and(|revisions| revisions.is_none()));
        assert!(asked(&["--revision", "auto"]).is_ok_and(|revisions| revisions.is_none()));
        let all = asked(&["--revision", "2025-11-25", "--revision", "all"]);
        assert!(all.is_ok_and(|revisions| revisions.is_some_and(|revisions| revisions == Revision::ALL)));
        assert!(asked(&["--revision", "auto", "--revision", "2025-11-25"]).is_err());
        assert!(parse(&["--revision", "2025"]).is_err());
    }

    #[test]
    fn values_are_verified_with_their_place() {
        let told = |given: &[&str]| parse(given).unwrap_err().to_string();
        assert!(
            told(&["--call", "x={\"a\": }"]).contains("column 7"),
            "{}",
            told(&["--call", "x={\"a\": }"])
        );
        assert!(told(&["--call", "x=[]"]).contains("JSON object"));
        assert!(told(&["--call", "x"]).contains("JSON object"));
        assert!(told(&["--timeout", "0s"]).contains("no time"));
        assert!(told(&["--timeout", "soon"]).contains("--timeout"));
        assert!(told(&["--jobs", "0"]).contains("--jobs"));
        assert!(told(&["--header", "a: b"]).contains("--url"));
        assert!(told(&["--env", "a=b"]).contains("COMMAND"));
        assert!(parse(&["server"]).is_err(), "a command stands behind --");
    }
}
