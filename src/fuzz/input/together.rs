//! What goes out at once, as one step of a case.

use super::Input;
use crate::catalog::case::{Action, Step};
use crate::transcript::StepRef;

/// A step of one input.
pub(super) struct Part {
    pub(super) step: Step,
    /// The input and the message in it that it sends, if it sends one.
    pub(super) sends: Option<StepRef>,
    /// Whether it waits for the answers to what was sent before it.
    pub(super) waits: bool,
}

impl Part {
    /// Whether it goes out with what was sent last.
    fn joins(&self, run: &[Part]) -> bool {
        let is_sent = run.last().is_some_and(|last| last.sends.is_some());
        is_sent && self.sends.is_some() && !self.waits
    }
}

impl Input {
    /// Inputs that go out at once, as steps of a case. `expect` says what is expected of a message.
    pub(in crate::fuzz) fn steps(
        inputs: &[Input],
        expect: impl Fn(StepRef, &mut Step),
    ) -> Vec<Step> {
        let mut runs: Vec<Vec<Part>> = Vec::new();
        for mut part in inputs.iter().zip(0..).flat_map(Input::parts) {
            if let Some(at) = part.sends {
                expect(at, &mut part.step);
            }
            match runs.last_mut() {
                Some(run) if part.joins(run) => run.push(part),
                _ => runs.push(vec![part]),
            }
        }
        runs.into_iter().flat_map(steps).collect()
    }
}

/// One message is a step, or two; several are one.
fn steps(run: Vec<Part>) -> Vec<Step> {
    let is_one = run.windows(2).all(|pair| pair[0].sends == pair[1].sends);
    let steps: Vec<Step> = run.into_iter().map(|part| part.step).collect();
    match is_one {
        true => steps,
        false => vec![Step::plain(Action::Together(steps))],
    }
}
