//! Looks into what seems wrong: from a suspicion to a finding, or to none.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Campaign, kind};
use crate::fuzz::Certainty;
use crate::fuzz::hunt::{Caught, Hunt};
use crate::fuzz::input::Input;
use crate::fuzz::oracle::{Oracle, Suspicion};
use crate::transcript::Entry;

/// With so many findings of the same something new is compared before it is hunted down.
const MAX_COMPARED: usize = 4;
/// Of so many inputs that end a session together the last is of a kind to be left out.
const MAX_MUTED: usize = 3;

impl Campaign<'_> {
    /// Looks for what is behind it until the time is up; what there is then is verified.
    pub(super) async fn look_into(
        &mut self,
        window: &[Input],
        entries: &[Entry],
        what: Suspicion,
        until: Instant,
    ) {
        let blamed = what.input().and_then(|input| window.get(input));
        let elapsed = self.began.elapsed();
        if !self.ledger.is_worth_a_hunt(&what, blamed, elapsed) {
            return;
        }
        let began = Instant::now();
        let lane = if what.oracle.is_fatal() {
            None
        } else {
            self.lane.take()
        };
        let mut hunt = Hunt::new(self.place, lane, until);
        self.at_hand = what
            .is_told_once()
            .then(|| (Caught::new(window, &what, entries), Certainty::Once));
        let outcome = self.hunt(&mut hunt, window, entries, &what).await;
        self.lane = hunt.into_lane();
        let outcome = match (outcome, self.at_hand.take()) {
            // What a server said once and not again may have been said about something else.
            (None, Some((caught, Certainty::Once))) => {
                let input = caught.inputs.clone();
                Some(self.report(caught, input, Certainty::Once))
            }
            (outcome, _) => outcome,
        };
        if outcome.is_none() && what.oracle == Oracle::Answered {
            self.place.is_slow.store(true, Ordering::Relaxed);
        }
        let (position, is_new) = outcome.unzip();
        let outcome = (position, is_new == Some(true));
        self.ledger.hunted(&what, blamed, began.elapsed(), outcome);
    }

    /// The position of the finding that a hunt comes to, and whether it is new; none if it does not happen again.
    async fn hunt(
        &mut self,
        hunt: &mut Hunt<'_>,
        window: &[Input],
        entries: &[Entry],
        what: &Suspicion,
    ) -> Option<(usize, bool)> {
        let blamed = what.input().and_then(|input| window.get(input..=input));
        if let Some(known) = self.behind(hunt, what, blamed.unwrap_or_default()).await {
            return Some((known, false));
        }
        let caught = hunt.culprit(window, what, entries).await?;
        // Of what ends no session nothing is told that is not verified.
        self.at_hand = match caught.is_sure {
            true => Some((caught.clone(), Certainty::Repeated)),
            false if what.oracle.is_fatal() => Some((caught.clone(), Certainty::Unverified)),
            false => None,
        };
        let original = caught.inputs.clone();
        // What is given is small already, or as its author wants it.
        let fewest = match self.is_given {
            true => caught,
            false => self.fewest(hunt, caught).await,
        };
        self.mute(&fewest);
        if blamed.is_none()
            && let Some(known) = self.behind(hunt, what, &fewest.inputs).await
        {
            self.at_hand = None;
            return Some((known, false));
        }
        let smallest = match self.is_given {
            true => fewest.clone(),
            false => hunt.smallest(&fewest).await,
        };
        // What is known need not be verified again.
        if let Some(known) = self.ledger.known(&smallest.suspicion, &smallest.inputs) {
            self.at_hand = None;
            self.ledger.count(known);
            return Some((known, false));
        }
        let verified = hunt.verified(&smallest, fewest.clone(), window).await;
        // A process that ended did so, even if it does not do it each time.
        let ended = what.oracle == Oracle::Survives && what.is_told_once() && verified.is_none();
        self.at_hand = ended.then_some((fewest, Certainty::Once));
        let mut verified = verified?;
        self.at_hand = Some((verified.clone(), Certainty::Repeated));
        verified.tries = hunt.tries(&verified).await;
        self.at_hand = None;
        Some(self.report(verified, original, Certainty::Repeated))
    }

    /// The fewest inputs that do it. Those that are left by then are told if there is no time to go on.
    async fn fewest(&mut self, hunt: &mut Hunt<'_>, mut caught: Caught) -> Caught {
        match &mut self.at_hand {
            Some((at_hand, certainty)) if caught.inputs.len() > 1 => {
                *certainty = Certainty::Unverified;
                hunt.fewest(at_hand).await;
                at_hand.clone()
            }
            _ => {
                hunt.fewest(&mut caught).await;
                caught
            }
        }
    }

    /// Leaves out from now on what costs a session each time: the kind of the input, or of the last of a few.
    fn mute(&mut self, fewest: &Caught) {
        if fewest.suspicion.oracle.is_fatal()
            && let [.., last] = &fewest.inputs[..]
            && fewest.inputs.len() <= MAX_MUTED
        {
            self.muted.insert(kind(last));
        }
    }

    /// What is known and behind these inputs; it is counted.
    async fn behind(
        &mut self,
        hunt: &mut Hunt<'_>,
        what: &Suspicion,
        inputs: &[Input],
    ) -> Option<usize> {
        let mut behind = None;
        for (position, known) in self.ledger.alike(what).take(MAX_COMPARED) {
            if hunt.is_behind(known, inputs).await {
                behind = Some(position);
                break;
            }
        }
        self.ledger.count(behind?);
        behind
    }
}
