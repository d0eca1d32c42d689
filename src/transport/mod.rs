//! How messages reach the implementation under test: one file per transport.
//!
//! A transport is a function that returns a [`Link`]. Whoever owns the I/O stamps the time at the socket.

mod events;
pub mod http;
mod lines;
pub mod memory;
pub mod stdio;

use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::revision::Revision;

pub use events::{SseEvent, SseParser, is_event_stream};
pub use lines::Lines;

/// The transports of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Newline-delimited messages over a child's standard streams.
    Stdio,
    /// Streamable HTTP (from 2025-03-26).
    Http,
    /// HTTP+SSE (2024-11-05 only).
    Sse,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Transport; 3] = [Transport::Stdio, Transport::Http, Transport::Sse];

    /// Whether a revision defines it.
    pub fn carries(self, revision: Revision) -> bool {
        match self {
            Transport::Stdio => true,
            Transport::Http => revision > Revision::V2024_11_05,
            Transport::Sse => revision == Revision::V2024_11_05,
        }
    }

    /// The name used in trials and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Stdio => "stdio",
            Transport::Http => "http",
            Transport::Sse => "sse",
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One direction of bytes within a connection: stdio is stream 0; each HTTP exchange opens another. Over HTTP+SSE the
/// exchange on which the server speaks is stream 0.
pub type StreamId = u32;

/// No message, event or body of more bytes than this is read (16 MiB).
pub const MAX_MESSAGE: usize = 16 << 20;

/// An open connection to the implementation under test.
///
/// Dropping it ends the connection; a process that we started is ended with its whole group.
pub struct Link {
    /// What we send.
    pub tx: mpsc::UnboundedSender<Outgoing>,
    /// What comes, in the order in which the transport saw it.
    pub rx: mpsc::Receiver<Incoming>,
}

/// An order to the transport.
#[derive(Debug)]
pub enum Outgoing {
    /// stdio: bytes to write as they are.
    Write {
        /// Comes back in [`Happened::Written`].
        seq: u64,
        /// The bytes.
        bytes: Bytes,
        /// Whether a newline follows.
        newline: bool,
    },
    /// HTTP: one exchange.
    Exchange {
        /// Comes back in [`Happened::Written`].
        seq: u64,
        /// The stream that the exchange opens.
        stream: StreamId,
        /// What to send.
        request: HttpRequest,
    },
    /// stdio: whether whole lines wait for each other from now on, to go out in one write.
    Hold(bool),
    /// HTTP: give up an exchange and close its connection.
    Abandon(StreamId),
    /// stdio: close the input.
    EndInput,
}

/// An HTTP request, to go out as written.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// Which of the addresses it goes to.
    pub replica: usize,
    /// The method.
    pub method: String,
    /// Replaces path and query of the endpoint, if given.
    pub path: Option<String>,
    /// The headers, `Host` and `Content-Length` excepted.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// The value of a header, whatever the case of its name.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let is_it = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
    headers.iter().find(is_it).map(|(_, value)| value.as_str())
}

/// Something that happened on the connection.
#[derive(Debug)]
pub struct Incoming {
    /// When the transport saw it.
    pub at: Instant,
    /// Where.
    pub stream: StreamId,
    /// What.
    pub what: Happened,
}

/// What happened on a connection.
#[derive(Debug)]
pub enum Happened {
    /// The bytes of the order `seq` were handed to the operating system.
    Written {
        /// The number given with the order.
        seq: u64,
    },
    /// stdio: one line, without its newline.
    Line(Bytes),
    /// stdio: a line of stderr.
    Stderr(String),
    /// stdio: the process ended.
    Exit {
        /// The exit code, if it ended by itself.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// HTTP: status line and headers arrived.
    Response {
        /// The status code.
        status: u16,
        /// The headers, names in lower case.
        headers: Vec<(String, String)>,
    },
    /// HTTP: a body that is not an event stream.
    Body(Bytes),
    /// HTTP: one event of an event stream.
    Event(SseEvent),
    /// The stream ended (stdio: end of output).
    End,
    /// The stream broke; the text says how.
    Broken(String),
}
