//! Tools that need nothing from the client.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::asking::argument;
use super::{blocks, structured, text};
use crate::context::{Answer, Context, Failure};
use crate::features::logging::Level;
use crate::features::{media, resources};
use crate::hub::Event;
use crate::jsonrpc::Object;
use crate::offer::Feature;

/// Between the steps of tools that report how far they are.
const STEP: Duration = Duration::from_millis(10);

pub async fn simple_text(_: &Context) -> Answer {
    Ok(text("This is a simple text response for testing."))
}

pub async fn echo(arguments: &Object) -> Answer {
    Ok(text(Value::Object(arguments.clone()).to_string()))
}

/// What calls with payloads of any size are measured with.
pub async fn repeat(arguments: &Object) -> Answer {
    Ok(text(argument(arguments, "text")))
}

pub async fn add(arguments: &Object) -> Answer {
    let number = |name: &str| {
        arguments
            .get(name)
            .and_then(Value::as_f64)
            .unwrap_or_default()
    };
    let sum = number("a") + number("b");
    if !sum.is_finite() {
        return Err(Failure::Tool("the sum is too large".into()));
    }
    Ok(structured(json!({"sum": sum})))
}

pub async fn wait(context: &Context, arguments: &Object) -> Answer {
    let milliseconds = arguments
        .get("milliseconds")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    context.progress(0, 1, "waiting");
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(text(format!("Waited {milliseconds} ms.")))
}

pub async fn image() -> Answer {
    Ok(blocks([media::image()]))
}

pub async fn audio() -> Answer {
    Ok(blocks([media::audio()]))
}

fn check_resources(context: &Context) -> Result<(), Failure> {
    match context.server.offer.has(Feature::Resources) {
        true => Ok(()),
        false => Err(Failure::Tool("This server has no resources".into())),
    }
}

pub async fn embedded_resource(context: &Context) -> Answer {
    check_resources(context)?;
    Ok(blocks([json!({
        "type": "resource",
        "resource": {
            "uri": "test://embedded-resource",
            "mimeType": "text/plain",
            "text": "This is an embedded resource content.",
        },
    })]))
}

pub async fn resource_link() -> Answer {
    Ok(blocks([json!({
        "type": "resource_link",
        "uri": "test://static-text",
        "name": "static-text",
        "mimeType": "text/plain",
    })]))
}

pub async fn several(context: &Context) -> Answer {
    check_resources(context)?;
    Ok(blocks([
        json!({"type": "text", "text": "Multiple content types test:"}),
        media::image(),
        json!({
            "type": "resource",
            "resource": {
                "uri": "test://mixed-content-resource",
                "mimeType": "application/json",
                "text": r#"{"test":"data","value":123}"#,
            },
        }),
    ]))
}

pub async fn error() -> Answer {
    Err(Failure::Tool(
        "This tool intentionally returns an error for testing".into(),
    ))
}

pub async fn logging(context: &Context) -> Answer {
    context.log(Level::Info, "Tool execution started");
    tokio::time::sleep(STEP).await;
    context.log(Level::Info, "Tool processing data");
    tokio::time::sleep(STEP).await;
    context.log(Level::Info, "Tool execution completed");
    Ok(text("Logged three messages."))
}

pub async fn log_once(context: &Context) -> Answer {
    context.log(Level::Info, "The logging tool ran");
    Ok(text("Logged one message."))
}

pub async fn progress(context: &Context) -> Answer {
    context.progress(0, 100, "started");
    tokio::time::sleep(STEP).await;
    context.progress(50, 100, "halfway");
    tokio::time::sleep(STEP).await;
    context.progress(100, 100, "done");
    Ok(text("Reported progress three times."))
}

pub async fn reconnection(context: &Context) -> Answer {
    if context.server.offer.has(Feature::GetStream) {
        context.outlet.hang_up();
    }
    tokio::time::sleep(2 * STEP).await;
    Ok(text("Answered after the connection was dropped."))
}

pub async fn announce_tools(context: &Context) -> Answer {
    context.publish(&Event::Tools);
    Ok(text("Announced."))
}

pub async fn announce_prompts(context: &Context) -> Answer {
    context.publish(&Event::Prompts);
    Ok(text("Announced."))
}

pub async fn announce_resources(context: &Context) -> Answer {
    context.publish(&Event::Resources);
    Ok(text("Announced."))
}

/// Callers end what is theirs, and nobody else's.
pub async fn close_subscriptions(context: &Context, arguments: &Object) -> Answer {
    let uri = argument(arguments, "uri").to_owned();
    let over = Event::Over(uri, context.owner());
    context.server.hub.publish(&over);
    Ok(text("The subscriptions end."))
}

pub async fn change_watched(context: &Context) -> Answer {
    let before = context
        .server
        .watched_version
        .fetch_add(1, Ordering::Relaxed);
    context.publish(&Event::Resource(resources::WATCHED.into()));
    Ok(text(format!(
        "The watched resource is now at version {}.",
        before + 1
    )))
}
