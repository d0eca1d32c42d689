//! The last words of a server, which say why it did not start.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines of stderr are kept to explain a failed start.
const STDERR_TAIL: usize = 20;

/// The last lines of a stderr, read as they come.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    pub(crate) fn follow(&self, stderr: Option<impl Read + Send + 'static>) {
        let Some(stderr) = stderr else { return };
        let tail = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while matches!(reader.by_ref().take(4096).read_until(b'\n', &mut line), Ok(count) if count > 0)
            {
                tail.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == STDERR_TAIL {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl std::fmt::Display for StderrTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&last_words(&self.lines()))
    }
}

/// The tail of a stderr as the end of an error message.
pub fn last_words(lines: &[String]) -> String {
    if lines.is_empty() {
        return "; it wrote nothing on stderr".to_owned();
    }
    format!("; the end of its stderr:\n  | {}", lines.join("\n  | "))
}
