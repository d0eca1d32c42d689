//! Answers what the other side asks, from a table: a chatty server must not be mistaken for a broken one.

use serde_json::{Value, json};

use super::{Session, is_request};
use crate::message;
use crate::revision::Era;

impl Session {
    /// Answers the requests that came since the last time.
    pub(super) fn reply_to_requests(&mut self) {
        // Before it is known where to post, the answers wait.
        while let (true, Some(&index)) = (
            self.is_connected(),
            self.record.conversation.initiated.get(self.replied),
        ) {
            self.replied += 1;
            // A modern client writes no responses at all.
            if self.spec.era() == Era::Modern {
                continue;
            }
            let Some(document) = self.record.entries[index].json().cloned() else {
                continue;
            };
            for request in message::messages(&document)
                .iter()
                .filter(|message| is_request(message))
            {
                let Some(mut response) = self.reply(request) else {
                    continue;
                };
                response["jsonrpc"] = json!("2.0");
                response["id"] = request["id"].clone();
                let outbound = self.outbound(response, None);
                self.send(outbound);
            }
        }
    }

    /// The response without its id; none if the case wants none.
    fn reply(&self, request: &Value) -> Option<Value> {
        let method = request
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(reply) = self.replies.get(method) {
            return reply.clone();
        }
        let declared = |capability: &str| self.spec.client.get(capability).is_some();
        Some(match method {
            "ping" => json!({ "result": {} }),
            "roots/list" if declared("roots") => json!({ "result": { "roots": [] } }),
            "sampling/createMessage" if declared("sampling") => json!({ "result": {
                "role": "assistant",
                "content": { "type": "text", "text": "A reply from mcp-conform." },
                "model": "mcp-conform",
                "stopReason": "endTurn",
            } }),
            "elicitation/create" if declared("elicitation") => {
                json!({ "result": { "action": "decline" } })
            }
            _ => json!({ "error": { "code": -32601, "message": "Method not found" } }),
        })
    }
}
