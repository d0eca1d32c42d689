//! The directories that a legacy client works in, remembered as long as it tells when they change.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/roots#root-list-changes>

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::faults::F;
use crate::legacy::Session;
use crate::lock;

/// What a session knows of its client's roots.
#[derive(Default)]
pub struct Roots {
    known: Mutex<Option<Value>>,
    /// The latest listing that a change called for.
    listing: Mutex<Option<AbortHandle>>,
}

impl Roots {
    /// The client's answer to `roots/list`, if it still holds.
    pub fn known(&self) -> Option<Value> {
        lock(&self.known).clone()
    }

    /// Remembers the client's answer; only for clients that tell when it holds no longer.
    pub fn learn(&self, answer: &Value) {
        *lock(&self.known) = Some(answer.clone());
    }

    /// The roots are others now: lists them again if they were of interest. A listing for an earlier change is given up, so
    /// that a client cannot heap them up.
    pub fn changed(&self, session: &Arc<Session>) {
        if session.server.faults.has(F::RootsStale) {
            return;
        }
        let mut listing = lock(&self.listing);
        if lock(&self.known).take().is_none() && listing.is_none() {
            return;
        }
        let session = Arc::clone(session);
        let again = tokio::spawn(async move {
            let outlet = session.unsolicited();
            if let Ok(answer) = session.request(&*outlet, "roots/list", json!({})).await {
                session.roots.learn(&answer);
            }
        });
        if let Some(earlier) = listing.replace(again.abort_handle()) {
            earlier.abort();
        }
    }
}
