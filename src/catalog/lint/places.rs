//! Whether there is a revision and a transport at which something can ever matter.

use super::Located;
use crate::catalog::{Action, Case, Problem, Requirement, Step};
use crate::revision::Era;
use crate::transcript::StepRef;
use crate::transport::Transport;

/// Revisions that do not have the transport which the requirement is about.
pub(super) fn of_requirement(found: &Located<'_, Requirement>) -> Vec<Problem> {
    let requirement = &found.item;
    let levels = requirement.levels.keys();
    levels
        .filter(|revision| requirement.transports(**revision).next().is_none())
        .map(|revision| {
            let message = format!("at {revision} there is no transport that it concerns");
            found.problem(&format!("/levels/{revision}"), message)
        })
        .collect()
}

/// Revisions without a transport for the case, and steps that cannot be taken where the case runs.
pub(super) fn of_case(case: &Located<'_, Case>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for revision in case.item.revisions.iter() {
        let mut transports = Transport::ALL.into_iter();
        if !transports.any(|transport| transport.carries(revision) && case.item.is_over(transport))
        {
            let message = format!("at {revision} there is none of its transports");
            problems.push(case.problem("/transports", message));
        }
    }
    for (StepRef(index, within), step) in case.item.all_steps() {
        let message = needs_http(step, &case.item)
            .or_else(|| needs_stdio(step, &case.item))
            .or_else(|| needs_legacy(step, &case.item));
        let pointer = match within.checked_sub(1) {
            Some(inner) => format!("/steps/{index}/together/{inner}"),
            None => format!("/steps/{index}"),
        };
        problems.extend(message.map(|message| case.problem(&pointer, message.to_owned())));
    }
    problems
}

fn needs_http(step: &Step, case: &Case) -> Option<&'static str> {
    let is_http = matches!(step.action, Action::Http(_) | Action::Connect { .. });
    let fits = !is_http || !case.is_over(Transport::Stdio);
    (!fits).then_some("there is no HTTP on stdio: leave stdio out of `transports`")
}

fn needs_stdio(step: &Step, case: &Case) -> Option<&'static str> {
    let over_http = case.is_over(Transport::Http) || case.is_over(Transport::Sse);
    let fits = !matches!(step.action, Action::Close) || !over_http;
    (!fits).then_some("only stdio has an end of input: write `\"transports\": [\"stdio\"]`")
}

fn needs_legacy(step: &Step, case: &Case) -> Option<&'static str> {
    let mut revisions = case.revisions.iter();
    let fits = !matches!(step.action, Action::Opening)
        || revisions.any(|revision| revision.era() == Era::Legacy);
    (!fits).then_some("modern revisions have no opening")
}
