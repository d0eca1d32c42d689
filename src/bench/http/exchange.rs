//! One exchange: a request goes out, and what comes is read until it holds the answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming as Body;
use hyper::header::{CONTENT_TYPE, HeaderMap};

use crate::bench::lane::{Answer, CallError, Down};
use crate::bench::message::{self, Came};
use crate::bench::pace::{GLANCE, Patience};
use crate::transport::http::{Address, Opened, Sender, describe, open};
use crate::transport::{MAX_MESSAGE, SseParser};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// So much of what a server says instead of an answer is shown.
const MAX_TEXT: usize = 2_000;

/// Connects, or says why not.
pub(super) async fn connect(address: &Address) -> Result<Opened, CallError> {
    match tokio::time::timeout(CONNECTING, open(address)).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(reason)) => Err(Down(reason).into()),
        Err(_) => Err(Down(format!("no connection within {} s", CONNECTING.as_secs())).into()),
    }
}

/// What comes of something, unless it takes too long.
pub(super) async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result,
        Err(_) => Err(CallError::timeout()),
    }
}

/// The same, unless the user wants it to end.
pub(super) async fn patiently<T>(
    patience: Patience<'_>,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let interrupted = async {
        while !patience.is_over() {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::select! {
        biased;
        result = within(patience.timeout, work) => result,
        () = interrupted => Err(CallError::interrupted()),
    }
}

/// Lets the runtime see what came while nobody ran it: that a connection was closed, say.
pub(super) async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// A connection that broke before anything came; or what came is no HTTP.
pub(super) fn broken(error: hyper::Error) -> CallError {
    match error.is_parse() {
        true => CallError::Failed(describe(&error)),
        false => CallError::Broken(describe(&error)),
    }
}

/// One that broke in the middle of an answer.
pub(super) fn cut(error: hyper::Error) -> CallError {
    CallError::Failed(describe(&error))
}

/// Sends a request with this id and reads its answer to the end. Times count from `began`.
pub(super) async fn answer(
    sender: &mut Sender,
    (id, request): (u64, Request<Full<Bytes>>),
    began: Instant,
) -> Result<(Answer, HeaderMap), CallError> {
    sender.ready().await.map_err(broken)?;
    let response = sender.send_request(request).await.map_err(broken)?;
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let kind = format!("HTTP {}", head.status.as_u16());
        let body = read(body).await?;
        let text = &body[..body.len().min(MAX_TEXT)];
        let text = String::from_utf8_lossy(text).into_owned();
        return Err(CallError::Refused(kind, text));
    }
    let is_stream = head.headers.get(CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        const STREAM: &[u8] = b"text/event-stream";
        value.len() >= STREAM.len() && value[..STREAM.len()].eq_ignore_ascii_case(STREAM)
    });
    let answer = match is_stream {
        true => read_events(id, body, began).await?,
        false => {
            let message = read(body).await?;
            let last = began.elapsed();
            settled(id, &message)?;
            Answer {
                first: last,
                last,
                events: 1,
                message,
            }
        }
    };
    Ok((answer, head.headers))
}

/// Whether a message is the result of this request.
fn settled(id: u64, message: &[u8]) -> Result<(), CallError> {
    match message::look(message) {
        Came::Result(of) if of == id => Ok(()),
        Came::Failure(of, kind) if of == id => {
            let text = &message[..message.len().min(MAX_TEXT)];
            let text = String::from_utf8_lossy(text).into_owned();
            Err(CallError::Refused(kind, text))
        }
        other => Err(CallError::Failed(no_answer(&other).to_owned())),
    }
}

/// Why this is none.
fn no_answer(came: &Came) -> &'static str {
    match came {
        Came::Result(_) | Came::Failure(..) | Came::Astray => message::ASTRAY,
        Came::Request(..) | Came::Notification | Came::Noise => "no answer in the body",
    }
}

/// A whole body; most come in one piece, which is not copied.
async fn read(mut body: Body) -> Result<Bytes, CallError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut)?.into_data() else {
            continue;
        };
        match first.is_empty() {
            true => first = data,
            false => {
                if all.is_empty() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
        }
        if all.len() > MAX_MESSAGE {
            return Err(CallError::Failed("too large a body".to_owned()));
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

async fn read_events(id: u64, mut body: Body, began: Instant) -> Result<Answer, CallError> {
    let mut parser = SseParser::default();
    let mut first = None;
    let mut events = 0;
    let (mut found, mut why) = (None, "no answer in the stream");
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut)?.into_data() else {
            continue;
        };
        let now = began.elapsed();
        for event in parser.feed(&data) {
            let Some(data) = event.data.filter(|data| !data.is_empty()) else {
                continue;
            };
            events += 1;
            let first = *first.get_or_insert(now);
            match message::look(data.as_bytes()) {
                Came::Result(of) | Came::Failure(of, _) if of == id => {
                    found = Some((first, now, data));
                }
                Came::Result(_) | Came::Failure(..) | Came::Astray => why = message::ASTRAY,
                Came::Request(..) | Came::Notification | Came::Noise => {}
            }
        }
        if parser.pending() > MAX_MESSAGE {
            return Err(CallError::Failed("too large an event".to_owned()));
        }
    }
    // The stream has to be read to its end, or the connection could not be used again.
    let Some((first, last, message)) = found else {
        return Err(CallError::Failed(why.to_owned()));
    };
    settled(id, message.as_bytes())?;
    Ok(Answer {
        first,
        last,
        events,
        message: message.into(),
    })
}
