//! Batches, which only 2025-03-26 has: several messages in one array, and several answers.
//!
//! <https://modelcontextprotocol.io/specification/2025-03-26/basic/index#batching>

use std::sync::Arc;

use super::Session;
use crate::auth::Caller;
use crate::context::Outlet;
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Message, Rejection, Reply};
use crate::work::Work;

/// Works on a batch (2025-03-26): one array of answers, or none if nothing asked for one.
pub fn batch(
    session: &Arc<Session>,
    messages: Vec<Result<Message, Rejection>>,
    caller: &Arc<Caller>,
    outlet: &Arc<dyn Outlet>,
) -> Option<Work> {
    let faults = &session.server.faults;
    let invalid = messages.iter().any(Result::is_err);
    if invalid && faults.has(F::BatchStopsAtInvalid) {
        let error = ErrorObject::invalid_request("the batch has an invalid member");
        return Some(Box::pin(async { Reply::error(None, error) }));
    }
    let mut answers: Vec<Work> = Vec::new();
    for message in messages {
        match message {
            Ok(Message::Request { id, method, .. }) if method == "initialize" => {
                let error = ErrorObject::invalid_request("initialize cannot be part of a batch");
                answers.push(Box::pin(async move { Reply::error(Some(&id), error) }));
            }
            Ok(Message::Request { id, method, params }) => {
                let (caller, outlet) = (Arc::clone(caller), Arc::clone(outlet));
                answers.push(session.work(id, method, params, caller, outlet));
            }
            Ok(Message::Notification { method, params }) => session.notified(&method, &params),
            Ok(Message::Response { id, outcome }) => session.answered(&id, outcome),
            Err(rejection) if rejection.response => {}
            Err(Rejection { id, error, .. }) => {
                answers.push(Box::pin(async move { Reply::error(id.as_ref(), *error) }));
            }
        }
    }
    if answers.is_empty() && !faults.has(F::BatchNotificationsAnswered) {
        return None;
    }
    Some(Box::pin(async move {
        let replies = futures_util::future::join_all(answers).await;
        Reply::batch(&replies)
    }))
}
