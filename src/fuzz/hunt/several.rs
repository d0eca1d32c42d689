//! Where no input does it alone: the fewest of several that do.

use std::time::Duration;

use super::{Caught, Hunt};
use crate::fuzz::Found;
use crate::fuzz::input::Input;
use crate::fuzz::oracle::{Oracle, Suspicion};
use crate::verdict::Tries;

/// How often a server may be lost until there is no input too many.
const MAX_LOSSES: usize = 60;
/// How many sessions may be used up instead, where the inputs end none.
const MAX_USED_UP: usize = 20;
/// How long that may take.
const MAX_TIME: Duration = Duration::from_secs(60);
/// Of more inputs than this it is not asked whether something known is behind them.
const MAX_EXCHANGED: usize = 3;
/// So often several are tried that may not do it each time.
const TRIES: usize = 2;

/// So often what ends a server is tried in the end, to say how often it does.
const CONFIRMED: u32 = 4;

/// How inputs are tried.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// In a hurry, in the session that is open.
    Again,
    /// In a session that has seen nothing else.
    Alone,
    /// There, with all patience.
    Surely,
}

impl Hunt<'_> {
    /// Whether several inputs do the same with any of them exchanged for its counterpart in what is known.
    pub(super) async fn is_exchangeable(
        &mut self,
        known: &Found,
        inputs: &[Input],
        what: &Suspicion,
    ) -> bool {
        if inputs.len() != known.shrunk.len() || inputs.len() > MAX_EXCHANGED {
            return false;
        }
        for (index, other) in known.shrunk.iter().enumerate() {
            let mut mixed = inputs.to_vec();
            mixed[index] = other.clone();
            if self.patiently(&mixed, what, How::Again).await.is_none() {
                return false;
            }
        }
        true
    }

    /// Leaves the fewest of several inputs that seem to do the same. From behind, one after the other is found that is
    /// needed: the last of those that must be there, halving what is in question each time. So a few among many take few
    /// tries.
    pub(in crate::fuzz) async fn fewest(&mut self, fewest: &mut Caught) {
        let losses = match fewest.suspicion.oracle.is_fatal() {
            true => MAX_LOSSES,
            false => MAX_USED_UP,
        };
        let limit = self.limit(losses, MAX_TIME);
        let mut needed = 0;
        while needed < fewest.inputs.len() {
            if needed > 0
                && let Some(only) = self.without_middle(fewest, 0, needed).await
            {
                *fewest = only;
                return;
            }
            let (mut low, mut high) = (1, fewest.inputs.len() - needed);
            while low < high {
                if self.is_over(limit) {
                    return;
                }
                let middle = usize::midpoint(low, high);
                match self.without_middle(fewest, middle, needed).await {
                    Some(fewer) => (*fewest, high) = (fewer, middle),
                    None => low = middle + 1,
                }
            }
            needed += 1;
        }
    }

    /// So many of the first and of the last inputs, if they do the same.
    async fn without_middle(
        &mut self,
        caught: &Caught,
        first: usize,
        last: usize,
    ) -> Option<Caught> {
        let (inputs, what) = (&caught.inputs, &caught.suspicion);
        let inputs = [&inputs[..first], &inputs[inputs.len() - last..]].concat();
        self.patiently(&inputs, what, How::Again).await
    }

    /// What inputs do, or at the second try where it may depend on the moment.
    pub(super) async fn patiently(
        &mut self,
        inputs: &[Input],
        what: &Suspicion,
        how: How,
    ) -> Option<Caught> {
        let tries = match depends_on_the_moment(inputs, what) {
            true => TRIES,
            false => 1,
        };
        for _ in 0..tries {
            let caught = match how {
                How::Again => self.again(inputs, what, self.place.quick(what)).await,
                How::Alone => self.alone(inputs, what).await,
                How::Surely => self.surely(inputs, what).await,
            };
            if caught.is_some() {
                return caught;
            }
        }
        None
    }

    /// How often verified inputs end the server, if not each time.
    pub(in crate::fuzz) async fn tries(&mut self, verified: &Caught) -> Option<Tries> {
        let (inputs, what) = (&verified.inputs, &verified.suspicion);
        let mut tries = Tries { hits: 1, of: 1 };
        while what.oracle == Oracle::Survives && tries.of < CONFIRMED && !self.is_late() {
            let plays = self.plays;
            let hits = u32::from(self.surely(inputs, what).await.is_some());
            if self.plays == plays {
                // A server that does not come back says nothing of the inputs.
                break;
            }
            tries.of += 1;
            tries.hits += hits;
        }
        (tries.hits < tries.of).then_some(tries)
    }
}

/// What ends a server may depend on the moment at which each of several messages arrives.
fn depends_on_the_moment(inputs: &[Input], what: &Suspicion) -> bool {
    what.oracle.is_fatal() && Input::are_several(inputs)
}
