//! What the server offers, in both eras: tools, resources, prompts, completion.

pub mod completion;
pub mod logging;
mod media;
pub mod pagination;
pub mod prompts;
pub mod resources;
pub mod tools;
pub mod wire;

use serde_json::Value;

use crate::context::{Answer, Context};
use crate::jsonrpc::{ErrorObject, Id, MAX_ID_BYTES, Meta, Object, Params};
use crate::tasks;

/// Answers a request that both eras know. What seldom comes is boxed, so that a call takes no room for it: the allocator has
/// more to do for what is over a kilobyte.
pub async fn answer(context: &Context, method: &str, params: &Params) -> Answer {
    match method {
        _ if context.server.offer.lacks_method(method) || context.server.faults.has_no(method) => {
            Err(context.server.faults.unknown_method(method).into())
        }
        "tools/list" => tools::list(context, params),
        "tools/call" => tools::call(context, params).await,
        "resources/list" => resources::list(context, params),
        "resources/templates/list" => resources::templates(context, params),
        "resources/read" => Box::pin(resources::read(context, params)).await,
        "prompts/list" => prompts::list(context, params),
        "prompts/get" => Box::pin(prompts::get(context, params)).await,
        "completion/complete" => completion::complete(context, params),
        _ if method.starts_with("tasks/") => Box::pin(tasks::answer(context, method, params)).await,
        _ => Err(context.server.faults.unknown_method(method).into()),
    }
}

/// A required string parameter.
pub fn string<'a>(params: &'a Object, name: &str) -> Result<&'a str, ErrorObject> {
    let value = params.get(name).and_then(Value::as_str);
    value.ok_or_else(|| ErrorObject::invalid_params(format!("{name} is a required string")))
}

/// An optional object parameter.
fn object<'a>(params: &'a Object, name: &str) -> Result<Option<&'a Object>, ErrorObject> {
    match params.get(name) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(ErrorObject::invalid_params(format!("{name} is an object"))),
    }
}

/// The token under which a request wants to hear of its progress. It has the form of an id.
pub fn progress_token(meta: &Meta) -> Result<Option<Id>, ErrorObject> {
    let token = meta.others.get("progressToken");
    match (token, token.and_then(Id::from_value)) {
        (None, _) => Ok(None),
        (_, Some(Id::String(token))) if token.len() > MAX_ID_BYTES => {
            let error = format!("a progressToken has at most {MAX_ID_BYTES} bytes");
            Err(ErrorObject::invalid_params(error))
        }
        (_, Some(token)) => Ok(Some(token)),
        (Some(_), None) => {
            let error = "a progressToken is a string or an integer";
            Err(ErrorObject::invalid_params(error))
        }
    }
}
