//! Every task of the server, and the limits that keep them few, small and short-lived.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::AbortHandle;

use super::task::{Outcome, Task};
use super::{Owner, trouble};
use crate::hub::Hub;
use crate::jsonrpc::{ErrorObject, Object, size};
use crate::lock;

/// The most tasks of one session or principal that are kept, ended ones included.
pub(super) const MAX_PER_OWNER: usize = 1024;
/// The most tasks that are kept in all.
const MAX_TASKS: usize = 4096;
/// How long a task is kept unless the client says otherwise.
const DEFAULT_TTL: Duration = Duration::from_secs(300);
/// How long a task is kept at most.
const MAX_TTL: Duration = Duration::from_secs(3600);
/// The longest result that is kept, in bytes of JSON.
const MAX_RESULT_BYTES: usize = 1024 * 1024;
/// How much of arguments and results is kept in all, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// How much of that may be of one session or principal.
const MAX_BYTES_PER_OWNER: usize = MAX_BYTES / 4;
/// How often a client should look, in milliseconds.
pub const POLL_INTERVAL_MS: u64 = 200;
/// Lets the answer that names the task go before anything that the work sends.
const HEAD_START: Duration = Duration::from_millis(2);

/// Knows every task.
pub struct Store {
    hub: Arc<Hub>,
    tasks: Mutex<HashMap<String, Entry>>,
    /// How many bytes are kept.
    bytes: Arc<AtomicUsize>,
    max_bytes: usize,
    sessions: AtomicU64,
    next: AtomicU64,
}

/// A task and who works on it, until the entry is dropped.
struct Entry {
    task: Arc<Task>,
    /// The part of the store's bytes that this task accounts for.
    bytes: Bytes,
    keeper: Option<AbortHandle>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

impl Store {
    /// A store without tasks, which tells `hub` what changes.
    pub fn new(hub: &Arc<Hub>) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::clone(hub),
            tasks: Mutex::default(),
            bytes: Arc::default(),
            max_bytes: MAX_BYTES,
            sessions: AtomicU64::new(0),
            next: AtomicU64::new(1),
        })
    }

    /// The number of a session, which no other has.
    pub fn new_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes room for a task of that id, which can be found from now on; -32603 where there is none.
    ///
    /// # Errors
    ///
    /// Too many tasks are kept, for this owner or in all.
    pub fn admit(
        &self,
        id: String,
        owner: Owner,
        arguments: &Object,
        ttl: Option<Duration>,
        protocol: bool,
    ) -> Result<Arc<Task>, ErrorObject> {
        let mut tasks = lock(&self.tasks);
        let theirs = |entry: &&Entry| owner.is_same_client(&entry.task.owner);
        if tasks.values().filter(theirs).count() >= MAX_PER_OWNER {
            return Err(full("of this client", MAX_PER_OWNER));
        }
        if tasks.len() >= MAX_TASKS {
            return Err(full("in all", MAX_TASKS));
        }
        let length = size(arguments);
        check_share(&tasks, &owner, length)?;
        let mut bytes = Bytes::none(&self.bytes);
        bytes.add(length, self.max_bytes)?;
        let ttl = ttl.unwrap_or(DEFAULT_TTL).min(MAX_TTL);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let task = Task::new(&self.hub, (id.clone(), number), owner, ttl, protocol);
        let task = Arc::new(task);
        let entry = Entry {
            task: Arc::clone(&task),
            bytes,
            keeper: None,
        };
        tasks.insert(id, entry);
        Ok(task)
    }

    /// Works on an admitted task, and forgets it when its time is over.
    pub fn start(
        self: &Arc<Self>,
        task: &Arc<Task>,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) {
        let (store, task) = (Arc::clone(self), Arc::clone(task));
        let id = task.id.clone();
        // Locked until the keeper is known, so that it cannot be done before that.
        let mut tasks = lock(&self.tasks);
        let keeper = tokio::spawn(async move {
            let deadline = task.deadline;
            tokio::time::sleep(HEAD_START).await;
            tokio::select! {
                biased;
                () = task.until(|state| state.status.is_terminal()) => {}
                () = tokio::time::sleep_until(deadline) => expire(&task),
                outcome = work => {
                    let outcome = store.bounded(&task, outcome);
                    task.end(trouble(&outcome), outcome);
                }
            }
            tokio::time::sleep_until(deadline).await;
            drop(lock(&store.tasks).remove(&task.id));
        });
        match tasks.get_mut(&id) {
            Some(entry) => entry.keeper = Some(keeper.abort_handle()),
            None => keeper.abort(),
        }
    }

    /// The task of that id, whoever may see it.
    pub fn find_for_all(&self, id: &str) -> Option<Arc<Task>> {
        let tasks = lock(&self.tasks);
        tasks.get(id).map(|entry| Arc::clone(&entry.task))
    }

    /// The task of that id, if it is there for `viewer`.
    pub fn find(&self, viewer: &Owner, id: &str) -> Option<Arc<Task>> {
        let tasks = lock(&self.tasks);
        let task = tasks.get(id).map(|entry| &entry.task)?;
        (task.owner == *viewer).then(|| Arc::clone(task))
    }

    /// The tasks of an owner, oldest first.
    pub fn of(&self, owner: &Owner) -> Vec<Arc<Task>> {
        let tasks = lock(&self.tasks);
        let theirs = tasks.values().map(|entry| &entry.task);
        let mut theirs: Vec<_> = theirs
            .filter(|task| task.owner == *owner)
            .cloned()
            .collect();
        theirs.sort_by_key(|task| task.number);
        theirs
    }

    /// An outcome of bearable size; its bytes are those of the task.
    fn bounded(&self, task: &Task, outcome: Outcome) -> Outcome {
        let result = outcome?;
        let length = size(&result);
        if length > MAX_RESULT_BYTES {
            let why = format!("The result is longer than {MAX_RESULT_BYTES} bytes");
            return Err(limited(&why, "result", MAX_RESULT_BYTES));
        }
        let mut tasks = lock(&self.tasks);
        check_share(&tasks, &task.owner, length)?;
        if let Some(entry) = tasks.get_mut(&task.id) {
            entry.bytes.add(length, self.max_bytes)?;
        }
        Ok(result)
    }

    /// The session is over: nobody can ask for its tasks any more.
    pub fn forget(&self, session: u64) {
        let gone = Some(session);
        lock(&self.tasks).retain(|_, entry| entry.task.owner.session != gone);
    }
}

fn expire(task: &Arc<Task>) {
    let why = "The task has expired";
    task.end(Some(why.into()), Err(ErrorObject::invalid_params(why)));
}

/// Refuses more bytes to an owner whose tasks keep too many.
fn check_share(
    tasks: &HashMap<String, Entry>,
    owner: &Owner,
    more: usize,
) -> Result<(), ErrorObject> {
    let theirs = tasks.values();
    let theirs = theirs.filter(|entry| owner.is_same_client(&entry.task.owner));
    let kept: usize = theirs.map(|entry| entry.bytes.own).sum();
    if kept + more > MAX_BYTES_PER_OWNER {
        let why = format!("Tasks of one client keep at most {MAX_BYTES_PER_OWNER} bytes");
        return Err(limited(&why, "bytes", MAX_BYTES_PER_OWNER));
    }
    Ok(())
}

fn full(whose: &str, max: usize) -> ErrorObject {
    let why = format!("Too many tasks {whose}: at most {max} are kept");
    ErrorObject::new(429, why).data(json!({"limit": "tasks", "max": max}))
}

fn limited(why: &str, limit: &str, max: usize) -> ErrorObject {
    ErrorObject::internal(why).data(json!({"limit": limit, "max": max}))
}

/// A number of bytes, counted among those of the store until it is dropped.
struct Bytes {
    all: Arc<AtomicUsize>,
    own: usize,
}

impl Bytes {
    fn none(all: &Arc<AtomicUsize>) -> Self {
        let all = Arc::clone(all);
        Self { all, own: 0 }
    }

    /// Counts more bytes, unless there would be too many.
    fn add(&mut self, more: usize, max: usize) -> Result<(), ErrorObject> {
        let grown = |all: usize| all.checked_add(more).filter(|all| *all <= max);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.all.fetch_update(set, get, grown).is_err() {
            let why = format!("Tasks keep at most {max} bytes in all");
            return Err(limited(&why, "bytes", max));
        }
        self.own += more;
        Ok(())
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tasks_together_keep_so_many_bytes() {
        let mut store = Store::new(&Hub::new());
        Arc::get_mut(&mut store).unwrap().max_bytes = 100;
        let some = Object::from_iter([("text".into(), "x".repeat(40).into())]);
        let admit = |id: &str, session| {
            store.admit(id.into(), Owner::of_session(session), &some, None, true)
        };
        let task = admit("a", 1).unwrap();
        assert!(store.bounded(&task, Ok(Object::new())).is_ok());
        let refused = store.bounded(&task, Ok(some.clone())).unwrap_err();
        assert_eq!(refused.data, Some(json!({"limit": "bytes", "max": 100})));
        let refused = admit("b", 2).unwrap_err();
        assert_eq!(refused.data, Some(json!({"limit": "bytes", "max": 100})));
        store.forget(1);
        assert!(admit("b", 2).is_ok(), "what is forgotten counts no more");
    }
}
