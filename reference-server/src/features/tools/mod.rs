//! Tools: listing them, and calling them with checked arguments.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/tools>

mod asking;
mod catalog;
mod consulting;
mod database;
mod headers;
pub mod jobs;
mod more;
mod pages;
mod plain;
mod schemas;
mod working;

pub use headers::mirrored;
pub use pages::Visit;

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{object, pagination, string, wire};
use crate::context::{Answer, Context, Failure};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};
use crate::offer::Feature;
use crate::revision::Revision;
use crate::tasks::{self, Mode, Support};
use catalog::Catalog;

/// Two pages in every revision.
const TOOLS_PER_PAGE: usize = 12;

/// Runs a tool with checked arguments.
type Run = for<'a> fn(&'a Context, &'a Object) -> BoxFuture<'a, Answer>;

/// A tool as this server knows it.
pub struct Tool {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The first revision that has it.
    since: Revision,
    input_schema: Value,
    /// Whether an argument is mirrored in a header.
    has_mirrored: bool,
    output_schema: Option<Value>,
    annotations: Value,
    tasks: Support,
    /// Runs before the call becomes a task; what it returns goes into the arguments.
    first: Option<Run>,
    run: Run,
}

/// The tool of that name, if the revision has it.
pub fn find(name: &str, revision: Revision) -> Option<&'static Tool> {
    Catalog::get()
        .find(name)
        .filter(|tool| revision >= tool.since)
}

/// The tool that a client of this server means.
fn find_here(name: &str, context: &Context) -> Option<&'static Tool> {
    let name = more::stands_for(name, context).unwrap_or(name);
    find(name, context.revision).filter(|tool| {
        let is_listed = |limit| {
            known(context.revision)
                .take(limit)
                .any(|known| known.name == tool.name)
        };
        context.server.offer.tools.is_none_or(is_listed)
    })
}

/// The tools that a revision has, in the order of the list.
fn known(revision: Revision) -> impl Iterator<Item = &'static Tool> {
    let tools = Catalog::get().tools();
    tools.filter(move |tool| revision >= tool.since)
}

/// Answers `tools/list`.
pub fn list(context: &Context, params: &Object) -> Answer {
    let known: Vec<&Tool> = known(context.revision).collect();
    let item = |index: usize| {
        let mut item = match known.get(index) {
            Some(tool) => listed(tool, context),
            None => more::listed(index, context),
        };
        if index == 0 {
            wire::adorn(std::slice::from_mut(&mut item), context);
        }
        item
    };
    let offer = &context.server.offer;
    let count = offer.tools.unwrap_or(known.len());
    let size = offer.tools_per_page.unwrap_or(TOOLS_PER_PAGE);
    pagination::page_of(context, params, "tools", count, size, item)
}

/// A tool as a list has it.
fn listed(tool: &Tool, context: &Context) -> Value {
    let mut item = json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    });
    if let Some(schema) = &tool.output_schema {
        item["outputSchema"] = schema.clone();
    }
    item["annotations"] = tool.annotations.clone();
    let has_tasks = context.server.offer.has(Feature::Tasks) && tool.tasks != Support::Forbidden;
    if context.revision == Revision::V2025_11_25 && has_tasks {
        item["execution"] = json!({"taskSupport": tool.tasks.as_str()});
    }
    wire::listed(item, context.revision)
}

/// Answers `tools/call`.
pub async fn call(context: &Context, params: &Object) -> Answer {
    context.server.faults.delay_tool().await;
    let name = match string(params, "name") {
        Err(_) if context.fault(F::ToolCallUnchecked) => return Ok(text("done")),
        Err(_) if context.fault(F::ToolCallFails) => return Ok(failed("there is no name")),
        name => name?,
    };
    let known = context.server.faults.tool_name(name);
    let Some(tool) = find_here(&known, context) else {
        return unknown(context, name);
    };
    let faults = &context.server.faults;
    faults.demand_page(context.revision)?;
    faults.complete_for_others(context.revision, &*context.outlet);
    let given = object(params, "arguments")?;
    match tasks::mode(context, tool.name, tool.tasks, params)? {
        Mode::Plain => {
            let none = Value::Object(Object::new());
            perform(context, tool, params.get("arguments").unwrap_or(&none)).await
        }
        Mode::Task(ttl) => {
            let arguments = given.cloned().unwrap_or_default();
            Box::pin(begin(context, tool, arguments, ttl)).await
        }
    }
}

/// Makes a call a task, which is kept for `ttl` if the client says how long.
async fn begin(
    context: &Context,
    tool: &'static Tool,
    mut arguments: Object,
    ttl: Option<Duration>,
) -> Answer {
    if let Some(first) = tool.first {
        arguments.extend(first(context, &arguments).await?);
    }
    let begun = tasks::begin(
        context,
        arguments,
        ttl,
        true,
        |inside, arguments| async move { perform(&inside, tool, &Value::Object(arguments)).await },
    );
    let task = begun?;
    if context.fault(F::TaskCreatedLate) {
        task.until(|state| state.status.is_terminal()).await;
    }
    Ok(tasks::created(context, &task))
}

/// `arguments` is an object.
async fn perform(context: &Context, tool: &Tool, arguments: &Value) -> Answer {
    let checked = Catalog::get().check(tool.name, arguments);
    if let Err(why) = checked
        && !context.fault(F::ToolArgumentsUnchecked)
    {
        return bad_arguments(context, tool.name, &why);
    }
    let none = Object::new();
    let arguments = arguments.as_object().unwrap_or(&none);
    let mut result = match (tool.run)(context, arguments).await {
        Err(Failure::Tool(why)) if context.fault(F::ToolErrorProtocol) => {
            return Err(ErrorObject::internal(why).into());
        }
        Err(Failure::Tool(why)) => failed(&why),
        answer => answer?,
    };
    wire::tool_result(&mut result, context.revision);
    context.faulty_epilogue();
    Ok(result)
}

fn unknown(context: &Context, name: &str) -> Answer {
    if context.fault(F::UnknownToolSucceeds) {
        return Ok(text("done"));
    }
    let code = if context.fault(F::UnknownToolCode) {
        -32603
    } else {
        -32602
    };
    Err(ErrorObject::new(code, format!("Unknown tool: {name}")).into())
}

/// Wrong arguments are something the model can correct, from 2025-11-25 on; before, they are a
/// protocol error.
fn bad_arguments(context: &Context, name: &str, why: &str) -> Answer {
    let why = format!("Invalid arguments for {name}: {why}");
    let correctable = context.revision >= Revision::V2025_11_25;
    match correctable && !context.fault(F::ToolArgumentsError) {
        true => Ok(failed(&why)),
        false => Err(ErrorObject::invalid_params(why).into()),
    }
}

/// A result of these content blocks.
fn blocks(blocks: impl Into<Vec<Value>>) -> Object {
    let mut result = Object::with_capacity(4);
    result.insert("content".into(), Value::Array(blocks.into()));
    result
}

/// A result of one text.
fn text(text: impl Into<String>) -> Object {
    // `json!` would copy the text.
    let mut block = Object::with_capacity(2);
    block.insert("type".into(), "text".into());
    block.insert("text".into(), Value::String(text.into()));
    blocks([Value::Object(block)])
}

/// A result that tells the model what went wrong.
fn failed(why: &str) -> Object {
    let mut result = text(why);
    result.insert("isError".into(), true.into());
    result
}

/// A result for programs, with a copy as text for those who cannot read it.
fn structured(value: Value) -> Object {
    let mut result = text(value.to_string());
    result.insert("structuredContent".into(), value);
    result
}
