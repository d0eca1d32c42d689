//! Waiting for pipes and sockets, to the microsecond.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use nix::poll::PollFd;

/// So close to the time a timer of the system is too coarse.
const SPIN: Duration = Duration::from_micros(100);

/// Waits until something can be read or written, or until then.
///
/// # Errors
/// Where the system refuses.
pub fn wait(watched: &mut [PollFd<'_>], until: Instant) -> nix::Result<()> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let limit = match left < SPIN {
            true => Duration::ZERO,
            false => left - SPIN / 2,
        };
        match poll(watched, limit) {
            Ok(0) | Err(nix::Error::EINTR) if !left.is_zero() => {}
            Ok(_) | Err(nix::Error::EINTR) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Whether what failed will work later.
pub fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(target_os = "linux")]
fn poll(watched: &mut [PollFd<'_>], limit: Duration) -> nix::Result<i32> {
    let limit = nix::sys::time::TimeSpec::from_duration(limit);
    nix::poll::ppoll(watched, Some(limit), None)
}

/// Elsewhere time is told in milliseconds; the rest is waited for in haste.
#[cfg(not(target_os = "linux"))]
fn poll(watched: &mut [PollFd<'_>], limit: Duration) -> nix::Result<i32> {
    let limit = u16::try_from(limit.as_millis()).unwrap_or(u16::MAX);
    nix::poll::poll(watched, limit)
}
