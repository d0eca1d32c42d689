//! Runs mcp-conform against something hostile, and looks at what is left.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex::Regex;

use crate::server::MARK;

/// Nothing hostile may take longer than this, however busy the machine is.
const BOUND: Duration = Duration::from_secs(15);
/// How long the kernel may take to end what was killed.
const SETTLES: Duration = Duration::from_secs(5);
/// The harness may not need more memory than this, whatever a server sends (in KiB).
const MAX_RSS: u64 = 256 << 10;

/// What a run said.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A stdio server in this role: the folder for its traces, and the target.
pub fn role(role: &str) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let itself = std::env::current_exe().unwrap();
    let words = [
        "--",
        &itself.display().to_string(),
        MARK,
        &folder.path().display().to_string(),
        role,
    ]
    .map(str::to_owned);
    (folder, words.to_vec())
}

/// `mcp-conform check` with a short timeout.
pub fn check(options: &[&str], target: &[String]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-conform"));
    command
        .args(["check", "--timeout", "400ms", "--jobs", "4"])
        .args(options)
        .args(target)
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let started = Instant::now();
    let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
    while !waiting.is_finished() {
        let (peak, elapsed) = (resident(pid), started.elapsed());
        if peak > MAX_RSS || elapsed > BOUND {
            // Its servers end with it: their input does, and who floods it gets a broken pipe.
            let _ = kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL);
            panic!(
                "after {elapsed:.1?} it still runs, and has taken {} MiB",
                peak >> 10
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = waiting.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = Said {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said
}

/// The peak of a process's resident memory in KiB, where the system tells.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// Every process that noted its number in the folder must be gone.
pub fn nothing_is_left(folder: &Path) {
    let pids = || {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
    };
    assert!(pids().count() > 0, "nothing was started at all");
    let until = Instant::now() + SETTLES;
    loop {
        let left: Vec<String> = pids().filter(|pid| lives(pid)).collect();
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < until,
            "processes were left behind: {left:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lives(pid: &str) -> bool {
    let number = Pid::from_raw(pid.parse().unwrap());
    // A dead process of which nobody took notice is still dead.
    let is_zombie = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']))
    });
    kill(number, None).is_ok() && !is_zombie
}

impl Said {
    /// What a snapshot holds: the exit code, the error, and of the report the findings only.
    pub fn shown(&self, folder: Option<&Path>) -> String {
        let findings = self.stdout.split_once("\n\n").map_or("", |(_, rest)| rest);
        let findings = findings
            .split("\nNot observed\n")
            .next()
            .unwrap_or_default();
        let findings = findings.split("\nSummary\n").next().unwrap_or_default();
        let mut text = format!(
            "exit code {}\n{}\n{}",
            self.code.unwrap_or(-1),
            self.stderr.trim_end(),
            findings.trim_end()
        );
        let itself = std::env::current_exe().unwrap().display().to_string();
        text = text
            .replace(&itself, "[hostile]")
            .replace(env!("CARGO_PKG_VERSION"), "[version]");
        if let Some(folder) = folder {
            text = text.replace(&folder.display().to_string(), "[folder]");
        }
        let redactions = [
            (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[port]"),
            // Which of several equal sessions is shown, and where in it, depends on timing.
            (r"(evidence +\S+), .*", "$1"),
        ];
        for (pattern, replacement) in redactions {
            text = Regex::new(pattern)
                .unwrap()
                .replace_all(&text, replacement)
                .into_owned();
        }
        text
    }
}
