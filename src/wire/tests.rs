use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::judge::pattern::properties::any_json;
use crate::revision::Era;

fn violations(revision: Revision, message: &Value, method: Option<&str>) -> Vec<Violation> {
    schemas(revision).unwrap().server_message(message, method)
}

#[test]
fn every_reference_compiles() {
    for revision in Revision::ALL {
        let schema = schemas(revision).unwrap();
        let fixed = [
            &schema.from_client,
            &schema.from_server,
            &schema.result_response,
            &schema.error_response,
            &schema.result,
        ];
        let results = schema.results.values().map(|(_, checker)| checker);
        let mut count = 0;
        for checker in fixed.into_iter().chain(&schema.batch).chain(results) {
            assert!(
                checker.validator(&schema.registry).is_ok(),
                "{}",
                checker.schema
            );
            count += 1;
        }
        assert!(count > 15);
    }
}

#[test]
fn batches() {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    let error = json!({"jsonrpc": "2.0", "error": {"code": 1, "message": ""}});
    let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let schema = schemas(Revision::V2025_03_26).unwrap();
    let pointers = |array: Value| -> Vec<String> {
        let found = schema.batch(&array).unwrap();
        found
            .into_iter()
            .map(|violation| violation.pointer)
            .collect()
    };
    assert!(pointers(json!([call, told])).is_empty());
    assert!(pointers(json!([answer, error])).is_empty());
    assert_eq!(pointers(json!([])), [""]);
    assert_eq!(pointers(json!([call, answer])), ["/1"]);
    assert_eq!(pointers(json!([answer, 1])), ["/1"]);
    assert_eq!(schema.client_message(&json!([call, told]), None), []);
    for revision in Revision::ALL {
        let has_batches = schemas(revision).unwrap().batch(&json!([call])).is_some();
        assert_eq!(has_batches, revision == Revision::V2025_03_26);
    }
}

#[test]
fn what_came_later_is_any_member_before() {
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [
        {"name": "a", "inputSchema": {"type": "object"}, "annotations": 1, "outputSchema": 2, "title": 3, "execution": 4, "icons": 5},
    ]}});
    let strange = |revision| -> Vec<String> {
        let found = violations(revision, &message, Some("tools/list"));
        let mut names: Vec<String> = found
            .iter()
            .filter_map(|violation| Some(violation.pointer.rsplit_once('/')?.1.to_owned()))
            .collect();
        names.sort();
        names
    };
    assert!(strange(Revision::V2024_11_05).is_empty());
    assert_eq!(strange(Revision::V2025_03_26), ["annotations"]);
    assert_eq!(
        strange(Revision::V2025_06_18),
        ["annotations", "outputSchema", "title"]
    );
    assert_eq!(strange(Revision::V2025_11_25).len(), MAX_VIOLATIONS);
}

#[test]
fn valid_messages_pass() {
    let table = [
        (
            json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "inputSchema": {"type": "object"}}]}}),
            Some("tools/list"),
        ),
        (
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
            Some("ping"),
        ),
        (
            json!({"jsonrpc": "2.0", "id": "x", "result": {"anything": 1}}),
            Some("vendor/method"),
        ),
        (
            json!({"jsonrpc": "2.0", "id": "x", "error": {"code": -1, "message": ""}}),
            None,
        ),
        (
            json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}),
            None,
        ),
        (
            json!({"jsonrpc": "2.0", "method": "vendor/notification", "params": {"a": 1}}),
            None,
        ),
        (
            json!({"jsonrpc": "2.0", "id": 9, "method": "roots/list"}),
            None,
        ),
    ];
    for (message, method) in table {
        for revision in Revision::ALL.into_iter().filter(|r| r.era() == Era::Legacy) {
            assert_eq!(violations(revision, &message, method), [], "{message}");
        }
    }
}

#[test]
fn violations_say_where() {
    let table = [
        (
            json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": 1, "inputSchema": {"type": "object"}}]}}),
            Some("tools/list"),
            "/result/tools/0/name",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 1, "result": []}),
            None,
            "/result",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 1.5, "result": {}}),
            Some("ping"),
            "/id",
        ),
        (
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": "x", "message": ""}}),
            None,
            "/error/code",
        ),
        (
            json!({"jsonrpc": "1.0", "method": "notifications/tools/list_changed"}),
            None,
            "/jsonrpc",
        ),
        (json!({"jsonrpc": "2.0", "method": 1}), None, "/method"),
        (json!({"jsonrpc": "2.0"}), None, ""),
        (json!([]), None, ""),
    ];
    for (message, method, pointer) in table {
        for revision in Revision::ALL.into_iter().filter(|r| r.era() == Era::Legacy) {
            let found = violations(revision, &message, method);
            assert!(
                found.iter().any(|violation| violation.pointer == pointer),
                "{message} {found:?}"
            );
        }
    }
}

#[test]
fn tasks_of_the_extension() {
    let task = |status: &str, more: Value| {
        let mut task = json!({
            "resultType": "complete", "taskId": "a", "status": status, "ttlMs": null,
            "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z",
        });
        for (name, value) in more.as_object().unwrap() {
            task[name] = value.clone();
        }
        task
    };
    let pointers = |method: &str, result: Value| -> Vec<String> {
        let message = json!({"jsonrpc": "2.0", "id": 1, "result": result});
        let found = violations(Revision::V2026_07_28, &message, Some(method));
        found
            .into_iter()
            .map(|violation| violation.pointer)
            .collect()
    };
    let created = json!({"resultType": "task"});
    assert!(pointers("tools/call", task("working", created.clone())).is_empty());
    assert_eq!(pointers("tools/call", created).first().unwrap(), "/result");
    assert!(pointers("tasks/get", task("completed", json!({"result": {}}))).is_empty());
    for (status, member) in [
        ("completed", json!({"error": {"code": 1, "message": ""}})),
        ("failed", json!({"result": {}})),
        ("input_required", json!({})),
    ] {
        assert_eq!(pointers("tasks/get", task(status, member)), ["/result"]);
    }
    assert_eq!(
        pointers("tasks/get", task("done", json!({}))),
        ["/result/status"]
    );
    let told = json!({"jsonrpc": "2.0", "method": "notifications/tasks", "params": {"taskId": 1}});
    assert!(!violations(Revision::V2026_07_28, &told, None).is_empty());
}

#[test]
fn violations_are_few_and_short() {
    let tools: Vec<Value> = (0..1000)
        .map(|_| json!({"name": "\u{1b}[31m".repeat(1000)}))
        .collect();
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}});
    let found = violations(Revision::V2025_11_25, &message, Some("tools/list"));
    assert_eq!(found.len(), MAX_VIOLATIONS);
    for violation in found {
        assert!(
            violation.message.len() < 3_000 && !violation.message.contains('\u{1b}'),
            "{violation:?}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_panics(message in any_json(), method in proptest::option::of("tools/list|tools/call|x")) {
        for revision in Revision::ALL {
            if let Some(schema) = schemas(revision) {
                let _ = schema.server_message(&message, method.as_deref());
                let _ = schema.client_message(&message, method.as_deref());
                let response = json!({"jsonrpc": "2.0", "id": 1, "result": message.clone()});
                let _ = schema.server_message(&response, method.as_deref());
            }
        }
    }
}
