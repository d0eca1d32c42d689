//! Child processes of which nothing may be left behind: each leads its own group, and the group is killed as a whole.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::target::CommandLine;

/// How long a process may take to end by itself after its input was closed.
const GRACE: Duration = Duration::from_secs(2);
/// How long it may take after it was asked to terminate.
const TERM_GRACE: Duration = Duration::from_millis(500);

/// A command that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {command:?}: {source}")]
pub struct StartError {
    /// The program.
    pub command: String,
    /// What the operating system said.
    pub source: std::io::Error,
}

/// Starts the command as the leader of a new process group, with all three streams piped.
///
/// # Errors
/// Where the operating system refuses: no such program, no permission.
pub fn spawn(command: &CommandLine) -> Result<Child, StartError> {
    let (program, arguments) = match command.words.split_first() {
        Some(split) => split,
        None => (&String::new(), &[][..]),
    };
    let mut builder = Command::new(program);
    builder
        .args(arguments)
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &command.cwd {
        builder.current_dir(cwd);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut builder, 0);
    builder.spawn().map_err(|source| StartError {
        command: program.clone(),
        source,
    })
}

/// Owns the life of one process group. When the last clone is dropped the group is killed.
#[derive(Clone)]
pub struct Group(Arc<Inner>);

struct Inner {
    pid: u32,
    exited: Mutex<bool>,
}

impl Group {
    /// Takes responsibility for the group that this child leads.
    pub fn of(child: &Child) -> Group {
        Group(Arc::new(Inner {
            pid: child.id(),
            exited: Mutex::new(false),
        }))
    }

    /// A handle for the thread that reaps the leader. It does not keep the group alive: who waits for a process must not
    /// be the reason that nobody kills it.
    pub fn reaper(&self) -> Reaper {
        Reaper(Arc::downgrade(&self.0))
    }

    /// The number of the leader.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Whether the leader has ended.
    pub fn has_exited(&self) -> bool {
        *self.0.exited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the process to end by itself, then asks it to, then kills the group. Call it after closing its input.
    pub async fn end(self) {
        if !self.wait_exit(GRACE).await {
            self.terminate().await;
        }
    }

    /// Asks the process to end, then kills the group: for one that does not read its input, or whose input is open.
    pub async fn terminate(self) {
        if self.has_exited() {
            return;
        }
        self.0.signal(Signal::Term);
        if !self.wait_exit(TERM_GRACE).await {
            self.0.signal(Signal::Kill);
        }
    }

    async fn wait_exit(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.has_exited() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.has_exited()
    }
}

/// Tells a group that its leader was reaped.
pub struct Reaper(Weak<Inner>);

impl Reaper {
    /// The leader's number may now belong to somebody else, unless others of its group live on.
    pub fn leader_exited(self) {
        if let Some(group) = self.0.upgrade() {
            // Whatever the leader left behind goes now, while the group still bears its number.
            group.signal(Signal::Kill);
            *group.exited.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
    }
}

enum Signal {
    Term,
    Kill,
}

impl Inner {
    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        use nix::sys::signal::{Signal as Posix, killpg};
        let exited = self.exited.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(pid) = i32::try_from(self.pid) else {
            return;
        };
        if !*exited {
            let signal = match signal {
                Signal::Term => Posix::SIGTERM,
                Signal::Kill => Posix::SIGKILL,
            };
            // ESRCH only says that nobody is left.
            let _ = killpg(nix::unistd::Pid::from_raw(pid), signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _signal: Signal) {}
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}
