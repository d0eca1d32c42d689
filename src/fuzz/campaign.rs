//! Tries input after input in one place, in windows, and hunts down whatever is wrong.

mod look;
mod weigh;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::generate::Inputs;
use super::hunt::Caught;
use super::input::Input;
use super::ledger::Ledger;
use super::memory::Held;
use super::oracle::{Oracle, Suspicion};
use super::place::{Lane, Place};
use super::source::Source;
use super::{Certainty, Found, Progress, report, save};
use crate::drive::Care;
use crate::event::Coverage;
use crate::transport::Transport;

/// So many inputs are sent before an answer is waited for.
pub(super) const WINDOW: usize = 64;
/// A window should take no longer than this.
const LONG: Duration = Duration::from_secs(1);
/// A window ends with the input that makes it this large (1 MiB): neither we nor the server should hold many of the largest.
const MAX_BYTES: usize = 1 << 20;
/// After so many windows a session ends and another begins: a process must be started for it, or not.
const SESSION: usize = 1_000;
const SESSION_ON_HTTP: usize = 32;
/// What a process holds is looked at once in so many windows.
const HELD_EVERY: usize = 8;
/// So long what is being looked into when the time is up may take to be verified, beyond the timeout, and at most.
const OVERTIME: Duration = Duration::from_secs(1);
const MAX_OVERTIME: Duration = Duration::from_secs(10);
/// So many sessions in a row may fail to open.
const MAX_FAILED: usize = 3;

/// When it is over, whatever comes first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) inputs: u64,
    pub(super) until: Instant,
}

/// What was tried and what came of it, in one place.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) inputs: u64,
    pub(super) found: Vec<Found>,
    pub(super) coverage: Coverage,
    /// The rules that had something to look at.
    pub(super) observed: BTreeSet<&'static str>,
    /// Why it ended before its time.
    pub(super) cut_short: Option<String>,
    /// Why some of it is not saved.
    pub(super) unsaved: Option<String>,
    /// What says that something is wrong which was still to be looked into when the time was up.
    pub(super) open: Vec<Oracle>,
}

pub(super) struct Campaign<'a> {
    place: &'a Place,
    source: Source,
    /// What did not fit into the last window.
    put_off: Option<Input>,
    /// Those that must be alone in a window, and wait for the next: a window is not cut short for them.
    alone: VecDeque<Input>,
    /// The last window.
    last: Vec<Input>,
    lane: Option<Lane>,
    /// So many inputs are sent at once.
    size: usize,
    /// Whether the inputs are given: they are tried one by one, each in a session of its own.
    is_given: bool,
    windows: usize,
    /// What the process held when it was first looked at, and its number.
    first: Option<(u32, Held)>,
    leaks_told: bool,
    ledger: Ledger,
    began: Instant,
    /// Generator, keyword and method of what costs a session each time.
    muted: HashSet<(&'static str, &'static str, Option<String>)>,
    tally: Tally,
    /// What is being looked into, and whether it was seen once only: told as it is if there is no time to go on.
    at_hand: Option<(Caught, Certainty)>,
    /// So many findings are saved.
    saved: usize,
}

impl<'a> Campaign<'a> {
    pub(super) fn new(place: &'a Place, inputs: Inputs) -> Campaign<'a> {
        Campaign {
            place,
            lane: None,
            size: match inputs.given_count() {
                Some(_) => 1,
                None => WINDOW,
            },
            is_given: inputs.given_count().is_some(),
            source: Source::new(inputs),
            put_off: None,
            alone: VecDeque::new(),
            last: Vec::new(),
            windows: 0,
            first: None,
            leaks_told: false,
            ledger: Ledger::default(),
            began: Instant::now(),
            muted: HashSet::new(),
            tally: Tally::default(),
            at_hand: None,
            saved: 0,
        }
    }

    /// Goes on until the limit is reached, or somebody says stop. What is found is saved as it comes.
    pub(super) async fn run(
        mut self,
        limit: Limit,
        folder: &Path,
        stop: &mut watch::Receiver<bool>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Tally {
        let mut failed = 0;
        // Silence is verified by waiting once more.
        let overtime = (self.place.spec.timeout + OVERTIME).min(MAX_OVERTIME);
        while self.tally.inputs < limit.inputs && Instant::now() < limit.until && !*stop.borrow() {
            let opened = tokio::select! {
                opened = self.step(limit) => opened,
                _ = stop.changed() => break,
                () = tokio::time::sleep_until((limit.until + overtime).into()) => break,
            };
            self.save(folder);
            failed = if opened { 0 } else { failed + 1 };
            if failed >= MAX_FAILED {
                self.tell_closed();
                break;
            }
            progress(Progress {
                inputs: self.tally.inputs,
                per_second: self.tally.inputs as f64 / self.began.elapsed().as_secs_f64(),
                findings: self.ledger.found.len(),
            });
        }
        if let Some((caught, certainty)) = self.at_hand.take() {
            let input = caught.inputs.clone();
            self.report(caught, input, certainty);
        }
        if let Some(lane) = self.lane.take() {
            lane.close().await;
        }
        self.save(folder);
        self.tally.found = self.ledger.found;
        self.tally
    }

    /// No session can be opened any more: whatever did it came with the last inputs, if there were any.
    fn tell_closed(&mut self) {
        const CLOSED: &str = "no session can be opened any more";
        self.tally.cut_short = Some(CLOSED.to_owned());
        if self.tally.inputs > 0
            && let Some(finding) = report::closed(self.place, CLOSED)
        {
            let last = std::mem::take(&mut self.last);
            let suspicion = Suspicion::of_nobody(Oracle::StaysAlive, finding);
            let caught = Caught::new(&last, &suspicion, &[]);
            self.report(caught, last, Certainty::Once);
        }
    }

    /// What is given was saved before. What cannot be saved is told nevertheless, and tried to be saved with the next.
    fn save(&mut self, folder: &Path) {
        if self.is_given {
            return;
        }
        let unsaved = &mut self.ledger.found[self.saved..];
        match save::save(folder, &self.place.header, unsaved) {
            Ok(()) => {
                self.saved = self.ledger.found.len();
                self.tally.unsaved = None;
            }
            Err(error) => {
                self.tally.unsaved = Some(format!("cannot save in {}: {error}", folder.display()));
            }
        }
    }

    /// Tries the next inputs, and looks into whatever is wrong. Whether a session could be opened.
    async fn step(&mut self, limit: Limit) -> bool {
        if self.lane.is_none() {
            self.lane = self.place.open().await;
            self.windows = 0;
            self.size = self.size.min(self.place.requests_in(LONG));
        }
        // A session that an input ends was opened nevertheless.
        if self.lane.is_none() {
            return false;
        }
        let left = usize::try_from(limit.inputs - self.tally.inputs).unwrap_or(self.size);
        let window = self.draw(self.size.min(left)).await;
        let began = Instant::now();
        let played = self
            .place
            .play(self.lane.take(), &window, self.care())
            .await;
        let Some((played, lane)) = played else {
            return false;
        };
        self.lane = lane;
        self.adapt(began.elapsed());
        self.count(&window);
        self.windows += 1;
        self.tally.observed.extend(played.observed);
        let oracles = played.suspicions.iter().map(|suspicion| suspicion.oracle);
        self.tally.open = oracles.collect();
        for suspicion in played.suspicions {
            if Instant::now() >= limit.until {
                return true;
            }
            self.look_into(&window, &played.entries, suspicion, limit.until)
                .await;
            self.tally.open.remove(0);
        }
        if self.windows.is_multiple_of(HELD_EVERY) && Instant::now() < limit.until {
            self.weigh(&window).await;
        }
        self.last = window;
        let is_stdio = self.place.spec.transport() == Transport::Stdio;
        let session = if is_stdio { SESSION } else { SESSION_ON_HTTP };
        let is_over = self.windows >= session || self.is_given;
        if let Some(lane) = self.lane.take_if(|_| is_over) {
            lane.close().await;
        }
        true
    }

    /// A slow server is sent less at once.
    fn adapt(&mut self, took: Duration) {
        self.size = match took {
            _ if self.is_given => 1,
            took if took > LONG => (self.size / 2).max(1),
            took if took < LONG / 2 => (2 * self.size).min(WINDOW),
            _ => self.size,
        };
    }

    /// What is given is looked at closely.
    fn care(&self) -> Care {
        match self.is_given {
            true => self.place.sure(),
            false => self.place.glance(),
        }
    }

    /// The next inputs, but for those of a kind that is known to cost a session.
    async fn draw(&mut self, count: usize) -> Vec<Input> {
        if let Some(input) = self.alone.pop_front() {
            return vec![input];
        }
        let mut window: Vec<Input> = Vec::with_capacity(count);
        let mut ids = HashSet::new();
        let mut bytes = 0;
        // What is muted still counts as a step, or a server that nothing can be sent to would be asked for ever.
        for _ in 0..count {
            let input = match self.put_off.take() {
                Some(input) => input,
                None => self.source.next().await,
            };
            if !self.is_given && self.muted.contains(&kind(&input)) {
                self.tally.inputs += 1;
                continue;
            }
            // What changes the session, or what is replied there, is alone.
            if input.is_alone() {
                self.alone.push_back(input);
                continue;
            }
            // Two requests with one id could not be told apart by their answers: they are not sent together.
            let odd = input.odd_ids();
            if odd.iter().any(|id| ids.contains(id)) {
                self.put_off = Some(input);
                break;
            }
            ids.extend(odd);
            bytes += input.len();
            window.push(input);
            if bytes >= MAX_BYTES {
                break;
            }
        }
        if window.is_empty() {
            window.extend(self.alone.pop_front());
        }
        window
    }

    fn count(&mut self, window: &[Input]) {
        self.tally.inputs += window.len() as u64;
        for input in window {
            // Methods that were made up are many.
            let known = |method: &str| method.len() < 64 && !method.contains(char::is_whitespace);
            let method = input.method.as_deref();
            let method = method.map(|method| if known(method) { method } else { "(other)" });
            let coverage = &mut self.tally.coverage;
            coverage.count(input.generator, method, input.keyword);
        }
    }

    /// Adds what was found, or counts it if it is known.
    fn report(&mut self, caught: Caught, input: Vec<Input>, certainty: Certainty) -> (usize, bool) {
        if caught.suspicion.oracle == Oracle::Answered {
            self.place.is_silent.store(true, Ordering::Relaxed);
        }
        self.ledger.add(Found {
            oracle: caught.suspicion.oracle,
            finding: caught.suspicion.finding,
            input,
            shrunk: caught.inputs,
            seen: 1,
            blamed: caught.suspicion.blamed,
            subject: caught.suspicion.subject,
            certainty,
            tries: caught.tries,
            entries: caught.entries,
            saved: None,
            transcript: None,
            revision: self.place.spec.revision,
            transport: self.place.spec.transport(),
        })
    }
}

fn kind(input: &Input) -> (&'static str, &'static str, Option<String>) {
    (input.generator, input.keyword, input.method.clone())
}
