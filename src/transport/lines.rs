//! Lines of at most [`MAX_MESSAGE`] bytes: how messages are framed over stdio.

use std::io::{BufRead, BufReader, Read};

use bytes::Bytes;

use super::MAX_MESSAGE;

/// Lines shorter than this are copied to where they fit exactly.
const EXACT: usize = 64 << 10;

/// Reads line after line.
pub struct Lines<R> {
    reader: BufReader<R>,
}

impl<R: Read> Lines<R> {
    /// Of what this reader gives.
    pub fn new(reader: R) -> Lines<R> {
        Lines {
            reader: BufReader::with_capacity(64 << 10, reader),
        }
    }

    /// The next line without its newline; the last one may have had none. Nothing at the end.
    ///
    /// # Errors
    /// Where reading fails, or the line is too long.
    pub fn next_line(&mut self) -> Result<Option<Bytes>, String> {
        let mut line = Vec::new();
        let limit = MAX_MESSAGE as u64 + 1;
        match self
            .reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
        {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(format!("reading stdout: {error}")),
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_MESSAGE {
            return Err(format!(
                "more than {MAX_MESSAGE} bytes on stdout without a newline"
            ));
        }
        // Kept until the session is judged: without the room that the buffer has behind a small one.
        Ok(Some(match line.len() {
            ..EXACT => Bytes::copy_from_slice(&line),
            _ => Bytes::from(line),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_a_newline_or_with_the_input() {
        let mut lines = Lines::new(b"one\n\r\n\nlast".as_slice());
        let mut next = || lines.next_line().unwrap();
        assert_eq!(next().as_deref(), Some(b"one".as_slice()));
        assert_eq!(next().as_deref(), Some(b"\r".as_slice()));
        assert_eq!(next().as_deref(), Some(b"".as_slice()));
        assert_eq!(next().as_deref(), Some(b"last".as_slice()));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut lines = Lines::new(std::io::repeat(b'x'));
        assert!(lines.next_line().unwrap_err().contains("without a newline"));
    }
}
