//! A step as it is written in a case file: flat, with one verb among its fields.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::case::{Action, Call, Expectation, HttpStep, Step, Tolerance};

/// The fields of a step in JSON.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<IpAddr>,
    #[serde(rename = "await", skip_serializing_if = "Option::is_none")]
    await_: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hear: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settle: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<Vec<Step>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<bool>,

    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    bare: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    invalid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    newline: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    never: bool,

    #[serde(skip_serializing_if = "Option::is_none")]
    expect: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expect_status: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expect_headers: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expect_body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expect_notifications: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tolerate: Vec<Tolerance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_status: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_notifications: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    save: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirement: Option<String>,
}

impl TryFrom<Written> for Step {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Step, String> {
        let action = written.take_action()?;
        Ok(Step {
            action,
            identity: written.identity.take(),
            expect: written.into_expectation(),
        })
    }
}

impl Written {
    fn take_action(&mut self) -> Result<Action, String> {
        let mut found: Vec<Action> = Vec::new();
        if let Some(method) = self.request.take() {
            let call = self.call(method);
            found.push(match self.start.take() {
                Some(name) => Action::Start { name, call },
                None => Action::Request(call),
            });
        }
        if let Some(method) = self.notify.take() {
            found.push(Action::Notify(self.call(method)));
        }
        if let Some(message) = self.send.take() {
            found.push(Action::Send {
                message,
                headers: std::mem::take(&mut self.headers),
            });
        }
        if let Some(bytes) = self.bytes.take() {
            let newline = self.newline.unwrap_or(true);
            found.push(Action::Bytes {
                bytes,
                newline,
                headers: std::mem::take(&mut self.headers),
            });
        }
        found.extend(self.http.take().map(Action::Http));
        if let Some(address) = self.connect.take() {
            if !address.is_loopback() {
                return Err("`connect` needs a loopback address".to_owned());
            }
            found.push(Action::Connect { address });
        }
        if let Some(name) = self.await_.take() {
            found.push(Action::Await {
                name,
                until: self.until.take(),
            });
        }
        found.extend(self.cancel.take().map(|name| Action::Cancel { name }));
        if let Some(method) = self.reply.take() {
            found.push(Action::Reply {
                method,
                reply: self.take_reply()?,
            });
        }
        found.extend(self.hear.take().map(|pattern| Action::Hear { pattern }));
        found.extend(self.quiet.take().map(|pattern| Action::Quiet { pattern }));
        if let Some(method) = self.pages.take() {
            let items = self.items.take().ok_or("`pages` needs `items`")?;
            let params = self
                .params
                .take()
                .unwrap_or_else(|| Value::Object(Map::new()));
            found.push(Action::Pages {
                method,
                items,
                params,
            });
        }
        found.extend(self.together.take().map(Action::Together));
        let flags = [
            (self.settle.take(), Action::Settle),
            (self.alive.take(), Action::Alive),
            (self.reconnect.take(), Action::Reconnect),
            (self.close.take(), Action::Close),
            (self.opening.take(), Action::Opening),
        ];
        found.extend(
            flags
                .into_iter()
                .filter(|(flag, _)| *flag == Some(true))
                .map(|(_, action)| action),
        );
        match (found.pop(), found.is_empty()) {
            (Some(action), true) => Ok(action),
            (Some(_), false) => Err("a step has one verb only".to_owned()),
            (None, _) => Err("a step needs a verb: request, notify, send, bytes, http, connect, start, await, cancel, reply, \
                 hear, quiet, settle, pages, together, alive, reconnect, close or opening"
                .to_owned()),
        }
    }

    fn call(&mut self, method: String) -> Call {
        Call {
            method,
            params: self.params.take(),
            headers: std::mem::take(&mut self.headers),
            bare: self.bare,
            invalid: self.invalid,
        }
    }

    fn take_reply(&mut self) -> Result<Option<Value>, String> {
        match (self.result.take(), self.error.take(), self.never) {
            (Some(result), None, false) => Ok(Some(serde_json::json!({ "result": result }))),
            (None, Some(error), false) => Ok(Some(serde_json::json!({ "error": error }))),
            (None, None, true) => Ok(None),
            _ => Err("`reply` needs one of `result`, `error` and `never`".to_owned()),
        }
    }

    fn into_expectation(self) -> Expectation {
        Expectation {
            answer: self.expect,
            status: self.expect_status,
            headers: self.expect_headers,
            body: self.expect_body,
            notifications: self.expect_notifications,
            tolerate: self.tolerate,
            given: self.given,
            given_status: self.given_status,
            given_notifications: self.given_notifications,
            save: self.save,
            requirement: self.requirement,
        }
    }
}

impl From<Step> for Written {
    fn from(step: Step) -> Written {
        let expect = step.expect;
        let mut written = Written {
            identity: step.identity,
            expect: expect.answer,
            expect_status: expect.status,
            expect_headers: expect.headers,
            expect_body: expect.body,
            expect_notifications: expect.notifications,
            tolerate: expect.tolerate,
            given: expect.given,
            given_status: expect.given_status,
            given_notifications: expect.given_notifications,
            save: expect.save,
            requirement: expect.requirement,
            ..Written::default()
        };
        written.put_action(step.action);
        written
    }
}

impl Written {
    fn put_action(&mut self, action: Action) {
        match action {
            Action::Request(call) => self.request = Some(self.put_call(call)),
            Action::Start { name, call } => {
                self.start = Some(name);
                self.request = Some(self.put_call(call));
            }
            Action::Notify(call) => self.notify = Some(self.put_call(call)),
            Action::Send { message, headers } => {
                self.send = Some(message);
                self.headers = headers;
            }
            Action::Bytes {
                bytes,
                newline,
                headers,
            } => {
                self.bytes = Some(bytes);
                self.newline = (!newline).then_some(false);
                self.headers = headers;
            }
            Action::Http(http) => self.http = Some(http),
            Action::Connect { address } => self.connect = Some(address),
            Action::Await { name, until } => {
                self.await_ = Some(name);
                self.until = until;
            }
            Action::Cancel { name } => self.cancel = Some(name),
            Action::Reply { method, reply } => {
                self.reply = Some(method);
                self.never = reply.is_none();
                let member = |name| reply.as_ref().and_then(|reply| reply.get(name)).cloned();
                (self.result, self.error) = (member("result"), member("error"));
            }
            Action::Hear { pattern } => self.hear = Some(pattern),
            Action::Quiet { pattern } => self.quiet = Some(pattern),
            Action::Settle => self.settle = Some(true),
            Action::Pages {
                method,
                items,
                params,
            } => {
                self.pages = Some(method);
                self.items = Some(items);
                self.params =
                    Some(params).filter(|params| params.as_object().is_some_and(|p| !p.is_empty()));
            }
            Action::Together(steps) => self.together = Some(steps),
            Action::Alive => self.alive = Some(true),
            Action::Reconnect => self.reconnect = Some(true),
            Action::Close => self.close = Some(true),
            Action::Opening => self.opening = Some(true),
        }
    }

    fn put_call(&mut self, call: Call) -> String {
        self.params = call.params;
        self.headers = call.headers;
        self.bare = call.bare;
        self.invalid = call.invalid;
        call.method
    }
}
