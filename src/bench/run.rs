//! A whole benchmark, from reaching the targets to the report.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;

use super::calls::Call;
use super::compare;
use super::extras::{self, Found};
use super::lane::{CallError, Down, Lane};
use super::options::Options;
use super::report::{BenchReport, FORMAT, Settings};
use super::rounds::{self, Gone, Plan, Player};
use super::schedule::{self, Progress, kind, names};
use super::subject::{PrepareError, Subject, prepare};
use super::trouble::{Kind, Trouble};
use super::{sentences, text, usage};
use crate::catalog::Catalog;
use crate::report::escape::excerpt;
use crate::revision::Revision;
use crate::transport::Transport;

/// How often it is looked whether the process of a server has ended that answers no more: that shows a moment later.
const LOOKS: usize = 5;
/// How often a call may be refused before it is known to fail.
const TRIES: usize = 3;

/// Is told what is being done.
pub type Watcher<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// What a benchmark brought.
#[derive(Debug)]
pub struct Measured {
    /// The figures.
    pub report: BenchReport,
    /// What went wrong; the report has the same in words.
    pub troubles: Vec<Trouble>,
}

/// Reaches all targets.
///
/// # Errors
/// The first that cannot be measured.
pub async fn reach(
    options: &Options,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Subject>, PrepareError> {
    let mut subjects = Vec::new();
    for named in &options.targets {
        let delay = options.network_delay;
        subjects.extend(prepare(named, &options.allowed, catalog, delay).await?);
    }
    Ok(subjects)
}

/// Measures everything, first what matters most: what comes first is there if the rest cannot be measured. It blocks, on a
/// thread where nothing else happens; `handle` is where servers are started.
pub fn measure(
    options: &Options,
    subjects: &mut [Subject],
    catalogs: &mut [Subject],
    handle: &Handle,
    stop: &AtomicBool,
    watcher: Watcher<'_>,
) -> Measured {
    let plan = Plan {
        duration: options.duration,
        warmup: options.warmup,
        rate: options.rate,
        timeout: options.allowed.timeout,
        stop,
    };
    let mut bench = Bench {
        options,
        plan,
        handle,
        watcher,
        report: BenchReport {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            arguments: options.arguments.clone(),
            machine: usage::machine(),
            settings: Settings {
                duration_s: options.duration.as_secs_f64(),
                warmup_s: options.warmup.as_secs_f64(),
                rounds: plan.rounds() as usize,
                rate_per_s: options.rate,
                network_delay_ms: options.network_delay.map(|delay| delay.as_secs_f64() * 1e3),
            },
            ..BenchReport::default()
        },
        troubles: Vec::new(),
        gone: Vec::new(),
        failing: Vec::new(),
        done: Duration::ZERO,
        of: schedule::expected(options, subjects, catalogs).time,
    };
    bench.results(subjects);
    bench.extras(subjects);
    bench.catalogs(catalogs);
    bench.finish(subjects)
}

struct Bench<'a> {
    options: &'a Options,
    plan: Plan<'a>,
    handle: &'a Handle,
    watcher: Watcher<'a>,
    report: BenchReport,
    troubles: Vec<Trouble>,
    /// Targets that are not there any more.
    gone: Vec<String>,
    /// Calls that fail: of which target, at which revision, and with how many bytes.
    failing: Vec<(String, Revision, String, usize)>,
    done: Duration,
    of: Duration,
}

impl Bench<'_> {
    /// What is done now, and how long that takes.
    fn tell(&mut self, doing: String, takes: Duration) {
        let (done, of) = (self.done, self.of);
        (self.watcher)(Progress { doing, done, of });
        self.done += takes;
    }

    fn is_stopped(&self) -> bool {
        self.plan.patience().is_over()
    }

    fn trouble(&mut self, target: &str, kind: Kind, text: &str) {
        if self.is_stopped() {
            // What the user ended is nobody's trouble.
            return;
        }
        let trouble = Trouble {
            target: Some(target.to_owned()),
            kind,
            text: text.to_owned(),
        };
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Whoever is gone is left out of what comes.
    fn is_gone(&self, target: &str) -> bool {
        self.gone.iter().any(|gone| gone == target)
    }

    fn fails(&self, subject: &Subject, call: &Call) -> bool {
        self.failing.contains(&failing(subject, call))
    }

    /// Takes what was measured, or remembers why it was not.
    fn noted<T>(
        &mut self,
        subject: &Subject,
        doing: &str,
        result: Result<T, impl std::fmt::Display>,
    ) -> Option<T> {
        match result {
            Ok(measured) => Some(measured),
            Err(error) => {
                let text = format!("{doing}: {error}");
                self.trouble(&subject.named.name, Kind::Missing, &text);
                None
            }
        }
    }

    /// What comes before, between and around calls.
    fn extras(&mut self, subjects: &mut [Subject]) {
        for subject in subjects {
            if self.is_stopped() {
                return;
            }
            let name = subject.named.name.clone();
            let doing = format!("{name}: starting, connecting, lists, chains");
            self.tell(doing, schedule::of_rest(self.options));
            let startup = extras::startup(subject, self.handle, self.plan);
            subject.server.startup_ms = self.noted(subject, "starting it", startup).flatten();
            // Over stdio each session is a process of its own, which may do without the calls that ended another.
            if self.is_gone(&name) && subject.transport() != Transport::Stdio {
                continue;
            }
            self.connecting(subject);
            let handshake = extras::handshake(subject, self.plan);
            self.report.handshakes.extend(handshake);
            self.in_session(subject);
        }
    }

    /// It is the same at each revision.
    fn connecting(&mut self, subject: &Subject) {
        let name = &subject.named.name;
        let mut known = self.report.connections.iter();
        if known.any(|known| &known.target == name) {
            return;
        }
        let connecting = extras::connecting(subject, self.plan);
        if let Some(found) = self.noted(subject, "opening a session", connecting) {
            let connecting = self.figures(subject, found);
            self.report.connections.extend(connecting);
        }
    }

    /// Takes the figures of what was measured, and remembers what went wrong.
    fn figures<T>(&mut self, subject: &Subject, found: Found<T>) -> Vec<T> {
        for (kind, text) in &found.troubles {
            self.trouble(&subject.named.name, *kind, text);
        }
        found.figures
    }

    /// What needs a session that is open.
    fn in_session(&mut self, subject: &Subject) {
        let lane = Lane::open(&subject.reach, subject.revision(), self.plan.patience());
        let Some(mut lane) = self.noted(subject, "opening a session", lane) else {
            return;
        };
        let works = |call: &Call| !self.fails(subject, call);
        let found = extras::in_session(subject, &mut lane, self.plan, &works);
        lane.close(self.plan.patience());
        let streams = self.figures(subject, found.streams);
        self.report.streams.extend(streams);
        let lists = self.figures(subject, found.lists);
        self.report.lists.extend(lists);
        let chains = self.figures(subject, found.chains);
        self.report.chains.extend(chains);
    }

    /// Whole lists of servers that have more tools.
    fn catalogs(&mut self, subjects: &mut [Subject]) {
        for subject in subjects {
            if self.is_stopped() {
                return;
            }
            let doing = format!("{}: long lists", subject.named.name);
            self.tell(doing, schedule::of_rest(self.options));
            let lane = Lane::open(&subject.reach, subject.revision(), self.plan.patience());
            let Some(mut lane) = self.noted(subject, "opening a session", lane) else {
                continue;
            };
            let found = extras::lists(subject, &mut lane, self.plan);
            let lists = self.figures(subject, found);
            let tools = lists.into_iter().filter(|list| list.method == "tools/list");
            self.report.lists.extend(tools);
            lane.close(self.plan.patience());
        }
    }

    /// Each call, with each number of callers, at all targets in turns.
    fn results(&mut self, subjects: &[Subject]) {
        for (name, payload) in names(subjects, &self.options.payloads) {
            for &concurrency in &self.options.concurrency {
                if self.is_stopped() {
                    return;
                }
                let mut players = Vec::new();
                for subject in subjects {
                    let calls = subject.calls(&self.options.payloads);
                    let mut calls = calls.into_iter();
                    let call = calls.find(|call| (kind(call), call.payload) == (&name, payload));
                    let call = call.filter(|call| !self.fails(subject, call));
                    players.extend(call.and_then(|call| self.player(subject, call, concurrency)));
                }
                let takes = schedule::of_result(self.options);
                let takes = takes.saturating_mul(players.len() as u32);
                self.tell(text::load(&name, concurrency, payload), takes);
                let (results, gone) = rounds::take_turns(&mut players, concurrency, self.plan);
                self.report.results.extend(results);
                for gone in gone {
                    let Gone { target, at, down } = gone;
                    self.trouble(&target, Kind::Missing, &format!("{at}: {down}"));
                    self.gone.push(target);
                }
                for player in players {
                    player.lane.close(self.plan.patience());
                }
            }
        }
    }

    /// A session in which a call was seen to work.
    fn player<'s>(
        &mut self,
        subject: &'s Subject,
        call: Call,
        concurrency: usize,
    ) -> Option<Player<'s>> {
        if self.is_gone(&subject.named.name) {
            return None;
        }
        let at = call.load(concurrency);
        match self.tried(subject, &call) {
            Ok(lane) => Some(Player::new(subject, lane, call)),
            Err(CallError::Down(Down(reason))) => {
                let text = format!("before {at}: {reason}");
                self.trouble(&subject.named.name, Kind::Missing, &text);
                self.gone.push(subject.named.name.clone());
                None
            }
            Err(error) => {
                let why = match error == CallError::timeout() {
                    true => "no answer in time (--timeout gives it more)".to_owned(),
                    false => excerpt(&error.to_string(), 300),
                };
                let name = &call.template.name;
                let text = format!("{name} fails, so it is not measured: {why}");
                self.trouble(&subject.named.name, Kind::Missing, &text);
                self.failing.push(failing(subject, &call));
                let is_broken = matches!(error, CallError::Broken(_));
                if is_broken && subject.last_words(self.handle, LOOKS).is_some() {
                    self.gone.push(subject.named.name.clone());
                }
                None
            }
        }
    }

    /// A session in which the call has a result. Who fails now and then has one the next time.
    fn tried(&self, subject: &Subject, call: &Call) -> Result<Lane, CallError> {
        let patience = self.plan.patience();
        let mut lane = Lane::open(&subject.reach, subject.revision(), patience)?;
        let mut left = TRIES;
        loop {
            left -= 1;
            match lane.call(&call.template, patience) {
                Ok(_) => return Ok(lane),
                Err(CallError::Down(down)) => return Err(down.into()),
                // Who was waited for once is not waited for again.
                Err(error) if left == 0 || error == CallError::timeout() || self.is_stopped() => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    /// What servers had to say at their end that are ours and listen; over stdio that is known where it shows.
    fn last_words(&mut self, subjects: &[Subject]) {
        for subject in subjects {
            let looks = if self.is_gone(&subject.named.name) {
                LOOKS
            } else {
                1
            };
            if let Some(words) = subject.last_words(self.handle, looks) {
                self.trouble(&subject.named.name, Kind::Missing, &words);
            }
        }
    }

    fn finish(mut self, subjects: &[Subject]) -> Measured {
        for subject in subjects {
            let name = &subject.named.name;
            let mut known = self.report.targets.iter();
            if !known.any(|target| &target.name == name) {
                let target = subject.target(&self.report.results);
                self.report.targets.push(target);
            }
        }
        self.report.server = self.report.targets.first().and_then(|target| target.server);
        self.report.comparisons = compare::among(&self.report.results);
        self.last_words(subjects);
        if self.is_stopped() {
            let interrupted = Trouble {
                target: None,
                kind: Kind::Missing,
                text: "interrupted".to_owned(),
            };
            self.troubles.insert(0, interrupted);
        }
        let failed = self.report.results.iter().filter_map(sentences::failed);
        self.troubles.extend(failed);
        let told: Vec<String> = self.troubles.iter().map(Trouble::to_string).collect();
        self.report.partial = (!told.is_empty()).then(|| told.join("\n"));
        Measured {
            report: self.report,
            troubles: self.troubles,
        }
    }
}

fn failing(subject: &Subject, call: &Call) -> (String, Revision, String, usize) {
    let (target, name) = (&subject.named.name, &call.template.name);
    (
        target.clone(),
        subject.revision(),
        name.clone(),
        call.payload,
    )
}
