//! Whether hints can ever be shown.

use super::Located;
use crate::catalog::{Hint, Party, Problem, Requirement};
use crate::judge::pattern;

/// What is wrong with the hints of an item.
pub(super) fn problems<T>(found: &Located<'_, T>, hints: &[Hint]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fits_always = false;
    for (index, hint) in hints.iter().enumerate() {
        let pointer = format!("/hints/{index}");
        if fits_always {
            let message = "a hint before this one fits always, so this one is never shown";
            problems.push(found.problem(&pointer, message.to_owned()));
        }
        fits_always |= hint.fits_always();
        if let Some(Err(error)) = hint.seen.as_ref().map(pattern::check) {
            let pointer = format!("{pointer}/seen{}", error.pointer);
            problems.push(found.problem(&pointer, error.message));
        }
    }
    problems
}

/// The same, and hints of what no finding cites.
pub(super) fn of_requirement(found: &Located<'_, Requirement>) -> Vec<Problem> {
    let requirement = &found.item;
    let mut problems = problems(found, &requirement.hints);
    if requirement.party == Party::Client && !requirement.hints.is_empty() {
        let message = format!(
            "no finding cites {:?}, so nobody sees a hint",
            requirement.id
        );
        problems.push(found.problem("/hints", message));
    }
    problems
}
