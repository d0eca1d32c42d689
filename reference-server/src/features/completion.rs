//! Completion of prompt arguments and template variables.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/completion>

use serde_json::json;

use super::resources::tables;
use super::{object, prompts, string};
use crate::context::{Answer, Context};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};

/// The protocol's limit for one answer.
const MAX_VALUES: usize = 100;

/// Answers `completion/complete`.
pub fn complete(context: &Context, params: &Object) -> Answer {
    if let Some(made_up) = context.server.faults.make_up_completion(params) {
        return made_up;
    }
    let reference = required(context, params, "ref")?;
    let argument = required(context, params, "argument")?;
    let name = string(argument, "name")?;
    let typed = match string(argument, "value") {
        Err(_) if context.fault(F::CompletionTypesUnchecked) => "",
        typed => typed?,
    };
    if let Some(known) = object(params, "context")? {
        if context.fault(F::CompletionContextRefused) {
            return invalid("context is not understood".into());
        }
        object(known, "arguments")?;
    }
    let candidates = match string(reference, "type")? {
        "ref/prompt" => {
            let prompt = string(reference, "name")?;
            match prompts::find(prompt, context.revision) {
                Some(prompt) if prompt.name == prompts::FAILING => {
                    return Err(context.breakdown(F::CompletionFailureCode).into());
                }
                Some(prompt) => prompt_argument(context, prompt, name),
                None if context.fault(F::CompletionUnknownFound) => Some(Vec::new()),
                None => return invalid(format!("Unknown prompt: {prompt}")),
            }
        }
        "ref/resource" => match string(reference, "uri")? {
            "test://template/{id}/data" => (name == "id").then(numbers),
            "test://greeting/{name}" => (name == "name").then(|| words(&["Ada", "Alan", "Grace"])),
            "test://failing/{reason}" => (name == "reason").then(|| words(&["disk", "network"])),
            tables::TEMPLATE => (name == "name").then(|| context.server.database.tables()),
            uri => return invalid(format!("Unknown resource template: {uri}")),
        },
        other => return invalid(format!("Unknown reference type: {other}")),
    };
    let Some(candidates) = candidates else {
        return invalid(format!("Unknown argument: {name}"));
    };
    let mut values: Vec<String> = candidates;
    values.retain(|value| value.to_lowercase().starts_with(&typed.to_lowercase()));
    let total = values.len();
    if !context.fault(F::CompletionTooMany) {
        values.truncate(MAX_VALUES);
    }
    let completion = json!({"values": values, "total": total, "hasMore": total > MAX_VALUES});
    let mut result = Object::new();
    result.insert("completion".into(), completion);
    Ok(result)
}

fn required<'a>(
    context: &Context,
    params: &'a Object,
    name: &str,
) -> Result<&'a Object, ErrorObject> {
    let missing = || {
        let why = format!("{name} is a required object");
        match context.fault(F::CompletionMissingCode) {
            true => ErrorObject::internal(why),
            false => ErrorObject::invalid_params(why),
        }
    };
    object(params, name)?.ok_or_else(missing)
}

fn invalid(why: String) -> Answer {
    Err(ErrorObject::invalid_params(why).into())
}

fn prompt_argument(
    context: &Context,
    prompt: &prompts::Prompt,
    argument: &str,
) -> Option<Vec<String>> {
    let mut names = prompt.arguments.iter().map(|(name, _)| *name);
    names.find(|name| *name == argument)?;
    Some(match argument {
        "table" => context.server.database.tables(),
        "style" => words(&["casual", "concise", "formal", "friendly"]),
        "resourceUri" => words(&["test://example-resource", "test://static-text"]),
        // More than fit in one answer.
        "arg1" => numbers(),
        _ => words(&["paris", "park", "party"]),
    })
}

fn numbers() -> Vec<String> {
    (1..=150).map(|number: u32| number.to_string()).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
