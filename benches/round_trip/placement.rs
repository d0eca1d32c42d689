//! Where the two ends of a call run. Left alone, the system puts both on one processor or each on its own, as it happens, and
//! waking another processor that idles takes many times as long as the call: whoever is lucky would look fast.

use std::sync::LazyLock;

use crate::common;

/// How many there are: asked before the first is chosen, because from then on there seems to be one.
pub static PROCESSORS: LazyLock<usize> = LazyLock::new(common::processors);

/// Which processors the ends have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Both the same: what is seen is what the two compute, and the switch from one to the other.
    Together,
    /// Each its own: what is seen is also what it takes to wake the other.
    Apart,
}

impl Placement {
    /// Those that this machine has.
    pub fn all() -> &'static [Placement] {
        match *PROCESSORS {
            1 => &[Placement::Together],
            _ => &[Placement::Together, Placement::Apart],
        }
    }

    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Placement::Together => "one-processor",
            Placement::Apart => "two-processors",
        }
    }

    /// Starts something at the server's place; who calls stays at the client's.
    pub fn at_the_server<T>(self, start: impl FnOnce() -> T) -> T {
        let server = match self {
            Placement::Together => 0,
            Placement::Apart => 1,
        };
        // What is started inherits it, with all its threads.
        stay_on(server);
        let started = start();
        stay_on(0);
        started
    }
}

#[cfg(target_os = "linux")]
fn stay_on(processor: usize) {
    use nix::sched::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    set.set(processor).unwrap();
    sched_setaffinity(nix::unistd::Pid::from_raw(0), &set).unwrap();
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
fn stay_on(_processor: usize) {}
