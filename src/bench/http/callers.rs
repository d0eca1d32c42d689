//! Callers, each with a connection of its own, that make calls until time is over.

use std::cell::RefCell;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;

use super::Place;
use super::exchange::{answer, connect, within};
use crate::bench::lane::{CallError, Down};
use crate::bench::message::Template;
use crate::bench::pace::{Due, GLANCE, Load, Pace};
use crate::bench::samples::Samples;
use crate::transport::http::Sender;

/// So much earlier a timer rings.
const EARLY: Duration = Duration::from_micros(150);

/// What came of calls.
pub(super) struct Done {
    /// Connections that can be used again.
    pub(super) connections: Vec<Sender>,
    pub(super) samples: Samples,
    pub(super) next_id: u64,
    /// Why there is no server any more.
    pub(super) gone: Option<String>,
}

/// What callers share.
struct Callers<'a> {
    place: &'a Place,
    template: &'a Template,
    load: Load<'a>,
    state: RefCell<State<'a>>,
    /// Held by the one that waits for the next call to be due.
    turn: tokio::sync::Mutex<Option<Timer>>,
}

struct State<'a> {
    pace: Pace<'a>,
    samples: Samples,
    next_id: u64,
    gone: Option<String>,
}

/// Each of the first connections makes one call after the other.
pub(super) async fn make_calls(
    mut connections: Vec<Sender>,
    place: &Place,
    template: &Template,
    pace: Pace<'_>,
    next_id: u64,
) -> Done {
    let load = pace.load();
    let idle = connections.split_off(load.concurrency);
    let timer = load.rate.map(|_| Timer::new());
    let callers = Callers {
        place,
        template,
        load,
        turn: tokio::sync::Mutex::new(timer),
        state: RefCell::new(State {
            pace,
            samples: Samples::new(),
            next_id,
            gone: None,
        }),
    };
    let calls = connections
        .into_iter()
        .map(|sender| callers.calls(Some(sender)));
    let calls = calls.collect::<FuturesUnordered<_>>();
    let kept: Vec<Option<Sender>> = tokio::select! {
        kept = calls.collect() => kept,
        () = callers.interrupted() => Vec::new(),
    };
    let state = callers.state.into_inner();
    let mut samples = state.samples;
    state.pace.close(Instant::now(), &mut samples);
    Done {
        connections: kept.into_iter().flatten().chain(idle).collect(),
        samples,
        next_id: state.next_id,
        gone: state.gone,
    }
}

impl Callers<'_> {
    /// One call after the other; gives the connection back.
    async fn calls(&self, mut sender: Option<Sender>) -> Option<Sender> {
        while let Some(since) = self.next().await {
            let request = self.request();
            // Composing is ours, and no part of the latency.
            let began = match self.load.rate {
                Some(_) => since,
                None => Instant::now(),
            };
            match within(self.load.timeout, self.call(&mut sender, request, began)).await {
                Ok(bytes) => {
                    let latency = began.elapsed();
                    self.state.borrow_mut().samples.record(latency, bytes);
                }
                Err(error) => self.fail(error, &mut sender),
            }
        }
        sender
    }

    async fn call(
        &self,
        sender: &mut Option<Sender>,
        request: (u64, hyper::Request<http_body_util::Full<Bytes>>),
        began: Instant,
    ) -> Result<usize, CallError> {
        let kept = sender.take().filter(|sender| !sender.is_closed());
        let mut answered = None;
        if let Some(mut kept) = kept {
            let answer = answer(&mut kept, request.clone(), began).await;
            // A server may close what is idle whenever it likes, and then has not seen the request.
            if !matches!(answer, Err(CallError::Broken(_))) {
                answered = Some((kept, answer));
            }
        }
        let (connection, answer) = match answered {
            Some(answered) => answered,
            None => {
                self.state.borrow_mut().samples.reconnects += 1;
                let mut new = connect(&self.place.address).await?.sender;
                let answer = answer(&mut new, request, began).await;
                (new, answer)
            }
        };
        if matches!(answer, Ok(_) | Err(CallError::Refused(..))) {
            *sender = Some(connection);
        }
        answer.map(|(answer, _)| answer.message.len())
    }

    fn request(&self) -> (u64, hyper::Request<http_body_util::Full<Bytes>>) {
        let mut state = self.state.borrow_mut();
        state.next_id += 1;
        let mut body = Vec::with_capacity(self.template.size() + 20);
        self.template.write(state.next_id, &mut body);
        (state.next_id, self.place.request(Bytes::from(body)))
    }

    fn fail(&self, error: CallError, sender: &mut Option<Sender>) {
        let mut state = self.state.borrow_mut();
        state.samples.fail(error.kind());
        if let CallError::Down(Down(reason)) = error {
            state.gone.get_or_insert(reason);
        } else if !matches!(error, CallError::Refused(..)) {
            // What is still under way there would be taken for another answer.
            *sender = None;
        }
    }

    /// Waits until a call is due; none if there is no more.
    async fn next(&self) -> Option<Instant> {
        if self.load.rate.is_none() {
            return match self.due() {
                Due::Since(since) => Some(since),
                Due::At(_) | Due::Over => None,
            };
        }
        let timer = self.turn.lock().await;
        loop {
            match self.due() {
                Due::Since(since) => return Some(since),
                Due::Over => return None,
                Due::At(at) => timer.as_ref()?.wait(at).await,
            }
        }
    }

    fn due(&self) -> Due {
        let mut state = self.state.borrow_mut();
        match state.gone {
            Some(_) => Due::Over,
            None => state.pace.next(Instant::now()),
        }
    }

    async fn interrupted(&self) {
        while !self.load.is_stopped() {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// A timer on a thread of its own: those of the runtime know milliseconds only.
struct Timer {
    orders: mpsc::Sender<Instant>,
    rung: Arc<Notify>,
}

impl Timer {
    fn new() -> Timer {
        let (orders, receiver) = mpsc::channel::<Instant>();
        let rung = Arc::new(Notify::new());
        let ring = rung.clone();
        std::thread::spawn(move || {
            while let Ok(at) = receiver.recv() {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                ring.notify_one();
            }
        });
        Timer { orders, rung }
    }

    /// Waits until then. The thread rings a little earlier, because it takes time until that is heard.
    async fn wait(&self, at: Instant) {
        let early = at.checked_sub(EARLY).filter(|at| *at > Instant::now());
        if early.is_some_and(|early| self.orders.send(early).is_ok()) {
            self.rung.notified().await;
        }
        while Instant::now() < at {
            tokio::task::yield_now().await;
        }
    }
}
