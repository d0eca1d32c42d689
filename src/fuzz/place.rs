//! One revision over one transport of the target: opens sessions there and tries inputs in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::conversation::Conversation;
use crate::drive::{Care, Session, Shot, Spec, Wait};
use crate::judge;
use crate::transcript::{Entry, Header, StepRef};
use crate::transport::Transport;

use super::input::Input;
use super::memory::{self, Held};
use super::oracle::{Oracle, Suspicion, suspicions};

/// Where inputs are tried.
pub(super) struct Place {
    pub(super) spec: Spec,
    pub(super) header: Header,
    pub(super) catalog: Arc<Catalog>,
    /// By so many MiB its process may grow before it is ended.
    pub(super) max_growth: u64,
    /// It is known that requests stay unanswered: not every further one is waited for as long.
    pub(super) is_silent: AtomicBool,
    /// Answers were late that had been taken for missing.
    pub(super) is_slow: AtomicBool,
    /// How long the plainest request takes at best, in microseconds.
    pub(super) round_trip: AtomicU64,
}

/// An open session in which inputs follow each other.
pub(super) struct Lane {
    session: Session,
    /// So many entries belong to the opening.
    opening: usize,
}

/// What came of some inputs.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) suspicions: Vec<Suspicion>,
    /// The rules that had something to look at.
    pub(super) observed: Vec<&'static str>,
    /// Whether nothing ended the session.
    pub(super) usable: bool,
    /// What crossed the wire, if something is wrong.
    pub(super) entries: Vec<Entry>,
}

/// How long what should not come may come nevertheless, where inputs are looked at one by one.
const GRACE: Duration = Duration::from_millis(20);
/// How long an answer may take until it is looked into, or where silence was seen before; it will be verified.
const QUICK: Duration = Duration::from_millis(500);
/// How long the request behind waits for the answers to others over stdio, where something is tried again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one may take beside a later one that came, where it is known that some never do: so many times as long as
/// the plainest, but not less than this.
const TIMES: u32 = 8;
const SILENT: Duration = Duration::from_millis(25);

impl Place {
    /// A session here as the judge sees it.
    pub(super) fn seen<'a>(
        &'a self,
        entries: &'a [Entry],
        conversation: &'a Conversation,
    ) -> judge::Session<'a> {
        judge::Session {
            header: &self.header,
            entries,
            conversation,
            catalog: &self.catalog,
        }
    }

    /// The method of the plainest request.
    pub(super) fn plainest(&self) -> &'static str {
        self.spec.revision.era().alive_method()
    }

    /// How inputs are tried that may well bring nothing. What does not come soon is looked into, so that one silence
    /// does not cost the whole patience again and again.
    pub(super) fn glance(&self) -> Care {
        let fence = self.spec.timeout;
        let late = match self.is_silent.load(Ordering::Relaxed) {
            true => (self.round_trip().saturating_mul(TIMES)).max(SILENT),
            false if self.is_slow() => fence,
            false => QUICK,
        }
        .min(fence);
        Care {
            pause: Duration::ZERO,
            fence,
            late,
            grace: Duration::ZERO,
        }
    }

    /// How it is verified that inputs bring something.
    pub(super) fn sure(&self) -> Care {
        let timeout = self.spec.timeout;
        Care {
            pause: if self.is_slow() { timeout } else { QUICK },
            fence: timeout,
            late: timeout,
            grace: GRACE,
        }
    }

    /// How many candidates are tried one after the other. Only rules speak of what should not have come.
    pub(super) fn quick(&self, what: &Suspicion) -> Care {
        let grace = match what.oracle {
            // A process may answer once more before it ends.
            Oracle::Rule(_) | Oracle::Survives => GRACE,
            _ => Duration::ZERO,
        };
        let glance = self.glance();
        let fence = match self.is_slow() {
            true => glance.fence,
            false => glance.fence.min(QUICK),
        };
        Care {
            pause: glance.late.min(PAUSE),
            fence,
            grace,
            ..glance
        }
    }

    fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip.load(Ordering::Relaxed))
    }

    /// So many plain requests are answered in this time, one after the other; at least one.
    pub(super) fn requests_in(&self, time: Duration) -> usize {
        let count = time.as_micros() / self.round_trip().as_micros().max(1);
        usize::try_from(count).unwrap_or(usize::MAX).max(1)
    }

    fn is_slow(&self) -> bool {
        self.is_slow.load(Ordering::Relaxed) || self.round_trip() > QUICK / 2
    }

    /// Opens a session; none if that fails.
    pub(super) async fn open(&self) -> Option<Lane> {
        let mut session = Session::connect(self.spec.clone()).await.ok()?;
        session.keep_ids_apart();
        if !session.open().await {
            drop(session.close().await);
            return None;
        }
        // What the opening brings late must not be taken for what an input brought.
        let asked = Instant::now();
        if !session.alive(None).await {
            return None;
        }
        let took = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.round_trip.fetch_min(took, Ordering::Relaxed);
        Some(Lane {
            opening: session.record.entries.len(),
            session,
        })
    }

    /// Opens a session; once more if that fails, because a server may be about to end.
    async fn open_at_last(&self) -> Option<Lane> {
        match self.open().await {
            Some(lane) => Some(lane),
            None => {
                tokio::time::sleep(GRACE).await;
                self.open().await
            }
        }
    }

    /// Tries inputs in this session or a new one, which is handed back if it can be used again. None if no session opens.
    pub(super) async fn play(
        &self,
        lane: Option<Lane>,
        inputs: &[Input],
        care: Care,
    ) -> Option<(Played, Option<Lane>)> {
        // What is sent before a session opens, or ends it, has one of its own.
        if let [input] = inputs
            && input.unopened
        {
            return Some((self.play_early(input, care).await?, lane));
        }
        if inputs.iter().any(Input::ends_session) {
            let mut own = self.open_at_last().await?;
            let played = self.play_in(&mut own, inputs, care).await;
            own.close().await;
            return Some((played, lane));
        }
        let mut lane = match lane {
            Some(lane) => lane,
            None => self.open_at_last().await?,
        };
        let mut played = self.play_in(&mut lane, inputs, care).await;
        if played.usable {
            return Some((played, Some(lane)));
        }
        lane.close().await;
        // One connection of many may break without a reason, as long as its server still runs.
        if self.spec.transport() != Transport::Stdio && self.spec.host.is_running().await {
            let mut suspicions = played.suspicions.iter_mut();
            let broken = suspicions.find(|suspicion| suspicion.oracle == Oracle::Survives);
            if let Some(broken) = broken {
                broken.may_be_chance = true;
            }
        }
        Some((played, None))
    }

    /// Sends an input before the session is opened: it must open nevertheless.
    async fn play_early(&self, input: &Input, care: Care) -> Option<Played> {
        let mut session = Session::connect(self.spec.clone()).await.ok()?;
        let shots: Vec<(StepRef, &Shot)> = numbered(std::slice::from_ref(input)).collect();
        let wait = session.early(&shots, care).await;
        if wait != Wait::Done {
            session.hear_out().await;
        }
        let seen = self.seen(&session.record.entries, &session.record.conversation);
        let (mut suspicions, observed) = suspicions(&seen, wait, 0);
        // Nobody has to answer before the session is open.
        suspicions.retain(|suspicion| suspicion.oracle != Oracle::Answered);
        let played = Played::new(suspicions, observed, &session.record.entries);
        drop(session.close().await);
        Some(played)
    }

    /// Sends inputs at once and says what is wrong with what came.
    async fn play_in(&self, lane: &mut Lane, inputs: &[Input], care: Care) -> Played {
        let shots: Vec<(StepRef, &Shot)> = numbered(inputs).collect();
        let session = &mut lane.session;
        let from = session.record.conversation.exchanges.len();
        let replies = inputs.iter().flat_map(|input| input.replies.clone());
        session.reply_with(replies.collect());
        let wait = session.window(&shots, care).await;
        // A server that is late because the machine is busy is not deaf: with all patience it is asked once more.
        if wait == Wait::Deadline && care.fence == self.spec.timeout {
            session.alive(None).await;
        }
        if wait != Wait::Done {
            session.hear_out().await;
        }
        let seen = self.seen(&session.record.entries, &session.record.conversation);
        let (suspicions, observed) = suspicions(&seen, wait, from);
        let played = Played::new(suspicions, observed, &session.record.entries);
        session.rewind(lane.opening);
        played
    }
}

impl Lane {
    /// The number of the process behind it and what it holds, where it is ours.
    pub(super) async fn held(&self) -> Option<(u32, Held)> {
        let pid = self.session.pid().await?;
        Some((pid, memory::held(pid)?))
    }

    /// Ends the session, and the process if it is ours.
    pub(super) async fn close(self) {
        drop(self.session.close().await);
    }
}

impl Played {
    fn new(suspicions: Vec<Suspicion>, observed: Vec<&'static str>, entries: &[Entry]) -> Played {
        let is_fatal = |suspicion: &Suspicion| suspicion.oracle.is_fatal();
        Played {
            usable: !suspicions.iter().any(is_fatal),
            entries: match suspicions.is_empty() {
                true => Vec::new(),
                // Without what was parsed, which takes many times as much memory.
                false => entries.iter().map(Entry::unread).collect(),
            },
            suspicions,
            observed,
        }
    }
}

fn numbered(inputs: &[Input]) -> impl Iterator<Item = (StepRef, &Shot)> {
    let number = |index| u16::try_from(index).unwrap_or(u16::MAX);
    inputs.iter().enumerate().flat_map(move |(input, shots)| {
        let shots = shots.shots.iter().enumerate();
        shots.map(move |(shot, what)| (StepRef(number(input), number(shot)), what))
    })
}
