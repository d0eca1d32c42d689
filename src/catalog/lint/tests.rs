//! Each problem is told, and where it is.

use super::*;

fn file(kind: Kind, name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        kind,
        text: text.to_owned().into(),
    }
}

const REQUIREMENTS: &str = r#"[
    { "id": "tools/one", "text": "One", "party": "server", "transport": "any",
      "levels": { "2025-11-25": "MUST server/tools#one" } },
    { "id": "tools/two", "text": "Two", "party": "server", "transport": "any",
      "levels": { "2025-11-25": "MUST server/tools#two" } },
    { "id": "tools/new", "text": "New", "party": "server", "transport": "any", "untested": "For a test",
      "levels": { "2026-07-28": "MUST server/tools#new" } },
    { "id": "tools/client", "text": "Client", "party": "client", "transport": "any",
      "levels": { "2025-11-25": "MUST server/tools#client" } }
]"#;

fn lint_case(case: &str) -> Vec<String> {
    let files = [
        file(Kind::Requirements, "requirements/tools.json", REQUIREMENTS),
        file(Kind::Cases, "tools.json", &format!("[{case}]")),
    ];
    lint(&files, &Catalog::default(), None)
        .iter()
        .map(Problem::to_string)
        .collect()
}

#[test]
fn each_problem_is_named_with_its_place() {
    let table = [
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }] }"#,
            "",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "steps": [{ "alive": true }],
              "stepz": 1 }"#,
            "/0: Additional properties are not allowed ('stepz' was unexpected)",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "needs": ["toolz"], "steps": [{ "alive": true }] }"#,
            "/0/needs/0: \"toolz\" does not match",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true, "requirment": "tools/one" }] }"#,
            "/0/steps/0: \"requirment\" is none of alive, requirement (did you mean requirement?)",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }, { "request": "tools/call",
                "params": { "name": "x", "name": "y" } }] }"#,
            "tools.json:3: /0/steps/1/params/name: this member is there twice",
        ),
        (
            r#"{ "id": "other/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }] }"#,
            "/0/id: \"other/a\" belongs in other.json",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/oen"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }] }"#,
            "/0/requirements/0: \"tools/oen\" is no requirement (did you mean tools/one",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": ">=2025-06-18",
              "steps": [{ "alive": true }] }"#,
            "/0/revisions: none of the requirements cited has a level at 2025-06-18",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-06-18",
              "steps": [{ "alive": true }] }"#,
            "/0/requirements/0: \"tools/one\" has no level",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }], "faults": ["no-such-thing"] }"#,
            "/0/faults/0: the reference server has no fault",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": [], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }] }"#,
            "/0/requirements: [] has less than 1 item",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/client"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }] }"#,
            "/0/requirements/0: \"tools/client\" binds clients",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "transports": ["sse"], "steps": [{ "alive": true }] }"#,
            "/0/transports: at 2025-11-25 there is none of its transports",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }, { "http": { "method": "GET" } }] }"#,
            "/0/steps/1: there is no HTTP on stdio",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "together": [{ "bytes": "x" }, { "http": { "method": "GET" } }] }] }"#,
            "/0/steps/0/together/1: there is no HTTP on stdio",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "together": [{ "bytes": "x" }, { "alive": true }] }] }"#,
            "/0/steps/0/together/1: \"alive\" is none of request, notify, send",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "together": [{ "start": "a", "request": "x" }, { "cancel": "a" }, { "bytes": "x" },
                { "notify": "x" }, { "send": 1, "expect": { "error": {} } }] }] }"#,
            "",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "close": true }] }"#,
            "/0/steps/0: only stdio has an end of input",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/new"], "revisions": "modern",
              "steps": [{ "opening": true }] }"#,
            "/0/steps/0: modern revisions have no opening",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }], "hints": [{ "text": "a" }, { "text": "b" }] }"#,
            "/0/hints/1: a hint before this one fits always",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "alive": true }], "hints": [{ "seen": { "$regex": "(" }, "text": "a" }] }"#,
            "/0/hints/0/seen/$regex: ",
        ),
        (
            r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
              "steps": [{ "request": "x", "params": { "$var": "nobody-saved-it" } }] }"#,
            "/0/steps/0/params: no step before this one saves",
        ),
    ];
    for (case, expected) in table {
        let found = lint_case(case);
        match expected {
            "" => assert_eq!(found, Vec::<String>::new()),
            _ => assert!(
                found.iter().any(|line| line.contains(expected)),
                "{expected}\n{found:#?}"
            ),
        }
    }
}

#[test]
fn ids_are_unique_and_requirements_are_alive() {
    let twice = r#"{ "id": "tools/a", "title": "A", "requirements": ["tools/one"], "revisions": "=2025-11-25",
                     "steps": [{ "alive": true }] }"#;
    let files = [
        file(Kind::Requirements, "requirements/tools.json", REQUIREMENTS),
        file(Kind::Cases, "tools.json", &format!("[{twice}, {twice}]")),
    ];
    let rules = [RuleCitations {
        name: "rule/x".to_owned(),
        requirements: vec!["tools/none".to_owned(), "tools/client".to_owned()],
        faults: vec!["no-such-fault".to_owned()],
        applies: |_, _| true,
    }];
    let found: Vec<String> = lint(&files, &Catalog::default(), Some(&rules))
        .iter()
        .map(Problem::to_string)
        .collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found[0].starts_with("tools.json:2: /1/id: \"tools/a\" is taken"),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("rule/x: cites \"tools/none\""),
        "{found:#?}"
    );
    let rest = [
        "rule/x: cites \"tools/client\", which binds clients",
        "rule/x: the reference server has no fault \"no-such-fault\"",
        "requirements/tools.json:4: /1: \"tools/two\" is tested by no case",
    ];
    for (found, expected) in found[2..].iter().zip(rest) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn requirements_matter_somewhere_and_hints_can_be_shown() {
    let table = [
        (
            r#"{ "id": "tools/a", "text": "A", "party": "server", "transport": "sse",
                 "levels": { "2024-11-05": "MUST a", "2025-11-25": "MUST a" } }"#,
            "/0/levels/2025-11-25: at 2025-11-25 there is no transport that it concerns",
        ),
        (
            r#"{ "id": "tools/a", "text": "A", "party": "client", "transport": "any",
                 "levels": { "2025-11-25": "MUST a" }, "hints": [{ "text": "Often so" }] }"#,
            "/0/hints: no finding cites \"tools/a\"",
        ),
        (
            r#"{ "id": "tools/a", "text": "A", "party": "server", "transport": "any",
                 "levels": { "2025-11-25": "MUST a" }, "hints": [{ "seen": { "$typo": 1 }, "text": "Often so" }] }"#,
            "/0/hints/0/seen: ",
        ),
        (
            r#"{ "id": "tools/a", "text": "A", "party": "server", "transport": "any",
                 "levels": { "2025-11-25": "MUST a" }, "hint": "Often so" }"#,
            "/0: Additional properties are not allowed ('hint' was unexpected)",
        ),
    ];
    for (requirement, expected) in table {
        let text = format!("[{requirement}]");
        let files = [file(Kind::Requirements, "requirements/tools.json", &text)];
        let found: Vec<String> = lint(&files, &Catalog::default(), None)
            .iter()
            .map(Problem::to_string)
            .collect();
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{expected}\n{found:#?}"
        );
    }
}

#[test]
fn all_problems_of_form_are_told_and_nothing_else() {
    let files = [
        file(Kind::Cases, "a.json", "[{}, 1]"),
        file(Kind::Cases, "b.json", "[\n1"),
    ];
    let found = lint(&files, &Catalog::default(), Some(&[]));
    assert!(found.len() >= 6, "{found:#?}");
    assert!(
        found
            .iter()
            .any(|problem| problem.file.starts_with("b.json:2:"))
    );
}
