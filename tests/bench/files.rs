//! Where reports go: known before anything is measured, and whole or not there.

use std::fs;

use crate::common::{bench, stderr};

/// Nobody listens there, so that whatever is told was told before, or the code is 3.
const NOBODY: [&str; 2] = ["--url", "http://127.0.0.1:9/mcp"];

fn told(options: &[&str]) -> (Option<i32>, String) {
    let output = bench(&[&NOBODY[..], options].concat(), &[]);
    (output.status.code(), stderr(&output))
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/saved.json").display().to_string();
    for options in [["--save", &path], ["--report", &format!("html={path}")]] {
        let (code, told) = told(&options);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("make its folder first"), "{told}");
    }
}

#[test]
fn a_report_that_is_there_stays_until_there_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.json");
    fs::write(&path, "{}").unwrap();
    let (code, told) = told(&["--save", &path.display().to_string()]);
    assert_eq!(code, Some(3), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn one_file_under_two_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.json").display().to_string();
    let again = folder.path().join("./saved.json").display().to_string();
    let (code, message) = told(&["--save", &path, "--report", &format!("json={again}")]);
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("two reports would go to"), "{message}");

    let report = mcp_conform::bench::report::BenchReport {
        format: mcp_conform::bench::report::FORMAT,
        ..Default::default()
    };
    fs::write(&path, serde_json::to_string(&report).unwrap()).unwrap();
    let (code, message) = told(&["--save", &path, "--compare", &again]);
    assert_eq!(code, Some(2), "{message}");
    assert!(
        message.contains("would replace what --compare"),
        "{message}"
    );
}
