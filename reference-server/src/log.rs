//! What is told on standard error: every call and every refusal, one JSON object per line.
//!
//! No line has a parameter, a result or a credential in it. A thread of its own writes them, and takes them from a queue
//! that is bounded: whoever does not read our standard error loses lines, and is told how many.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::auth::Caller;
use crate::features::tools;
use crate::jsonrpc::{ErrorObject, Id, Object, Reply};
use crate::lock;
use crate::revision::Revision;
use crate::server::Server;
use crate::work::Work;

/// How many lines wait at most to be written.
const MAX_WAITING: usize = 1000;
/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The methods that are named in the log. Whatever else a client calls a method may be anything.
const METHODS: [&str; 23] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tools/call",
    "tools/list",
    "DELETE",
    "GET",
    "POST",
];

/// What cannot be called too often: it costs next to nothing, or has limits of its own.
const UNCOUNTED: [&str; 2] = ["initialize", "ping"];

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Nothing.
    Off,
    /// Every call and every refusal.
    #[default]
    Calls,
    /// Every message as well, with all that is in it.
    Messages,
}

/// The way to standard error.
pub struct Log {
    level: Level,
    lines: Mutex<Option<SyncSender<String>>>,
    lost: Arc<AtomicU64>,
    /// Hears nothing until everything is written.
    written: Mutex<Option<Receiver<()>>>,
    calls: AtomicU64,
}

impl Log {
    /// Starts the thread that writes, if there will be anything to write.
    pub fn new(level: Level) -> std::io::Result<Self> {
        let lost = Arc::new(AtomicU64::new(0));
        let (lines, written) = match level {
            Level::Off => (None, None),
            _ => {
                let (lines, waiting) = sync_channel(MAX_WAITING);
                let (done, written) = channel();
                let lost = Arc::clone(&lost);
                let writer = thread::Builder::new().name("log".into());
                writer.spawn(move || {
                    write(&waiting, &lost, &mut std::io::stderr());
                    drop(done);
                })?;
                (Some(lines), Some(written))
            }
        };
        Ok(Self {
            level,
            lines: Mutex::new(lines),
            lost,
            written: Mutex::new(written),
            calls: AtomicU64::new(0),
        })
    }

    /// Logs a message that came or goes, if messages are logged.
    pub fn message(&self, line: impl FnOnce() -> String) {
        if self.level == Level::Messages {
            self.line(line());
        }
    }

    /// Logs that something was refused before it became a call.
    pub fn refusal(&self, method: &str, principal: &str, status: Option<u16>, why: &str) {
        if self.level != Level::Off {
            let mut entry = self.entry("refusal", principal, method);
            entry["outcome"] = why.into();
            if let Some(status) = status {
                entry["status"] = status.into();
            }
            self.line(entry.to_string());
        }
    }

    /// Writes what is left, as far as somebody reads it.
    pub fn close(&self) {
        drop(lock(&self.lines).take());
        if let Some(written) = lock(&self.written).take() {
            // Nothing is ever sent: either the writer is done, or nobody reads.
            let _: Result<(), RecvTimeoutError> = written.recv_timeout(LAST_LINES);
        }
    }

    fn line(&self, line: String) {
        let refused = lock(&self.lines)
            .as_ref()
            .is_some_and(|lines| lines.try_send(line).is_err());
        if refused {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn entry(&self, event: &str, principal: &str, method: &str) -> Value {
        let known = METHODS.contains(&method);
        json!({
            "time": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            "event": event,
            "principal": principal,
            "method": if known { method } else { "unknown" },
        })
    }
}

/// Writes line after line, and between them how many were lost.
fn write(lines: &Receiver<String>, lost: &AtomicU64, to: &mut impl Write) {
    for line in lines {
        // If standard error is gone, there is nobody left to tell.
        let _ = writeln!(to, "{line}");
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(to, "{}", json!({"event": "lost", "lines": lost}));
        }
    }
}

/// A call that is being logged; one that is dropped was cancelled.
struct Record {
    server: Arc<Server>,
    entry: Value,
    begun: Instant,
}

impl Record {
    fn new(server: &Arc<Server>, caller: &Caller, method: &str, params: &Object) -> Self {
        let log = &server.log;
        let mut entry = log.entry("call", &caller.principal, method);
        entry["correlation"] = match trace_id(params) {
            Some(trace) => trace.into(),
            None => {
                let number = log.calls.fetch_add(1, Ordering::Relaxed);
                format!("{}-{number}", process()).into()
            }
        };
        if method == "tools/call" {
            let name = params.get("name").and_then(Value::as_str);
            let known = name.filter(|name| tools::find(name, Revision::LATEST).is_some());
            entry["tool"] = known.unwrap_or("unknown").into();
        }
        entry["outcome"] = "cancelled".into();
        Self {
            server: Arc::clone(server),
            entry,
            begun: Instant::now(),
        }
    }

    fn answered(mut self, reply: &Reply) {
        let message = &reply.message;
        self.entry["outcome"] = match message.get("error") {
            Some(error) => {
                self.entry["code"] = error["code"].clone();
                "error"
            }
            None if message["result"]["isError"] == true => "tool failed",
            None if message["result"]["resultType"] == "input_required" => "input required",
            None => "ok",
        }
        .into();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let micros = u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.entry["ms"] = (f64::from(micros) / 1000.0).into();
        self.server.log.line(self.entry.to_string());
    }
}

/// A name for this process, so that the calls of several instances can be told apart.
fn process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let bytes = crate::options::random_bytes().unwrap_or_default();
        bytes[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

/// The trace that the client says this request belongs to.
///
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
fn trace_id(params: &Object) -> Option<&str> {
    let parent = params.get("_meta")?.get("traceparent")?.as_str()?;
    let mut parts = parent.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let valid = version.len() == 2 && trace.len() == 32;
    (valid && hexadecimal(version) && hexadecimal(trace)).then_some(trace)
}

/// A call that has come.
pub struct Call {
    record: Option<Record>,
    refusal: Option<Reply>,
}

impl Call {
    /// Begins to log a request, and counts it.
    pub fn begin(
        server: &Arc<Server>,
        caller: &Caller,
        id: &Id,
        method: &str,
        params: &Object,
    ) -> Self {
        let logged = server.log.level != Level::Off;
        let rate = server
            .rate
            .as_ref()
            .filter(|_| !UNCOUNTED.contains(&method));
        let refused = rate.and_then(|rate| rate.take(&caller.principal, Instant::now()).err());
        Self {
            record: logged.then(|| Record::new(server, caller, method, params)),
            refusal: refused.map(|wait| Reply::error(Some(id), ErrorObject::too_many(wait))),
        }
    }

    /// Logs what was answered at once.
    pub fn answered(self, reply: Reply) -> Reply {
        if let Some(record) = self.record {
            record.answered(&reply);
        }
        reply
    }

    /// The work, logged when it is done; or the refusal, if the caller calls too often.
    pub fn around(self, work: Work) -> Work {
        match (self.record, self.refusal) {
            (None, None) => work,
            (record, Some(refusal)) => Box::pin(async move {
                if let Some(record) = record {
                    record.answered(&refusal);
                }
                refusal
            }),
            (Some(record), None) => Box::pin(async move {
                let reply = work.await;
                record.answered(&reply);
                reply
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_is_taken_for_one() {
        let trace = |parent: Value| {
            let params = json!({"_meta": {"traceparent": parent}});
            trace_id(params.as_object().unwrap()).map(str::to_owned)
        };
        let id = "0af7651916cd43dd8448eb211c80319c";
        let parent = format!("00-{id}-b7ad6b7169203331-01");
        assert_eq!(trace(parent.into()).as_deref(), Some(id));
        for other in ["secret", "00-secret-b7ad6b7169203331-01", "", "-"] {
            assert_eq!(trace(other.into()), None, "{other}");
        }
    }

    #[test]
    fn lost_lines_are_counted() {
        let (lines, waiting) = sync_channel(2);
        lines.send("one".to_owned()).unwrap();
        drop(lines);
        let mut written = Vec::new();
        write(&waiting, &AtomicU64::new(7), &mut written);
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, "one\n{\"event\":\"lost\",\"lines\":7}\n");
    }
}
