//! Requests that are being worked on.
//!
//! Most requests are answered at the first poll, on the thread that read them. Only what has to
//! wait becomes a task, and only tasks can be cancelled.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::jsonrpc::{Id, Reply};
use crate::lock;

/// A request's answer, once there is one.
pub type Work = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The answer, if nothing has to be waited for. Needs a tokio context.
pub fn poll_now(work: &mut Work) -> Option<Reply> {
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reply) => Some(reply),
        Poll::Pending => None,
    }
}

/// The most requests of one connection or session that are being worked on.
const MAX_IN_FLIGHT: usize = 256;

/// The tasks of one connection or session, by request id.
#[derive(Default)]
pub struct InFlight {
    tasks: Mutex<Tasks>,
    idle: Notify,
}

#[derive(Default)]
struct Tasks {
    working: HashMap<Id, Task>,
    /// How many answers are on their way out: their ids are free again, but we are not idle.
    delivering: usize,
}

/// A request that is being worked on. The work can be dropped from outside, at once: an aborted task lets go of it only
/// when the runtime comes round to it, and until then a cancelled subscription would go on telling.
struct Task {
    abort: AbortHandle,
    work: Arc<Mutex<Option<Work>>>,
}

/// Works until the answer is there; for ever, if the work was dropped.
async fn finished(work: Arc<Mutex<Option<Work>>>) -> Reply {
    std::future::poll_fn(|context| match lock(&work).as_mut() {
        Some(work) => work.as_mut().poll(context),
        None => Poll::Pending,
    })
    .await
}

impl InFlight {
    /// Works on a request in the background and then calls `deliver`, unless it is cancelled.
    pub fn spawn(
        self: &Arc<Self>,
        runtime: &tokio::runtime::Handle,
        id: Id,
        work: Work,
        deliver: impl FnOnce(Reply) + Send + 'static,
    ) {
        let this = Arc::clone(self);
        let key = id.clone();
        // Locked until the task is registered, so that it cannot finish before that.
        let mut tasks = lock(&self.tasks);
        let work = Arc::new(Mutex::new(Some(work)));
        let working = finished(Arc::clone(&work));
        let task = runtime.spawn(async move {
            let reply = working.await;
            if this.begin_delivery(&key) {
                deliver(reply);
                lock(&this.tasks).delivering -= 1;
                this.idle.notify_waiters();
            }
        });
        let abort = task.abort_handle();
        tasks.working.insert(id, Task { abort, work });
    }

    /// Frees the id for the answer, if no cancellation has taken it before.
    fn begin_delivery(&self, id: &Id) -> bool {
        let mut tasks = lock(&self.tasks);
        let ours = tasks.working.remove(id).is_some();
        tasks.delivering += usize::from(ours);
        ours
    }

    /// Whether a request with that id is being worked on.
    pub fn contains(&self, id: &Id) -> bool {
        lock(&self.tasks).working.contains_key(id)
    }

    /// Whether no more requests may be taken on until some are done.
    pub fn is_full(&self) -> bool {
        lock(&self.tasks).working.len() >= MAX_IN_FLIGHT
    }

    /// Stops working on a request; it will not be answered.
    pub fn cancel(&self, id: &Id) {
        let cancelled = lock(&self.tasks).working.remove(id);
        if let Some(task) = cancelled {
            // First, because it may have a last word for the stream that ends with the task.
            drop(lock(&task.work).take());
            task.abort.abort();
            self.idle.notify_waiters();
        }
    }

    /// Stops everything.
    pub fn cancel_all(&self) {
        for (_, task) in lock(&self.tasks).working.drain() {
            task.abort.abort();
        }
        self.idle.notify_waiters();
    }

    /// Returns when nothing is being worked on and everything has been delivered.
    pub async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.is_idle() {
                return;
            }
            idle.await;
        }
    }

    fn is_idle(&self) -> bool {
        let tasks = lock(&self.tasks);
        tasks.working.is_empty() && tasks.delivering == 0
    }
}
