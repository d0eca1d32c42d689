//! From a window in which something was wrong to the smallest input that does it again.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::input::Input;
use super::oracle::{Oracle, Suspicion};
use super::place::{Lane, Place};
use super::{Found, shrink};
use crate::drive::Care;
use crate::message::{self, Kind};
use crate::transcript::{Entry, What};

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
    /// What crossed the wire.
    pub(super) entries: Vec<Entry>,
}

impl Caught {
    pub(super) fn new(inputs: &[Input], suspicion: &Suspicion, entries: &[Entry]) -> Caught {
        Caught {
            inputs: inputs.to_vec(),
            suspicion: suspicion.clone(),
            entries: entries.to_vec(),
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
            && let Some(caught) = self.caught(std::slice::from_ref(input), what).await
        {
            return Some(caught);
        }
        let until = Instant::now() + MAX_TIME;
        for end in (0..window.len()).take_while(|_| Instant::now() < until) {
            let one = &window[end..=end];
            if self
                .again(one, what, self.place.quick(what))
                .await
                .is_none()
            {
                continue;
            }
            // The session had seen others before it, so it is asked once more without them.
            if let Some(caught) = self.caught(one, what).await {
                return Some(caught);
            }
            if let Some(caught) = self.caught(&window[..=end], what).await {
                return Some(caught);
            }
        }
        self.caught(window, what).await
    }

    /// Whether something known is behind an input: what both have in common does the same.
    pub(super) async fn is_behind(&mut self, known: &Found, inputs: &[Input]) -> bool {
        let Some(common) = shrink::projected(inputs, &known.shrunk) else {
            return false;
        };
        // What is known need not be tried again.
        if common.len() == 1 && common[0].shots == known.shrunk[0].shots {
            return true;
        }
        let what = Suspicion {
            oracle: known.oracle,
            finding: known.finding.clone(),
            input: None,
        };
        let care = self.place.quick(&what);
        self.again(&common, &what, care).await.is_some()
    }

    /// Makes the inputs smaller as long as they do the same. None if they do not, looked at with all patience.
    pub(super) async fn shrink(&mut self, caught: Caught) -> Option<Caught> {
        let smaller = self.smaller(&caught).await;
        // It was made in a hurry, and in sessions that had seen other things.
        if let Some(smaller) = smaller
            && let Some(verified) = self
                .alone(&smaller, &caught.suspicion, self.place.sure())
                .await
        {
            return Some(verified);
        }
        self.verified(caught).await
    }

    /// What was caught, if it happens again when it is looked at with all patience.
    pub(super) async fn verified(&mut self, caught: Caught) -> Option<Caught> {
        match Hunt::is_verified_last(&caught.suspicion) {
            true => {
                let Caught {
                    inputs, suspicion, ..
                } = caught;
                self.alone(&inputs, &suspicion, self.place.sure()).await
            }
            false => Some(caught),
        }
    }

    /// Silence takes all the patience there is to verify: that is done once, with the smallest input.
    pub(super) fn is_verified_last(what: &Suspicion) -> bool {
        matches!(what.oracle, Oracle::Answered | Oracle::StaysAlive)
    }

    /// Whether inputs do it in a session that has seen nothing else.
    async fn caught(&mut self, inputs: &[Input], what: &Suspicion) -> Option<Caught> {
        let care = match Hunt::is_verified_last(what) {
            true => self.place.quick(what),
            false => self.place.sure(),
        };
        self.alone(inputs, what, care).await
    }

    /// The smallest that seems to do the same; none if nothing smaller does, or the time or the losses are too many.
    async fn smaller(&mut self, caught: &Caught) -> Option<Vec<Input>> {
        let limit = (Instant::now() + MAX_TIME, self.losses + MAX_LOSSES);
        let mut smallest = None;
        let mut next = 0;
        loop {
            let inputs = smallest.as_ref().unwrap_or(&caught.inputs);
            let smaller = self.next_smaller(inputs, next, &caught.suspicion, limit);
            match smaller.await {
                Some((number, smaller)) => {
                    smallest = Some(smaller);
                    next = number;
                }
                None => return smallest,
            }
        }
    }

    /// One step smaller, and its number. What was tried for a larger input is tried last: it helped little there.
    async fn next_smaller(
        &mut self,
        inputs: &[Input],
        next: usize,
        what: &Suspicion,
        (until, losses): (Instant, usize),
    ) -> Option<(usize, Vec<Input>)> {
        let care = self.place.quick(what);
        let plainest = self.place.plainest();
        let candidates = || shrink::candidates(inputs, plainest).enumerate();
        let tried = candidates().take(next);
        for (number, candidate) in candidates().skip(next).chain(tried) {
            if Instant::now() > until || self.losses > losses {
                return None;
            }
            if self.again(&candidate, what, care).await.is_some() {
                return Some((number, candidate));
            }
        }
        None
    }

    /// In a session that has seen nothing else.
    async fn alone(&mut self, inputs: &[Input], what: &Suspicion, care: Care) -> Option<Caught> {
        if let Some(lane) = self.lane.take() {
            lane.close().await;
        }
        let (suspicion, entries) = self.again(inputs, what, care).await?;
        Some(Caught {
            inputs: inputs.to_vec(),
            suspicion,
            entries,
        })
    }

    /// Whether inputs bring the same once more, and what crossed the wire.
    async fn again(
        &mut self,
        inputs: &[Input],
        what: &Suspicion,
        care: Care,
    ) -> Option<(Suspicion, Vec<Entry>)> {
        let (played, lane) = self.place.play(self.lane.take(), inputs, care).await?;
        self.lane = lane;
        self.losses += usize::from(!played.usable);
        let mut suspicions = played.suspicions.into_iter();
        let same = suspicions.find(|found| is_same(found, what))?;
        if inputs.len() > 1 && depends_on_matching(what.oracle) && has_nameless(&played.entries) {
            return None;
        }
        Some((same, played.entries))
    }
}

/// Whether it matters which of several inputs a response answers.
fn depends_on_matching(oracle: Oracle) -> bool {
    matches!(oracle, Oracle::Answered | Oracle::Rule(_))
}

/// Whether a response came without an id: which of several inputs it answers is a guess, and a wrong one would make a
/// request look unanswered, and something else answered. With one input alone it is plain.
fn has_nameless(entries: &[Entry]) -> bool {
    let received = entries
        .iter()
        .filter(|entry| matches!(entry.what, What::Received { .. }));
    let messages = received.filter_map(|entry| entry.json());
    messages.flat_map(message::messages).any(|message| {
        matches!(message::kind(message), Kind::Response { id } if id.is_none_or(Value::is_null))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Raw;

    #[test]
    fn a_response_without_an_id_is_seen() {
        let received = |text: &str| {
            let raw = Raw(text.to_owned().into());
            vec![Entry::new(0, 0, What::Received { raw, event: None })]
        };
        let error = r#""error":{"code":-32700,"message":"x"}"#;
        assert!(has_nameless(&received(&format!(
            r#"{{"jsonrpc":"2.0","id":null,{error}}}"#
        ))));
        assert!(has_nameless(&received(&format!(
            r#"{{"jsonrpc":"2.0",{error}}}"#
        ))));
        assert!(!has_nameless(&received(&format!(
            r#"{{"jsonrpc":"2.0","id":1,{error}}}"#
        ))));
        assert!(!has_nameless(&received(
            r#"{"jsonrpc":"2.0","method":"x"}"#
        )));
        assert!(depends_on_matching(Oracle::Rule("notification-unanswered")));
        assert!(!depends_on_matching(Oracle::Survives));
    }
}
