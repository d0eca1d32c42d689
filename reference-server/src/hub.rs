//! Change events, from whatever changes something to whoever asked to be told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::lock;
use crate::tasks::{Owner, Task};

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The list of resources.
    Resources,
    /// The contents of the resource with this URI.
    Resource(String),
    /// A task.
    Task(Arc<Task>),
    /// Nothing changed, but the owner's subscriptions to the resource with this URI shall end.
    Over(String, Owner),
}

impl Event {
    /// The notification that tells a client.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
            Self::Resource(_) => "notifications/resources/updated",
            // Of the extension for 2026-07-28; a legacy session has its own name for it.
            Self::Task(_) => "notifications/tasks",
            Self::Over(..) => "notifications/cancelled",
        }
    }
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Knows every listener.
pub struct Hub {
    listeners: Mutex<HashMap<u64, Listener>>,
    next: AtomicU64,
    closing: watch::Sender<bool>,
}

impl Hub {
    /// A hub without listeners.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            listeners: Mutex::default(),
            next: AtomicU64::new(0),
            closing: watch::Sender::new(false),
        })
    }

    /// Calls `listener` for each event until the returned guard is dropped.
    pub fn listen(
        self: &Arc<Self>,
        listener: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Subscription {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.listeners).insert(key, Arc::new(listener));
        Subscription {
            hub: Arc::clone(self),
            key,
        }
    }

    /// Tells every listener.
    pub fn publish(&self, event: &Event) {
        let listeners: Vec<Listener> = lock(&self.listeners).values().cloned().collect();
        for listener in listeners {
            listener(event);
        }
    }

    /// Whether anybody listens.
    pub fn has_listeners(&self) -> bool {
        !lock(&self.listeners).is_empty()
    }

    /// Asks every open subscription to end itself.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns once [`Hub::close`] was called.
    pub async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // Fails only if the sender is gone, and the sender lives in `self`.
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

/// Ends the listening when dropped.
pub struct Subscription {
    hub: Arc<Hub>,
    key: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.hub.listeners).remove(&self.key);
    }
}
