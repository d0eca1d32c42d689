//! Who answers: the reference server, or a floor.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Load;
use crate::http::Clients;
use crate::pipe::Stream;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reference server.
    Reference,
    /// A bare echo over pipes.
    Pipe,
    /// A bare echo over loopback TCP.
    Tcp,
    /// A minimal hyper server.
    Hyper,
}

impl Kind {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Reference => "reference-server",
            Kind::Pipe => "pipe-echo",
            Kind::Tcp => "tcp-echo",
            Kind::Hyper => "hyper-echo",
        }
    }

    /// What each of its answers contains.
    pub fn mark(self) -> &'static [u8] {
        match self {
            Kind::Reference => b"\"result\"",
            Kind::Pipe | Kind::Tcp | Kind::Hyper => b"\"jsonrpc\"",
        }
    }
}

/// A process with the client that asks it; killed when dropped.
pub struct Peer {
    child: Child,
    client: Client,
}

enum Client {
    Blocking(Stream),
    Http(Clients),
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// Starts it, opens what has to be open, and sees one call answered.
    pub fn start(kind: Kind, load: Load) -> Peer {
        let start = || command(kind, load).spawn().unwrap();
        let mut child = load.placement.at_the_server(start);
        let client = match (kind, load.transport.as_str()) {
            (Kind::Pipe, _) | (Kind::Reference, "stdio") => {
                Client::Blocking(Stream::of_child(&mut child, kind, load))
            }
            (Kind::Tcp, _) => Client::Blocking(Stream::connect(&address(&mut child), load)),
            (Kind::Hyper | Kind::Reference, _) => {
                Client::Http(Clients::connect(&address(&mut child), kind, load))
            }
        };
        let mut peer = Peer { child, client };
        peer.calls(1);
        peer
    }

    /// The time of so many calls.
    pub fn calls(&mut self, count: u64) -> Duration {
        match &mut self.client {
            Client::Blocking(stream) => stream.calls(count),
            Client::Http(clients) => clients.calls(count),
        }
    }
}

fn command(kind: Kind, load: Load) -> Command {
    let mut command;
    if kind == Kind::Reference {
        command = Command::new(PROGRAM);
        command.args(["serve", "--log", "off"]);
        match load.transport.as_str() {
            "stdio" => command.arg("--stdio"),
            _ => command
                .args(["--http", "127.0.0.1:0"])
                .stderr(Stdio::piped()),
        };
    } else {
        command = Command::new(std::env::current_exe().unwrap());
        command.arg(kind.as_str());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Where it listens: the first line that it writes ends with it.
fn address(child: &mut Child) -> String {
    let mut line = String::new();
    match child.stderr.take() {
        Some(stderr) => BufReader::new(stderr).read_line(&mut line).unwrap(),
        None => BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap(),
    };
    let address = line.trim().rsplit("http://").next().unwrap();
    address.trim_end_matches("/mcp").to_owned()
}
