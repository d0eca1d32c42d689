//! Reporters: each sees the events of a run and writes one kind of report.

pub mod count;
pub mod diff;
pub mod escape;
pub mod finding;
pub mod fold;
pub mod human;
pub mod json;
pub mod junit;
pub mod progress;
#[cfg(test)]
pub(crate) mod sample;
mod summary;
mod table;
pub mod wrap;

use std::io;

use crate::event::{Event, Summary};

/// Writes one kind of report.
pub trait Reporter: Send {
    /// Is told everything that happens, in order.
    ///
    /// # Errors
    /// Those of what it writes to.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
}

/// Several reporters. One that cannot write any more is told nothing more, and the others go on.
#[derive(Default)]
pub struct Reporters {
    list: Vec<(String, Box<dyn Reporter>)>,
    failed: Vec<(String, io::Error)>,
}

impl Reporters {
    /// Adds a reporter; messages call it by the name of what it writes to.
    pub fn push(&mut self, name: impl Into<String>, reporter: Box<dyn Reporter>) {
        self.list.push((name.into(), reporter));
    }

    /// Passes the event on.
    pub fn event(&mut self, event: &Event<'_>) {
        let failed = &mut self.failed;
        self.list
            .retain_mut(|(name, reporter)| match reporter.event(event) {
                Ok(()) => true,
                Err(error) => {
                    failed.push((std::mem::take(name), error));
                    false
                }
            });
    }

    /// What could not be written. A reader who has seen enough and closed the pipe is no error.
    pub fn failures(&self) -> impl Iterator<Item = &(String, io::Error)> {
        self.failed
            .iter()
            .filter(|(_, error)| error.kind() != io::ErrorKind::BrokenPipe)
    }
}

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Something was judged, and nothing fails.
    Clean,
    /// Findings that fail.
    Failed,
    /// Something could not be run, or nothing was judged.
    Incomplete,
}

impl Outcome {
    /// What these counts come to; `strict` lets warnings fail. A failure outweighs what could not be run.
    pub fn of(summary: &Summary, strict: bool) -> Outcome {
        if summary.fail > 0 || strict && summary.warn > 0 {
            Outcome::Failed
        } else if summary.broken > 0 || summary.judged() == 0 {
            Outcome::Incomplete
        } else {
            Outcome::Clean
        }
    }

    /// The exit code of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Failed => 1,
            Outcome::Incomplete => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_outweigh_what_could_not_be_run() {
        let outcome = |pass, fail, warn, broken, strict| {
            Outcome::of(
                &Summary {
                    pass,
                    fail,
                    warn,
                    broken,
                    ..Summary::default()
                },
                strict,
            )
            .exit_code()
        };
        assert_eq!(outcome(1, 0, 0, 0, false), 0);
        assert_eq!(outcome(1, 0, 1, 0, false), 0);
        assert_eq!(outcome(1, 0, 1, 0, true), 1);
        assert_eq!(outcome(1, 1, 0, 1, false), 1);
        assert_eq!(outcome(1, 0, 0, 1, false), 3);
        assert_eq!(outcome(0, 0, 0, 0, false), 3);
    }

    struct Closed;

    impl Reporter for Closed {
        fn event(&mut self, _: &Event<'_>) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let mut reporters = Reporters::default();
        reporters.push("stdout", Box::new(Closed));
        reporters.event(&Event::Finished {
            report: &sample::report(),
        });
        assert_eq!(reporters.failures().count(), 0);
        assert!(reporters.list.is_empty());
    }
}
