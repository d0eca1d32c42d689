//! Calls over plain HTTP with as little between them and the wire as there can be: sockets, one thread, no runtime.
//!
//! hyper costs some microseconds for each call, as much as a quick server. What needs more than kept connections, that is
//! TLS and servers that close them, is left to it.

mod response;

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::Place;
use crate::bench::lane::{CallError, Down};
use crate::bench::message::{self, Came, Template};
use crate::bench::pace::{Due, Pace};
use crate::bench::samples::Samples;
use crate::bench::stdio::poll;
use crate::transport::http::Address;
use response::{Response, Whole};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How often it is looked whether the user wants it to end.
const GLANCE: Duration = Duration::from_millis(100);
/// So close to the time a timer of the system is too coarse.
const SPIN: Duration = Duration::from_micros(100);
/// How much is read at once, at first.
const CHUNK: usize = 8 << 10;

/// A connection with at most one open call.
pub(super) struct Wire {
    stream: TcpStream,
    open: Option<Open>,
    /// What was read of the response, to `end`.
    read: Vec<u8>,
    end: usize,
    /// When the last bytes came.
    at: Instant,
    response: Response,
    unwritten: Vec<u8>,
}

struct Open {
    id: u64,
    since: Instant,
    sent: Instant,
}

/// What a connection brought.
enum Brought {
    /// Nothing yet.
    Nothing,
    /// An answer, or why there is none; and whether the connection can be used again.
    End(Result<usize, String>, bool),
}

/// Calls over kept connections.
pub(super) struct Lean<'a> {
    pub(super) place: &'a Place,
    pub(super) template: &'a Template,
    pub(super) next_id: u64,
    /// The request up to the number of its bytes.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl<'a> Lean<'a> {
    pub(super) fn new(place: &'a Place, template: &'a Template, next_id: u64) -> Lean<'a> {
        let mut head = format!("POST {} HTTP/1.1\r\n", place.uri).into_bytes();
        for (name, value) in &place.headers {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"content-length: ");
        Lean {
            place,
            template,
            next_id,
            head,
            body: Vec::new(),
        }
    }

    /// Makes calls until time is over; false if a connection was closed before that, so that it has to go on otherwise.
    ///
    /// # Errors
    /// Where the server is gone.
    pub(super) fn run(
        &mut self,
        wires: &mut Vec<Wire>,
        pace: &mut Pace<'_>,
        samples: &mut Samples,
    ) -> Result<bool, Down> {
        let load = pace.load();
        wires.retain_mut(Wire::is_usable);
        while wires.len() < load.concurrency {
            wires.push(Wire::open(&self.place.address)?);
        }
        let wires = &mut wires[..load.concurrency];
        let mut lost = false;
        while !load.is_stopped() {
            let due = match lost {
                true => Due::Over,
                false => self.send_due(wires, pace),
            };
            let is_open = wires.iter().any(|wire| wire.open.is_some());
            let wake = match due {
                Due::Over if !is_open => break,
                Due::At(at) => at,
                Due::Over | Due::Since(_) => Instant::now() + GLANCE,
            };
            let came = wait(wires, wake.min(Instant::now() + GLANCE))?;
            let open = wires.iter_mut().filter(|wire| wire.open.is_some());
            for (wire, came) in open.zip(came) {
                lost |= match came {
                    true => !wire.take(samples),
                    false => !wire.waits(load.timeout, samples),
                };
            }
        }
        // What is still under way would be taken for another answer.
        Ok(!lost && !load.is_stopped())
    }

    /// Whoever has no call open makes the next that is due; says what to wait for.
    fn send_due(&mut self, wires: &mut [Wire], pace: &mut Pace<'_>) -> Due {
        for wire in wires.iter_mut().filter(|wire| wire.open.is_none()) {
            let since = match pace.next(Instant::now()) {
                Due::Since(since) => since,
                later => return later,
            };
            self.next_id += 1;
            self.body.clear();
            self.template.write(self.next_id, &mut self.body);
            let mut request = std::mem::take(&mut wire.unwritten);
            request.clear();
            request.extend_from_slice(&self.head);
            request.extend_from_slice(self.body.len().to_string().as_bytes());
            request.extend_from_slice(b"\r\n\r\n");
            request.extend_from_slice(&self.body);
            // Composing is ours, and no part of the latency.
            let sent = Instant::now();
            let since = match pace.load().rate {
                Some(_) => since,
                None => sent,
            };
            wire.unwritten = request;
            wire.open = Some(Open {
                id: self.next_id,
                since,
                sent,
            });
            wire.write();
        }
        Due::Since(Instant::now())
    }
}

impl Wire {
    fn open(address: &Address) -> Result<Wire, Down> {
        let failed = |error| Down(format!("connecting to {}: {error}", address.authority()));
        let stream = match address.relayed() {
            Some(via) => TcpStream::connect_timeout(&via, CONNECTING),
            None => connect(address.socket()),
        };
        let stream = stream.map_err(failed)?;
        // Or Nagle's algorithm delays what we measure.
        let _ = stream.set_nodelay(true);
        stream.set_nonblocking(true).map_err(failed)?;
        Ok(Wire {
            stream,
            open: None,
            read: vec![0; CHUNK],
            end: 0,
            at: Instant::now(),
            response: Response::default(),
            unwritten: Vec::new(),
        })
    }

    /// Whether nothing is under way, and the server has not closed it meanwhile.
    fn is_usable(&mut self) -> bool {
        let mut byte = [0];
        let peeked = self.stream.peek(&mut byte);
        self.open.is_none() && matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Writes what there is room for. Whatever goes wrong shows when it is read.
    fn write(&mut self) {
        if let Ok(count) = self.stream.write(&self.unwritten) {
            match count == self.unwritten.len() {
                true => self.unwritten.clear(),
                false => drop(self.unwritten.drain(..count)),
            }
        }
    }

    /// Whether the open call may take longer; if not, it is given up, and the connection with it.
    fn waits(&mut self, timeout: Duration, samples: &mut Samples) -> bool {
        let is_late = |open: &Open| open.sent.elapsed() >= timeout;
        match self.open.as_ref().is_some_and(is_late) {
            true => {
                let kind = CallError::timeout().kind().to_owned();
                self.settle(Err(kind), false, samples)
            }
            false => true,
        }
    }

    /// Looks at what came; whether the connection can be used again.
    fn take(&mut self, samples: &mut Samples) -> bool {
        if !self.unwritten.is_empty() {
            self.write();
        }
        match self.read() {
            Brought::End(outcome, keeps) => self.settle(outcome, keeps, samples),
            Brought::Nothing => true,
        }
    }

    fn settle(
        &mut self,
        outcome: Result<usize, String>,
        keeps: bool,
        samples: &mut Samples,
    ) -> bool {
        if let Some(open) = self.open.take() {
            match outcome {
                Ok(bytes) => samples.record(self.at - open.since, bytes),
                Err(kind) => samples.fail(&kind),
            }
        }
        if !keeps {
            // Never to be used again, whatever is still under way.
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
        }
        keeps
    }

    fn read(&mut self) -> Brought {
        if self.end == self.read.len() {
            self.read.resize(2 * self.end, 0);
        }
        let read = self.stream.read(&mut self.read[self.end..]);
        self.at = Instant::now();
        let closed = match read {
            Ok(0) => true,
            Ok(count) => {
                self.end += count;
                false
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Brought::Nothing;
            }
            Err(error) => return Brought::End(Err(error.to_string()), false),
        };
        let id = self.open.as_ref().map_or(0, |open| open.id);
        let (outcome, keeps) = match self.response.look(&self.read[..self.end], closed) {
            Ok(None) => return Brought::Nothing,
            Ok(Some(whole)) => (answered(id, &whole), whole.keeps && whole.end == self.end),
            Err(reason) => (Err(reason), false),
        };
        self.end = 0;
        self.response = Response::default();
        Brought::End(outcome, keeps)
    }
}

/// The size of the body if it has the result of this call, or why it has none.
fn answered(id: u64, whole: &Whole<'_>) -> Result<usize, String> {
    if !(200..300).contains(&whole.status) {
        return Err(format!("HTTP {}", whole.status));
    }
    for message in &whole.messages {
        match message::look(message) {
            Came::Result(of) if of == id => return Ok(whole.size),
            Came::Failure(of, kind) if of == id => return Err(kind),
            _ => {}
        }
    }
    Err("no answer in the body".to_owned())
}

fn connect(socket: (&str, u16)) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(ErrorKind::AddrNotAvailable);
    for address in socket.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits until something came on a connection with an open call, or until then; says of each of these whether it did.
fn wait(wires: &[Wire], until: Instant) -> Result<Vec<bool>, Down> {
    let open = wires.iter().filter(|wire| wire.open.is_some());
    let mut watched: Vec<PollFd<'_>> = open
        .map(|wire| {
            let writes = match wire.unwritten.is_empty() {
                true => PollFlags::empty(),
                false => PollFlags::POLLOUT,
            };
            PollFd::new(wire.stream.as_fd(), PollFlags::POLLIN | writes)
        })
        .collect();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let limit = match left < SPIN {
            true => Duration::ZERO,
            false => left - SPIN / 2,
        };
        match poll(&mut watched, limit) {
            Ok(0) if !left.is_zero() => {}
            Err(nix::Error::EINTR) => {}
            Ok(_) => {
                let came = watched.iter().map(|one| one.any().unwrap_or(false));
                return Ok(came.collect());
            }
            Err(error) => return Err(Down(format!("waiting for answers: {error}"))),
        }
    }
}
