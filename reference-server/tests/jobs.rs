//! Jobs: long work in every revision.
#![allow(clippy::unwrap_used)]

mod common;

use common::client::{Client, answer, said, told};
use common::{Stdin, modern, request};
use serde_json::{Value, json};

#[test]
fn jobs_are_for_every_revision() {
    let mut clients = vec![Client::stdio("2024-11-05"), Client::stdio("2025-03-26")];
    clients.extend([Client::http("2025-03-26"), Client::http("2025-06-18")]);
    clients.extend(Client::legacy());
    for mut client in clients {
        let arguments = json!({"parts": 3, "part_ms": 1, "failing_part": 2, "ttl_ms": 60_000});
        let job = said(&client.call("start_job", arguments));
        let by_id = json!({"job_id": job["job_id"]});
        assert_eq!(job["ttl_ms"], 60_000);
        let ended = loop {
            let status = said(&client.call("job_status", by_id.clone()));
            if status["status"] != "working" {
                break status;
            }
        };
        assert_eq!(ended["status"], "completed");
        assert_eq!(
            (&ended["partial"], &ended["failed"]),
            (&json!(true), &json!([2]))
        );
        assert_eq!(ended["parts"][1]["error"], "this part was told to fail");
        let read = client.ask("resources/read", json!({"uri": job["uri"]}));
        let text = read["result"]["contents"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), ended);
        let too_late = client.call("cancel_job", by_id);
        assert_eq!(too_late["result"]["isError"], true);

        let job = said(&client.call("start_job", json!({"parts": 2, "part_ms": 60_000})));
        let cancelled = client.call("cancel_job", json!({"job_id": job["job_id"]}));
        let cancelled = said(&cancelled);
        assert_eq!(
            (&cancelled["status"], &cancelled["partial"]),
            (&json!("cancelled"), &json!(true))
        );
        let unknown = client.call("job_status", json!({"job_id": "unknown"}));
        assert_eq!(unknown["result"]["isError"], true);
    }
}

#[test]
fn modern_jobs_belong_to_who_knows_them() {
    for mut client in Client::modern() {
        let params = json!({"name": "start_job", "arguments": {"parts": 1, "part_ms": 0}});
        let job = said(&client.ask_modern("tools/call", params));
        let task = client.past(job["job_id"].as_str().unwrap(), "working");
        assert_eq!(task["result"]["structuredContent"]["partial"], false);
    }
}

#[test]
fn a_report_has_a_size_and_says_what_is_missing() {
    for mut client in Client::legacy() {
        let arguments = json!({"parts": 4, "part_ms": 0, "part_bytes": 30_000});
        let report = said(&client.call("report", arguments));
        assert_eq!(
            (&report["partial"], &report["failed"]),
            (&json!(true), &json!([3, 4]))
        );
        let why = report["parts"][3]["error"].as_str().unwrap();
        assert!(why.contains("65536 bytes"), "{why}");
    }
}

#[test]
fn whoever_subscribes_to_a_job_is_told() {
    let mut server = Stdin::legacy("2025-06-18");
    let arguments = json!({"parts": 100, "part_ms": 50});
    let call = json!({"name": "start_job", "arguments": arguments});
    let job = said(&server.ask(&request(1, "tools/call", call)));
    let by_uri = json!({"uri": job["uri"]});
    let mut others = Vec::new();
    server.send(&request(2, "resources/subscribe", by_uri.clone()));
    let subscribed = answer(&mut server, &mut others, &json!(2));
    assert_eq!(subscribed["result"], json!({}));
    let updated = "notifications/resources/updated";
    let updated = told(&mut server, &mut others, updated);
    assert_eq!(updated["params"], by_uri);
    let unknown = json!({"uri": "job://unknown"});
    server.send(&request(3, "resources/subscribe", unknown));
    let refused = answer(&mut server, &mut others, &json!(3));
    assert_eq!(refused["error"]["code"], -32002);
}

#[test]
fn whoever_listens_for_a_job_is_told() {
    let mut client = Client::modern_stdio();
    let arguments = json!({"parts": 100, "part_ms": 50});
    let params = json!({"name": "start_job", "arguments": arguments});
    let job = said(&client.ask_modern("tools/call", params));
    let Client::Stdio(mut server, mut others) = client else {
        unreachable!()
    };
    let uris = json!([job["uri"], "job://unknown"]);
    let listen = json!({"notifications": {"resourceSubscriptions": uris}});
    server.send(&modern("listen", "subscriptions/listen", listen));
    let acknowledged = "notifications/subscriptions/acknowledged";
    let acknowledged = told(&mut server, &mut others, acknowledged);
    let agreed = &acknowledged["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*agreed, json!([job["uri"]]));
    let updated = "notifications/resources/updated";
    let updated = told(&mut server, &mut others, updated);
    assert_eq!(updated["params"]["uri"], job["uri"]);
}
