//! The stdio transport: one message per line.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio>
//!
//! Lines are read and most are answered on one plain thread: an async runtime's standard input
//! would cost a thread change per message. Only requests that have to wait move to the runtime.

use std::io::{self, BufRead, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::context::Outlet;
use crate::error::Error;
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, MAX_MESSAGE_BYTES, Reply};
use crate::lock;
use crate::server::Server;

/// How long requests may still take after the end of input.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves standard input and output until the input ends. A client that reads nothing of what waits for it has `patience` to
/// change its mind.
pub fn serve(
    server: &Arc<Server>,
    runtime: &Arc<Runtime>,
    patience: Duration,
) -> Result<(), Error> {
    let stdout = Arc::new(Stdout {
        server: Arc::clone(server),
        writer: Mutex::new(Box::new(io::stdout())),
        begun: Instant::now(),
        writing: AtomicU64::new(0),
    });
    watch(Arc::clone(&stdout), patience)?;
    let (handle, revisions) = (runtime.handle().clone(), server.offer.eras.revisions());
    let reader = Reader {
        server: Arc::clone(server),
        client: Client::new(server, handle, revisions, Arc::clone(&server.local), stdout),
    };
    let _context = runtime.enter();
    reader.read(&mut io::stdin().lock())?;
    reader.finish(runtime);
    Ok(())
}

/// Standard output. Whole lines only, whoever writes them.
struct Stdout {
    server: Arc<Server>,
    writer: Mutex<Box<dyn Write + Send>>,
    begun: Instant,
    /// Since when a line is being written, in milliseconds after `begun`; 0 if none is.
    writing: AtomicU64,
}

impl Stdout {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

/// Ends the process if its client does not read: a write to a full pipe would otherwise wait for ever, even for the
/// input to end.
fn watch(stdout: Arc<Stdout>, patience: Duration) -> io::Result<()> {
    let limit = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    let watching = move || loop {
        std::thread::sleep(patience / 4);
        let since = stdout.writing.load(Ordering::Relaxed);
        if since > 0 && stdout.now().saturating_sub(since) >= limit {
            eprintln!("error: the client does not read what we write");
            std::process::exit(3);
        }
    };
    let thread = std::thread::Builder::new().name("watch".into());
    thread.stack_size(64 * 1024).spawn(watching)?;
    Ok(())
}

impl Outlet for Stdout {
    fn send(&self, message: Value) {
        self.write(&message);
    }

    fn reply(&self, reply: &Reply) {
        self.write(reply);
    }
}

impl Stdout {
    fn write(&self, message: &impl Serialize) {
        let line = self.server.faults.encode_line(message);
        self.server.log.sent(message);
        let mut writer = lock(&self.writer);
        // A client that does not read any more will end our input, too.
        self.writing.store(self.now(), Ordering::Relaxed);
        let _ = writer.write_all(&line).and_then(|()| writer.flush());
        self.writing.store(0, Ordering::Relaxed);
    }
}

/// What is read, and who takes it.
struct Reader {
    server: Arc<Server>,
    client: Client,
}

impl Reader {
    fn read(&self, input: &mut impl BufRead) -> io::Result<()> {
        let faults = &self.server.faults;
        let limit = faults.max_message_bytes();
        let mut line = Vec::new();
        loop {
            line.clear();
            if faults.has(F::CancelAtOnceDies) {
                faults.on_read(input.fill_buf()?);
            }
            if faults.has(F::ChunkIsLine) && !input.fill_buf()?.contains(&b'\n') {
                let chunk = input.fill_buf()?.to_vec();
                input.consume(chunk.len());
                self.line(&chunk);
                if chunk.is_empty() {
                    return Ok(());
                }
                continue;
            }
            match read_line(input, &mut line, limit)? {
                Line::End => return Ok(()),
                Line::TooLong => self.refuse_too_long(),
                Line::Whole if faults.joins_rest(&line) => {
                    read_line(input, &mut line, limit)?;
                    self.line(&line);
                }
                Line::Whole if faults.has(F::SeparatorEndsLine) => {
                    faults.lines(&line).for_each(|line| self.line(line));
                }
                Line::Whole => self.line(&line),
            }
        }
    }

    fn refuse_too_long(&self) {
        self.server.faults.on_huge();
        if self.server.faults.is_deaf() {
            return;
        }
        let error = format!("a message has at most {MAX_MESSAGE_BYTES} bytes");
        let principal = &self.client.caller.principal;
        self.server
            .log
            .refusal("unknown", principal, None, "too large");
        let error = ErrorObject::invalid_request(error);
        self.client.reply(Reply::error(None, error));
    }

    fn line(&self, line: &[u8]) {
        self.server
            .log
            .message(|| format!("< {}", String::from_utf8_lossy(line)));
        let faults = &self.server.faults;
        // Nothing, or a lone byte-order mark, is no message and needs no answer.
        if matches!(line.trim_ascii(), b"" | b"\xEF\xBB\xBF") {
            return faults.on_empty_line();
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(packet) = faults.read(line) {
            self.client.take(packet);
        }
    }

    /// The input has ended: what was asked is still answered, as far as it can be.
    fn finish(&self, runtime: &Runtime) {
        self.client.abandon();
        self.server.hub.close();
        runtime.block_on(async {
            // Whatever takes longer is not answered: nobody may be there to read it.
            let _ = tokio::time::timeout(LAST_ANSWERS, self.client.in_flight.idle()).await;
            if self.server.faults.has(F::EndIgnored) {
                std::future::pending::<()>().await;
            }
        });
    }
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads up to the next newline; of an overlong line, keeps nothing.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
    let budget = limit as u64 + 1;
    if input.by_ref().take(budget).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.len() <= limit || line.ends_with(b"\n") {
        return Ok(Line::Whole);
    }
    line.clear();
    input.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlong_line_costs_only_itself() {
        let mut input = b"too long a line\nnext\nlast".as_slice();
        let mut next = |expected: &[u8]| {
            let mut line = Vec::new();
            let read = read_line(&mut input, &mut line, 8).unwrap();
            assert_eq!(line, expected);
            read
        };
        assert!(matches!(next(b""), Line::TooLong));
        assert!(matches!(next(b"next\n"), Line::Whole));
        assert!(matches!(next(b"last"), Line::Whole));
        assert!(matches!(next(b""), Line::End));
    }
}
