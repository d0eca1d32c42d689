//! Lines over pipes or one connection, from one plain thread that blocks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::Load;
use crate::calls::{Requests, check, opening};
use crate::peer::Kind;

/// Both directions, and what is asked.
pub struct Stream {
    input: Box<dyn Write>,
    output: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    requests: Requests,
    mark: &'static [u8],
    concurrency: u64,
}

impl Stream {
    /// Over the standard streams of a child. A legacy session is opened.
    pub fn of_child(child: &mut Child, kind: Kind, load: Load) -> Stream {
        let input = Box::new(child.stdin.take().unwrap());
        let output = Box::new(child.stdout.take().unwrap());
        let mut stream = Stream::new(input, output, kind, load);
        if kind == Kind::Reference && !load.call.modern {
            let [initialize, initialized] = opening(load.call.revision());
            stream.write(initialize.as_bytes());
            stream.write(b"\n");
            stream.answer();
            stream.write(initialized.as_bytes());
            stream.write(b"\n");
        }
        stream
    }

    /// Over a connection.
    pub fn connect(address: &str, load: Load) -> Stream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let input = Box::new(stream.try_clone().unwrap());
        Stream::new(input, Box::new(stream), Kind::Tcp, load)
    }

    fn new(input: Box<dyn Write>, output: Box<dyn Read>, kind: Kind, load: Load) -> Stream {
        Stream {
            input,
            output: BufReader::with_capacity(64 << 10, output),
            line: Vec::new(),
            requests: Requests::new(load.call, "\n"),
            mark: kind.mark(),
            concurrency: load.concurrency as u64,
        }
    }

    /// The time of so many calls, as many at once as there should be.
    pub fn calls(&mut self, count: u64) -> Duration {
        let begun = Instant::now();
        let ahead = count.min(self.concurrency);
        for _ in 0..ahead {
            self.ask();
        }
        for done in 0..count {
            self.answer();
            if done + ahead < count {
                self.ask();
            }
        }
        begun.elapsed()
    }

    fn ask(&mut self) {
        self.input.write_all(self.requests.next()).unwrap();
    }

    fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
    }

    fn answer(&mut self) {
        self.line.clear();
        self.output.read_until(b'\n', &mut self.line).unwrap();
        check(&self.line, self.mark);
    }
}
