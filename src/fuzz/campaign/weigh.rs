//! What the process holds that is tried: whether it grows, and that it does not take the machine with it.

use super::{Campaign, MAX_BYTES, WINDOW, kind};
use crate::fuzz::hunt::Caught;
use crate::fuzz::input::Input;
use crate::fuzz::memory::{self, Held};
use crate::fuzz::oracle::{Oracle, Suspicion};
use crate::fuzz::place::Lane;
use crate::fuzz::{Certainty, report};

impl Campaign<'_> {
    /// Whether the process grows; if it seems so, whether the same input makes it grow again and again.
    pub(super) async fn weigh(&mut self, window: &[Input]) {
        let Some(lane) = &self.lane else {
            return;
        };
        let Some((pid, now)) = lane.held().await else {
            return;
        };
        let known = self.first.filter(|(known, _)| *known == pid);
        let (_, first) = *self.first.insert(known.unwrap_or((pid, now)));
        if memory::is_too_much(first, now, self.place.max_growth) {
            self.tell_leak(window, first, now);
            self.end_process().await;
            return;
        }
        if self.leaks_told || !memory::is_suspicious(first, now) {
            return;
        }
        // Only once in a session, whatever it says: a large heap stays large.
        self.first = Some((pid, now));
        let samples = (0..WINDOW as u64 * 4)
            .map(|back| self.source.earlier(back + 1))
            .filter(|input| !input.is_alone() && !self.muted.contains(&kind(input)));
        // They are sent many times.
        let mut bytes = 0;
        let samples: Vec<Input> = samples
            .take_while(|input| {
                bytes += input.len();
                bytes <= 4 * MAX_BYTES
            })
            .collect();
        if self.grows_with(&samples).await {
            self.tell_leak(window, first, now);
        }
    }

    /// A server that has grown so much is ended before the machine has no more to give.
    async fn end_process(&mut self) {
        if let Some(lane) = self.lane.take() {
            lane.close().await;
        }
        self.place.spec.host.stop().await;
    }

    fn tell_leak(&mut self, window: &[Input], first: Held, now: Held) {
        if std::mem::replace(&mut self.leaks_told, true) {
            return;
        }
        if let Some(finding) = report::leak(self.place, first, now) {
            let suspicion = Suspicion::of_nobody(Oracle::Bounded, finding);
            let caught = Caught::new(window, &suspicion, &[]);
            self.report(caught, window.to_vec(), Certainty::Repeated);
        }
    }

    /// Sends the same inputs 2, 4, 8 and 16 times, or until it is too much.
    async fn grows_with(&mut self, inputs: &[Input]) -> bool {
        let mut lane = self.place.open().await;
        let first = held(&lane).await;
        let mut after = Vec::new();
        let mut rounds = 0;
        for until in [2, 4, 8, 16] {
            while rounds < until {
                for window in inputs.chunks(WINDOW) {
                    let played = self.place.play(lane, window, self.place.glance()).await;
                    // A new session may be another process.
                    let Some((_, Some(same))) = played else {
                        return false;
                    };
                    lane = Some(same);
                }
                rounds += 1;
                let pair = first.zip(held(&lane).await);
                if pair.is_some_and(|(first, now)| {
                    memory::is_too_much(first, now, self.place.max_growth)
                }) {
                    self.lane = lane;
                    self.end_process().await;
                    return true;
                }
            }
            after.extend(held(&lane).await);
        }
        if let Some(lane) = lane {
            lane.close().await;
        }
        memory::grows(&after)
    }
}

async fn held(lane: &Option<Lane>) -> Option<Held> {
    let (_, held) = lane.as_ref()?.held().await?;
    Some(held)
}
