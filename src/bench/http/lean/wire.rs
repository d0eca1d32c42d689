//! A connection that is used again and again, with at most one open call.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use socket2::{Domain, Protocol, Socket, Type};

use super::response::{Response, Whole};
use crate::bench::lane::{CallError, Down};
use crate::bench::message::{self, Came};
use crate::bench::poll::is_later;
use crate::bench::samples::Samples;

/// How much is read at once, at first.
const CHUNK: usize = 8 << 10;

/// A call that is open.
pub(super) struct Open {
    pub(super) id: u64,
    /// From when on its latency counts.
    pub(super) since: Instant,
    pub(super) sent: Instant,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is not known yet whether anybody is there.
    Connecting,
    /// Nothing was answered yet.
    New,
    /// It was answered on, and kept.
    Kept,
    /// No good for another call.
    Closed,
}

/// See the module.
pub(in crate::bench::http) struct Wire {
    stream: TcpStream,
    to: SocketAddr,
    stage: Stage,
    open: Option<Open>,
    /// What was read of the response, to `end`.
    read: Vec<u8>,
    end: usize,
    /// When the last bytes came.
    at: Instant,
    response: Response,
    /// The last request, and how much of it is written.
    request: Vec<u8>,
    written: usize,
}

/// What a connection brought.
enum Brought {
    /// Nothing yet.
    Nothing,
    /// An answer, or why there is none; and whether the connection can be used again.
    End(Result<usize, String>, bool),
    /// The connection ended before anything of an answer came; why.
    Lost(String),
}

impl Wire {
    /// On a connection that stands.
    pub(super) fn new(stream: TcpStream) -> Result<Wire, Down> {
        let to = stream.peer_addr();
        let prepared = prepare(&stream).and(to);
        let to = prepared.map_err(|error| Down(format!("a new connection: {error}")))?;
        Ok(Wire {
            stream,
            to,
            stage: Stage::New,
            open: None,
            read: vec![0; CHUNK],
            end: 0,
            at: Instant::now(),
            response: Response::default(),
            request: Vec::new(),
            written: 0,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether nothing is under way, and the server has not closed it meanwhile.
    pub(super) fn is_usable(&mut self) -> bool {
        let mut byte = [0];
        let is_quiet = matches!(
            self.stream.peek(&mut byte),
            Err(error) if error.kind() == ErrorKind::WouldBlock
        );
        is_quiet && self.open.is_none() && self.stage != Stage::Closed
    }

    /// What to wait for: an answer, and room for the rest of the request.
    pub(super) fn watched(&self) -> PollFd<'_> {
        let writes = match self.written == self.request.len() {
            true => PollFlags::empty(),
            false => PollFlags::POLLOUT,
        };
        PollFd::new(self.stream.as_fd(), PollFlags::POLLIN | writes)
    }

    /// Room for the next request.
    pub(super) fn request(&mut self) -> &mut Vec<u8> {
        self.request.clear();
        &mut self.request
    }

    /// Sends the request, over a new connection if there is none any more: that is part of the call.
    pub(super) fn send(&mut self, open: Open, samples: &mut Samples) -> Result<(), Down> {
        self.open = Some(open);
        self.written = 0;
        if self.stage == Stage::Closed {
            return self.send_again(samples);
        }
        self.write()
    }

    /// Sends the request over a new connection.
    fn send_again(&mut self, samples: &mut Samples) -> Result<(), Down> {
        samples.reconnects += 1;
        self.stream = begin_to_connect(self.to).map_err(|error| self.nobody(&error))?;
        self.stage = Stage::Connecting;
        (self.written, self.end) = (0, 0);
        self.response = Response::default();
        self.write()
    }

    fn nobody(&self, error: &io::Error) -> Down {
        Down(format!("connecting to {} again: {error}", self.to))
    }

    /// Writes what there is room for. Whatever goes wrong shows when it is read, unless it is that nobody is there.
    fn write(&mut self) -> Result<(), Down> {
        match self.stream.write(&self.request[self.written..]) {
            Ok(count) => {
                self.written += count;
                if self.stage == Stage::Connecting {
                    self.stage = Stage::New;
                }
            }
            Err(error) if self.stage == Stage::Connecting && !is_later(&error) => {
                return Err(self.nobody(&error));
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Gives the open call up if it takes too long, and the connection with it.
    pub(super) fn expire(&mut self, timeout: Duration, samples: &mut Samples) {
        let is_late = |open: &Open| open.sent.elapsed() >= timeout;
        if self.open.as_ref().is_some_and(is_late) {
            let kind = CallError::timeout().kind().to_owned();
            self.settle(Err(kind), false, samples);
        }
    }

    /// Looks at what came.
    ///
    /// # Errors
    /// Where nobody is there to connect to.
    pub(super) fn take(&mut self, samples: &mut Samples) -> Result<(), Down> {
        if self.stage == Stage::Connecting {
            match self.stream.take_error() {
                Ok(None) => self.stage = Stage::New,
                Ok(Some(error)) | Err(error) => return Err(self.nobody(&error)),
            }
        }
        if self.written < self.request.len() {
            self.write()?;
        }
        match self.read() {
            Brought::Nothing => {}
            Brought::End(outcome, keeps) => self.settle(outcome, keeps, samples),
            // A server may close what is idle whenever it likes, and then has not seen the request.
            Brought::Lost(_) if self.stage == Stage::Kept => self.send_again(samples)?,
            Brought::Lost(reason) => self.settle(Err(reason), false, samples),
        }
        Ok(())
    }

    fn settle(&mut self, outcome: Result<usize, String>, keeps: bool, samples: &mut Samples) {
        if let Some(open) = self.open.take() {
            match outcome {
                Ok(bytes) => samples.record(self.at - open.since, bytes),
                Err(kind) => samples.fail(&kind),
            }
        }
        (self.end, self.written) = (0, self.request.len());
        self.response = Response::default();
        self.stage = match keeps {
            true => Stage::Kept,
            false => {
                // What is still under way would be taken for another answer.
                let _ = self.stream.shutdown(Shutdown::Both);
                Stage::Closed
            }
        };
    }

    fn read(&mut self) -> Brought {
        if self.end == self.read.len() {
            self.read.resize(2 * self.end, 0);
        }
        let read = self.stream.read(&mut self.read[self.end..]);
        self.at = Instant::now();
        let closed = match read {
            Ok(0) if self.end == 0 => {
                return Brought::Lost("connection closed without an answer".to_owned());
            }
            Ok(0) => true,
            Ok(count) => {
                self.end += count;
                false
            }
            Err(error) if is_later(&error) => return Brought::Nothing,
            Err(error) if self.end == 0 => return Brought::Lost(error.to_string()),
            Err(error) => return Brought::End(Err(error.to_string()), false),
        };
        let id = self.open.as_ref().map_or(0, |open| open.id);
        match self.response.look(&self.read[..self.end], closed) {
            Ok(None) => Brought::Nothing,
            Ok(Some(whole)) => {
                Brought::End(answered(id, &whole), whole.keeps && whole.end == self.end)
            }
            Err(reason) => Brought::End(Err(reason), false),
        }
    }
}

/// The size of the body if it has the result of this call, or why it has none.
fn answered(id: u64, whole: &Whole<'_>) -> Result<usize, String> {
    if !(200..300).contains(&whole.status) {
        return Err(format!("HTTP {}", whole.status));
    }
    let mut why = "no answer in the body";
    for message in &whole.messages {
        match message::look(message) {
            Came::Result(of) if of == id => return Ok(whole.size),
            Came::Failure(of, kind) if of == id => return Err(kind),
            Came::Result(_) | Came::Failure(..) | Came::Astray => why = message::ASTRAY,
            Came::Request(..) | Came::Notification | Came::Noise => {}
        }
    }
    Err(why.to_owned())
}

/// A connection that may not stand yet: nobody else waits for it.
fn begin_to_connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if is_later(&error) || is_in_progress(&error) => {}
        Err(error) => return Err(error),
    }
    let stream = TcpStream::from(socket);
    prepare(&stream)?;
    Ok(stream)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Or Nagle's algorithm delays what we measure.
    let _ = stream.set_nodelay(true);
    stream.set_nonblocking(true)
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32)
}
