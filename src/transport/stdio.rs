//! The stdio transport: a child process, one message a line.
//!
//! Plain blocking threads read and write: an async runtime's pipes double the latency that is measured here.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio>

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin};
use std::time::Instant;

use tokio::sync::mpsc;

use super::{Happened, Incoming, Lines, Link, Outgoing};
use crate::process::{self, Group, Reaper, StartError};
use crate::target::CommandLine;

/// How many events may wait to be looked at before the reader stops reading.
const QUEUE: usize = 1024;
/// No more than this of a line of stderr is kept.
const MAX_STDERR_LINE: u64 = 4096;
/// A longer message is not copied to go out in one piece with its newline.
const MAX_COPIED: usize = 64 << 10;
/// Lines that go out at once wait for each other up to so many bytes: a pipe takes these in one piece, and the process has
/// something to read while more is made.
const PIECE: usize = 4 << 10;

/// Starts the command and connects to its standard streams.
///
/// # Errors
/// Where the process cannot be started.
pub fn connect(command: &CommandLine) -> Result<(Link, Group), StartError> {
    let mut child = process::spawn(command)?;
    let group = Group::of(&child);
    let (tx, orders) = mpsc::unbounded_channel();
    let (events, rx) = mpsc::channel(QUEUE);
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    if let (Some(stdin), Some(stdout), Some(stderr)) = streams {
        on_thread({
            let events = events.clone();
            move || write_orders(orders, stdin, &events)
        });
        let reads_stderr = on_thread({
            let events = events.clone();
            move || read_stderr(stderr, &events)
        });
        let reaper = group.reaper();
        on_thread(move || {
            read_lines(stdout, &events);
            reap(child, reaper, reads_stderr, &events);
        });
    }
    Ok((Link { tx, rx }, group))
}

fn on_thread(work: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    std::thread::spawn(work)
}

fn send(events: &mpsc::Sender<Incoming>, what: Happened) -> bool {
    let incoming = Incoming {
        at: Instant::now(),
        stream: 0,
        what,
    };
    events.blocking_send(incoming).is_ok()
}

/// Carries orders out, on a thread that may block on a full pipe.
fn write_orders(
    mut orders: mpsc::UnboundedReceiver<Outgoing>,
    stdin: ChildStdin,
    events: &mpsc::Sender<Incoming>,
) {
    let mut writer = Writer {
        stdin,
        events,
        waiting: Vec::new(),
        orders: Vec::new(),
        holds: false,
    };
    while let Some(order) = orders.blocking_recv() {
        let goes_on = match order {
            Outgoing::Write {
                seq,
                bytes,
                newline,
            } => writer.take(seq, &bytes, newline),
            Outgoing::Hold(holds) => writer.hold(holds),
            Outgoing::EndInput => {
                writer.flush(&[]);
                return;
            }
            Outgoing::Exchange { .. } | Outgoing::Abandon(_) => true,
        };
        if !goes_on {
            return;
        }
    }
}

/// Writes to a process, and tells what was written.
struct Writer<'a> {
    stdin: ChildStdin,
    events: &'a mpsc::Sender<Incoming>,
    /// What goes out next.
    waiting: Vec<u8>,
    /// The orders that are done with it.
    orders: Vec<u64>,
    /// Whether whole lines wait for others.
    holds: bool,
}

impl Writer<'_> {
    /// A small message goes out in one piece with its newline, as an ordinary client sends it; a large one is not copied
    /// for that. Whether more can be written.
    fn take(&mut self, seq: u64, bytes: &[u8], newline: bool) -> bool {
        self.orders.push(seq);
        let end: &[u8] = if newline { b"\n" } else { b"" };
        if bytes.len() >= MAX_COPIED {
            return self.flush(&[bytes, end]);
        }
        self.waiting.extend_from_slice(bytes);
        self.waiting.extend_from_slice(end);
        // What is no whole line shall be read by itself.
        let waits = self.holds && newline && self.waiting.len() < PIECE;
        waits || self.flush(&[])
    }

    fn hold(&mut self, holds: bool) -> bool {
        self.holds = holds;
        holds || self.flush(&[])
    }

    /// Writes what waits, and these behind it.
    fn flush(&mut self, behind: &[&[u8]]) -> bool {
        let pieces = std::iter::once(&self.waiting[..]).chain(behind.iter().copied());
        let written = pieces
            .into_iter()
            .try_for_each(|piece| self.stdin.write_all(piece));
        self.waiting.clear();
        match written {
            Ok(()) => {
                let mut orders = self.orders.drain(..);
                orders.all(|seq| send(self.events, Happened::Written { seq }))
            }
            // Whoever reads its output says that it ended.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
            Err(error) => {
                let message = format!("writing to stdin: {error}");
                send(self.events, Happened::Broken(message));
                false
            }
        }
    }
}

fn read_lines(stdout: impl Read, events: &mpsc::Sender<Incoming>) {
    let mut lines = Lines::new(stdout);
    loop {
        let what = match lines.next_line() {
            Ok(Some(line)) => Happened::Line(line),
            Ok(None) => break,
            Err(reason) => {
                send(events, Happened::Broken(reason));
                return;
            }
        };
        if !send(events, what) {
            return;
        }
    }
    send(events, Happened::End);
}

fn read_stderr(stderr: impl Read, events: &mpsc::Sender<Incoming>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(count) = reader
        .by_ref()
        .take(MAX_STDERR_LINE)
        .read_until(b'\n', &mut line)
    {
        if count == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if !send(events, Happened::Stderr(text)) {
            return;
        }
    }
}

/// Reports the exit after the last words on stderr, unless something that the process left behind holds stderr open.
fn reap(
    mut child: Child,
    reaper: Reaper,
    stderr: std::thread::JoinHandle<()>,
    events: &mpsc::Sender<Incoming>,
) {
    let status = child.wait();
    reaper.leader_exited();
    let _ = stderr.join();
    if let Ok(status) = status {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal = None;
        send(
            events,
            Happened::Exit {
                code: status.code(),
                signal,
            },
        );
    }
}
