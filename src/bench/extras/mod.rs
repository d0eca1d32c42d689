//! What is measured beside single calls: starting, connecting, the handshake, streams, whole lists, chains of calls.

mod session;

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::lane::{CallError, Down, Lane, Reach};
use super::message::Template;
use super::report::{Connecting, Handshake};
use super::rounds::Plan;
use super::samples::Samples;
use super::subject::{Subject, start_again};
use super::trouble::Kind;
use crate::report::escape::excerpt;
use crate::revision::Era;

pub use session::{in_session, lists};

/// How often something is measured at most.
const MOST: u64 = 200;
/// How often at least,
const LEAST: u64 = 3;
/// unless that takes longer than this, and than two results.
const LONG: Duration = Duration::from_secs(5);
/// How many processes are started to see how long that takes.
const STARTS: u64 = 5;

/// What was measured, and what went wrong.
#[derive(Debug)]
pub struct Found<T> {
    /// The figures, of what was measured before it went wrong, too.
    pub figures: Vec<T>,
    /// What went wrong, and where.
    pub troubles: Vec<(Kind, String)>,
    /// Whether the server is gone.
    pub is_down: bool,
}

impl<T> Default for Found<T> {
    fn default() -> Found<T> {
        Found {
            figures: Vec::new(),
            troubles: Vec::new(),
            is_down: false,
        }
    }
}

impl<T> Found<T> {
    /// Takes a figure, unless nothing is behind it.
    fn take(&mut self, figure: T, doing: &str, repeated: Repeated) {
        if repeated.done + repeated.failed > 0 {
            self.figures.push(figure);
        }
        self.trouble(doing, repeated);
    }

    fn trouble(&mut self, doing: &str, repeated: Repeated) {
        let all = repeated.done + repeated.failed;
        if let Some(why) = &repeated.why {
            let why = excerpt(&why.to_string(), 300);
            let failed = repeated.failed;
            let trouble = format!("{doing}: {failed} of {all} failed, the first: {why}");
            let kind = match repeated.done {
                0 => Kind::Missing,
                _ => Kind::Counted,
            };
            self.troubles.push((kind, trouble));
        }
        if let Some(Down(reason)) = repeated.down {
            let trouble = format!("{doing}: {reason}");
            self.troubles.push((Kind::Missing, trouble));
            self.is_down = true;
        }
    }
}

/// What came of something that was done again and again.
#[derive(Debug, Default)]
struct Repeated {
    done: u64,
    failed: u64,
    /// Of what it failed first.
    why: Option<CallError>,
    /// Why it ended too early.
    down: Option<Down>,
}

/// Repeats something until it was done often enough, or time is over, or the server is gone. What was never done in time is not
/// tried again.
fn repeat(plan: Plan<'_>, most: u64, mut work: impl FnMut() -> Result<(), CallError>) -> Repeated {
    let began = Instant::now();
    let mut all = Repeated::default();
    let limit = |count| match count {
        0 => Duration::MAX,
        few if few < LEAST => (2 * plan.duration).max(LONG),
        _ => plan.duration / 2,
    };
    while all.done + all.failed < most && began.elapsed() < limit(all.done + all.failed) {
        match work() {
            Ok(()) => all.done += 1,
            Err(CallError::Down(down)) => {
                all.down = Some(down);
                break;
            }
            Err(_) if plan.patience().is_over() => break,
            Err(error) => {
                let is_hopeless = all.done == 0 && error == CallError::timeout();
                all.failed += 1;
                all.why.get_or_insert(error);
                if is_hopeless {
                    break;
                }
            }
        }
        if plan.patience().is_over() {
            break;
        }
    }
    all
}

fn alive(subject: &Subject) -> Template {
    let method = subject.revision().era().alive_method();
    Template::new(subject.revision(), method, None, &subject.offer.tools)
}

/// From the start of a process to its first answer, in milliseconds: the median of some. None if it is not ours.
///
/// # Errors
/// Where it does not start.
pub fn startup(
    subject: &Subject,
    handle: &Handle,
    plan: Plan<'_>,
) -> Result<Option<f64>, CallError> {
    let mut samples = Samples::new();
    let alive = alive(subject);
    let repeated = repeat(plan, STARTS, || {
        let began = Instant::now();
        let Some((reach, host)) = start_again(subject, handle)? else {
            return Ok(());
        };
        let mut lane = Lane::connect(&reach)?;
        match subject.revision().era() {
            Era::Legacy => lane.shake_hands(subject.revision(), plan.patience())?,
            Era::Modern => drop(lane.call(&alive, plan.patience())?),
        }
        samples.record(began.elapsed(), 0);
        lane.close(plan.patience());
        handle.block_on(host.stop());
        Ok(())
    });
    match (repeated.down, repeated.why) {
        (Some(down), _) => return Err(down.into()),
        (None, Some(why)) if samples.count() == 0 => return Err(why),
        _ => {}
    }
    let median = samples.latency().p50;
    Ok((samples.count() > 0).then(|| (median / 10.0).round() / 100.0))
}

/// What it costs to get a connection; nothing if there are none.
///
/// # Errors
/// Where no session opens.
pub fn connecting(subject: &Subject, plan: Plan<'_>) -> Result<Found<Connecting>, CallError> {
    let mut found = Found::default();
    let Reach::Http(address, _) = &subject.reach else {
        return Ok(found);
    };
    let mut lane = Lane::open(&subject.reach, subject.revision(), plan.patience())?;
    let Lane::Http(web) = &mut lane else {
        return Ok(found);
    };
    let alive = alive(subject);
    // A relay accepts at once, and holds back for as long as that would take what comes behind.
    let way = 2 * subject.delay;
    let [mut tcp, mut tls, mut cold, mut kept] = std::array::from_fn(|_| Samples::new());
    let mut closed = 0;
    let repeated = repeat(plan, MOST, || {
        let (opened, answer, lives) = web.cold_call(&alive, plan.patience())?;
        tcp.record(opened.tcp + way, 0);
        if let Some(time) = opened.tls {
            tls.record(time.saturating_sub(way), 0);
        }
        cold.record(answer.last, 0);
        closed += u64::from(!lives);
        let answer = web.call(&alive, plan.patience())?;
        kept.record(answer.last, 0);
        Ok(())
    });
    lane.close(plan.patience());
    let connecting = Connecting {
        target: subject.named.name.clone(),
        tls: address.is_encrypted(),
        count: repeated.done,
        errors: repeated.failed,
        tcp_us: tcp.latency(),
        tls_us: address.is_encrypted().then(|| tls.latency()),
        cold_call_us: cold.latency(),
        kept_call_us: kept.latency(),
        closed_by_server: 2 * closed > repeated.done,
    };
    found.take(connecting, "calls on new connections", repeated);
    Ok(found)
}

/// What the handshake of a session costs, where there is one. Over stdio each takes a process, whose start is not counted.
pub fn handshake(subject: &Subject, plan: Plan<'_>) -> Option<Handshake> {
    if subject.revision().era() == Era::Modern {
        return None;
    }
    let mut samples = Samples::new();
    let most = match subject.reach {
        Reach::Stdio(_) => STARTS,
        Reach::Http(..) => MOST,
    };
    let repeated = repeat(plan, most, || {
        let mut lane = Lane::connect(&subject.reach)?;
        lane.warm(subject.revision(), plan.patience())?;
        let began = Instant::now();
        lane.shake_hands(subject.revision(), plan.patience())?;
        samples.record(began.elapsed(), 0);
        lane.close(plan.patience());
        Ok(())
    });
    // A server that does not answer a ping before its handshake just has no figure for it.
    (repeated.done > 0).then(|| Handshake {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        count: repeated.done,
        errors: repeated.failed,
        latency_us: samples.latency(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn found(answers: &[Result<(), CallError>]) -> Found<u64> {
        let stop = AtomicBool::new(false);
        let plan = Plan {
            duration: Duration::from_secs(60),
            warmup: Duration::ZERO,
            rate: None,
            timeout: Duration::ZERO,
            stop: &stop,
        };
        let mut answers = answers.iter().cloned();
        let repeated = repeat(plan, LEAST, || answers.next().unwrap_or(Ok(())));
        let mut found = Found::default();
        found.take(repeated.done, "reading tools/list", repeated);
        found
    }

    #[test]
    fn what_was_measured_before_the_end_is_kept() {
        let gone = CallError::Down(Down("the server ended".into()));
        let found = found(&[Ok(()), Err(gone)]);
        assert_eq!(found.figures, [1]);
        let gone = (Kind::Missing, "reading tools/list: the server ended".into());
        assert_eq!(found.troubles, [gone]);
        assert!(found.is_down);
    }

    #[test]
    fn what_fails_now_and_then_is_told() {
        let found = found(&[Ok(()), Err(CallError::timeout()), Ok(())]);
        assert_eq!(found.figures, [2]);
        let told = "reading tools/list: 1 of 3 failed, the first: timeout";
        assert_eq!(found.troubles, [(Kind::Counted, told.into())]);
        assert!(!found.is_down);
    }

    #[test]
    fn what_is_never_answered_is_waited_for_once() {
        let found = found(&[Err(CallError::timeout()), Ok(())]);
        assert_eq!(found.figures, [0]);
        let told = "reading tools/list: 1 of 1 failed, the first: timeout";
        assert_eq!(found.troubles, [(Kind::Missing, told.into())]);
    }
}
