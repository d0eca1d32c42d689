//! Whether a process grows with what it is sent: what /proc says of it.

use std::fs;

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Resident memory in KiB.
    pub(super) kib: u64,
    /// Threads.
    pub(super) threads: u64,
}

/// Less growth than this (64 MiB) is nobody's concern.
const MIN_GROWTH: u64 = 64 << 10;
/// A process that has grown by more MiB than this is ended: other programs need memory as well.
pub const MAX_GROWTH: u64 = 1 << 10;
/// More threads than this are too many for whatever a client sends.
const MAX_THREADS: u64 = 1_000;

/// What a process holds now; none where the system does not say.
pub(super) fn held(pid: u32) -> Option<Held> {
    parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse(status: &str) -> Option<Held> {
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Held {
        kib: number("VmRSS:")?,
        threads: number("Threads:")?,
    })
}

/// Whether it has grown so much that it should be looked at.
pub(super) fn is_suspicious(first: Held, now: Held) -> bool {
    now.kib > first.kib.saturating_mul(2) + MIN_GROWTH || now.threads > MAX_THREADS
}

/// Whether it has grown by so many MiB, or has so many threads, that it must not go on.
pub(super) fn is_too_much(first: Held, now: Held, max_growth: u64) -> bool {
    let growth = now.kib.saturating_sub(first.kib);
    growth >> 10 > max_growth || now.threads > 4 * MAX_THREADS
}

/// Whether what was held after 1, 2, 4 and 8 rounds of the same input grows with the rounds, as only a leak does: a
/// heap that is collected now and then levels off.
pub(super) fn grows(held: &[Held]) -> bool {
    let steps = |of: fn(&Held) -> u64| -> Vec<u64> {
        held.windows(2)
            .map(|pair| of(&pair[1]).saturating_sub(of(&pair[0])))
            .collect()
    };
    // Each doubling brings twice as much as the one before; 1.5 times leaves room for noise.
    let linear = |steps: &[u64], least: u64| {
        steps.len() > 1
            && steps
                .windows(2)
                .all(|pair| pair[0] > 0 && 2 * pair[1] >= 3 * pair[0])
            && steps.iter().sum::<u64>() >= least
    };
    linear(&steps(|held| held.kib), MIN_GROWTH / 4) || linear(&steps(|held| held.threads), 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(kib: &[u64]) -> Vec<Held> {
        kib.iter()
            .map(|kib| Held {
                kib: *kib,
                threads: 4,
            })
            .collect()
    }

    #[test]
    fn a_leak_grows_and_a_heap_levels_off() {
        assert!(grows(&held(&[50_000, 60_000, 80_000, 120_000])));
        assert!(!grows(&held(&[50_000, 90_000, 110_000, 115_000])));
        assert!(!grows(&held(&[50_000, 50_000, 50_000, 50_000])));
        assert!(
            !grows(&held(&[50_000, 50_100, 50_300, 50_700])),
            "too little to matter"
        );
        assert!(!grows(&held(&[50_000])));
    }

    #[test]
    fn what_takes_the_machine_with_it_is_too_much() {
        let [first, more, most] = held(&[50_000, 900_000, 2_000_000])[..] else {
            panic!("three of them");
        };
        let is_too_much = |now| is_too_much(first, now, MAX_GROWTH);
        assert!(is_suspicious(first, more) && !is_too_much(more));
        assert!(is_too_much(most));
        let busy = Held {
            threads: 10_000,
            ..first
        };
        assert!(is_too_much(busy));
    }

    #[test]
    fn the_system_says_what_a_process_holds() {
        assert_eq!(
            parse("Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t7\n"),
            Some(Held {
                kib: 1234,
                threads: 7
            })
        );
        assert_eq!(parse("Name:\tzombie\nThreads:\t1\n"), None);
    }
}
