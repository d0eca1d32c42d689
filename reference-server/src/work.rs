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

/// The tasks of one connection or session, by request id.
#[derive(Default)]
pub struct InFlight {
    tasks: Mutex<HashMap<Id, AbortHandle>>,
    idle: Notify,
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
        // The lock is held until the task is registered, so that it cannot finish before that.
        let mut tasks = lock(&self.tasks);
        let task = runtime.spawn(async move {
            let reply = work.await;
            // Whoever takes the entry out decides: an answer or a cancellation, never both.
            let ours = lock(&this.tasks).contains_key(&key);
            if ours {
                deliver(reply);
                this.remove(&key);
            }
        });
        tasks.insert(id, task.abort_handle());
    }

    /// Whether a request with that id is being worked on.
    pub fn contains(&self, id: &Id) -> bool {
        lock(&self.tasks).contains_key(id)
    }

    /// Stops working on a request; it will not be answered.
    pub fn cancel(&self, id: &Id) {
        if let Some(task) = self.remove(id) {
            task.abort();
        }
    }

    /// Stops everything.
    pub fn cancel_all(&self) {
        for (_, task) in lock(&self.tasks).drain() {
            task.abort();
        }
        self.idle.notify_waiters();
    }

    /// Returns when nothing is being worked on.
    pub async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if lock(&self.tasks).is_empty() {
                return;
            }
            idle.await;
        }
    }

    fn remove(&self, id: &Id) -> Option<AbortHandle> {
        let mut tasks = lock(&self.tasks);
        let task = tasks.remove(id);
        if tasks.is_empty() {
            self.idle.notify_waiters();
        }
        task
    }
}
