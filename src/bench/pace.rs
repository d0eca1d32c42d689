//! When the next call is due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::samples::Samples;

/// How often it is looked whether the user wants it to end.
pub const GLANCE: Duration = Duration::from_millis(50);

/// How long something is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience<'a> {
    /// So long.
    pub timeout: Duration,
    /// Or until the user wants it to end.
    pub stop: &'a AtomicBool,
}

impl Patience<'_> {
    /// Whether the user wants it to end.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// No longer than this.
    pub fn at_most(self, limit: Duration) -> Self {
        Patience {
            timeout: self.timeout.min(limit),
            ..self
        }
    }
}

/// Calls for some time, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// So many calls are open at a time, at most.
    pub concurrency: usize,
    /// For so long new ones are made.
    pub duration: Duration,
    /// Not more than this many.
    pub calls: u64,
    /// Calls per second; none: the next is due when one was answered.
    pub rate: Option<f64>,
    /// With a rate: for so long afterwards calls are made that were due before.
    pub late: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// Whether the user wants it to end.
    pub stop: &'a AtomicBool,
}

impl Load<'_> {
    /// Whether the user wants it to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A load that has begun.
#[derive(Debug)]
pub struct Pace<'a> {
    load: Load<'a>,
    began: Instant,
    taken: u64,
    /// Whether a call was made only when its time was over.
    is_late: bool,
}

/// When to make the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Now; its latency counts from then on.
    Since(Instant),
    /// Not before then.
    At(Instant),
    /// Never.
    Over,
}

impl<'a> Pace<'a> {
    /// Begins now.
    pub fn start(load: Load<'a>) -> Pace<'a> {
        Pace {
            load,
            began: Instant::now(),
            taken: 0,
            is_late: false,
        }
    }

    /// What was asked for.
    pub fn load(&self) -> Load<'a> {
        self.load
    }

    /// Whether a call is to be made at this time, by somebody who has none open. If one is due, it is taken.
    pub fn next(&mut self, now: Instant) -> Due {
        if self.taken == self.load.calls || self.load.is_stopped() {
            return Due::Over;
        }
        let Some(rate) = self.load.rate else {
            // However little time there is: one call is made.
            if self.taken > 0 && now >= self.end() {
                return Due::Over;
            }
            self.taken += 1;
            return Due::Since(now);
        };
        let due = self.began + Duration::from_secs_f64(self.taken as f64 / rate);
        // What was due in time is made late rather than never, or a stall at the end would be hidden; if the server does
        // not catch up, it is counted: see `unsent`.
        if due >= self.end() || now >= self.end() + self.load.late {
            return Due::Over;
        }
        if now < due {
            return Due::At(due);
        }
        self.taken += 1;
        self.is_late |= now >= self.end();
        Due::Since(due)
    }

    /// Notes what was not made in time.
    pub fn close(&self, now: Instant, samples: &mut Samples) {
        let unsent = self.unsent(now);
        samples.unsent += unsent;
        samples.is_behind |= self.is_late || unsent > 0;
    }

    /// With a rate: calls that were due by now, but that nobody was free to make.
    fn unsent(&self, now: Instant) -> u64 {
        let Some(rate) = self.load.rate else { return 0 };
        let time = (now.min(self.end()) - self.began).as_secs_f64();
        let due = ((time * rate).ceil() as u64).min(self.load.calls);
        due.saturating_sub(self.taken)
    }

    /// When no more calls are made.
    pub fn end(&self) -> Instant {
        self.began + self.load.duration
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: Option<f64>, stop: &AtomicBool) -> Pace<'_> {
        Pace::start(Load {
            concurrency: 1,
            duration: Duration::from_secs(1),
            calls: 15,
            rate,
            late: Duration::from_secs(1),
            timeout: Duration::from_secs(9),
            stop,
        })
    }

    #[test]
    fn a_stall_is_not_hidden() {
        let stop = AtomicBool::new(false);
        let mut pace = pace(Some(10.0), &stop);
        let began = pace.began;
        let at = |ms| began + Duration::from_millis(ms);
        let [start, next, stalled, late, too_late] = [0, 100, 500, 1900, 2000].map(at);
        assert_eq!(pace.next(start), Due::Since(start));
        assert_eq!(pace.next(start), Due::At(next));
        // Nobody was free until half a second had gone: the calls are as late as that.
        assert_eq!(pace.next(stalled), Due::Since(next));
        assert_eq!(pace.unsent(stalled), 3);
        assert_eq!(pace.next(late), Due::Since(at(200)));
        assert_eq!(pace.next(too_late), Due::Over);
        assert_eq!(pace.unsent(too_late), 7);
        let mut samples = Samples::new();
        pace.close(too_late, &mut samples);
        assert_eq!((samples.unsent, samples.is_behind), (7, true));
    }

    #[test]
    fn who_makes_all_calls_in_time_is_not_behind() {
        let stop = AtomicBool::new(false);
        let mut pace = pace(Some(10.0), &stop);
        let began = pace.began;
        for call in 0..10 {
            let due = began + Duration::from_millis(100 * call);
            assert!(matches!(pace.next(due), Due::Since(_)));
        }
        let mut samples = Samples::new();
        pace.close(began + Duration::from_secs(3), &mut samples);
        assert_eq!((samples.unsent, samples.is_behind), (0, false));
    }

    #[test]
    fn without_a_rate_it_goes_on_until_time_is_over() {
        let stop = AtomicBool::new(false);
        let mut pace = pace(None, &stop);
        let now = pace.began;
        for _ in 0..15 {
            assert_eq!(pace.next(now), Due::Since(now));
        }
        assert_eq!(pace.next(now), Due::Over, "so many were asked for");
        assert_eq!(pace.unsent(pace.end()), 0);
    }

    #[test]
    fn one_call_is_made_however_little_time_there_is() {
        let stop = AtomicBool::new(false);
        let mut pace = pace(None, &stop);
        let late = pace.end() + Duration::from_secs(1);
        assert_eq!(pace.next(late), Due::Since(late));
        assert_eq!(pace.next(late), Due::Over);
    }

    #[test]
    fn it_ends_when_told_to() {
        let stop = AtomicBool::new(true);
        let mut pace = pace(None, &stop);
        assert_eq!(pace.next(Instant::now()), Due::Over);
    }
}
