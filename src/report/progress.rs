//! Progress on stderr, only where someone watches.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use super::escape::visible;
use crate::event::Event;
use crate::verdict::Verdict;

/// A bar with the counts so far; failures are named as they come.
pub struct Progress {
    bar: ProgressBar,
    fail: usize,
    warn: usize,
    broken: usize,
}

impl Progress {
    /// Progress, if stderr is a terminal.
    pub fn if_watched() -> Option<Progress> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        io::stderr().is_terminal().then_some(Progress {
            bar,
            fail: 0,
            warn: 0,
            broken: 0,
        })
    }

    fn counts(&self) -> String {
        let counts = [
            (self.fail, "fail"),
            (self.warn, "warn"),
            (self.broken, "broken"),
        ];
        let seen = counts.iter().filter(|(count, _)| *count > 0);
        seen.map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Reporter for Progress {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match event {
            Event::Started { .. } => {
                self.bar.set_message("probing the server");
                self.bar.enable_steady_tick(Duration::from_millis(100));
            }
            Event::Planned { trials, .. } => {
                let style =
                    ProgressStyle::with_template("{bar:30} {pos}/{len} trials, {elapsed}  {msg}");
                self.bar.set_style(style.map_err(io::Error::other)?);
                self.bar.set_length(*trials as u64);
                self.bar.set_message("");
            }
            Event::Judged { trial } => {
                match trial.verdict {
                    Verdict::Fail => self.fail += 1,
                    Verdict::Warn => self.warn += 1,
                    Verdict::Broken => self.broken += 1,
                    _ => {}
                }
                if matches!(trial.verdict, Verdict::Fail | Verdict::Broken) {
                    self.bar
                        .println(format!("{:6} {}", trial.verdict, visible(&trial.name())));
                }
                self.bar.set_message(self.counts());
                self.bar.inc(1);
            }
            Event::Finished { .. } => self.bar.finish_and_clear(),
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
