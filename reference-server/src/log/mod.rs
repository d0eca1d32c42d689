//! What is told on standard error: every call and every refusal, one JSON object per line.
//!
//! No line has a parameter, a result or a credential in it. A thread of its own writes them, and takes them from a queue
//! that is bounded: whoever does not read our standard error loses lines, and is told how many.

mod call;

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Value, json};

pub use call::Call;

use crate::lock;

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

    /// Logs what came or goes, if messages are logged.
    pub fn message(&self, line: impl FnOnce() -> String) {
        if self.level == Level::Messages {
            self.line(line());
        }
    }

    /// Logs a message that goes, if messages are logged.
    pub fn sent(&self, message: &impl Serialize) {
        self.message(|| format!("> {}", json!(message)));
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

#[cfg(test)]
mod tests {
    use super::*;

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
