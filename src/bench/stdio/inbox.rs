//! What was read, and the lines in it, in room that is used again.

use std::io::{self, Read};
use std::ops::Range;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// Filled to `end`; from `start` on it was not looked at yet, up to `seen` without a newline.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    seen: usize,
    end: usize,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox {
            bytes: vec![0; CHUNK],
            start: 0,
            seen: 0,
            end: 0,
        }
    }

    /// Reads what is there, once. What was looked at before is gone.
    pub(super) fn fill(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.seen -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            self.bytes.resize(2 * self.end, 0);
        }
        let count = reader.read(&mut self.bytes[self.end..])?;
        self.end += count;
        Ok(count)
    }

    /// Where the next line is, without its newline.
    pub(super) fn line(&mut self) -> Option<Range<usize>> {
        let Some(length) = memchr::memchr(b'\n', &self.bytes[self.seen..self.end]) else {
            self.seen = self.end;
            return None;
        };
        let line = self.start..self.seen + length;
        (self.start, self.seen) = (line.end + 1, line.end + 1);
        Some(line)
    }

    /// The bytes of a line, until more is read.
    pub(super) fn bytes(&self, line: Range<usize>) -> &[u8] {
        &self.bytes[line]
    }

    /// How long the line is that has no end yet.
    pub(super) fn pending(&self) -> usize {
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            lines in proptest::collection::vec("[a-z]{0,30}", 0..20),
            sizes in proptest::collection::vec(1usize..40, 1..60),
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let mut rest = text.as_bytes();
            let mut inbox = Inbox::new();
            let mut found = Vec::new();
            for size in sizes.iter().cycle() {
                let (piece, after) = rest.split_at((*size).min(rest.len()));
                rest = after;
                if inbox.fill(&mut { piece }).unwrap() == 0 {
                    break;
                }
                while let Some(line) = inbox.line() {
                    found.push(String::from_utf8(inbox.bytes(line).to_vec()).unwrap());
                }
            }
            prop_assert_eq!(found, lines);
            prop_assert_eq!(inbox.pending(), 0);
        }
    }

    #[test]
    fn a_long_line_finds_room() {
        let mut inbox = Inbox::new();
        let long = [vec![b'x'; 3 * CHUNK], b"\nrest".to_vec()].concat();
        let mut reader = &long[..];
        while inbox.fill(&mut reader).unwrap() > 0 {
            if let Some(line) = inbox.line() {
                assert_eq!(line.len(), 3 * CHUNK);
            }
        }
        assert_eq!(inbox.pending(), 4);
    }
}
