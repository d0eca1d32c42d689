//! From a window in which something was wrong to the smallest input that does it again.

mod several;

use std::time::{Duration, Instant};

use serde_json::Value;

use self::several::How;
use super::input::Input;
use super::oracle::{Oracle, Suspicion};
use super::place::{Lane, Place};
use super::{Found, shrink};
use crate::drive::Care;
use crate::message::{self, Kind};
use crate::transcript::{Entry, What};
use crate::verdict::Tries;

/// How often a server may be lost while one input is made smaller.
const MAX_LOSSES: usize = 20;
/// How many sessions may be used up instead, where the input ends none.
const MAX_USED_UP: usize = 8;
/// How long an input may be looked for, and how long made smaller.
const MAX_TIME: Duration = Duration::from_secs(10);
/// So many times as long, and as often, several inputs may be made smaller.
const MAX_TIMES: usize = 3;

/// The search for what is behind one suspicion. Sessions are used again as long as they can be, because a server may take
/// seconds to start: only what is told in the end has to happen in a session that has seen nothing else.
pub(super) struct Hunt<'a> {
    place: &'a Place,
    lane: Option<Lane>,
    /// Whether each try has a session of its own: what a session has seen matters.
    is_apart: bool,
    /// Whether it was a guess who was answered in the window.
    is_guess: bool,
    /// How often something was sent: nothing is where no session opens.
    plays: usize,
    losses: usize,
    /// Nothing is looked for or made smaller any longer than this.
    until: Instant,
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
    /// Whether it was in a session that had seen nothing else, looked at with all patience.
    pub(super) is_sure: bool,
    /// How often the inputs did it, if not each time.
    pub(super) tries: Option<Tries>,
}

impl Caught {
    pub(super) fn new(inputs: &[Input], suspicion: &Suspicion, entries: &[Entry]) -> Caught {
        Caught {
            inputs: inputs.to_vec(),
            suspicion: suspicion.clone(),
            entries: entries.to_vec(),
            is_sure: false,
            tries: None,
        }
    }
}

/// The method that opens a subscription.
const LISTEN: &[u8] = b"subscriptions/listen";

impl<'a> Hunt<'a> {
    /// A hunt in a session that can still be used, or in new ones.
    pub(super) fn new(place: &'a Place, lane: Option<Lane>, until: Instant) -> Hunt<'a> {
        Hunt {
            place,
            lane,
            is_apart: false,
            is_guess: false,
            plays: 0,
            losses: 0,
            until,
        }
    }

    /// The session, if it can still be used.
    pub(super) fn into_lane(self) -> Option<Lane> {
        self.lane
    }

    /// Finds the inputs of a window that are to blame: one alone if possible. None if it does not happen again.
    pub(super) async fn culprit(
        &mut self,
        window: &[Input],
        what: &Suspicion,
        entries: &[Entry],
    ) -> Option<Caught> {
        self.is_guess = depends_on_matching(what.oracle) && has_nameless(entries);
        if let Some(input) = what.input().and_then(|input| window.get(input)) {
            let one = std::slice::from_ref(input);
            if let Some(caught) = self.again(one, what, self.place.quick(what)).await {
                return Some(caught);
            }
            // The guess was wrong.
            if self.is_guess {
                return None;
            }
            // Something may happen once in a session only.
            if let Some(caught) = self.alone(one, what).await {
                self.is_apart = true;
                return Some(caught);
            }
        }
        // One try more says whether it is worth many.
        if !what.oracle.is_fatal()
            && self
                .guessed(window, what, self.place.quick(what))
                .await
                .is_none()
        {
            return None;
        }
        let until = self.until.min(Instant::now() + MAX_TIME);
        for end in (0..window.len()).take_while(|_| Instant::now() < until) {
            let one = &window[end..=end];
            let Some(caught) = self.patiently(one, what, How::Again).await else {
                continue;
            };
            if !what.oracle.is_fatal() {
                return Some(caught);
            }
            // The session had seen others before it, and is lost: it is asked once more without them.
            for inputs in [one, &window[..=end]] {
                if let Some(caught) = self.patiently(inputs, what, How::Alone).await {
                    return Some(caught);
                }
            }
        }
        self.patiently(window, what, How::Alone).await
    }

    /// Whether something known is behind an input: what both have in common does the same.
    pub(super) async fn is_behind(&mut self, known: &Found, inputs: &[Input]) -> bool {
        let what = Suspicion::of_nobody(known.oracle, known.finding.clone());
        if inputs.len() > 1 {
            return self.is_exchangeable(known, inputs, &what).await;
        }
        let Some(common) = shrink::projected(inputs, &known.shrunk) else {
            return false;
        };
        // What is known need not be tried again.
        if common.len() == 1 && common[0].shots == known.shrunk[0].shots {
            return true;
        }
        let care = self.place.quick(&what);
        self.again(&common, &what, care).await.is_some()
    }

    /// Whether the time is up.
    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// From now on so many losses, and so long.
    fn limit(&self, losses: usize, time: Duration) -> (Instant, usize) {
        let until = self.until.min(Instant::now() + time);
        (until, self.losses + losses)
    }

    fn is_over(&self, (until, losses): (Instant, usize)) -> bool {
        Instant::now() > until || self.losses > losses
    }

    /// The smallest inputs that seem to do the same; none smaller are looked for when the time or the losses are too many.
    pub(super) async fn smallest(&mut self, caught: &Caught) -> Caught {
        let losses = match caught.suspicion.oracle.is_fatal() {
            true => MAX_LOSSES,
            false => MAX_USED_UP,
        };
        // Each message of a few is made smaller.
        let times = caught.inputs.len().clamp(1, MAX_TIMES);
        let time = MAX_TIME * u32::try_from(times).unwrap_or(1);
        let limit = self.limit(losses * times, time);
        let mut smallest = caught.clone();
        let mut next = 0;
        while let Some((number, smaller)) = self.smaller(&smallest, next, limit).await {
            (smallest, next) = (smaller, number);
        }
        smallest
    }

    /// Inputs that do it in a session that has seen nothing else, looked at with all patience: the smallest, those that
    /// they were made of, or these with what was sent before them in their window.
    pub(super) async fn verified(
        &mut self,
        smallest: &Caught,
        caught: Caught,
        window: &[Input],
    ) -> Option<Caught> {
        let what = &caught.suspicion;
        let is_smaller = !is_equal(&smallest.inputs, &caught.inputs);
        if is_smaller
            && let Some(verified) = self.patiently(&smallest.inputs, what, How::Surely).await
        {
            return Some(verified);
        }
        if caught.is_sure {
            return Some(caught);
        }
        if let Some(verified) = self.patiently(&caught.inputs, what, How::Surely).await {
            return Some(verified);
        }
        if self.is_guess {
            return None;
        }
        let is_last = |input: &Input| is_equal(&caught.inputs, std::slice::from_ref(input));
        let last = window.iter().position(is_last).filter(|last| *last > 0)?;
        let verified = self.surely(&window[..=last], what).await?;
        self.is_apart = true;
        let mut fewest = verified.clone();
        self.fewest(&mut fewest).await;
        let smallest = self.smallest(&fewest).await;
        let smallest = self.surely(&smallest.inputs, what).await;
        smallest.or(Some(verified))
    }

    /// One step smaller, and its number. What was tried for a larger input is tried last: it helped little there.
    async fn smaller(
        &mut self,
        caught: &Caught,
        next: usize,
        limit: (Instant, usize),
    ) -> Option<(usize, Caught)> {
        let what = &caught.suspicion;
        let plainest = self.place.plainest();
        let candidates = || shrink::candidates(&caught.inputs, plainest).enumerate();
        let tried = candidates().take(next);
        for (number, candidate) in candidates().skip(next).chain(tried) {
            if self.is_over(limit) {
                return None;
            }
            if let Some(smaller) = self.patiently(&candidate, what, How::Again).await {
                return Some((number, smaller));
            }
        }
        None
    }

    /// In a session that has seen nothing else. Silence takes all the patience there is to verify: that is done once, in
    /// the end.
    async fn alone(&mut self, inputs: &[Input], what: &Suspicion) -> Option<Caught> {
        match what.oracle {
            Oracle::Answered | Oracle::StaysAlive => {
                self.leave(inputs).await;
                self.again(inputs, what, self.place.quick(what)).await
            }
            _ => self.surely(inputs, what).await,
        }
    }

    /// In a session that has seen nothing else, with all patience.
    async fn surely(&mut self, inputs: &[Input], what: &Suspicion) -> Option<Caught> {
        self.leave(inputs).await;
        let caught = self.again(inputs, what, self.place.sure()).await?;
        // Of several inputs one may have got the answer to another.
        let is_guess = inputs.len() > 1
            && what.oracle == Oracle::RefusesInvalid
            && has_nameless(&caught.entries);
        (!is_guess).then_some(Caught {
            is_sure: true,
            ..caught
        })
    }

    /// Ends the session, if these inputs would be sent there.
    async fn leave(&mut self, inputs: &[Input]) {
        if let Some(lane) = self.lane.take_if(|_| !is_early(inputs)) {
            lane.close().await;
        }
    }

    /// What inputs do once more, if it is the same.
    async fn again(&mut self, inputs: &[Input], what: &Suspicion, care: Care) -> Option<Caught> {
        let caught = self.guessed(inputs, what, care).await?;
        let is_guess =
            inputs.len() > 1 && depends_on_matching(what.oracle) && has_nameless(&caught.entries);
        (!is_guess).then_some(caught)
    }

    /// The same, even if it is a guess which of them does it.
    async fn guessed(&mut self, inputs: &[Input], what: &Suspicion, care: Care) -> Option<Caught> {
        let is_apart = self.is_apart || leave_open(inputs);
        if is_apart {
            self.leave(inputs).await;
        }
        let (played, lane) = self.place.play(self.lane.take(), inputs, care).await?;
        self.lane = lane;
        self.plays += 1;
        self.losses += usize::from(!played.usable || is_apart || is_early(inputs));
        let mut suspicions = played.suspicions.iter();
        let same = suspicions.find(|found| is_same(found, what))?;
        Some(Caught::new(inputs, same, &played.entries))
    }
}

/// Whether inputs are sent before a session is opened, in one of their own.
fn is_early(inputs: &[Input]) -> bool {
    inputs.iter().any(|input| input.unopened)
}

/// Whether inputs may leave a subscription open, whose id the session does not take again.
fn leave_open(inputs: &[Input]) -> bool {
    let mut shots = inputs.iter().flat_map(|input| &input.shots);
    shots.any(|shot| memchr::memmem::find(shot.bytes(), LISTEN).is_some())
}

/// Whether the same is sent.
fn is_equal(one: &[Input], other: &[Input]) -> bool {
    let shots = |input: &Input| {
        let Input {
            unopened,
            shots,
            replies,
            ..
        } = input.clone();
        (unopened, shots, replies)
    };
    one.iter().map(shots).eq(other.iter().map(shots))
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
