//! The standard streams of a process. Both are watched at once: who writes to a server that is busy writing would wait for
//! ever.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};

use super::inbox::Inbox;
use crate::bench::lane::Down;
use crate::bench::poll::{self, is_later};
use crate::host::{StderrTail, last_words};
use crate::process::{self, Group, StartError};
use crate::target::CommandLine;
use crate::transport::MAX_MESSAGE;

/// How much may wait to be written: a few of the largest messages.
const MAX_UNWRITTEN: usize = 4 * MAX_MESSAGE;
/// How long the last words of a process that ended may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A process with its streams.
pub(super) struct Streams {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    group: Group,
    stderr: StderrTail,
    inbox: Inbox,
    /// When the last bytes came.
    at: Instant,
    /// What the pipe had no room for.
    unwritten: VecDeque<u8>,
}

impl Streams {
    /// Starts a process.
    pub(super) fn start(command: &CommandLine) -> Result<Streams, StartError> {
        let mut child = process::spawn(command)?;
        let group = Group::of(&child);
        let refused = |source: io::Error| StartError {
            command: command.words.first().cloned().unwrap_or_default(),
            source,
        };
        let missing = || refused(io::Error::other("its streams are not there"));
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        for pipe in [stdin.as_fd(), stdout.as_fd()] {
            let flags = FcntlArg::F_SETFL(OFlag::O_NONBLOCK);
            fcntl(pipe, flags).map_err(|error| refused(error.into()))?;
        }
        let stderr = StderrTail::default();
        stderr.follow(child.stderr.take());
        let reaper = group.reaper();
        std::thread::spawn(move || {
            let _ = child.wait();
            reaper.leader_exited();
        });
        Ok(Streams {
            stdin: Some(stdin),
            stdout,
            group,
            stderr,
            inbox: Inbox::new(),
            at: Instant::now(),
            unwritten: VecDeque::new(),
        })
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    /// Nothing more will be written.
    pub(super) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// When the last bytes came.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// The next line that came.
    pub(super) fn line(&mut self) -> Option<Range<usize>> {
        self.inbox.line()
    }

    /// Its bytes, until more is read.
    pub(super) fn bytes(&self, line: Range<usize>) -> &[u8] {
        self.inbox.bytes(line)
    }

    /// Whether so much waits to be written that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.unwritten.len() >= MAX_UNWRITTEN
    }

    /// Writes now what the pipe has room for, and the rest when it has more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        let mut written = 0;
        if self.unwritten.is_empty() {
            let stdin = self.stdin.as_mut();
            match stdin.map_or(Ok(0), |stdin| stdin.write(bytes)) {
                Ok(count) => written = count,
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(self.down("writing to its stdin", &error)),
            }
        }
        self.unwritten.extend(&bytes[written..]);
        Ok(())
    }

    /// Waits until something came, or until then; whether something did.
    pub(super) fn advance(&mut self, until: Instant) -> Result<bool, Down> {
        loop {
            let (readable, writable) = self.wait(until)?;
            if writable {
                self.write_rest()?;
            }
            if readable && self.fill()? {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }

    fn wait(&mut self, until: Instant) -> Result<(bool, bool), Down> {
        let mut pipes = [
            PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN),
            // Not looked at as long as nothing is left to be written.
            PollFd::new(self.stdout.as_fd(), PollFlags::empty()),
        ];
        let mut count = 1;
        if let (Some(stdin), false) = (&self.stdin, self.unwritten.is_empty()) {
            pipes[1] = PollFd::new(stdin.as_fd(), PollFlags::POLLOUT);
            count = 2;
        }
        if let Err(error) = poll::wait(&mut pipes[..count], until) {
            return Err(self.down("waiting for it", &error.into()));
        }
        let [readable, writable] = pipes.map(|pipe| pipe.any().unwrap_or(false));
        Ok((readable, writable && count == 2))
    }

    fn write_rest(&mut self) -> Result<(), Down> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        match stdin.write(self.unwritten.as_slices().0) {
            Ok(count) => drop(self.unwritten.drain(..count)),
            Err(error) if is_later(&error) => {}
            Err(error) => return Err(self.down("writing to its stdin", &error)),
        }
        Ok(())
    }

    /// Reads what is there, once; whether there was something.
    fn fill(&mut self) -> Result<bool, Down> {
        if self.inbox.pending() > MAX_MESSAGE {
            let error = io::Error::other(format!("more than {MAX_MESSAGE} bytes on a line"));
            return Err(self.down("reading its stdout", &error));
        }
        let read = self.inbox.fill(&mut self.stdout);
        self.at = Instant::now();
        match read {
            Ok(0) => {
                let error = io::Error::from(ErrorKind::UnexpectedEof);
                Err(self.down("reading its stdout", &error))
            }
            Ok(_) => Ok(true),
            Err(error) if is_later(&error) => Ok(false),
            Err(error) => Err(self.down("reading its stdout", &error)),
        }
    }

    fn down(&self, doing: &str, error: &io::Error) -> Down {
        let ended = matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
        );
        if !ended {
            return Down(format!("{doing}: {error}"));
        }
        // Whoever reaps it and reads its stderr may not be done.
        std::thread::sleep(LAST_WORDS);
        let what = match self.group.has_exited() {
            true => "the server ended",
            false => "the server closed its output, though it runs",
        };
        Down(format!("{what}{}", last_words(&self.stderr.lines())))
    }
}
