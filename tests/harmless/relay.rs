//! The relay's command line, and what both transports have in common.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::difference::{Difference, Differences};
use crate::{http, stdio};

/// The first argument of a process that is a relay; then follow the differences, the transport, for HTTP the port, and
/// behind `--` the server, in which `{inner}` stands for its port.
pub const MARK: &str = "--relay";

/// How much longer than usual a slow answer takes.
pub const SLOWNESS: Duration = Duration::from_millis(25);
/// How long a late server takes to start.
const LATENESS: Duration = Duration::from_secs(1);

/// Relays until the server ends, and ends with its exit code.
pub fn main(mut words: impl Iterator<Item = String>) {
    let played = Differences::named(&words.next().unwrap());
    let transport = words.next().unwrap();
    let port = words.next().filter(|word| word != "--");
    let server: Vec<String> = words.skip_while(|word| word == "--").collect();
    if played.has(Difference::LateStart) {
        std::thread::sleep(LATENESS);
    }
    match (transport.as_str(), port) {
        ("stdio", _) => stdio::relay(&played, &server),
        (_, Some(port)) => http::relay(played, port.parse().unwrap(), &server),
        (_, None) => panic!("an HTTP relay listens on a port"),
    }
}

/// Starts the server.
pub fn start(words: &[String], streams: fn() -> Stdio) -> Child {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(streams()).stdout(streams());
    command.spawn().unwrap()
}

/// Ends like the server did.
pub fn end_like(mut server: Child) -> ! {
    let status = server.wait().unwrap();
    std::process::exit(status.code().unwrap_or(70))
}

/// A word on stderr, if the server is of that kind.
pub fn chat(played: &Differences) {
    use std::io::Write;
    if played.has(Difference::ChattyStderr) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\nWARN \xff\xfe fatal error\n\n",
        );
    }
}

/// The bytes in pieces, of which none ends where a message does; the middle of what is long in larger ones.
pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut taken = 0;
    std::iter::from_fn(move || {
        let most = match taken {
            0..300 => 1 + taken % 3,
            _ => 1000,
        };
        let (piece, after) = rest.split_at(most.min(rest.len()));
        rest = after;
        taken += piece.len();
        (!piece.is_empty()).then_some(piece)
    })
}
