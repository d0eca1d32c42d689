//! Calls over plain HTTP with as little between them and the wire as there can be: sockets, one thread, no runtime.
//!
//! hyper costs some microseconds for each call, as much as a quick server. TLS is left to it.

mod response;
mod wire;

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use nix::poll::PollFd;

use super::Place;
use crate::bench::lane::Down;
use crate::bench::message::Template;
use crate::bench::pace::{Due, GLANCE, Load, Pace};
use crate::bench::poll;
use crate::bench::samples::Samples;
use crate::transport::http::Address;
use wire::Open;
pub(super) use wire::Wire;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// Calls over kept connections.
pub(super) struct Lean<'a> {
    place: &'a Place,
    template: &'a Template,
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

    /// Makes calls until time is over.
    ///
    /// # Errors
    /// Where the server is gone. What was measured until then is in the samples.
    pub(super) fn run(
        &mut self,
        wires: &mut Vec<Wire>,
        load: Load<'_>,
        samples: &mut Samples,
    ) -> Result<(), Down> {
        wires.retain_mut(Wire::is_usable);
        while wires.len() < load.concurrency {
            wires.push(Wire::new(connect(&self.place.address)?)?);
        }
        let wires = &mut wires[..load.concurrency];
        let mut pace = Pace::start(load);
        let done = self.calls(wires, &mut pace, samples);
        pace.close(Instant::now(), samples);
        if done.is_err() {
            let open = wires.iter().filter(|wire| wire.is_open());
            open.for_each(|_| samples.fail("server gone"));
        }
        done
    }

    fn calls(
        &mut self,
        wires: &mut [Wire],
        pace: &mut Pace<'_>,
        samples: &mut Samples,
    ) -> Result<(), Down> {
        let load = pace.load();
        while !load.is_stopped() {
            let due = self.send_due(wires, pace, samples)?;
            let wake = match due {
                Due::Over if !wires.iter().any(Wire::is_open) => break,
                Due::At(at) => at,
                Due::Over | Due::Since(_) => Instant::now() + GLANCE,
            };
            let came = wait(wires, wake.min(Instant::now() + GLANCE))?;
            let open = wires.iter_mut().filter(|wire| wire.is_open());
            for (wire, came) in open.zip(came) {
                if came {
                    wire.take(samples)?;
                }
                // Something may come again and again without ever being an answer.
                wire.expire(load.timeout, samples);
            }
        }
        Ok(())
    }

    /// Whoever has no call open makes the next that is due; says what to wait for.
    fn send_due(
        &mut self,
        wires: &mut [Wire],
        pace: &mut Pace<'_>,
        samples: &mut Samples,
    ) -> Result<Due, Down> {
        for wire in wires.iter_mut().filter(|wire| !wire.is_open()) {
            let since = match pace.next(Instant::now()) {
                Due::Since(since) => since,
                later => return Ok(later),
            };
            self.next_id += 1;
            self.body.clear();
            self.template.write(self.next_id, &mut self.body);
            let request = wire.request();
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
            let id = self.next_id;
            wire.send(Open { id, since, sent }, samples)?;
        }
        Ok(Due::Since(Instant::now()))
    }
}

fn connect(address: &Address) -> Result<TcpStream, Down> {
    let connected = match address.relayed() {
        Some(via) => TcpStream::connect_timeout(&via, CONNECTING),
        None => connect_to_any(address.socket()),
    };
    connected.map_err(|error| Down(format!("connecting to {}: {error}", address.authority())))
}

fn connect_to_any(socket: (&str, u16)) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    let addresses: Vec<SocketAddr> = socket.to_socket_addrs()?.collect();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits until something came on a connection with an open call, or until then; says of each of these whether it did.
fn wait(wires: &[Wire], until: Instant) -> Result<Vec<bool>, Down> {
    let open = wires.iter().filter(|wire| wire.is_open());
    let mut watched: Vec<PollFd<'_>> = open.map(Wire::watched).collect();
    poll::wait(&mut watched, until)
        .map_err(|error| Down(format!("waiting for answers: {error}")))?;
    let came = watched.iter().map(|one| one.any().unwrap_or(false));
    Ok(came.collect())
}

#[cfg(test)]
mod tests;
