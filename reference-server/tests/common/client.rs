//! Clients that know tasks, over either transport.

use serde_json::{Value, json};

use super::{Http, Stdin, modern, request};

/// `_meta` key: the task that a message belongs to.
pub const RELATED: &str = "io.modelcontextprotocol/related-task";
/// The extension of 2026-07-28.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// A client over either transport, and what else it was sent.
pub enum Client {
    /// Standard input, and what came besides answers.
    Stdio(Box<Stdin>, Vec<Value>),
    /// A session over HTTP: its id and revision.
    Session(Http, String, String),
    /// HTTP without a session.
    Modern(Http),
}

impl Client {
    /// On standard input, after a handshake.
    pub fn stdio(revision: &str) -> Self {
        Self::Stdio(Box::new(Stdin::legacy(revision)), Vec::new())
    }

    /// On standard input, without one.
    pub fn modern_stdio() -> Self {
        Self::Stdio(Box::new(Stdin::start(&[])), Vec::new())
    }

    /// In a session over HTTP.
    pub fn http(revision: &str) -> Self {
        let server = Http::start(&[]);
        let id = server.session(revision);
        Self::Session(server, id, revision.into())
    }

    /// With a session, over each transport.
    pub fn legacy() -> [Self; 2] {
        [Self::stdio("2025-11-25"), Self::http("2025-11-25")]
    }

    /// Without a session, over each transport.
    pub fn modern() -> [Self; 2] {
        [Self::modern_stdio(), Self::Modern(Http::start(&[]))]
    }

    /// Asks and waits for the answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        match self {
            Self::Stdio(server, others) => {
                server.send(&request("ask", method, params));
                answer(server, others, &json!("ask"))
            }
            Self::Session(server, id, revision) => {
                let headers = [
                    ("Mcp-Session-Id", id.as_str()),
                    ("MCP-Protocol-Version", revision.as_str()),
                ];
                let request = request("ask", method, params);
                server.post(&headers, &request).answer()
            }
            Self::Modern(server) => server.modern(method, params).answer(),
        }
    }

    /// A modern request of a client that knows tasks.
    pub fn ask_modern(&mut self, method: &str, params: Value) -> Value {
        let params = modern(1, method, params)["params"].take();
        self.ask(method, knowing(params))
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool as a task of 2025-11-25; returns the task.
    pub fn task(&mut self, tool: &str, arguments: Value, ttl: u64) -> Value {
        let params = json!({"name": tool, "arguments": arguments, "task": {"ttl": ttl}});
        let created = self.ask("tools/call", params)["result"].take();
        let task = &created["task"];
        assert_eq!(task["status"], "working", "{created}");
        assert_eq!(created["_meta"][RELATED]["taskId"], task["taskId"]);
        task.clone()
    }

    /// Calls a tool that becomes a task of 2026-07-28; returns its id.
    pub fn modern_task(&mut self, tool: &str, arguments: Value) -> String {
        let params = json!({"name": tool, "arguments": arguments});
        let created = self.ask_modern("tools/call", params)["result"].take();
        assert_eq!(created["resultType"], "task", "{created}");
        assert_eq!(created["status"], "working");
        created["taskId"].as_str().unwrap().into()
    }

    /// Polls a modern task until its status is no longer `status`.
    pub fn past(&mut self, id: &str, status: &str) -> Value {
        for _ in 0..10_000 {
            let task = self.ask_modern("tasks/get", json!({"taskId": id}))["result"].take();
            assert_eq!(task["resultType"], "complete", "{task}");
            if task["status"] != status {
                return task;
            }
        }
        panic!("{id} stays {status}");
    }
}

/// Reads up to the answer with that id.
pub fn answer(server: &mut Stdin, others: &mut Vec<Value>, id: &Value) -> Value {
    loop {
        let came = server.receive();
        if came["id"] == *id && came.get("method").is_none() {
            return came;
        }
        others.push(came);
    }
}

/// Reads up to the message of that method, unless it has come already.
pub fn told(server: &mut Stdin, others: &mut Vec<Value>, method: &str) -> Value {
    loop {
        if let Some(at) = others.iter().position(|came| came["method"] == method) {
            return others.remove(at);
        }
        others.push(server.receive());
    }
}

/// The parameters of a client that knows tasks.
pub fn knowing(mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"]["extensions"] =
        json!({EXTENSION: {}});
    params
}

/// What a tool said, in revisions with structured content and without.
pub fn said(answer: &Value) -> Value {
    let text = answer["result"]["content"][0]["text"].as_str();
    serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap()
}
