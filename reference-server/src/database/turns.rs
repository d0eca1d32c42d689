//! Whose statement runs next: only so many run at once, and one caller has no more than a share of those.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::lock;

/// How many statements may run at once.
const MAX_RUNNING: usize = 8;
/// How many of those may be one caller's: even if they all take as long as they may, others are served.
const MAX_OF_ONE: usize = 4;

/// Gives out turns.
pub struct Turns {
    all: Arc<Semaphore>,
    /// By principal; only of those who run something or wait for it.
    callers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// May run a statement, until it is dropped.
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Turns {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MAX_RUNNING)),
            callers: Mutex::default(),
        }
    }

    /// Waits for a turn. Who has used up its share waits for itself, and is in nobody's way.
    pub async fn next(&self, principal: &str) -> Result<Turn, AcquireError> {
        let own = self.share(principal).acquire_owned().await?;
        let all = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Turn {
            _own: own,
            _all: all,
        })
    }

    fn share(&self, principal: &str) -> Arc<Semaphore> {
        let mut callers = lock(&self.callers);
        callers.retain(|_, share| Arc::strong_count(share) > 1);
        let share = callers.entry(principal.to_owned());
        Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(MAX_OF_ONE))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn nobody_takes_all_turns() {
        let turns = Turns::new();
        let next = |principal| turns.next(principal).now_or_never();
        let taken: Vec<_> = (0..MAX_OF_ONE).map(|_| next("ann").unwrap()).collect();
        assert!(next("ann").is_none());
        let others: Vec<_> = ["bob", "bob", "cat", "cat"]
            .map(|who| next(who).unwrap())
            .into();
        assert!(next("dan").is_none(), "there are no more in all");
        drop(taken);
        assert!(next("ann").is_some());
        drop(others);
        assert!(next("dan").is_some());
        assert_eq!(lock(&turns.callers).len(), 1, "who is gone is forgotten");
    }
}
