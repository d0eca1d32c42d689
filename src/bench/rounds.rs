//! One kind of call, measured at all targets in turns: A B A B.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::calls::Call;
use super::lane::{Down, Lane};
use super::pace::{GLANCE, Load, Patience};
use super::report::{BenchResult, Round, ServerFigures};
use super::samples::Samples;
use super::subject::Subject;
use super::usage::{self, Ticks, Usage};

/// How long a turn is at least.
const MIN_ROUND: Duration = Duration::from_millis(50);
/// With a rate, how many calls are due in a turn at least.
const MIN_CALLS: f64 = 10.0;
/// Into how many turns the time is cut, unless they would be too short.
const ROUNDS: u32 = 10;

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// For each result.
    pub duration: Duration,
    /// Before that.
    pub warmup: Duration,
    /// Calls per second; none: as fast as they are answered.
    pub rate: Option<f64>,
    /// How long a call may take.
    pub timeout: Duration,
    /// Whether the user wants it to end.
    pub stop: &'a AtomicBool,
}

impl<'a> Plan<'a> {
    /// Into how many turns the time is cut.
    pub fn rounds(&self) -> u32 {
        let by_time = self.duration.as_secs_f64() / MIN_ROUND.as_secs_f64();
        let calls = self.rate.map(|rate| rate * self.duration.as_secs_f64());
        let by_calls = calls.map_or(by_time, |calls| calls / MIN_CALLS);
        (by_time.min(by_calls) as u32).clamp(1, ROUNDS)
    }

    /// How long a call is waited for.
    pub fn patience(&self) -> Patience<'a> {
        Patience {
            timeout: self.timeout,
            stop: self.stop,
        }
    }

    /// Calls for so long; what was due then is made no later than this.
    pub fn load(&self, concurrency: usize, duration: Duration, late: Duration) -> Load<'a> {
        Load {
            concurrency,
            duration,
            calls: u64::MAX,
            rate: self.rate,
            late,
            timeout: self.timeout,
            stop: self.stop,
        }
    }
}

/// One target that takes part.
pub struct Player<'a> {
    /// The target.
    pub subject: &'a Subject,
    /// The session with it.
    pub lane: Lane,
    /// What is called.
    pub call: Call,
    all: Samples,
    turn: Samples,
    rounds: Vec<Round>,
    /// How long all turns took, with the wait for the last answers.
    took: Duration,
    /// For how long the thread that measures had work.
    ours: Duration,
    used: Option<(Usage, u64)>,
    machine: Ticks,
    down: Option<Down>,
}

impl<'a> Player<'a> {
    /// Nothing is measured yet.
    pub fn new(subject: &'a Subject, lane: Lane, call: Call) -> Player<'a> {
        Player {
            subject,
            lane,
            call,
            all: Samples::new(),
            turn: Samples::new(),
            rounds: Vec::new(),
            took: Duration::ZERO,
            ours: Duration::ZERO,
            used: None,
            machine: Ticks::default(),
            down: None,
        }
    }

    fn usage(&self) -> Option<Usage> {
        usage::of_group(self.lane.pid().or(self.subject.pid)?)
    }

    fn seconds(&self) -> f64 {
        self.rounds.iter().map(|round| round.seconds).sum()
    }

    fn run(&mut self, load: Load<'_>) {
        self.turn.clear();
        if let Err(down) = self.lane.run(&self.call.template, load, &mut self.turn) {
            self.down.get_or_insert(down);
        }
    }

    fn warm_up(&mut self, load: Load<'_>) {
        if !load.duration.is_zero() {
            self.run(load);
        }
    }

    /// A turn for which there is no time: what was due in it is not made, if the server was behind already. Where only
    /// answers took long, nothing was due: the turn just did not take place.
    fn skip(&mut self, load: Load<'_>) {
        if self.all.is_behind {
            let due = load.rate.map(|rate| rate * load.duration.as_secs_f64());
            self.all.unsent += due.unwrap_or(0.0).round() as u64;
        }
    }

    /// One turn.
    fn play(&mut self, load: Load<'_>) {
        let before = self.usage();
        let machine = usage::of_machine();
        let ours = usage::of_this_thread();
        let began = std::time::Instant::now();
        self.run(load);
        while load.rate.is_some() && began.elapsed() < load.duration && !load.is_stopped() {
            // The next call is due in the next turn, and that begins when this one is over.
            let left = load.duration.saturating_sub(began.elapsed());
            std::thread::sleep(left.min(GLANCE));
        }
        let took = began.elapsed();
        self.took += took;
        self.ours += usage::of_this_thread().saturating_sub(ours);
        // With a rate, the wait for the last answers is no time in which there could have been more of them.
        let seconds = match load.rate {
            Some(_) if !self.turn.is_behind => took.min(load.duration),
            _ => took,
        };
        if let (Some(before), Some(after)) = (before, self.usage()) {
            let (used, calls) = self.used.get_or_insert_default();
            used.cpu += after.cpu.saturating_sub(before.cpu);
            used.rss_bytes = after.rss_bytes;
            *calls += self.turn.count() + self.turn.failed();
        }
        if let (Some(before), Some(after)) = (machine, usage::of_machine()) {
            let used = after.since(before);
            self.machine.used += used.used;
            self.machine.all += used.all;
        }
        self.rounds.push(self.turn.round(seconds.as_secs_f64()));
        self.all.add(&self.turn);
    }

    /// Waiting for when a call is due is done in haste, so that it is no work.
    fn client_busy(&self, plan: Plan<'_>) -> Option<f64> {
        let tells = plan.rate.is_none() && !self.ours.is_zero();
        tells.then(|| (self.ours.as_secs_f64() / self.took.as_secs_f64()).min(1.0))
    }

    fn result(&self, concurrency: usize, plan: Plan<'_>, complete: bool) -> BenchResult {
        let seconds = self.seconds();
        let count = self.all.count();
        BenchResult {
            target: self.subject.named.name.clone(),
            transport: self.subject.transport(),
            revision: self.subject.revision(),
            call: self.call.template.name.clone(),
            concurrency,
            payload: self.call.payload,
            count,
            errors: self.all.failed(),
            throughput_per_s: match seconds > 0.0 {
                true => round(count as f64 / seconds, 1),
                false => 0.0,
            },
            latency_us: self.all.latency(),
            seconds: round(seconds, 3),
            rate_per_s: plan.rate,
            unsent: self.all.unsent,
            errors_by_kind: self.all.errors.clone(),
            request_bytes: self.call.template.size() as u64,
            answer_bytes: self.all.mean_bytes(),
            reconnects: self.all.reconnects,
            distribution: self.all.distribution(),
            rounds: self.rounds.clone(),
            server: self.used.map(|(used, calls)| ServerFigures {
                rss_bytes: Some(used.rss_bytes),
                cpu_us_per_call: per_call(used.cpu, calls),
                startup_ms: None,
            }),
            machine_busy: self.machine.part().map(|part| round(part, 3)),
            client_busy: self.client_busy(plan).map(|part| round(part, 3)),
            partial: !complete || self.all.failed() > 0,
        }
    }
}

/// Processor time is told in ticks: less than a few of them says nothing.
fn per_call(cpu: Duration, calls: u64) -> Option<f64> {
    let tells = cpu >= Duration::from_millis(30) && calls > 0;
    tells.then(|| round(cpu.as_secs_f64() * 1e6 / calls as f64, 2))
}

fn round(value: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (value * unit).round() / unit
}

/// A target that is not there any more.
pub struct Gone {
    /// Its name.
    pub target: String,
    /// What was measured then.
    pub at: String,
    /// How that is known.
    pub down: Down,
}

/// Lets all players take turns. Gives what was measured, and for each player that is gone, why.
pub fn take_turns(
    players: &mut [Player<'_>],
    concurrency: usize,
    plan: Plan<'_>,
) -> (Vec<BenchResult>, Vec<Gone>) {
    let rounds = plan.rounds();
    for player in players.iter_mut() {
        player.warm_up(plan.load(concurrency, plan.warmup, Duration::ZERO));
    }
    let mut done = 0;
    while done < rounds && !plan.patience().is_over() {
        for player in players.iter_mut().filter(|player| player.down.is_none()) {
            let turn = plan.duration / rounds;
            let used = player.took;
            if plan.patience().is_over() {
                continue;
            }
            // A slow server may need the time of several turns for one call, or for what was due in one turn.
            match used >= plan.duration {
                true => player.skip(plan.load(concurrency, turn, Duration::ZERO)),
                false => {
                    let late = plan.duration.saturating_sub(used + turn);
                    player.play(plan.load(concurrency, turn, late));
                }
            }
        }
        done += 1;
    }
    let results = players
        .iter()
        .filter(|player| !player.rounds.is_empty())
        .map(|player| {
            let complete = player.down.is_none() && !plan.patience().is_over();
            player.result(concurrency, plan, complete)
        });
    let results = results.collect();
    let gone = players.iter().filter_map(|player| {
        Some(Gone {
            target: player.subject.named.name.clone(),
            at: player.call.load(concurrency),
            down: player.down.clone()?,
        })
    });
    (results, gone.collect())
}
