//! `judge`: the verdicts again, from saved transcripts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser};

use super::output::Output;
use super::{CatalogArgs, Cli, Command, Failure};
use crate::event::{RunReport, Summary};
use crate::target::TargetInfo;
use crate::transcript::{Header, Transcript};
use crate::verdict::TrialReport;
use crate::{fuzz, judge};

/// Give the verdicts again, from saved transcripts.
#[derive(Debug, Args)]
pub(super) struct Judge {
    /// Files written by `check --save-transcripts`, or the folder with all of them
    #[arg(required = true, value_name = "TRANSCRIPT")]
    transcripts: Vec<PathBuf>,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    catalog: CatalogArgs,
}

impl Judge {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let catalog = Arc::new(self.catalog.load()?);
        let transcripts = self.read()?;
        let mut reports = self.output.open(&catalog)?;
        let mut trials = judge::replay(&transcripts, &catalog).map_err(Failure::usage)?;
        trials.extend(fuzz::judged(&transcripts, &catalog));
        TrialReport::sort(&mut trials);
        let header = transcripts.first().map(|transcript| &transcript.header);
        let report = RunReport::new(
            &catalog,
            header.map(target_info).unwrap_or_default(),
            header
                .map(|header| (*header.profile).clone())
                .unwrap_or_default(),
            Summary::of(&trials),
            trials,
        );
        reports.write(&report);
        self.output.finish(reports, &report)
    }

    fn read(&self) -> Result<Vec<Transcript>, Failure> {
        let mut transcripts = Vec::new();
        for path in &self.transcripts {
            let files = if path.is_dir() {
                saved_in(path)?
            } else {
                vec![path.clone()]
            };
            for file in files {
                transcripts.push(read(&file)?);
            }
        }
        Ok(transcripts)
    }
}

fn read(path: &Path) -> Result<Transcript, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "cannot read the transcript {}: {error}",
            path.display()
        ))
    })?;
    Transcript::read(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn saved_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        Failure::usage(format!(
            "cannot read the folder {}: {error}",
            folder.display()
        ))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Failure::usage(format!(
            "{} holds no transcripts (*.jsonl)",
            folder.display()
        ))),
        false => Ok(files),
    }
}

/// What was tested: the transcript holds the command line of its run.
fn target_info(header: &Header) -> TargetInfo {
    let fallback = TargetInfo {
        kind: header.transport.as_str().to_owned(),
        ..TargetInfo::default()
    };
    match Cli::try_parse_from(header.command_line.iter()) {
        Ok(Cli {
            command: Some(Command::Check(check)),
            ..
        }) => check.target_info().unwrap_or(fallback),
        _ => fallback,
    }
}
