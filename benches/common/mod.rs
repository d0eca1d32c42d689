//! What the benchmarks share that keep a record.
#![allow(dead_code, reason = "each of them uses what it needs")]

use std::path::Path;

use serde_json::Value;

/// How many processors there are.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// What they are, as the system says it.
pub fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Writes a record into reports/, and prints it.
pub fn save(name: &str, record: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("reports")
        .join(name);
    let text = format!("{}\n", serde_json::to_string_pretty(record).unwrap());
    std::fs::write(&path, &text).unwrap();
    println!("{text}written to {}\n", path.display());
}

/// The processes that a process started, and still has.
pub fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads.into_iter().flatten().flatten();
    let lists =
        lists.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|child| child.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// The most resident memory that a process had until now, in KiB; none where the system has no /proc.
pub fn peak_rss(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
