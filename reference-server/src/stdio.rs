//! The stdio transport: one message per line.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio>
//!
//! Lines are read and most are answered on one plain thread: an async runtime's standard input
//! would cost a thread change per message. Only requests that have to wait move to the runtime.

use std::io::{self, BufRead, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::context::Outlet;
use crate::error::Error;
use crate::faults::F;
use crate::jsonrpc::{
    ErrorObject, Id, MAX_MESSAGE_BYTES, Message, Object, Packet, Rejection, Reply, parse,
};
use crate::legacy::{self, Session};
use crate::revision::Revision;
use crate::server::Server;
use crate::work::{InFlight, Work, poll_now};
use crate::{lock, modern};

/// How long requests may still take after the end of input.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves standard input and output until the input ends.
pub fn serve(server: &Arc<Server>, runtime: &Arc<Runtime>) -> Result<(), Error> {
    let stdout = Arc::new(Stdout {
        server: Arc::clone(server),
        writer: Mutex::new(Box::new(io::stdout())),
    });
    let connection = Connection {
        server: Arc::clone(server),
        runtime: Arc::clone(runtime),
        stdout,
        in_flight: Arc::default(),
        session: Mutex::default(),
        batches: AtomicU64::new(0),
    };
    let _context = runtime.enter();
    connection.read(&mut io::stdin().lock())?;
    connection.finish();
    Ok(())
}

/// Standard output. Whole lines only, whoever writes them.
struct Stdout {
    server: Arc<Server>,
    writer: Mutex<Box<dyn Write + Send>>,
}

impl Outlet for Stdout {
    fn send(&self, message: Value) {
        let line = self.server.faults.encode_line(&message);
        self.server.log(|| format!("> {message}"));
        let mut writer = lock(&self.writer);
        // A client that does not read any more will end our input, too.
        let _ = writer.write_all(&line).and_then(|()| writer.flush());
    }
}

struct Connection {
    server: Arc<Server>,
    runtime: Arc<Runtime>,
    stdout: Arc<Stdout>,
    in_flight: Arc<InFlight>,
    /// The handshake of this process, if there was one.
    session: Mutex<Option<Arc<Session>>>,
    batches: AtomicU64,
}

impl Connection {
    fn read(&self, input: &mut impl BufRead) -> io::Result<()> {
        let faults = &self.server.faults;
        let limit = faults.max_message_bytes();
        let mut line = Vec::new();
        loop {
            line.clear();
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
                Line::Whole => self.line(line.trim_ascii()),
            }
        }
    }

    fn refuse_too_long(&self) {
        self.server.faults.on_huge_line();
        let error = format!("a message has at most {MAX_MESSAGE_BYTES} bytes");
        self.reply(Reply::error(None, ErrorObject::invalid_request(error)));
    }

    fn line(&self, line: &[u8]) {
        self.server
            .log(|| format!("< {}", String::from_utf8_lossy(line)));
        let faults = &self.server.faults;
        faults.on_line(line);
        // Nothing, or a lone byte-order mark, is no message and needs no answer.
        if line.is_empty() || line == b"\xEF\xBB\xBF" {
            return;
        }
        match parse(line) {
            Packet::Batch(messages) => self.batch(messages),
            Packet::Single(Ok(message)) => self.message(message),
            Packet::Single(Err(rejection)) => self.reject(rejection),
        }
    }

    fn reply(&self, reply: Reply) {
        self.stdout.send(reply.message);
    }

    fn reject(&self, rejection: Rejection) {
        self.server.faults.on_rejection(&rejection);
        if !rejection.response {
            let mut reply = Reply::error(rejection.id.as_ref(), *rejection.error);
            self.server.faults.spoil_rejection(&mut reply);
            self.reply(reply);
        }
    }

    fn session(&self) -> Option<Arc<Session>> {
        lock(&self.session).clone()
    }

    fn message(&self, message: Message) {
        match message {
            Message::Request { id, method, params } => self.request(id, method, params),
            Message::Notification { method, params } => self.notification(&method, &params),
            Message::Response { id, outcome } => match self.session() {
                Some(session) => session.answered(&id, outcome),
                None => self.server.faults.on_stray_response(),
            },
        }
    }

    fn notification(&self, method: &str, params: &Object) {
        self.server
            .faults
            .on_notification(method, params, &self.in_flight, &*self.stdout);
        match self.session() {
            Some(session) => session.notified(method, params),
            None if method == "notifications/cancelled" => {
                let id = params.get("requestId").and_then(Id::from_value);
                if let Some(id) = id {
                    self.in_flight.cancel(&id);
                }
            }
            None => {}
        }
    }

    fn request(&self, id: Id, method: String, params: Object) {
        self.server.faults.on_request();
        if self.in_flight.contains(&id) {
            let error = ErrorObject::invalid_request("that id is still in use");
            return self.reply(Reply::error(Some(&id), error));
        }
        if modern::is_meant(&method, &params) {
            let outlet = self.outlet();
            let metadata = modern::Metadata::admit(&self.server, &params);
            let call = modern::Call {
                id: id.clone(),
                method,
                params,
                outlet,
            };
            let work = modern::work(&self.server, metadata, call);
            return self.start(id, work);
        }
        if method == "initialize" {
            self.reply(self.initialize(&id, &params));
            return self.server.faults.on_initialize(&*self.stdout);
        }
        if let Some(session) = self.session() {
            let work = session.work(id.clone(), method, params, self.outlet());
            return self.start(id, work);
        }
        let early_ping = !self.server.faults.has(F::PingRefusedEarly);
        let result = match method.as_str() {
            "ping" if early_ping => Reply::result(&id, Object::new()),
            _ => {
                self.server.faults.on_early_request();
                // True in both eras: neither has been chosen.
                let error = "needs an initialize handshake or the _meta fields of 2026-07-28";
                Reply::error(Some(&id), ErrorObject::invalid_params(error))
            }
        };
        self.reply(result);
    }

    fn initialize(&self, id: &Id, params: &Object) -> Reply {
        if self.session().is_some() {
            let error = ErrorObject::invalid_request("already initialized");
            return Reply::error(Some(id), error);
        }
        let (oldest, in_flight) = (Revision::ALL[0], Arc::clone(&self.in_flight));
        match legacy::initialize(&self.server, params, oldest, self.outlet(), in_flight) {
            Ok((session, result)) => {
                let mut reply = Reply::result(id, result);
                let faults = &self.server.faults;
                faults.spoil_reply("initialize", session.revision, &mut reply);
                *lock(&self.session) = Some(session);
                reply
            }
            Err(error) => Reply::error(Some(id), error),
        }
    }

    fn batch(&self, messages: Vec<Result<Message, Rejection>>) {
        let batching = |session: &Arc<Session>| session.has_batches();
        let Some(session) = self.session().filter(batching) else {
            let error = ErrorObject::invalid_request("this revision has no batches");
            return self.reply(Reply::error(None, error));
        };
        if let Some(work) = legacy::batch(&session, messages, &self.outlet()) {
            let number = self.batches.fetch_add(1, Ordering::Relaxed);
            self.start(Id::String(format!("batch {number}")), work);
        }
    }

    /// Answers at once if possible, later if not.
    fn start(&self, id: Id, work: Work) {
        let mut work = self.server.faults.keep_newest(&self.in_flight, work);
        if let Some(reply) = poll_now(&mut work) {
            return self.reply(reply);
        }
        let stdout = Arc::clone(&self.stdout);
        let deliver = move |reply: Reply| stdout.send(reply.message);
        let runtime = self.runtime.handle();
        self.in_flight.spawn(runtime, id, work, deliver);
    }

    fn outlet(&self) -> Arc<dyn Outlet> {
        Arc::clone(&self.stdout) as Arc<dyn Outlet>
    }

    /// The input has ended: what was asked is still answered, as far as it can be.
    fn finish(&self) {
        if let Some(session) = self.session() {
            session.abandon();
        }
        self.server.hub.close();
        self.runtime.block_on(async {
            // Whatever takes longer is not answered: nobody may be there to read it.
            let _ = tokio::time::timeout(LAST_ANSWERS, self.in_flight.idle()).await;
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
