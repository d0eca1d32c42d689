//! Inputs as steps of a case, and back.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Input;
use super::ids::FIRST_ID;
use super::repeat;
use super::together::Part;
use crate::catalog::case::{Action, Call, HttpStep, Step};
use crate::drive::{ENDPOINT, LEFT_OUT, PATH_WITH_TOKEN, SESSION, Shot};
use crate::revision::Era;
use crate::transcript::StepRef;
use crate::transport::HttpRequest;
use crate::value::{read_bytes, written_bytes};

/// The name of a request whose connection is closed.
const ABORTED: &str = "aborted";

impl Input {
    /// The same as steps, each with what it sends; the number is that of the input.
    pub(super) fn parts((input, number): (&Input, u16)) -> Vec<Part> {
        let replies = input.replies.iter().map(|(method, reply)| Action::Reply {
            method: method.clone(),
            reply: Some(reply.clone()),
        });
        let mut all: Vec<_> = replies.map(|action| (None, Step::plain(action))).collect();
        for (number, shot) in input.shots.iter().enumerate() {
            let steps = match repeat::step(shot) {
                Some(step) => vec![step],
                None => steps(shot),
            };
            all.extend(steps.into_iter().map(|step| (Some(number), step)));
        }
        repeat::save(&input.shots, &mut all);
        if input.ends_session() {
            all.push((None, Step::plain(Action::Reconnect)));
        }
        let waits = |shot: usize| {
            let before = shot.checked_sub(1).map(|before| &input.shots[before]);
            input.shots[shot].waits(before)
        };
        let mut last = None;
        let parts = all.into_iter().map(|(shot, step)| Part {
            waits: shot != last.replace(shot).flatten() && shot.is_some_and(waits),
            sends: shot.map(|shot| StepRef(number, u16::try_from(shot).unwrap_or(u16::MAX))),
            step,
        });
        parts.collect()
    }

    /// What steps of a case send; none where they do anything else, or wait where an input does not.
    pub(in crate::fuzz) fn of_steps(steps: &[Step]) -> Option<Input> {
        let mut shots: Vec<Shot> = Vec::new();
        let mut replies = BTreeMap::new();
        let mut saved = BTreeMap::new();
        let mut first: Option<Bytes> = None;
        let sent = steps.iter().filter(|step| !is_fence(step));
        for step in sent.flat_map(together) {
            saved.extend(step.expect.save.clone());
            match (&step.action, first.take()) {
                (Action::Cancel { .. } | Action::Reconnect, None) => {}
                (Action::Reply { method, reply }, None) => {
                    replies.insert(method.clone(), reply.clone()?);
                }
                (Action::Send { message, headers }, None) => {
                    shots.push(repeat::shot(
                        message,
                        headers,
                        step.identity.as_ref(),
                        &saved,
                    )?);
                }
                // A line in two writes.
                (Action::Bytes { bytes, newline, .. }, None) if !newline => {
                    first = Some(read_bytes(bytes)?);
                }
                (_, None) => shots.push(shot(step)?),
                (_, Some(first)) => shots.push(joined(&first, shot(step)?)?),
            }
        }
        let input = Input {
            generator: "replay",
            shots,
            replies,
            ..Input::default()
        };
        let again = Input::steps(std::slice::from_ref(&input), |_, _| {});
        (first.is_none() && at_once(steps) == at_once(&again)).then_some(input)
    }
}

fn joined(first: &Bytes, second: Shot) -> Option<Shot> {
    match second {
        Shot::Message {
            bytes,
            headers,
            identity,
            ..
        } => Some(Shot::Message {
            bytes: [&first[..], &bytes[..]].concat().into(),
            split: Some(first.len()),
            headers,
            identity,
        }),
        Shot::Http(_) | Shot::Aborted(_) => None,
    }
}

fn steps(shot: &Shot) -> Vec<Step> {
    let piece = |bytes: &[u8], newline, headers: &Map<String, Value>| Action::Bytes {
        bytes: written_bytes(bytes),
        newline,
        headers: headers.clone(),
    };
    let actions = match shot {
        Shot::Message {
            bytes,
            split: Some(at),
            headers,
            ..
        } if *at < bytes.len() => vec![
            piece(&bytes[..*at], false, headers),
            piece(&bytes[*at..], true, headers),
        ],
        Shot::Message { bytes, headers, .. } => vec![piece(bytes, true, headers)],
        Shot::Aborted(bytes) => aborted(bytes),
        Shot::Http(request) => vec![Action::Http(exchange(request))],
    };
    let identity = match shot {
        Shot::Message { identity, .. } => identity.clone(),
        Shot::Http(_) | Shot::Aborted(_) => None,
    };
    let step = |action| Step {
        identity: identity.clone(),
        ..Step::plain(action)
    };
    actions.into_iter().map(step).collect()
}

/// Whether a step asks what the fence asks behind every input.
fn is_fence(step: &Step) -> bool {
    match &step.action {
        Action::Alive => true,
        Action::Request(call) => [Era::Legacy, Era::Modern]
            .iter()
            .any(|era| era.alive_method() == call.method),
        _ => false,
    }
}

/// How many steps go out at once, one time after the other.
fn at_once(steps: &[Step]) -> Vec<usize> {
    let steps = steps.iter().filter(|step| !is_fence(step));
    steps.map(|step| together(step).len()).collect()
}

/// The steps that go out with it.
fn together(step: &Step) -> &[Step] {
    match &step.action {
        Action::Together(steps) => steps,
        _ => std::slice::from_ref(step),
    }
}

/// A request that is cancelled at once, which closes its connection where that is how requests are cancelled.
fn aborted(bytes: &[u8]) -> Vec<Action> {
    let message: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return Vec::new();
    };
    let call = Call {
        method: method.to_owned(),
        params: message.get("params").cloned(),
        headers: Map::new(),
        bare: false,
        invalid: true,
    };
    let name = || ABORTED.to_owned();
    vec![
        Action::Start { name: name(), call },
        Action::Cancel { name: name() },
    ]
}

fn exchange(request: &HttpRequest) -> HttpStep {
    let header = |(name, value): &(String, String)| {
        let value = match value.as_str() {
            SESSION => json!({ "$var": "session" }),
            LEFT_OUT => omitted(),
            value => json!(value),
        };
        (name.clone(), value)
    };
    let path = request
        .path
        .as_ref()
        .map(|path| match path.strip_prefix(ENDPOINT) {
            Some(rest) => json!({ "$concat": [{ "$var": "endpoint" }, rest] }),
            None if path == PATH_WITH_TOKEN => json!({ "$var": "path-with-token" }),
            None => json!(path),
        });
    HttpStep {
        method: request.method.clone(),
        path,
        headers: request.headers.iter().map(header).collect(),
        body: (!request.body.is_empty()).then(|| written_bytes(&request.body)),
    }
}

/// How an exchange says that it goes without a header that all others have.
fn omitted() -> Value {
    json!({ "$omit": true })
}

fn shot(step: &Step) -> Option<Shot> {
    match &step.action {
        Action::Start { call, .. } => {
            let message = json!({
                "jsonrpc": "2.0",
                "id": FIRST_ID,
                "method": call.method,
                "params": call.params.clone().unwrap_or_else(|| json!({})),
            });
            Some(Shot::Aborted(message.to_string().into()))
        }
        Action::Bytes {
            bytes,
            headers,
            newline: true,
        } => Some(Shot::Message {
            bytes: read_bytes(bytes)?,
            split: None,
            headers: headers.clone(),
            identity: step.identity.clone(),
        }),
        // Whoever else is asking, it is by a message.
        Action::Http(http) if step.identity.is_none() => request(http).map(Shot::Http),
        _ => None,
    }
}

fn request(http: &HttpStep) -> Option<HttpRequest> {
    let header = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            value if *value == omitted() => LEFT_OUT.to_owned(),
            value => (*value == json!({ "$var": "session" })).then(|| SESSION.to_owned())?,
        };
        Some((name.clone(), value))
    };
    let path = |path: &Value| match path {
        Value::String(path) => Some(path.clone()),
        path if *path == json!({ "$var": "path-with-token" }) => Some(PATH_WITH_TOKEN.to_owned()),
        path => Some(format!(
            "{ENDPOINT}{}",
            path.pointer("/$concat/1")?.as_str()?
        )),
    };
    Some(HttpRequest {
        replica: 0,
        method: http.method.clone(),
        path: match &http.path {
            Some(written) => Some(path(written)?),
            None => None,
        },
        headers: http.headers.iter().map(header).collect::<Option<_>>()?,
        body: match &http.body {
            Some(body) => read_bytes(body)?,
            None => Bytes::new(),
        },
    })
}
