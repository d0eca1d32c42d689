//! Faults in the envelope of what is sent, and in how it is written down.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::results::remove;
use super::{F, Faults};
use crate::jsonrpc::{ErrorObject, Object, Reply};
use crate::revision::Revision;

/// Most messages are not longer, in bytes.
const SHORT: usize = 512;

impl Faults {
    /// A message as bytes.
    pub fn encode(&self, message: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SHORT);
        // A message has nothing that JSON cannot say.
        let _ = serde_json::to_writer(&mut bytes, message);
        bytes
    }

    /// A message as an event.
    pub fn spoil_event(&self, event: Bytes) -> Bytes {
        if self.has(F::EventsMalformed) {
            let cut = event.len().saturating_sub(3);
            return [&event[..cut], b"\n\n"].concat().into();
        }
        if self.has(F::EventsSplit) {
            let text = String::from_utf8_lossy(&event);
            return text.replace('\u{2028}', "\n\n").into();
        }
        event
    }

    /// A message as a line of standard output.
    pub fn encode_line(&self, message: &impl Serialize) -> Vec<u8> {
        let mut line = self.encode(message);
        line.push(b'\n');
        if self.any {
            self.spoil_line(&json!(message), &mut line);
        }
        line
    }

    fn spoil_line(&self, message: &Value, line: &mut Vec<u8>) {
        if message.as_object().is_some_and(opens) {
            return;
        }
        if self.has(F::PrettyPrinted) {
            *line = format!("{message:#}\n").into_bytes();
        }
        let answer = message.get("method").is_none();
        if self.has(F::LogOnStdout) && answer {
            line.splice(0..0, *b"INFO answering a request\n");
        }
        if self.has(F::NoNewline) && answer {
            line.pop();
            line.extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"same line"}}"#);
            line.push(b'\n');
        }
        if self.has(F::InvalidUtf8Sent)
            && let Some(text) = find(line, b"a")
        {
            line[text] = 0xE9;
        }
        if self.has(F::AnswerTwice) && answer {
            line.extend_from_within(..);
        }
    }

    /// The error for a method that does not exist.
    pub fn unknown_method(&self, method: &str) -> ErrorObject {
        if self.has(F::DiesOnUnknownMethod) {
            die();
        }
        ErrorObject::method_not_found(method)
    }

    /// The answer to something that is no message.
    pub fn spoil_rejection(&self, reply: &mut Reply) {
        if !self.any {
            return;
        }
        let message = reply.message_mut();
        let text = message["error"]["message"].as_str();
        if self.has(F::BatchEmptyAccepted) && text.is_some_and(|text| text.contains("empty batch"))
        {
            *message = json!([]);
            return;
        }
        let parse = message["error"]["code"] == -32700;
        if parse && self.has(F::ParseErrorCode) || !parse && self.has(F::InvalidRequestCode) {
            message["error"]["code"] = (-32603).into();
        }
        if parse && self.has(F::ParseErrorId) {
            message["id"] = 1.into();
        }
        self.spoil_error(message);
    }

    /// The answer to a request.
    pub fn spoil_reply(&self, method: &str, revision: Revision, reply: &mut Reply) {
        if !self.any {
            return;
        }
        if self.has(F::ServerInfoMissing) {
            reply.server_info = None;
        }
        self.spoil_code(method, revision, reply);
        let message = reply.message_mut();
        self.spoil_error(message);
        let Some(message) = message.as_object_mut() else {
            return;
        };
        // A server that cannot even be opened shows nothing else.
        if opens(message) {
            return;
        }
        if self.has(F::WrongId) {
            message.insert("id".into(), "nobody-sent-this".into());
        }
        if self.has(F::IdStringified)
            && let Some(id) = message.get("id").filter(|id| id.is_number())
        {
            let text = id.to_string();
            message.insert("id".into(), text.into());
        }
        if self.has(F::IdMissing) {
            message.shift_remove("id");
        }
        if self.has(F::JsonrpcMissing) {
            message.shift_remove("jsonrpc");
        }
        if self.has(F::JsonrpcWrong) {
            message.insert("jsonrpc".into(), "1.0".into());
        }
        if self.has(F::ResultAndError) {
            let error = json!({"code": -32603, "message": "and an error, too"});
            message.entry("error").or_insert(error);
            message.entry("result").or_insert(json!({}));
        }
        if self.has(F::ResultNeither) {
            message.shift_remove("result");
            message.shift_remove("error");
        }
        if self.has(F::RequestForAnswer) {
            ask_instead(message);
        }
        if self.has(F::ErrorAsResult)
            && let Some(error) = message.shift_remove("error")
        {
            message.insert("result".into(), json!({"error": error}));
        }
    }

    fn spoil_code(&self, method: &str, revision: Revision, reply: &mut Reply) {
        let Err(error) = &mut reply.outcome else {
            return;
        };
        let unknown_tool = method == "tools/call" && error.message.starts_with("Unknown tool");
        if unknown_tool && revision.is_modern() {
            if self.has(F::ReservedCode) {
                error.code = -32050;
            }
            if self.has(F::RetiredCode) {
                error.code = -32042;
            }
            if self.has(F::OwnCodeInside) {
                error.code = -32500;
            }
        }
        let without = |member: &str, data: &mut Option<Value>| {
            if let Some(data) = data {
                remove(data, member);
            }
        };
        match error.code {
            -32601 => {
                if self.has(F::UnknownMethodStatus) {
                    reply.status = 200;
                }
                if self.has(F::UnknownMethodCode) {
                    error.code = -32603;
                }
                if self.has(F::UnknownMethodSucceeds) {
                    let mut result = Object::new();
                    result.insert("resultType".into(), "complete".into());
                    reply.outcome = Ok(result);
                    reply.status = 200;
                }
            }
            -32022 => {
                self.count();
                if self.has(F::UnsupportedVersionData) {
                    without("supported", &mut error.data);
                }
                if self.has(F::UnsupportedVersionRequested) {
                    without("requested", &mut error.data);
                }
                if self.has(F::UnsupportedVersionCode) {
                    error.code = -32602;
                }
                if self.has(F::UnsupportedVersionStatus) {
                    reply.status = 200;
                }
            }
            -32021 => {
                if self.has(F::MissingCapabilityCode) {
                    error.code = -32603;
                }
                if self.has(F::MissingCapabilityData) {
                    error.data = None;
                }
                if self.has(F::MissingCapabilityStatus) {
                    reply.status = 200;
                }
            }
            -32602 if self.has(F::InvalidParamsCode) => error.code = -32603,
            -32602 if reply.status == 400 && self.has(F::MetaStatus) => reply.status = 200,
            _ => {}
        }
    }

    fn spoil_error(&self, message: &mut Value) {
        let Some(error) = message.get_mut("error").and_then(Value::as_object_mut) else {
            return;
        };
        if self.has(F::ErrorCodeString) {
            error.insert("code".into(), "-32603".into());
        }
        if self.has(F::ErrorCodeFraction) {
            error.insert("code".into(), (-32603.5).into());
        }
        if self.has(F::ErrorMessageMissing) {
            error.shift_remove("message");
        }
    }
}

/// Whether it is the answer to `initialize` or `server/discover`.
fn opens(message: &Object) -> bool {
    message
        .get("result")
        .is_some_and(|result| result.get("capabilities").is_some())
}

/// Makes a result that asks for input the first request that it carries.
fn ask_instead(message: &mut Object) {
    let questions = message
        .get_mut("result")
        .map(|result| result["inputRequests"].take());
    if let Some(Value::Object(questions)) = questions
        && let Some((key, Value::Object(question))) = questions.into_iter().next()
    {
        *message = question;
        message.insert("jsonrpc".into(), "2.0".into());
        message.insert("id".into(), key.into());
    }
}

/// Where `wanted` begins.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// What a crash looks like from outside.
pub fn die() -> ! {
    std::process::exit(101)
}
