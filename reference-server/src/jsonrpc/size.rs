//! How long a message is, without writing it.

/// How long a value is as JSON, in bytes.
pub fn size(value: &impl serde::Serialize) -> usize {
    let mut size = Counter(0);
    // Nothing can fail: neither a JSON value nor a counter does.
    let _ = serde_json::to_writer(&mut size, value);
    size.0
}

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
