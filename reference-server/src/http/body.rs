//! What a response carries: nothing, one message, or events for as long as there are any.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Frame, SizeHint};

/// A response with one of our bodies.
pub type Response = hyper::Response<Body>;

/// Room for one stream, freed when dropped.
pub type Slot = tokio::sync::OwnedSemaphorePermit;

/// The body of a response.
pub enum Body {
    /// All of it is there; empty once it was taken.
    Whole(Bytes),
    /// It comes piece by piece.
    Events {
        /// The pieces.
        events: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
        /// What it takes up.
        _slot: Option<Slot>,
    },
}

impl Body {
    /// No bytes at all.
    pub fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// What `events` yields, as it comes.
    pub fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::Events {
            events: Box::pin(events),
            _slot: None,
        }
    }

    /// The same body, which takes up `slot` as long as it is there.
    #[must_use]
    pub fn holding(self, slot: Slot) -> Self {
        match self {
            Self::Events { events, .. } => Self::Events {
                events,
                _slot: Some(slot),
            },
            whole => whole,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes.into())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(std::mem::take(bytes))),
            Self::Events { events, .. } => events.as_mut().poll_next(context),
        };
        next.map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Events { .. } => SizeHint::default(),
        }
    }
}
