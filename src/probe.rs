//! Finds out what the server under test speaks and offers, over one transport.
//!
//! Each revision is tried in a session of its own, which afterwards serves as the first shared session of the run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::drive::{Session, Spec};
use crate::host::HostError;
use crate::message;
use crate::profile::{Items, Offer};
use crate::revision::{Era, Revision};
use crate::transcript::{Entry, What};
use crate::transport::is_event_stream;

/// How much longer than the handshakes an answer to `server/discover` may take at least: a legacy server may stay silent.
/// Where the handshakes took longer than this, it may take as long again.
const DISCOVER_GRACE: Duration = Duration::from_secs(2);

/// How long the response to GET is waited for, once everything else was answered.
const GET_PATIENCE: Duration = Duration::from_secs(2);

/// How many pages of a list the probe follows.
const MAX_PAGES: usize = 20;
/// How many tools, resources or prompts the profile keeps.
pub const MAX_ITEMS: usize = 1_000;

/// What became of one revision.
pub enum Probed {
    /// It is spoken; the session is open.
    Spoken(Box<Session>, Box<Offer>, Option<Value>),
    /// The server said no, or offered another revision.
    Refused {
        /// What it said.
        reason: String,
    },
    /// No sensible answer came.
    Failed(Box<Session>),
}

impl Probed {
    /// Whether the server refused the first message by a status of 4xx, or in words: it may speak another transport.
    pub fn is_refusal(&self) -> bool {
        let status = |entry: &Entry| match entry.what {
            What::HttpResponse { status, .. } => Some(status),
            _ => None,
        };
        match self {
            Probed::Spoken(..) => false,
            Probed::Refused { .. } => true,
            Probed::Failed(session) => {
                let first = session.record.entries.iter().find_map(status);
                first.is_some_and(|status| (400..500).contains(&status))
            }
        }
    }

    /// Whether the server opened the event stream of HTTP+SSE, whatever came of it.
    pub fn opened_channel(&self) -> bool {
        match self {
            Probed::Failed(session) => session.has_channel(),
            Probed::Spoken(..) | Probed::Refused { .. } => true,
        }
    }
}

/// Tries these revisions over the transport of the host. `base` gives everything but the revision.
///
/// # Errors
/// Where no connection can be made.
pub async fn probe(
    base: &Spec,
    revisions: &[Revision],
) -> Result<Vec<(Revision, Probed)>, HostError> {
    let spec = |revision| Spec {
        revision,
        ..base.clone()
    };
    let legacy = revisions
        .iter()
        .filter(|revision| revision.era() == Era::Legacy);
    let legacy = async {
        let mut tasks = Vec::new();
        for &revision in legacy {
            tasks.push((revision, tokio::spawn(probe_legacy(spec(revision)))));
        }
        let mut probed = Vec::new();
        for (revision, task) in tasks {
            // A task ends early only if it panicked, which our lints forbid.
            if let Ok(result) = task.await {
                probed.push((revision, result?));
            }
        }
        Ok::<_, HostError>(probed)
    };
    let modern = revisions
        .iter()
        .copied()
        .find(|revision| revision.era() == Era::Modern);
    let Some(modern) = modern else {
        return legacy.await;
    };
    let mut discovering = tokio::spawn(probe_modern(spec(modern)));
    let began = Instant::now();
    let mut probed = legacy.await?;
    let grace = began.elapsed().max(DISCOVER_GRACE);
    let answered = if probed.is_empty() {
        Some((&mut discovering).await)
    } else {
        tokio::time::timeout(grace, &mut discovering).await.ok()
    };
    let result = match answered {
        Some(Ok(result)) => result?,
        _ => {
            discovering.abort();
            Probed::Refused {
                reason: "server/discover was not answered".to_owned(),
            }
        }
    };
    probed.push((modern, result));
    Ok(probed)
}

async fn probe_legacy(spec: Spec) -> Result<Probed, HostError> {
    let revision = spec.revision;
    let mut session = Session::connect(spec).await?;
    let opened = session.open().await;
    let answer = session
        .record
        .conversation
        .exchanges
        .iter()
        .find(|exchange| exchange.method.as_deref() == Some("initialize"))
        .and_then(|exchange| session.answer_to(exchange.sent))
        .cloned();
    let version = answer
        .as_ref()
        .and_then(|answer| answer.pointer("/result/protocolVersion"));
    if !opened {
        return Ok(
            match (
                version.and_then(Value::as_str),
                answer.as_ref().and_then(|answer| answer.get("error")),
            ) {
                (Some(other), _) if other != revision.as_str() => {
                    let reason = format!("it offered {other} instead");
                    session.close().await;
                    Probed::Refused { reason }
                }
                (_, Some(error)) => {
                    let reason = format!("it refused initialize: {error}");
                    session.close().await;
                    Probed::Refused { reason }
                }
                _ => {
                    session.hear_out().await;
                    Probed::Failed(Box::new(session))
                }
            },
        );
    }
    let result = answer
        .and_then(|answer| answer.get("result").cloned())
        .unwrap_or_default();
    let capabilities = result
        .get("capabilities")
        .map(message::shallow)
        .unwrap_or_else(|| json!({}));
    let offer = look_around(&mut session, capabilities).await;
    Ok(Probed::Spoken(
        Box::new(session),
        Box::new(offer),
        result.get("serverInfo").map(message::shallow),
    ))
}

async fn probe_modern(spec: Spec) -> Result<Probed, HostError> {
    let revision = spec.revision;
    let mut session = Session::connect(spec).await?;
    session.open().await;
    let sent = session.ask("server/discover", None).await;
    let answer = session.answer_to(sent).cloned();
    let Some(result) = answer.as_ref().and_then(|answer| answer.get("result")) else {
        let error = answer.as_ref().and_then(|answer| answer.get("error"));
        let reason = match error {
            Some(error) => format!("it refused server/discover: {error}"),
            None => "server/discover got no JSON-RPC answer".to_owned(),
        };
        session.close().await;
        return Ok(Probed::Refused { reason });
    };
    // A result without a list of versions is wrong, and will be judged: it refuses nothing.
    let versions = result.get("supportedVersions").cloned().unwrap_or_default();
    if versions
        .as_array()
        .is_some_and(|versions| !versions.contains(&json!(revision.as_str())))
    {
        session.close().await;
        return Ok(Probed::Refused {
            reason: format!("it supports {versions} only"),
        });
    }
    let capabilities = result
        .get("capabilities")
        .map(message::shallow)
        .unwrap_or_else(|| json!({}));
    let server = result
        .pointer("/_meta/io.modelcontextprotocol~1serverInfo")
        .map(message::shallow);
    let offer = look_around(&mut session, capabilities).await;
    Ok(Probed::Spoken(Box::new(session), Box::new(offer), server))
}

/// Lists what is declared.
async fn look_around(session: &mut Session, capabilities: Value) -> Offer {
    let declares = |name: &str| capabilities.get(name).is_some_and(|value| !value.is_null());
    let mut offer = Offer {
        revision: session.spec.revision,
        transport: session.spec.transport(),
        tools: Items::default(),
        resources: Items::default(),
        templates: Items::default(),
        prompts: Items::default(),
        completes: false,
        session_id: session.has_session_id(),
        get_stream: false,
        capabilities: capabilities.clone(),
    };
    if declares("tools") {
        offer.tools = list(session, "tools/list", "tools").await;
        session.spec.tools = offer.tools.clone();
    }
    if declares("resources") {
        offer.resources = list(session, "resources/list", "resources").await;
        offer.templates = list(session, "resources/templates/list", "resourceTemplates").await;
    }
    if declares("prompts") {
        offer.prompts = list(session, "prompts/list", "prompts").await;
    }
    // 2024-11-05 knows completion, but no capability that declares it.
    if session.spec.revision == Revision::V2024_11_05 && !offer.prompts.is_empty() {
        offer.completes = completes(session, &offer).await;
    }
    offer.get_stream = opens_get_stream(session).await;
    offer
}

/// What a list has, as far as it goes within reason.
async fn list(session: &mut Session, method: &str, member: &str) -> Items {
    let mut items = Vec::new();
    let mut params = None;
    for _ in 0..MAX_PAGES {
        let sent = session.ask(method, params).await;
        let Some(result) = session
            .answer_to(sent)
            .and_then(|answer| answer.get("result"))
        else {
            break;
        };
        let room = MAX_ITEMS - items.len();
        items.extend(
            message::items(result, member)
                .take(room)
                .map(message::shallow),
        );
        let cursor = message::next_cursor(result).map(str::to_owned);
        // A page may be megabytes, and many sessions list at the same time.
        session.record.forget();
        match cursor {
            Some(cursor) if items.len() < MAX_ITEMS => params = Some(json!({ "cursor": cursor })),
            _ => break,
        }
    }
    items.into()
}

async fn completes(session: &mut Session, offer: &Offer) -> bool {
    let named = offer.prompts.iter().find_map(|prompt| {
        Some((
            prompt.get("name")?.clone(),
            prompt.pointer("/arguments/0/name")?.clone(),
        ))
    });
    let Some((prompt, argument)) = named else {
        return false;
    };
    let params = json!({
        "ref": { "type": "ref/prompt", "name": prompt },
        "argument": { "name": argument, "value": "" },
    });
    let sent = session.ask("completion/complete", Some(params)).await;
    session
        .answer_to(sent)
        .is_some_and(|answer| answer.get("result").is_some())
}

/// Whether GET opens a stream. Without a response to it, it does: a server may wait for the first event before it says
/// anything.
async fn opens_get_stream(session: &mut Session) -> bool {
    let is_get = |what: &What| matches!(what, What::HttpRequest { method, .. } if method == "GET");
    let mut asked = session.record.entries.iter();
    let Some(stream) = asked
        .find(|entry| is_get(&entry.what))
        .map(|entry| entry.stream)
    else {
        return false;
    };
    match session.response_head(stream, GET_PATIENCE).await {
        Some((status, headers)) => status == 200 && is_event_stream(headers),
        None => true,
    }
}
