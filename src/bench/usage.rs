//! What a server's process uses, with all that it started, and what machine this is: as /proc says it.

use std::fs;
use std::time::Duration;

use super::report::Machine;

/// How long a tick is in which Linux tells processor time, on every architecture that this program runs on.
const TICK: Duration = Duration::from_millis(10);

/// What a process group used until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory.
    pub rss_bytes: u64,
    /// Processor time.
    pub cpu: Duration,
}

/// What the group uses that this process leads: a server is often started by a script. None where there is no /proc.
pub fn of_group(leader: u32) -> Option<Usage> {
    let mut sum = None;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let Some((group, cpu)) = parse(&stat).filter(|(group, _)| *group == leader) else {
            continue;
        };
        debug_assert_eq!(group, leader);
        let sum: &mut Usage = sum.get_or_insert_default();
        sum.cpu += cpu;
        sum.rss_bytes += resident(pid).unwrap_or(0);
    }
    sum
}

/// The group and the processor time in a `stat` file. The name in it may hold anything, so it is read from behind that.
fn parse(stat: &str) -> Option<(u32, Duration)> {
    let (_, behind) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    let ticks = number(11)?.saturating_add(number(12)?);
    Some((number(2)?, TICK * ticks))
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(1024 * kib(&status, "VmRSS:")?)
}

/// A number of KiB behind a name.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// For how long the thread that asks has worked, or wanted to and waited for a processor; the latter is known where Linux
/// counts it.
pub fn of_this_thread() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    let scheduled = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let scheduled = scheduled.and_then(|text| wanted(&text));
    scheduled.unwrap_or_else(|| clock.now().map_or(Duration::ZERO, Duration::from))
}

/// The first two numbers are the time on a processor, and that in the queue for one. A kernel that does not count them says 0.
fn wanted(schedstat: &str) -> Option<Duration> {
    let mut numbers = schedstat.split_whitespace().map(str::parse::<u64>);
    let (worked, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (worked > 0).then(|| Duration::from_nanos(worked.saturating_add(waited)))
}

/// Processor time of the whole machine, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticks {
    /// What somebody used.
    pub used: u64,
    /// All that there was.
    pub all: u64,
}

impl Ticks {
    /// What came since then.
    pub fn since(self, then: Ticks) -> Ticks {
        Ticks {
            used: self.used.saturating_sub(then.used),
            all: self.all.saturating_sub(then.all),
        }
    }

    /// The part that was used; none if too little time went by to tell.
    pub fn part(self) -> Option<f64> {
        const ENOUGH: u64 = 10;
        (self.all >= ENOUGH).then(|| self.used as f64 / self.all as f64)
    }
}

/// What the machine used since it started. None where there is no /proc.
pub fn of_machine() -> Option<Ticks> {
    ticks(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line sums up all processors: user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .flat_map(str::parse)
        .collect();
    let all: u64 = fields.iter().sum();
    let idle: u64 = fields.get(3..5)?.iter().sum();
    Some(Ticks {
        used: all - idle,
        all,
    })
}

/// The machine on which we run.
pub fn machine() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let kernel = read("/proc/sys/kernel/osrelease");
    Machine {
        os: format!("{} {}", std::env::consts::OS, kernel.trim())
            .trim()
            .to_owned(),
        processor: model.map_or(std::env::consts::ARCH.to_owned(), |(_, model)| {
            model.trim().to_owned()
        }),
        processors: std::thread::available_parallelism().map_or(0, usize::from),
        memory_bytes: 1024 * kib(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0),
        load: read("/proc/loadavg")
            .split_whitespace()
            .next()
            .and_then(|load| load.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b) 1 2) S 1 42 42 0 -1 4194304 100 0 0 0 13 4 0 0 20 0 1 0 99";
        assert_eq!(parse(stat), Some((42, Duration::from_millis(170))));
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn the_part_of_a_machine_that_is_used() {
        let then = ticks("cpu  10 0 10 70 10 0 0 0 5 5\ncpu0 1 1\n").unwrap();
        assert_eq!(then, Ticks { used: 20, all: 100 });
        let now = ticks("cpu  85 0 15 90 10 0 0 0 5 5\n").unwrap();
        assert_eq!(now.since(then).part(), Some(0.8));
        assert_eq!(then.since(now).part(), None);
        assert_eq!(ticks("cpu  1 2"), None);
    }

    #[test]
    fn a_thread_that_works_uses_processor_time() {
        let before = of_this_thread();
        while of_this_thread() == before {}
        assert!(of_this_thread() > before);
        assert_eq!(wanted("1500 500 3\n"), Some(Duration::from_micros(2)));
        assert_eq!(wanted("1500"), None);
        assert_eq!(wanted("0 0 0\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_group_uses_something() {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let (group, _) = parse(&stat).unwrap();
        assert!(of_group(group).unwrap().rss_bytes > 1 << 20);
        assert!(machine().memory_bytes > 1 << 20);
    }
}
