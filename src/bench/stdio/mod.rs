//! Calls over stdio: one process, one thread, no queue between the pipe and the clock.
//!
//! Several calls are open at a time by their ids, as clients do it. Both pipes are watched at once: who writes to a server
//! that is busy writing would wait for ever.

mod inbox;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use bytes::Bytes;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};

use super::lane::{Answer, CallError, Down};
use super::message::{self, Came, Template};
use super::pace::{Due, Load, Pace, Patience};
use super::samples::Samples;
use crate::host::{StderrTail, last_words};
use crate::process::{self, Group, StartError};
use crate::target::CommandLine;
use crate::transport::MAX_MESSAGE;
use inbox::Inbox;

/// How often it is looked whether the user wants it to end.
const GLANCE: Duration = Duration::from_millis(100);
/// So close to the time a timer of the system is too coarse.
const SPIN: Duration = Duration::from_micros(100);
/// How long it may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long the last words of a process that ended may take.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A process that is talked to.
pub struct Pipe {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    group: Group,
    stderr: StderrTail,
    inbox: Inbox,
    /// When the last bytes came.
    at: Instant,
    /// What the pipe had no room for.
    unwritten: VecDeque<u8>,
    next_id: u64,
}

/// A call that is open.
struct Open {
    id: u64,
    since: Instant,
    sent: Instant,
}

impl Pipe {
    /// Starts the server.
    ///
    /// # Errors
    /// Where the operating system refuses.
    pub fn start(command: &CommandLine) -> Result<Pipe, StartError> {
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
        Ok(Pipe {
            stdin: Some(stdin),
            stdout,
            group,
            stderr,
            inbox: Inbox::new(),
            at: Instant::now(),
            unwritten: VecDeque::new(),
            next_id: 0,
        })
    }

    /// The process group.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Closes its input, waits a little for it to end by itself, and then ends it.
    pub fn close(mut self) {
        self.stdin = None;
        let until = Instant::now() + GRACE;
        while !self.group.has_exited() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a notification.
    pub fn notify(&mut self, message: &[u8]) -> Result<(), Down> {
        let mut line = message.to_vec();
        line.push(b'\n');
        self.write(&line)
    }

    /// One call, with all that is told on the way to its answer.
    pub fn call(
        &mut self,
        template: &Template,
        patience: Patience<'_>,
    ) -> Result<Answer, CallError> {
        let mut line = Vec::new();
        let id = self.compose(template, &mut line);
        let sent = Instant::now();
        self.write(&line)?;
        let mut first = None;
        let mut events = 0;
        loop {
            let until = sent + patience.timeout;
            if !self.advance(until.min(Instant::now() + GLANCE))? {
                match () {
                    () if patience.is_over() => return Err(CallError::interrupted()),
                    () if Instant::now() >= until => return Err(CallError::timeout()),
                    () => continue,
                }
            }
            while let Some(line) = self.inbox.line() {
                match message::look(self.inbox.bytes(line.clone())) {
                    Came::Notification => events += 1,
                    Came::Result(of) if of == id => {
                        return Ok(Answer {
                            first: first.unwrap_or(self.at - sent),
                            last: self.at - sent,
                            events: events + 1,
                            message: Bytes::copy_from_slice(self.inbox.bytes(line)),
                        });
                    }
                    Came::Failure(of, kind) if of == id => {
                        let text = String::from_utf8_lossy(self.inbox.bytes(line)).into_owned();
                        return Err(CallError::Refused(kind, text));
                    }
                    Came::Request(id, method) => self.reply(&id, &method)?,
                    _ => continue,
                }
                first.get_or_insert(self.at - sent);
            }
        }
    }

    /// Makes calls for some time.
    ///
    /// # Errors
    /// Where the process is gone. What was measured until then is in the samples.
    pub fn run(
        &mut self,
        template: &Template,
        load: Load<'_>,
        samples: &mut Samples,
    ) -> Result<(), Down> {
        let mut pace = Pace::start(load);
        let mut open: VecDeque<Open> = VecDeque::with_capacity(load.concurrency);
        let mut line = Vec::new();
        loop {
            let due = self.send_due(template, &mut pace, &mut open, &mut line);
            let wake = match due {
                Err(down) => return Err(abandoned(down, &open, samples)),
                Ok(Due::Over) if open.is_empty() => break,
                Ok(Due::At(at)) => at,
                Ok(Due::Over | Due::Since(_)) => Instant::now() + GLANCE,
            };
            if let Err(down) = self.advance(wake.min(Instant::now() + GLANCE)) {
                return Err(abandoned(down, &open, samples));
            }
            if let Err(down) = self.take(&mut open, samples) {
                return Err(abandoned(down, &open, samples));
            }
            expire(&mut open, load.timeout, samples);
            if load.is_stopped() {
                break;
            }
        }
        samples.unsent += pace.unsent(Instant::now());
        Ok(())
    }

    /// Sends what is due; says what to wait for.
    fn send_due(
        &mut self,
        template: &Template,
        pace: &mut Pace<'_>,
        open: &mut VecDeque<Open>,
        line: &mut Vec<u8>,
    ) -> Result<Due, Down> {
        let concurrency = pace.load().concurrency;
        loop {
            let now = Instant::now();
            if open.len() >= concurrency {
                return Ok(Due::Since(now));
            }
            let since = match pace.next(now) {
                Due::Since(since) => since,
                later => return Ok(later),
            };
            line.clear();
            let id = self.compose(template, line);
            // Composing is ours, and no part of the latency.
            let sent = Instant::now();
            let since = match pace.load().rate {
                Some(_) => since,
                None => sent,
            };
            self.write(line)?;
            open.push_back(Open { id, since, sent });
        }
    }

    fn compose(&mut self, template: &Template, line: &mut Vec<u8>) -> u64 {
        self.next_id += 1;
        template.write(self.next_id, line);
        line.push(b'\n');
        self.next_id
    }

    /// Looks at what came.
    fn take(&mut self, open: &mut VecDeque<Open>, samples: &mut Samples) -> Result<(), Down> {
        while let Some(line) = self.inbox.line() {
            let (id, failure) = match message::look(self.inbox.bytes(line.clone())) {
                Came::Result(id) => (id, None),
                Came::Failure(id, kind) => (id, Some(kind)),
                Came::Request(id, method) => {
                    self.reply(&id, &method)?;
                    continue;
                }
                Came::Notification | Came::Noise => continue,
            };
            // Mostly the oldest.
            let Some(index) = open.iter().position(|open| open.id == id) else {
                continue;
            };
            let Some(call) = open.remove(index) else {
                continue;
            };
            match failure {
                None => samples.record(self.at - call.since, line.len()),
                Some(kind) => samples.fail(&kind),
            }
        }
        Ok(())
    }

    fn reply(&mut self, id: &str, method: &str) -> Result<(), Down> {
        let mut line = message::reply(id, method);
        line.push(b'\n');
        self.write(&line)
    }

    /// Writes now what the pipe has room for, and the rest when it has more.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
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
    fn advance(&mut self, until: Instant) -> Result<bool, Down> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let spins = left < SPIN;
            let wait = if spins {
                Duration::ZERO
            } else {
                left - SPIN / 2
            };
            let (readable, writable) = self.wait(wait)?;
            if writable {
                self.write_rest()?;
            }
            if readable && self.fill()? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    fn wait(&mut self, limit: Duration) -> Result<(bool, bool), Down> {
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
        match poll(&mut pipes[..count], limit) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(self.down("waiting for it", &error.into())),
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

#[cfg(target_os = "linux")]
pub(super) fn poll(pipes: &mut [PollFd<'_>], limit: Duration) -> nix::Result<i32> {
    let limit = nix::sys::time::TimeSpec::from_duration(limit);
    nix::poll::ppoll(pipes, Some(limit), None)
}

/// Elsewhere time is told in milliseconds; the rest is waited for in haste.
#[cfg(not(target_os = "linux"))]
pub(super) fn poll(pipes: &mut [PollFd<'_>], limit: Duration) -> nix::Result<i32> {
    let limit = u16::try_from(limit.as_millis()).unwrap_or(u16::MAX);
    nix::poll::poll(pipes, limit)
}

/// Whether it will work later.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Calls that waited too long are given up: their answers will be nobody's.
fn expire(open: &mut VecDeque<Open>, timeout: Duration, samples: &mut Samples) {
    let Some(oldest) = open.front() else { return };
    let now = Instant::now();
    if now - oldest.sent < timeout {
        return;
    }
    open.retain(|call| {
        let is_late = now - call.sent >= timeout;
        if is_late {
            samples.fail(CallError::timeout().kind());
        }
        !is_late
    });
}

fn abandoned(down: Down, open: &VecDeque<Open>, samples: &mut Samples) -> Down {
    open.iter().for_each(|_| samples.fail("server gone"));
    down
}
