//! A whole benchmark, from reaching the targets to the report.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;

use super::calls::Call;
use super::compare;
use super::extras::{self, Found};
use super::lane::{CallError, Down, Lane};
use super::report::{BenchReport, BenchTarget, FORMAT, ServerFigures, Settings};
use super::rounds::{self, Gone, Plan, Player};
use super::sentences;
use super::subject::{Allowed, Named, PrepareError, Subject, prepare};
use super::usage;
use crate::catalog::Catalog;
use crate::report::escape::excerpt;

/// What to measure, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The command line, without secrets.
    pub arguments: Vec<String>,
    /// Who is measured; the others are compared with the first.
    pub targets: Vec<Named>,
    /// What may be called.
    pub allowed: Allowed,
    /// How many calls are open at a time, one number after the other.
    pub concurrency: Vec<usize>,
    /// How many bytes take the place of `{payload}`, one number after the other.
    pub payloads: Vec<usize>,
    /// Calls per second; none: as fast as they are answered.
    pub rate: Option<f64>,
    /// How long each result is measured.
    pub duration: Duration,
    /// How long calls are made before that.
    pub warmup: Duration,
    /// How far away HTTP targets should seem to be.
    pub network_delay: Option<Duration>,
}

/// What is being done, as far as it is known how much there is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// What is measured now.
    pub doing: String,
    /// How much is done.
    pub done: usize,
    /// Of so much.
    pub of: usize,
}

/// Is told what is being done.
pub type Watcher<'a> = &'a (dyn Fn(Progress) + Send + Sync);

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

/// Measures everything. It blocks, on a thread where nothing else happens; `handle` is where servers are started.
pub fn measure(
    options: &Options,
    subjects: &mut [Subject],
    catalogs: &mut [Subject],
    handle: &Handle,
    stop: &AtomicBool,
    watcher: Watcher<'_>,
) -> BenchReport {
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
        done: 0,
        of: steps(options, subjects) + catalogs.len(),
    };
    bench.extras(subjects);
    bench.results(subjects);
    bench.catalogs(catalogs);
    bench.finish(subjects)
}

/// How many things are measured, nearly.
fn steps(options: &Options, subjects: &[Subject]) -> usize {
    let results = names(subjects, &options.payloads).len() * options.concurrency.len();
    results + subjects.len()
}

/// The calls to measure, whoever offers them: what results are known by.
fn names(subjects: &[Subject], payloads: &[usize]) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    for call in subjects.iter().flat_map(|subject| subject.calls(payloads)) {
        let name = (kind(&call).to_owned(), call.payload);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What both eras have under different names stands for the same.
fn kind(call: &Call) -> &str {
    match call.template.name.as_str() {
        "ping" | "server/discover" => "ping",
        name => name,
    }
}

struct Bench<'a> {
    options: &'a Options,
    plan: Plan<'a>,
    handle: &'a Handle,
    watcher: Watcher<'a>,
    report: BenchReport,
    /// What went wrong, each with the target that it happened at.
    troubles: Vec<(String, String)>,
    /// Targets that are not there any more.
    gone: Vec<String>,
    done: usize,
    of: usize,
}

impl Bench<'_> {
    fn tell(&mut self, doing: String) {
        let (done, of) = (self.done, self.of);
        (self.watcher)(Progress { doing, done, of });
        self.done += 1;
    }

    fn is_stopped(&self) -> bool {
        self.plan.patience().is_over()
    }

    fn trouble(&mut self, target: &str, what: &str) {
        if self.is_stopped() {
            // What the user ended is nobody's trouble.
            return;
        }
        let trouble = (target.to_owned(), what.to_owned());
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Whoever is gone is left out of what comes.
    fn is_gone(&self, target: &str) -> bool {
        self.gone.iter().any(|gone| gone == target)
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
                self.trouble(&subject.named.name, &format!("{doing}: {error}"));
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
            self.tell(format!(
                "{}: starting, connecting, lists, chains",
                subject.named.name
            ));
            let startup = extras::startup(subject, self.handle, self.plan);
            subject.server.startup_ms = self.noted(subject, "starting it", startup).flatten();
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
        for trouble in &found.troubles {
            self.trouble(&subject.named.name, trouble);
        }
        found.figures
    }

    /// What needs a session that is open.
    fn in_session(&mut self, subject: &Subject) {
        let lane = Lane::open(&subject.reach, subject.revision(), self.plan.patience());
        let Some(mut lane) = self.noted(subject, "opening a session", lane) else {
            return;
        };
        let found = extras::in_session(subject, &mut lane, self.plan);
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
            self.tell(format!("{}: long lists", subject.named.name));
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
                let size = match payload {
                    0 => String::new(),
                    bytes => format!(", {bytes} bytes"),
                };
                self.tell(format!("{name}, {concurrency} at a time{size}"));
                let mut players = Vec::new();
                for subject in subjects {
                    let calls = subject.calls(&self.options.payloads);
                    let mut calls = calls.into_iter();
                    let call = calls.find(|call| (kind(call), call.payload) == (&name, payload));
                    players.extend(call.and_then(|call| self.player(subject, call, concurrency)));
                }
                let (results, gone) = rounds::take_turns(&mut players, concurrency, self.plan);
                self.report.results.extend(results);
                for gone in gone {
                    let Gone { target, at, down } = gone;
                    self.trouble(&target, &format!("{at}: {down}"));
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
        let at = rounds::at(&call, concurrency);
        let tried = || -> Result<Lane, CallError> {
            let mut lane = Lane::open(&subject.reach, subject.revision(), self.plan.patience())?;
            lane.call(&call.template, self.plan.patience())?;
            Ok(lane)
        };
        match tried() {
            Ok(lane) => Some(Player::new(subject, lane, call)),
            Err(CallError::Down(Down(reason))) => {
                let what = format!("before {at}: {reason}");
                self.trouble(&subject.named.name, &what);
                self.gone.push(subject.named.name.clone());
                None
            }
            Err(error) => {
                let error = match error == CallError::timeout() {
                    true => "no answer in time (--timeout gives it more)".to_owned(),
                    false => excerpt(&error.to_string(), 300),
                };
                let call = &call.template.name;
                let what = format!("{call} fails, so it is not measured: {error}");
                self.trouble(&subject.named.name, &what);
                None
            }
        }
    }

    fn finish(mut self, subjects: &[Subject]) -> BenchReport {
        let results = &self.report.results;
        for subject in subjects {
            let name = &subject.named.name;
            let mine = results.iter().filter(|result| &result.target == name);
            let used = mine.filter_map(|result| result.server);
            let used: Vec<ServerFigures> = used.collect();
            // One call at a time is what most clients make, and what is measured first.
            let cpu = used.iter().find_map(|used| used.cpu_us_per_call);
            let figures = ServerFigures {
                rss_bytes: used.iter().filter_map(|used| used.rss_bytes).max(),
                cpu_us_per_call: cpu,
                startup_ms: subject.server.startup_ms,
            };
            let known = self
                .report
                .targets
                .iter()
                .any(|target| &target.name == name);
            if known {
                continue;
            }
            self.report.targets.push(BenchTarget {
                name: name.clone(),
                transport: subject.transport(),
                info: subject.named.info.clone(),
                implementation: subject.implementation.clone(),
                server: (figures != ServerFigures::default()).then_some(figures),
            });
        }
        self.report.server = self.report.targets.first().and_then(|target| target.server);
        self.report.comparisons = compare::among(&self.report.results);
        if self.is_stopped() {
            self.troubles
                .insert(0, (String::new(), "interrupted".to_owned()));
        }
        let troubles = self
            .troubles
            .iter()
            .map(|(target, what)| match target.is_empty() {
                true => what.clone(),
                false => format!("{target}: {what}"),
            });
        let failed = sentences::failed(&self.report);
        let troubles: Vec<String> = troubles.chain(failed).collect();
        self.report.partial = (!troubles.is_empty()).then(|| troubles.join("\n"));
        self.report
    }
}
