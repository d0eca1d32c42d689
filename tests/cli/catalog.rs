//! What is done with the cases: shown, verified, counted, played against each fault.

use serde_json::{Value, json};

use crate::common::{self, PROGRAM, run, stderr, stdout};

#[test]
fn cases_of_ones_own_are_verified_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("mine.json"),
        r#"[{ "id": "other/x", "title": "", "steps": [] }]"#,
    )
    .unwrap();
    let output = run(&["check", "--cases", &dir.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    for part in [
        "mine.json:1: /0/title: ",
        "mine.json:1: /0/steps: ",
        "\"requirements\" is a required property",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn the_cases_can_be_read() {
    let list = run(&["cases", "list", "--json"]);
    let listed = common::json(&list);
    // Each is a process: a sample of all areas will do.
    for entry in listed.as_array().unwrap().iter().step_by(12) {
        let shown = run(&["cases", "show", entry["name"].as_str().unwrap()]);
        assert_eq!(shown.status.code(), Some(0));
        let words: Vec<&str> = stdout(&shown).split_whitespace().collect();
        let title = entry["title"].as_str().unwrap();
        assert!(words.join(" ").contains(title), "wrapped, but whole");
        assert!(
            !stdout(&shown).contains('\u{1b}'),
            "no colours where nobody watches"
        );
    }
    let coverage = run(&["cases", "coverage", "--json"]);
    let coverage = common::json(&coverage);
    assert!(
        coverage["areas"]["tools"]["2025-11-25"]["tested"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[test]
fn the_catalog_is_in_order() {
    let output = run(&["cases", "lint"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

/// The worked example of the README: it passes against the bundled server, and fails where that is broken.
#[test]
fn cases_of_ones_own_as_the_readme_has_them() {
    let readme = include_str!("../../README.md");
    let example = readme.split("### Your own cases").nth(1).unwrap();
    let mut blocks = example.split("```json\n").skip(1);
    let mut block = || blocks.next().unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("requirements")).unwrap();
    std::fs::write(dir.path().join("requirements/reports.json"), block()).unwrap();
    std::fs::write(dir.path().join("reports.json"), block()).unwrap();
    let dir = dir.path().display().to_string();

    let lint = run(&["cases", "lint", "--cases", &dir]);
    assert_eq!(lint.status.code(), Some(0), "{}", stdout(&lint));
    let shown = run(&["cases", "show", "reports/*", "--cases", &dir]);
    assert_eq!((shown.status.code(), stderr(&shown)), (Some(0), ""));
    insta::assert_snapshot!("show_own_cases", stdout(&shown));
    let shown = run(&[
        "cases",
        "show",
        "reports/parameters",
        "--cases",
        &dir,
        "--json",
    ]);
    let shown = common::json(&shown);
    assert_eq!(shown[0]["kind"], "requirement");
    assert_eq!(
        shown[0]["tested_by"],
        json!(["reports/parameter-is-no-sql"])
    );

    let check = |faults: &[&str]| {
        let fixed = [
            "check",
            "--cases",
            &dir,
            "--case",
            "reports/*",
            "--report",
            "json",
            "--",
            PROGRAM,
            "serve",
            "--stdio",
        ];
        let output = run(&[&fixed, faults].concat());
        let report = common::json(&output);
        (output.status.code(), report)
    };
    let (code, report) = check(&[]);
    assert_eq!((code, &report["summary"]["pass"]), (Some(0), &json!(4)));
    let (code, report) = check(&["--fault", "tool-error-protocol"]);
    assert_eq!((code, &report["summary"]["fail"]), (Some(1), &json!(2)));
    let trials = report["trials"].as_array().unwrap();
    let failed = trials
        .iter()
        .find(|trial| trial["verdict"] == "fail")
        .unwrap();
    let finding = &failed["findings"][0];
    assert_eq!(finding["requirement"], "reports/wrong-statement");
    assert_eq!(finding["spec"], "https://example.org/our-api#errors");
    assert!(finding["hint"].as_str().unwrap().contains("run_query"));
}

#[test]
fn coverage_does_not_go_down() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let committed = format!("{folder}/cases/coverage.json");
    let output = run(&["cases", "coverage", "--baseline", &committed]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coverage.json");
    let file = path.display().to_string();
    let saved = run(&["cases", "coverage", "--save", &file]);
    assert_eq!(saved.status.code(), Some(0), "{}", stderr(&saved));
    let same = run(&["cases", "coverage", "--baseline", &file]);
    assert_eq!((same.status.code(), stderr(&same)), (Some(0), ""));

    let mut more: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    more["tested"]["tools"]["2025-11-25"] = 1_000.into();
    std::fs::write(&path, more.to_string()).unwrap();
    let worse = run(&["cases", "coverage", "--baseline", &file]);
    assert_eq!(worse.status.code(), Some(1));
    for part in [
        "tools at 2025-11-25: 1000 tested before, now ",
        "If that is meant: mcp-conform cases coverage --save ",
    ] {
        assert!(stderr(&worse).contains(part), "{}", stderr(&worse));
    }
}

#[test]
fn the_matrix_of_one_fault() {
    let dir = tempfile::tempdir().unwrap();
    let (json, markdown) = (dir.path().join("m.json"), dir.path().join("m.md"));
    let output = run(&[
        "cases",
        "matrix",
        "--fault=header-mismatch-code",
        "--timeout=10s",
        &format!("--report=json={}", json.display()),
        &format!("--report=markdown={}", markdown.display()),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("faults caught by all who claim them: 1 of 1 (100%)"));
    let matrix: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let row = &matrix["faults"][0];
    assert_eq!(row["caught_by"], json!(["headers/method-missing"]));
    assert_eq!(row["places"], json!(["2026-07-28+http"]));
    assert!(row["others"].as_object().unwrap().len() > 5);
    let text = std::fs::read_to_string(markdown).unwrap();
    assert!(
        text.contains("| header-mismatch-code | headers/failure-code | 1 |"),
        "{text}"
    );
}
