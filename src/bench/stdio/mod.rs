//! Calls over stdio: one process, one thread, no queue between the pipe and the clock.
//!
//! Several calls are open at a time by their ids, as clients do it.

mod inbox;
mod streams;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::lane::{Answer, CallError, Down};
use super::message::{self, Came, Template};
use super::pace::{Due, GLANCE, Load, Pace, Patience};
use super::samples::Samples;
use crate::process::{Group, StartError};
use crate::target::CommandLine;
use streams::Streams;

/// How long it may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// A process that is talked to.
pub struct Pipe {
    streams: Streams,
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
        Ok(Pipe {
            streams: Streams::start(command)?,
            next_id: 0,
        })
    }

    /// The process group.
    pub fn group(&self) -> &Group {
        self.streams.group()
    }

    /// Closes its input, waits a little for it to end by itself, and then ends it.
    pub fn close(mut self) {
        self.streams.end_input();
        let until = Instant::now() + GRACE;
        while !self.group().has_exited() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a notification.
    pub fn notify(&mut self, message: &[u8]) -> Result<(), Down> {
        let mut line = message.to_vec();
        line.push(b'\n');
        self.streams.write(&line)
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
        self.streams.write(&line)?;
        let mut first = None;
        let mut events = 0;
        let until = sent + patience.timeout;
        // However much is told on the way: the answer has to come in time.
        while Instant::now() < until {
            if patience.is_over() {
                return Err(CallError::interrupted());
            }
            self.streams.advance(until.min(Instant::now() + GLANCE))?;
            while let Some(line) = self.streams.line() {
                let took = self.streams.at() - sent;
                match message::look(self.streams.bytes(line.clone())) {
                    Came::Notification => events += 1,
                    Came::Result(of) if of == id => {
                        return Ok(Answer {
                            first: first.unwrap_or(took),
                            last: took,
                            events: events + 1,
                            message: Bytes::copy_from_slice(self.streams.bytes(line)),
                        });
                    }
                    Came::Failure(of, kind) if of == id => {
                        let text = String::from_utf8_lossy(self.streams.bytes(line)).into_owned();
                        return Err(CallError::Refused(kind, text));
                    }
                    Came::Request(id, method) => self.reply(&id, &method)?,
                    came if self.is_astray(&came) => {
                        let text = String::from_utf8_lossy(self.streams.bytes(line)).into_owned();
                        return Err(CallError::Refused(message::ASTRAY.to_owned(), text));
                    }
                    _ => continue,
                }
                first.get_or_insert(took);
            }
        }
        Err(CallError::timeout())
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
            if let Err(down) = self.streams.advance(wake.min(Instant::now() + GLANCE)) {
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
        pace.close(Instant::now(), samples);
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
            if self.streams.is_full() {
                // Who does not read what it is sent is sent nothing more.
                return Ok(match now < pace.end() {
                    true => Due::Since(now),
                    false => Due::Over,
                });
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
            self.streams.write(line)?;
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
        while let Some(line) = self.streams.line() {
            let came = message::look(self.streams.bytes(line.clone()));
            if self.is_astray(&came) {
                // Whose it is cannot be known: mostly that of the oldest.
                if open.pop_front().is_some() {
                    samples.fail(message::ASTRAY);
                }
                continue;
            }
            let (id, failure) = match came {
                Came::Result(id) => (id, None),
                Came::Failure(id, kind) => (id, Some(kind)),
                Came::Request(id, method) => {
                    self.reply(&id, &method)?;
                    continue;
                }
                Came::Notification | Came::Noise | Came::Astray => continue,
            };
            // Mostly the oldest.
            let Some(index) = open.iter().position(|open| open.id == id) else {
                continue;
            };
            let Some(call) = open.remove(index) else {
                continue;
            };
            match failure {
                None => samples.record(self.streams.at() - call.since, line.len()),
                Some(kind) => samples.fail(&kind),
            }
        }
        Ok(())
    }

    /// Whether it answers what was never asked. An answer may also be late, or come twice.
    fn is_astray(&self, came: &Came) -> bool {
        match came {
            Came::Astray => true,
            Came::Result(id) | Came::Failure(id, _) => *id > self.next_id,
            Came::Request(..) | Came::Notification | Came::Noise => false,
        }
    }

    fn reply(&mut self, id: &str, method: &str) -> Result<(), Down> {
        if self.streams.is_full() {
            let why = "it asks again and again, and does not read what it is answered";
            return Err(Down(why.to_owned()));
        }
        let mut line = message::reply(id, method);
        line.push(b'\n');
        self.streams.write(&line)
    }
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
