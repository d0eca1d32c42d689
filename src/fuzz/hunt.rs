//! From a window in which something was wrong to the smallest input that does it again.

use std::time::{Duration, Instant};

use super::input::Input;
use super::oracle::{Oracle, Suspicion};
use super::place::{Lane, Place, Played};
use super::shrink;
use crate::drive::Care;

/// How often a server may be lost while one input is made smaller.
const MAX_LOSSES: usize = 20;
/// How long an input may be looked for, and how long made smaller.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The search for what is behind one suspicion.
pub(super) struct Hunt<'a> {
    place: &'a Place,
    lane: Option<Lane>,
    losses: usize,
}

/// What a hunt brought home.
#[derive(Debug, Clone)]
pub(super) struct Caught {
    /// The inputs that do it, in order.
    pub(super) inputs: Vec<Input>,
    /// What they do.
    pub(super) suspicion: Suspicion,
}

impl Caught {
    pub(super) fn new(inputs: &[Input], suspicion: &Suspicion) -> Caught {
        Caught {
            inputs: inputs.to_vec(),
            suspicion: suspicion.clone(),
        }
    }
}

impl<'a> Hunt<'a> {
    /// A hunt in a session that can still be used, or in new ones.
    pub(super) fn new(place: &'a Place, lane: Option<Lane>) -> Hunt<'a> {
        Hunt {
            place,
            lane,
            losses: 0,
        }
    }

    /// The session, if it can still be used.
    pub(super) fn into_lane(self) -> Option<Lane> {
        self.lane
    }

    /// Finds the inputs of a window that are to blame: one alone if possible. None if it does not happen again.
    pub(super) async fn culprit(&mut self, window: &[Input], what: &Suspicion) -> Option<Caught> {
        if let Some(input) = what.input.and_then(|input| window.get(input))
            && let Some(caught) = self.alone(std::slice::from_ref(input), what).await
        {
            return Some(caught);
        }
        let until = Instant::now() + MAX_TIME;
        for end in (0..window.len()).take_while(|_| Instant::now() < until) {
            let one = &window[end..=end];
            if self.again(one, what, self.place.sure()).await.is_none() {
                continue;
            }
            // The session had seen others before it, so it is asked once more without them.
            if let Some(caught) = self.alone(one, what).await {
                return Some(caught);
            }
            return self.alone(&window[..=end], what).await;
        }
        self.alone(window, what).await
    }

    /// Makes the inputs smaller as long as they do the same.
    pub(super) async fn shrink(&mut self, caught: Caught) -> Caught {
        let smaller = self.smaller(&caught).await;
        match smaller {
            // It was made in a hurry, and in sessions that had seen other things.
            Some(smaller) => match self.alone(&smaller, &caught.suspicion).await {
                Some(verified) => verified,
                None => caught,
            },
            None => caught,
        }
    }

    /// The smallest that seems to do the same; none if nothing smaller does.
    async fn smaller(&mut self, caught: &Caught) -> Option<Vec<Input>> {
        let until = Instant::now() + MAX_TIME;
        let losses = self.losses + MAX_LOSSES;
        let mut smallest = None;
        loop {
            let inputs = smallest.as_ref().unwrap_or(&caught.inputs);
            match self
                .next_smaller(inputs, &caught.suspicion, until, losses)
                .await
            {
                Some(smaller) => smallest = Some(smaller),
                None => return smallest,
            }
        }
    }

    /// One step smaller; none if nothing is, or the time or the losses are too many.
    async fn next_smaller(
        &mut self,
        inputs: &[Input],
        what: &Suspicion,
        until: Instant,
        losses: usize,
    ) -> Option<Vec<Input>> {
        for candidate in shrink::candidates(inputs) {
            if Instant::now() > until || self.losses > losses {
                return None;
            }
            let care = self.place.quick();
            if self.again(&candidate, what, care).await.is_some() {
                return Some(candidate);
            }
        }
        None
    }

    /// In a session that has seen nothing else.
    async fn alone(&mut self, inputs: &[Input], what: &Suspicion) -> Option<Caught> {
        if let Some(lane) = self.lane.take() {
            lane.close().await;
        }
        let suspicion = self.again(inputs, what, self.place.sure()).await?;
        Some(Caught {
            inputs: inputs.to_vec(),
            suspicion,
        })
    }

    /// Whether inputs bring the same once more.
    async fn again(&mut self, inputs: &[Input], what: &Suspicion, care: Care) -> Option<Suspicion> {
        let (Played { suspicions, usable }, lane) =
            self.place.play(self.lane.take(), inputs, care).await?;
        self.lane = lane;
        self.losses += usize::from(!usable);
        suspicions.into_iter().find(|found| is_same(found, what))
    }
}

/// Of rules the words count, of the others only what says so: a process may end in many ways at the same bug.
fn is_same(one: &Suspicion, other: &Suspicion) -> bool {
    let fatal = one.oracle.is_fatal() && other.oracle.is_fatal();
    fatal
        || (one.oracle == other.oracle
            && one.finding.requirement == other.finding.requirement
            && (!matches!(one.oracle, Oracle::Rule(_))
                || one.finding.message == other.finding.message))
}
