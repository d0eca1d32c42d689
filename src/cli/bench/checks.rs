//! What makes no sense on the command line, said before anything is measured.

use std::path::Path;

use crate::bench::Options;
use crate::bench::condition::{Condition, Needs};
use crate::bench::message::takes_payload;
use crate::bench::subject::{Named, Subject};
use crate::cli::Failure;
use crate::cli::destination::resolved;
use crate::target::Endpoint;

/// Results are known by the name of their tool.
pub(super) fn calls(options: &Options) -> Result<(), Failure> {
    let calls = &options.allowed.calls;
    let again = |(index, (name, _)): &(usize, &(String, _))| {
        calls[..*index].iter().any(|(earlier, _)| earlier == name)
    };
    match calls.iter().enumerate().find(again) {
        None => Ok(()),
        Some((_, (name, _))) => Err(Failure::usage(format!(
            "--call {name} is there twice: results of one tool could not be told apart; measure one after the other"
        ))),
    }
}

/// A payload has to go somewhere.
pub(super) fn payloads(options: &Options) -> Result<(), Failure> {
    let calls = &options.allowed.calls;
    let has_place = calls.iter().any(|(_, arguments)| takes_payload(arguments));
    match largest(options) {
        Some(payload) if !calls.is_empty() && !has_place => Err(Failure::usage(format!(
            "--payload {payload} has no place: write {{payload}} into the arguments of --call where the bytes belong, as in \
             --call 'echo={{\"text\":\"{{payload}}\"}}'"
        ))),
        _ => Ok(()),
    }
}

/// The same without `--call`, when it is known which tools there are.
pub(super) fn has_place(options: &Options, subjects: &[Subject]) -> Result<(), Failure> {
    let Some(payload) = largest(options) else {
        return Ok(());
    };
    let mut calls = subjects
        .iter()
        .flat_map(|subject| subject.calls(&options.payloads));
    match calls.any(|call| call.payload > 0) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "--payload {payload} has no place: of the calls that are made without --call none has one here; name a tool with \
             --call 'TOOL={{\"ARGUMENT\":\"{{payload}}\"}}'"
        ))),
    }
}

fn largest(options: &Options) -> Option<usize> {
    options
        .payloads
        .iter()
        .copied()
        .max()
        .filter(|payload| *payload > 0)
}

/// A limit has to be for something that can be measured here.
pub(super) fn conditions(
    conditions: &[Condition],
    options: &Options,
    compares: bool,
) -> Result<(), Failure> {
    let asked = options.allowed.revisions.as_ref().map_or(1, Vec::len);
    let is_compared = compares || options.targets.len() > 1 || asked > 1;
    let is_ours = options.targets.iter().any(has_process);
    for condition in conditions {
        let missing = match condition.needs() {
            Some(Needs::Comparison) if !is_compared => {
                "there is nothing to compare with: name another target with --and, or a saved report with --compare"
            }
            Some(Needs::Process) if !is_ours => {
                "only a process that is started here shows it: name its command behind --"
            }
            _ => continue,
        };
        return Err(Failure::usage(format!(
            "--fail-if '{condition}': {missing}"
        )));
    }
    Ok(())
}

fn has_process(named: &Named) -> bool {
    match &named.endpoint {
        Endpoint::Stdio(_) => true,
        Endpoint::Http(http) => http.command.is_some(),
    }
}

/// What is compared with must not be replaced.
pub(super) fn files(save: Option<&Path>, compare: Option<&Path>) -> Result<(), Failure> {
    let (Some(save), Some(compare)) = (save, compare) else {
        return Ok(());
    };
    match (resolved(save), resolved(compare)) {
        (Ok(one), Ok(other)) if one == other => Err(Failure::usage(format!(
            "--save {} would replace what --compare compares with: give it another path",
            save.display()
        ))),
        _ => Ok(()),
    }
}
