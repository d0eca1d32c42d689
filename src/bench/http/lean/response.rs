//! One response of HTTP/1.1, in bytes that come in pieces.

use std::borrow::Cow;

use crate::transport::{MAX_MESSAGE, SseParser};

/// How many headers a response may have.
const MAX_HEADERS: usize = 100;
/// How long they may be.
const MAX_HEAD: usize = 64 << 10;

/// What is known of a response.
#[derive(Debug, Default)]
pub(super) struct Response {
    head: Option<Head>,
    /// Chunked: what was taken from its chunks, and where the next one begins.
    body: Vec<u8>,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    length: usize,
    body: Body,
    is_stream: bool,
    keeps: bool,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
    UntilClosed,
}

/// A whole response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole<'a> {
    pub(super) status: u16,
    /// The messages in it.
    pub(super) messages: Vec<Cow<'a, [u8]>>,
    /// How many bytes the body has.
    pub(super) size: usize,
    /// How many of the bytes belong to it.
    pub(super) end: usize,
    /// Whether the connection can be used again.
    pub(super) keeps: bool,
}

impl Response {
    /// Looks at all bytes since the response began; `closed` if no more can come. None if some are missing.
    ///
    /// # Errors
    /// Where this is no response that can be read; the text says why.
    pub(super) fn look<'a>(
        &'a mut self,
        bytes: &'a [u8],
        closed: bool,
    ) -> Result<Option<Whole<'a>>, String> {
        if bytes.len() > MAX_MESSAGE + MAX_HEAD {
            return Err("too large a body".to_owned());
        }
        let head = match self.head {
            Some(head) => head,
            None => match read_head(bytes)? {
                Some(head) => *self.head.insert(head),
                None if bytes.len() > MAX_HEAD => return Err("too large a head".to_owned()),
                None => return incomplete(closed),
            },
        };
        if (100..200).contains(&head.status) {
            return Err(format!("HTTP {} without being asked", head.status));
        }
        let (body, end): (&[u8], usize) = match head.body {
            Body::Length(length) => match bytes.get(head.length..head.length + length) {
                Some(body) => (body, head.length + length),
                None => return incomplete(closed),
            },
            Body::UntilClosed if closed => (&bytes[head.length..], bytes.len()),
            Body::UntilClosed => return Ok(None),
            Body::Chunked => match self.chunks(bytes, head.length)? {
                true => (&self.body, self.next),
                false => return incomplete(closed),
            },
        };
        Ok(Some(Whole {
            status: head.status,
            messages: messages(body, head.is_stream),
            size: body.len(),
            end,
            keeps: head.keeps && !closed,
        }))
    }

    /// Takes the chunks that are complete; whether the last one was among them.
    fn chunks(&mut self, bytes: &[u8], head: usize) -> Result<bool, String> {
        self.next = self.next.max(head);
        loop {
            let rest = bytes.get(self.next..).unwrap_or_default();
            let (line, size) = match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) => return Ok(false),
                Err(_) => return Err("a chunk without a size".to_owned()),
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > MAX_MESSAGE || self.body.len() > MAX_MESSAGE {
                return Err("too large a body".to_owned());
            }
            // Trailers would come before the empty line; nobody sends them here.
            let Some(chunk) = rest.get(line..line + size + 2) else {
                return Ok(false);
            };
            if &chunk[size..] != b"\r\n" {
                return Err("a chunk without an end".to_owned());
            }
            self.body.extend_from_slice(&chunk[..size]);
            self.next += line + size + 2;
            if size == 0 {
                return Ok(true);
            }
        }
    }
}

fn incomplete<T>(closed: bool) -> Result<Option<T>, String> {
    match closed {
        true => Err("connection closed before the answer was complete".to_owned()),
        false => Ok(None),
    }
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("no HTTP response: {error}")),
    };
    let status = response.code.unwrap_or_default();
    let mut head = Head {
        status,
        length,
        body: match status {
            204 | 304 => Body::Length(0),
            _ => Body::UntilClosed,
        },
        is_stream: false,
        keeps: response.version == Some(1),
    };
    for header in response.headers.iter() {
        head.take(header)?;
    }
    head.keeps &= head.body != Body::UntilClosed;
    Ok(Some(head))
}

impl Head {
    fn take(&mut self, header: &httparse::Header<'_>) -> Result<(), String> {
        let value = header.value.trim_ascii();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let holds = |word: &[u8]| {
            let mut words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            words.any(|found| found.eq_ignore_ascii_case(word))
        };
        if is("content-length") && self.body != Body::Chunked {
            let length = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            let length = length.filter(|length| *length <= MAX_MESSAGE);
            self.body = Body::Length(length.ok_or("a length that is none")?);
        } else if is("transfer-encoding") && holds(b"chunked") {
            self.body = Body::Chunked;
        } else if is("connection") && holds(b"close") {
            self.keeps = false;
        } else if is("content-type") {
            let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
            self.is_stream = kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream");
        }
        Ok(())
    }
}

fn messages(body: &[u8], is_stream: bool) -> Vec<Cow<'_, [u8]>> {
    if !is_stream {
        return vec![Cow::Borrowed(body)];
    }
    let events = SseParser::default().feed(body).into_iter();
    let data = events.filter_map(|event| event.data);
    data.map(|data| Cow::Owned(data.into_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The status and the messages of a response that comes in pieces of this size.
    fn in_pieces(
        text: &str,
        size: usize,
        closed: bool,
    ) -> Result<(u16, Vec<String>, bool), String> {
        let bytes = text.as_bytes();
        let mut response = Response::default();
        let mut end = 0;
        loop {
            end = (end + size).min(bytes.len());
            let is_last = end == bytes.len();
            if let Some(whole) = response.look(&bytes[..end], is_last && closed)? {
                assert_eq!(whole.end, bytes.len());
                let messages = whole.messages.iter();
                let messages = messages.map(|m| String::from_utf8_lossy(m).into_owned());
                return Ok((whole.status, messages.collect(), whole.keeps));
            }
            if is_last {
                return Err("incomplete".to_owned());
            }
        }
    }

    const SIZED: &str =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n\
        8\r\ndata: a\n\r\nB\r\n\ndata: bc\n\n\r\n0\r\n\r\n";
    const UNTIL_CLOSED: &str = "HTTP/1.0 200 OK\r\n\r\nhello";
    const CLOSES: &str = "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn bodies_end_in_three_ways() {
        let words = |list: &[&str]| {
            list.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        for size in [1, 7, 1000] {
            assert_eq!(
                in_pieces(SIZED, size, false),
                Ok((200, words(&["hello"]), true))
            );
            assert_eq!(
                in_pieces(CHUNKED, size, false),
                Ok((200, words(&["a", "bc"]), true))
            );
            assert_eq!(
                in_pieces(UNTIL_CLOSED, size, true),
                Ok((200, words(&["hello"]), false))
            );
            assert_eq!(
                in_pieces(CLOSES, size, false),
                Ok((503, words(&[""]), false))
            );
        }
        assert!(
            in_pieces(&SIZED[..SIZED.len() - 1], 7, true)
                .unwrap_err()
                .contains("closed before")
        );
        assert!(
            in_pieces("SSH-2.0-x\r\n", 7, false)
                .unwrap_err()
                .contains("no HTTP response")
        );
        let wrong = CHUNKED.replace("8\r\n", "x\r\n");
        assert!(
            in_pieces(&wrong, 1000, false)
                .unwrap_err()
                .contains("without a size")
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_looked_at(bytes: Vec<u8>, closed: bool) {
            let _ = Response::default().look(&bytes, closed);
        }

        #[test]
        fn a_body_in_chunks_is_the_same_body(body in "[a-z]{1,200}", cut in 1usize..50, size in 1usize..300) {
            let mut text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            for chunk in body.as_bytes().chunks(cut) {
                text.push_str(&format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)));
            }
            text.push_str("0\r\n\r\n");
            prop_assert_eq!(in_pieces(&text, size, false), Ok((200, vec![body], true)));
        }
    }
}
