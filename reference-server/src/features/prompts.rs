//! Prompts: messages to start a conversation with.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/prompts>

use serde_json::{Value, json};

use super::{media, object, pagination, string, wire};
use crate::ask::Question;
use crate::context::{Answer, Context, Failure};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};
use crate::revision::Revision;

const PROMPTS_PER_PAGE: usize = 3;

/// The prompt that always fails.
pub const FAILING: &str = "test_failing_prompt";

/// A prompt and its arguments, all of which are strings.
pub struct Prompt {
    /// What it is called by.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Name and description of each argument; all are required.
    pub arguments: &'static [(&'static str, &'static str)],
    since: Revision,
}

const PROMPTS: &[Prompt] = &[
    Prompt {
        name: "test_simple_prompt",
        title: "Simple prompt",
        description: "One user message",
        arguments: &[],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "test_prompt_with_arguments",
        title: "Prompt with arguments",
        description: "A message that repeats its two arguments",
        arguments: &[
            ("arg1", "The first argument"),
            ("arg2", "The second argument"),
        ],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "test_prompt_with_embedded_resource",
        title: "Prompt with a resource",
        description: "A resource and what to do with it",
        arguments: &[("resourceUri", "The resource to embed")],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "test_prompt_with_image",
        title: "Prompt with an image",
        description: "An image and what to do with it",
        arguments: &[],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "summarize",
        title: "Summarize",
        description: "Asks for a summary in a given style",
        arguments: &[
            ("style", "How to write, for example formal"),
            ("text", "What to read"),
        ],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "propose_query",
        title: "Propose a query",
        description: "Asks for an SQL statement that answers a question about a table",
        arguments: &[
            ("table", "The table that it is about"),
            ("question", "What to find out"),
        ],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "test_prompt_with_audio",
        title: "Prompt with a sound",
        description: "A sound and what to do with it",
        arguments: &[],
        since: Revision::V2025_03_26,
    },
    Prompt {
        name: FAILING,
        title: "Prompt that fails",
        description: "Always fails, as does the completion of its argument",
        arguments: &[("reason", "Why it fails")],
        since: Revision::V2024_11_05,
    },
    Prompt {
        name: "test_input_required_result_prompt",
        title: "Prompt that asks back",
        description: "Needs to know the context from the user first",
        arguments: &[],
        since: Revision::V2026_07_28,
    },
];

/// The prompt of that name, if the revision has it.
pub fn find(name: &str, revision: Revision) -> Option<&'static Prompt> {
    let mut known = PROMPTS.iter().filter(|prompt| revision >= prompt.since);
    known.find(|prompt| prompt.name == name)
}

/// Answers `prompts/list`.
pub fn list(context: &Context, params: &Object) -> Answer {
    let known = PROMPTS
        .iter()
        .filter(|prompt| context.revision >= prompt.since);
    let items = known.map(|prompt| {
        let mut item = json!({
            "name": prompt.name,
            "title": prompt.title,
            "description": prompt.description,
        });
        if !prompt.arguments.is_empty() {
            let arguments = prompt.arguments.iter().map(|(name, description)| {
                json!({"name": name, "description": description, "required": true})
            });
            item["arguments"] = arguments.collect();
        }
        wire::listed(item, context.revision)
    });
    let mut items: Vec<Value> = items.collect();
    wire::adorn(&mut items, context);
    pagination::page(context, params, "prompts", items, PROMPTS_PER_PAGE)
}

/// Answers `prompts/get`.
pub async fn get(context: &Context, params: &Object) -> Answer {
    let name = match string(params, "name") {
        Err(_) if context.fault(F::UnknownPromptFound) => "",
        name => name?,
    };
    let Some(prompt) = find(name, context.revision) else {
        return unknown(context, name);
    };
    let empty = Object::new();
    let arguments = match object(params, "arguments") {
        Err(_) if context.fault(F::PromptArgumentTypes) => &empty,
        arguments => arguments?.unwrap_or(&empty),
    };
    if !context.fault(F::PromptArgumentsUnchecked) {
        check_present(prompt, arguments)?;
    }
    if !context.fault(F::PromptArgumentTypes) {
        check_strings(arguments)?;
    }
    let messages = messages(context, prompt.name, arguments).await?;
    let mut result = Object::new();
    result.insert("description".into(), prompt.description.into());
    result.insert("messages".into(), Value::Array(messages));
    Ok(result)
}

fn unknown(context: &Context, name: &str) -> Answer {
    if context.fault(F::UnknownPromptFound) {
        let mut result = Object::new();
        result.insert("messages".into(), json!([]));
        return Ok(result);
    }
    let code = if context.fault(F::UnknownPromptCode) {
        -32603
    } else {
        -32602
    };
    Err(ErrorObject::new(code, format!("Unknown prompt: {name}")).into())
}

fn check_present(prompt: &Prompt, arguments: &Object) -> Result<(), ErrorObject> {
    for (name, _) in prompt.arguments {
        if !arguments.contains_key(*name) {
            let error = format!("Missing required argument: {name}");
            return Err(ErrorObject::invalid_params(error));
        }
    }
    Ok(())
}

fn check_strings(arguments: &Object) -> Result<(), ErrorObject> {
    match arguments.iter().find(|(_, value)| !value.is_string()) {
        Some((name, _)) => {
            let error = format!("The argument {name} is a string");
            Err(ErrorObject::invalid_params(error))
        }
        None => Ok(()),
    }
}

async fn messages(
    context: &Context,
    name: &str,
    arguments: &Object,
) -> Result<Vec<Value>, Failure> {
    let ignored = context.fault(F::PromptArgumentsIgnored);
    let argument = |name: &str| {
        let given = arguments.get(name).filter(|_| !ignored);
        given.and_then(Value::as_str).unwrap_or_default()
    };
    Ok(match name {
        "test_simple_prompt" => vec![user_text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (one, two) = (argument("arg1"), argument("arg2"));
            vec![user_text(&format!(
                "Prompt with arguments: arg1='{one}', arg2='{two}'"
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({
                "uri": argument("resourceUri"),
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            });
            vec![
                user(json!({"type": "resource", "resource": resource})),
                user_text("Please process the embedded resource above."),
            ]
        }
        "test_prompt_with_image" => vec![
            user(media::image()),
            user_text("Please analyze the image above."),
        ],
        "test_prompt_with_audio" => vec![
            user(media::audio()),
            user_text("Please listen to the sound above."),
        ],
        FAILING => return Err(context.breakdown(F::PromptFailureCode).into()),
        "propose_query" => vec![user_text(&proposal(
            context,
            argument("table"),
            argument("question"),
        )?)],
        "summarize" => {
            let (style, text) = (argument("style"), argument("text"));
            vec![user_text(&format!(
                "Summarize this in a {style} style:\n\n{text}"
            ))]
        }
        _ => {
            let schema = json!({
                "type": "object",
                "properties": {"context": {"type": "string"}},
                "required": ["context"],
            });
            let message = "What context should the prompt use?";
            let question = Question::form("user_context", message, schema);
            let answer = context.ask_one(question).await?;
            let given = answer["content"]["context"].as_str().unwrap_or("none");
            vec![user_text(&format!("Work in this context: {given}"))]
        }
    })
}

fn proposal(context: &Context, table: &str, question: &str) -> Result<String, Failure> {
    let Some(definition) = context.server.database.definition(table) else {
        return Err(ErrorObject::invalid_params(format!("Unknown table: {table}")).into());
    };
    Ok(format!(
        "Propose one SQL statement (SQLite) that answers the question below, and call the tool query_database with it. \
         Write a placeholder for each value, and give the values as parameters. The caller's role is {}.\n\n\
         {definition};\n\nQuestion: {question}",
        context.caller.role
    ))
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn user_text(text: &str) -> Value {
    user(json!({"type": "text", "text": text}))
}
