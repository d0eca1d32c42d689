//! What is measured, and what is left: on stderr, and only if that is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::bench::schedule::{Expected, Progress};

/// A line that is drawn again and again.
#[derive(Clone)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Draws nothing where nobody watches.
    pub(super) fn if_watched() -> Bar {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::new(1),
            false => ProgressBar::hidden(),
        };
        // What is too long for the terminal is cut off.
        if let Ok(style) = ProgressStyle::with_template("{bar:12} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Bar(bar)
    }

    pub(super) fn reaching(&self) {
        self.0.set_message("reaching the targets");
        self.0.enable_steady_tick(Duration::from_secs(1));
    }

    /// Tells how long it will take, before it begins.
    pub(super) fn begin(&self, expected: Expected) {
        self.0.println(announced(expected));
        self.0.reset_elapsed();
    }

    pub(super) fn show(&self, progress: Progress) {
        self.0.set_length(milliseconds(progress.of));
        self.0.set_position(milliseconds(progress.done));
        self.0.set_message(told(&progress));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn announced(expected: Expected) -> String {
    let Expected { results, time } = expected;
    let results = match results {
        1 => "1 result".to_owned(),
        many => format!("{many} results"),
    };
    format!(
        "About {} for {results} and the rest. Ctrl-C keeps what there is by then.",
        rough(time)
    )
}

fn told(progress: &Progress) -> String {
    let left = progress.of.saturating_sub(progress.done);
    format!("about {} left: {}", rough(left), progress.doing)
}

/// Nobody needs to know it more exactly.
fn rough(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil().max(1.0) as u64;
    let step = if seconds < 120 { 1 } else { 10 };
    let rounded = Duration::from_secs(seconds.div_ceil(step) * step);
    humantime::format_duration(rounded).to_string()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_roughly() {
        let table = [(0, "1s"), (800, "1s"), (59_001, "1m"), (183_000, "3m 10s")];
        for (ms, expected) in table {
            assert_eq!(rough(Duration::from_millis(ms)), expected);
        }
    }

    #[test]
    fn what_is_left_is_told_with_what_is_done() {
        let progress = Progress {
            doing: "ping, 8 at a time".into(),
            done: Duration::from_secs(12),
            of: Duration::from_secs(40),
        };
        assert_eq!(told(&progress), "about 28s left: ping, 8 at a time");
        let expected = Expected {
            results: 30,
            time: Duration::from_secs(180),
        };
        assert!(announced(expected).starts_with("About 3m for 30 results and "));
    }
}
