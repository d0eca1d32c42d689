//! Tasks of both eras, over both transports.
#![allow(clippy::unwrap_used)]

mod common;

use common::client::{Client, EXTENSION, RELATED, answer, knowing, told};
use common::{Http, Stdin, modern, request};
use serde_json::{Value, json};

fn by_id(task: &Value) -> Value {
    json!({"taskId": task["taskId"]})
}

#[test]
fn a_task_works_and_then_has_the_result() {
    for mut client in Client::legacy() {
        let task = client.task(
            "slow_compute",
            json!({"seconds": 0.1, "label": "x"}),
            60_000,
        );
        assert_eq!(task["ttl"], 60_000);
        let seen = client.ask("tasks/get", by_id(&task))["result"].take();
        assert_eq!(seen["taskId"], task["taskId"]);
        assert_eq!(seen["createdAt"], task["createdAt"]);
        assert!(seen.get("_meta").is_none());
        let result = client.ask("tasks/result", by_id(&task))["result"].take();
        assert_eq!(result["content"][0]["text"], "Computed x in 0.1 s.");
        assert_eq!(result["_meta"][RELATED], by_id(&task));
        let after = client.ask("tasks/get", by_id(&task))["result"].take();
        assert_eq!(after["status"], "completed");
        let too_late = client.ask("tasks/cancel", by_id(&task));
        assert_eq!(too_late["error"]["code"], -32602);
        let list = client.ask("tasks/list", json!({}))["result"].take();
        assert_eq!(list["tasks"][0]["taskId"], task["taskId"]);
        assert!(list.get("nextCursor").is_none());
    }
}

#[test]
fn a_task_that_fails_says_so() {
    for mut client in Client::legacy() {
        let task = client.task("failing_job", json!({}), 60_000);
        let result = client.ask("tasks/result", by_id(&task))["result"].take();
        assert_eq!(result["isError"], true);
        let after = client.ask("tasks/get", by_id(&task))["result"].take();
        assert_eq!(after["status"], "failed");
        assert_eq!(after["statusMessage"], "This job always fails");
        let task = client.task("protocol_error_job", json!({}), 60_000);
        let error = client.ask("tasks/result", by_id(&task))["error"].take();
        assert_eq!(error["code"], -32603);
        let after = client.ask("tasks/get", by_id(&task))["result"].take();
        assert_eq!(after["status"], "failed");
    }
}

#[test]
fn a_cancelled_task_stays_cancelled() {
    for mut client in Client::legacy() {
        let task = client.task("slow_compute", json!({"seconds": 60}), 60_000);
        let cancelled = client.ask("tasks/cancel", by_id(&task))["result"].take();
        assert_eq!(cancelled["status"], "cancelled");
        assert!(client.ask("tasks/result", by_id(&task))["error"].is_object());
        let after = client.ask("tasks/get", by_id(&task))["result"].take();
        assert_eq!(after["status"], "cancelled");
    }
}

#[test]
fn a_tool_says_whether_it_can_be_a_task() {
    for mut client in Client::legacy() {
        let code = |client: &mut Client, params: Value| {
            client.ask("tools/call", params)["error"]["code"].clone()
        };
        let required = json!({"name": "failing_job"});
        assert_eq!(code(&mut client, required), -32601);
        let forbidden = json!({"name": "greet", "arguments": {"name": "a"}, "task": {}});
        assert_eq!(code(&mut client, forbidden), -32601);
        for task in [json!({"ttl": -1}), json!({"ttl": "long"}), json!(true)] {
            let malformed = json!({"name": "report", "task": task});
            assert_eq!(code(&mut client, malformed), -32602);
        }
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            let unknown = client.ask(method, json!({"taskId": "unknown"}));
            assert_eq!(unknown["error"]["code"], -32602, "{method}");
            assert_eq!(client.ask(method, json!({}))["error"]["code"], -32602);
        }
    }
    // Where there are no tasks, the wish for one means nothing.
    let mut client = Client::stdio("2025-06-18");
    let params = json!({"name": "report", "arguments": {"part_ms": 0}, "task": {}});
    let result = client.ask("tools/call", params)["result"].take();
    assert_eq!(result["structuredContent"]["partial"], false);
    let unknown = client.ask("tasks/list", json!({}));
    assert_eq!(unknown["error"]["code"], -32601);
}

#[test]
fn whoever_waits_for_a_task_is_asked_what_it_asks() {
    let mut server = Stdin::legacy("2025-11-25");
    let params = json!({"name": "confirm_delete", "arguments": {"filename": "a"}, "task": {}});
    let mut others = Vec::new();
    server.send(&request(1, "tools/call", params));
    let created = answer(&mut server, &mut others, &json!(1));
    let by_id = by_id(&created["result"]["task"]);
    let status = told(&mut server, &mut others, "notifications/tasks/status");
    assert_eq!(status["params"]["status"], "input_required");
    // The first who waits gives up, so the next one is asked again.
    for id in [2, 3] {
        server.send(&request(id, "tasks/result", by_id.clone()));
        let question = server.receive();
        assert_eq!(question["method"], "elicitation/create");
        assert_eq!(question["params"]["_meta"][RELATED], by_id);
        if id == 2 {
            let params = json!({"requestId": 2});
            server.send(&json!({
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params,
            }));
            let withdrawn = server.receive();
            assert_eq!(withdrawn["method"], "notifications/cancelled");
            assert_eq!(withdrawn["params"]["requestId"], question["id"]);
            assert_eq!(withdrawn["params"]["_meta"][RELATED], by_id);
            continue;
        }
        let answer = json!({"action": "accept", "content": {"confirm": true}});
        server.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer}));
    }
    let result = answer(&mut server, &mut others, &json!(3));
    assert_eq!(result["result"]["content"][0]["text"], "Deleted a.");
    let status = told(&mut server, &mut others, "notifications/tasks/status");
    assert_eq!(status["params"]["status"], "working");
}

#[test]
fn progress_of_a_task_names_it() {
    let mut server = Stdin::legacy("2025-11-25");
    let params = json!({
        "name": "report", "arguments": {"parts": 1, "part_ms": 1}, "task": {},
        "_meta": {"progressToken": "p"},
    });
    let mut others = Vec::new();
    server.send(&request(1, "tools/call", params));
    let created = answer(&mut server, &mut others, &json!(1));
    let progress = told(&mut server, &mut others, "notifications/progress");
    assert_eq!(progress["params"]["progressToken"], "p");
    let related = &progress["params"]["_meta"][RELATED]["taskId"];
    assert_eq!(*related, created["result"]["task"]["taskId"]);
}

#[test]
fn sessions_do_not_see_each_others_tasks() {
    let server = Http::start(&[]);
    let ids = [server.session("2025-11-25"), server.session("2025-11-25")];
    let post = |id: &str, method: &str, params: Value| {
        let headers = [("Mcp-Session-Id", id)];
        server.post(&headers, &request(1, method, params)).json()
    };
    let params = json!({"name": "slow_compute", "arguments": {"seconds": 60}, "task": {}});
    let task = post(&ids[0], "tools/call", params)["result"]["task"].take();
    let started = json!({"name": "start_job", "arguments": {"part_ms": 60_000}});
    let job = post(&ids[0], "tools/call", started)["result"]["structuredContent"].take();
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let answer = post(&ids[1], method, by_id(&task));
        assert_eq!(answer["error"]["code"], -32602, "{method}");
    }
    let list = post(&ids[1], "tasks/list", json!({}));
    assert_eq!(list["result"]["tasks"], json!([]));
    let status = json!({"name": "job_status", "arguments": {"job_id": job["job_id"]}});
    assert_eq!(
        post(&ids[1], "tools/call", status)["result"]["isError"],
        true
    );
    let read = post(&ids[1], "resources/read", json!({"uri": job["uri"]}));
    assert_eq!(read["error"]["code"], -32002);
    let modern = server.modern(
        "tasks/get",
        knowing(json!({"taskId": task["taskId"], "_meta": {}})),
    );
    assert!(modern.json()["error"].is_object(), "nor do others");
    // What a session began ends with it.
    let session = [("Mcp-Session-Id", ids[0].as_str())];
    assert_eq!(server.request("DELETE", &session, "").status, 204);
}

#[test]
fn lists_come_in_pages() {
    for mut client in Client::legacy() {
        let mut ids: Vec<Value> = Vec::new();
        for _ in 0..9 {
            let task = client.task("slow_compute", json!({"seconds": 60}), 60_000);
            ids.push(task["taskId"].clone());
        }
        let mut listed = Vec::new();
        let mut params = json!({});
        loop {
            let page = client.ask("tasks/list", params)["result"].take();
            let tasks = page["tasks"].as_array().unwrap().iter();
            listed.extend(tasks.map(|task| task["taskId"].clone()));
            match page.get("nextCursor") {
                Some(cursor) => params = json!({"cursor": cursor}),
                None => break,
            }
        }
        assert_eq!(listed, ids);
        let bad = client.ask("tasks/list", json!({"cursor": "bad"}));
        assert_eq!(bad["error"]["code"], -32602);
    }
}

#[test]
fn tasks_are_few_small_and_short_lived() {
    for mut client in Client::legacy() {
        let expired = client.task("slow_compute", json!({"seconds": 60}), 50);
        let error = client.ask("tasks/result", by_id(&expired))["error"].take();
        assert_eq!(error["code"], -32602, "{error}");
        let long = client.task("slow_compute", json!({"seconds": 60}), 10_000_000_000);
        assert_eq!(long["ttl"], 3_600_000);
        let label = "x".repeat(1_100_000);
        let large = client.task(
            "slow_compute",
            json!({"seconds": 0, "label": label}),
            60_000,
        );
        let error = client.ask("tasks/result", by_id(&large))["error"].take();
        assert_eq!(error["data"]["limit"], "result", "{error}");
        // Every kept task counts, and the expired one may be gone by now.
        let refused = (0..=1024).find_map(|_| {
            let params = json!({"name": "slow_compute", "arguments": {"seconds": 60}, "task": {}});
            let answer = client.ask("tools/call", params);
            answer.get("error").cloned()
        });
        let refused = refused.unwrap();
        assert_eq!(refused["code"], 429);
        assert_eq!(refused["data"], json!({"limit": "tasks", "max": 1024}));
        let job = client.call("start_job", json!({}));
        assert_eq!(job["result"]["isError"], true, "jobs are tasks, too");
        assert!(client.ask("ping", json!({})).get("result").is_some());
    }
}

#[test]
fn there_is_a_limit_for_all_clients_together() {
    let mut client = Client::modern_stdio();
    for _ in 0..4096 {
        client.modern_task("slow_compute", json!({"seconds": 60}));
    }
    let params = json!({"name": "slow_compute", "arguments": {"seconds": 60}});
    let refused = client.ask_modern("tools/call", params)["error"].take();
    assert_eq!(refused["code"], 429);
    assert_eq!(refused["data"], json!({"limit": "tasks", "max": 4096}));
    let plain = client.ask_modern("tools/call", json!({"name": "test_simple_text"}));
    assert_eq!(plain["result"]["resultType"], "complete");
}

#[test]
fn a_modern_task_has_everything_in_one_place() {
    for mut client in Client::modern() {
        let id = client.modern_task("failing_job", json!({}));
        let task = client.past(&id, "working");
        assert_eq!(task["status"], "completed", "a tool's error is a result");
        assert_eq!(task["result"]["isError"], true);
        assert_eq!(task["result"]["resultType"], "complete");
        let id = client.modern_task("protocol_error_job", json!({}));
        let task = client.past(&id, "working");
        assert_eq!(
            (&task["status"], &task["error"]["code"]),
            (&json!("failed"), &json!(-32603))
        );
        assert!(task.get("result").is_none());
        let id = client.modern_task("slow_compute", json!({"seconds": 60}));
        for _ in 0..2 {
            let ack = client.ask_modern("tasks/cancel", json!({"taskId": id}));
            assert_eq!(ack["result"]["resultType"], "complete");
            assert!(ack["result"].get("taskId").is_none());
        }
        assert_eq!(client.past(&id, "working")["status"], "cancelled");
    }
}

#[test]
fn a_modern_task_is_answered_with_updates() {
    for mut client in Client::modern() {
        let id = client.modern_task("multi_input", json!({}));
        let update = |client: &mut Client, responses: Value| {
            let params = json!({"taskId": id, "inputResponses": responses});
            client.ask_modern("tasks/update", params)
        };
        let yes = json!({"action": "accept", "content": {"confirm": true}});
        let task = client.past(&id, "working");
        let keys = |task: &Value| -> Vec<String> {
            let asked = task["inputRequests"].as_object().unwrap();
            asked.keys().cloned().collect()
        };
        let asked = keys(&task);
        assert_eq!(asked.len(), 2);
        let bad = update(&mut client, json!({(&asked[0]): {"action": "accept"}}));
        assert_eq!(bad["error"]["code"], -32602);
        let ack = update(&mut client, json!({(&asked[0]): yes, "unknown": 1}));
        assert_eq!(ack["result"]["resultType"], "complete", "{ack}");
        let task = client.past(&id, "working");
        assert_eq!(
            (&task["status"], keys(&task)),
            (&json!("input_required"), asked[1..].to_vec())
        );
        update(&mut client, json!({(&asked[0]): yes, (&asked[1]): yes}));
        let task = client.past(&id, "working");
        assert_eq!(task["result"]["content"][0]["text"], "2 confirmed.");
    }
}

#[test]
fn only_clients_that_know_tasks_get_them() {
    for mut client in Client::modern() {
        let plain = |client: &mut Client, method: &str, params: Value| {
            let params = modern(1, method, params)["params"].take();
            client.ask(method, params)
        };
        let call = json!({"name": "slow_compute", "arguments": {"seconds": 0}});
        let result = plain(&mut client, "tools/call", call);
        assert_eq!(result["result"]["resultType"], "complete");
        let id = client.modern_task("slow_compute", json!({"seconds": 60}));
        let listen = json!({"notifications": {"taskIds": [id]}});
        let update = json!({"taskId": id, "inputResponses": {}});
        for (method, params) in [
            ("tools/call", json!({"name": "failing_job"})),
            ("tasks/get", json!({"taskId": id})),
            ("tasks/cancel", json!({"taskId": id})),
            ("tasks/update", update),
            ("subscriptions/listen", listen),
        ] {
            let error = plain(&mut client, method, params)["error"].take();
            assert_eq!(error["code"], -32021, "{method}");
            let required = &error["data"]["requiredCapabilities"]["extensions"];
            assert_eq!(*required, json!({EXTENSION: {}}));
        }
        for method in ["tasks/list", "tasks/result"] {
            let error = client.ask_modern(method, json!({"taskId": id}));
            assert_eq!(error["error"]["code"], -32601, "{method}");
        }
        let unknown = client.ask_modern("tasks/get", json!({"taskId": "of another instance"}));
        assert_eq!(unknown["error"]["code"], -32602);
    }
}

#[test]
fn listeners_are_told_how_a_task_ends() {
    let mut client = Client::modern_stdio();
    let id = client.modern_task("slow_compute", json!({"seconds": 0.05}));
    let Client::Stdio(mut server, _) = client else {
        unreachable!()
    };
    let listen = json!({"notifications": {"taskIds": [id, "unknown"]}});
    let listen = modern("listen", "subscriptions/listen", listen);
    let mut listen = listen.clone();
    listen["params"] = knowing(listen["params"].take());
    server.send(&listen);
    let acknowledged = server.receive();
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"taskIds": [id]})
    );
    loop {
        let told = server.receive();
        assert_eq!(told["method"], "notifications/tasks");
        let params = &told["params"];
        assert_eq!(params["taskId"], id);
        assert_eq!(
            params["_meta"]["io.modelcontextprotocol/subscriptionId"],
            "listen"
        );
        if params["status"] == "completed" {
            assert!(params["result"]["content"].is_array());
            break;
        }
        assert_eq!(params["status"], "working");
    }
}

#[test]
fn what_is_asked_first_is_known_in_the_task() {
    for mut client in Client::modern() {
        let params = json!({"name": "test_tool_with_task"});
        let first = client.ask_modern("tools/call", params.clone())["result"].take();
        assert_eq!(first["resultType"], "input_required");
        let mut again = params;
        let answer = json!({"action": "accept", "content": {"name": "Ada"}});
        again["inputResponses"] = json!({"user_name": answer});
        let created = client.ask_modern("tools/call", again)["result"].take();
        assert_eq!(created["resultType"], "task", "{created}");
        let id = created["taskId"].as_str().unwrap();
        let task = client.past(id, "working");
        assert_eq!(task["result"]["content"][0]["text"], "Hello, Ada!");
    }
}
