//! One revision over one transport of the target: opens sessions there and tries inputs in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::conversation::Conversation;
use crate::drive::{Care, Session, Shot, Spec, Wait};
use crate::judge;
use crate::transcript::{Entry, Header, StepRef};

use super::input::Input;
use super::memory::{self, Held};
use super::oracle::{Oracle, Suspicion, suspicions};

/// Where inputs are tried.
pub(super) struct Place {
    pub(super) spec: Spec,
    pub(super) header: Header,
    pub(super) catalog: Arc<Catalog>,
    /// It is known that requests stay unanswered: not every further one is waited for as long.
    pub(super) is_silent: AtomicBool,
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
    /// Whether nothing ended the session.
    pub(super) usable: bool,
}

/// How long what should not come may come nevertheless, where inputs are looked at one by one.
const GRACE: Duration = Duration::from_millis(20);
/// How long an answer may take where silence was seen before, and will be verified.
const QUICK: Duration = Duration::from_millis(500);
/// How long one may take beside a later one that came, where it is known that some never do.
const SILENT: Duration = Duration::from_millis(100);

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

    /// How inputs are tried that may well bring nothing.
    pub(super) fn glance(&self) -> Care {
        let fence = self.spec.timeout;
        let late = match self.is_silent.load(Ordering::Relaxed) {
            true => fence.min(SILENT),
            false => fence,
        };
        let grace = Duration::ZERO;
        Care { fence, late, grace }
    }

    /// How it is verified that inputs bring something.
    pub(super) fn sure(&self) -> Care {
        Care {
            grace: GRACE,
            ..self.glance()
        }
    }

    /// How many candidates are tried one after the other.
    pub(super) fn quick(&self) -> Care {
        let sure = self.sure();
        Care {
            fence: sure.fence.min(QUICK),
            late: sure.late.min(QUICK),
            ..sure
        }
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
        session.alive(None).await.then(|| Lane {
            opening: session.record.entries.len(),
            session,
        })
    }

    /// Tries inputs in this session or a new one, which is handed back if it can be used again. None if no session opens.
    pub(super) async fn play(
        &self,
        lane: Option<Lane>,
        inputs: &[Input],
        care: Care,
    ) -> Option<(Played, Option<Lane>)> {
        // What is sent before a session opens has one of its own.
        if let [input] = inputs
            && input.unopened
        {
            return Some((self.play_early(input, care).await?, lane));
        }
        let mut lane = match lane {
            Some(lane) => lane,
            None => self.open().await?,
        };
        let played = self.play_in(&mut lane, inputs, care).await;
        if played.usable {
            return Some((played, Some(lane)));
        }
        lane.close().await;
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
        let mut suspicions = suspicions(&seen, wait, 0);
        // Nobody has to answer before the session is open.
        suspicions.retain(|suspicion| suspicion.oracle != Oracle::Answered);
        let usable = is_usable(&suspicions);
        drop(session.close().await);
        Some(Played { suspicions, usable })
    }

    /// Sends inputs at once and says what is wrong with what came.
    async fn play_in(&self, lane: &mut Lane, inputs: &[Input], care: Care) -> Played {
        let shots: Vec<(StepRef, &Shot)> = numbered(inputs).collect();
        let session = &mut lane.session;
        let from = session.record.conversation.exchanges.len();
        let wait = session.window(&shots, care).await;
        if wait != Wait::Done {
            session.hear_out().await;
        }
        let seen = self.seen(&session.record.entries, &session.record.conversation);
        let suspicions = suspicions(&seen, wait, from);
        let usable = is_usable(&suspicions);
        session.rewind(lane.opening);
        Played { suspicions, usable }
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

fn is_usable(suspicions: &[Suspicion]) -> bool {
    !suspicions
        .iter()
        .any(|suspicion| suspicion.oracle.is_fatal())
}

fn numbered(inputs: &[Input]) -> impl Iterator<Item = (StepRef, &Shot)> {
    let number = |index| u16::try_from(index).unwrap_or(u16::MAX);
    inputs.iter().enumerate().flat_map(move |(input, shots)| {
        let shots = shots.shots.iter().enumerate();
        shots.map(move |(shot, what)| (StepRef(number(input), number(shot)), what))
    })
}
