//! The program, and what it said.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-conform");

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    // Nothing of the terminal or the habits of whoever runs the tests may show.
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE");
    command
}

pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// What it said, where that is JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The saved transcripts give the same verdicts again, but for what was not played.
pub fn assert_judged_again(output: &Output, report: &Value, transcripts: &str) {
    let again = run(&["judge", "--report", "json", transcripts]);
    assert_eq!(
        again.status.code(),
        output.status.code(),
        "{}",
        stderr(&again)
    );
    let again = json(&again);
    assert_eq!(again["target"], report["target"]);
    let played = |report: &Value| {
        let trials = report["trials"].as_array().unwrap().iter();
        trials
            .filter(|trial| trial["verdict"] != "not-applicable")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(played(&again), played(report));
}

/// All files of a folder, one after the other.
pub fn texts(folder: &str) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}

pub fn assert_no_secret(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_secret(&path);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("s3cr3t"), "{}", path.display());
        }
    }
}
