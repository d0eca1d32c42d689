//! A tool that consults the client's model, which may use tools of ours meanwhile.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/sampling#sampling-with-tools>

use serde_json::{Value, json};

use super::asking::{argument, said};
use super::text;
use crate::ask::Question;
use crate::context::{Answer, Context, Failure};
use crate::jsonrpc::Object;

/// The names of the turns; in the last one the model must not use tools.
const TURNS: [&str; 3] = ["turn1", "turn2", "turn3"];

pub async fn with_tools(context: &Context, arguments: &Object) -> Answer {
    let prompt = json!({"type": "text", "text": argument(arguments, "prompt")});
    let mut messages = vec![json!({"role": "user", "content": prompt})];
    for (number, turn) in TURNS.into_iter().enumerate() {
        let last = number + 1 == TURNS.len();
        let choice = if last { "none" } else { "auto" };
        let question = Question::sample_with_tools(turn, &messages, &tools(), choice);
        let answer = context.ask_one(question).await?;
        let results: Vec<_> = uses(&answer["content"])
            .iter()
            .map(|used| result(used))
            .collect();
        if results.is_empty() {
            return Ok(text(format!("LLM response: {}", said(&answer))));
        }
        messages.push(json!({"role": "assistant", "content": answer["content"]}));
        messages.push(json!({"role": "user", "content": results}));
    }
    Err(Failure::Tool("the model goes on using tools".into()))
}

fn tools() -> Value {
    json!([{
        "name": "get_temperature",
        "description": "The temperature in a city, which is always the same",
        "inputSchema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {"degrees": {"type": "number"}},
            "required": ["degrees"],
        },
    }])
}

/// The tool uses in the model's answer, which is one content block or several.
fn uses(content: &Value) -> Vec<&Value> {
    let blocks = match content {
        Value::Array(blocks) => blocks.iter().collect(),
        block => vec![block],
    };
    let used = |block: &&Value| block["type"] == "tool_use";
    blocks.into_iter().filter(used).collect()
}

/// What comes of one tool use.
fn result(used: &Value) -> Value {
    let known = used["name"] == "get_temperature";
    let (said, failed) = match used["input"]["city"].as_str() {
        Some(city) if known => (format!("18 degrees in {city}"), false),
        None if known => ("which city?".into(), true),
        _ => ("there is no such tool".into(), true),
    };
    let mut result = json!({
        "type": "tool_result",
        "toolUseId": used["id"],
        "content": [{"type": "text", "text": said}],
        "isError": failed,
    });
    if !failed {
        result["structuredContent"] = json!({"degrees": 18});
    }
    result
}
