//! The table of tools.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{Tool, asking, consulting, database, headers, jobs, pages, plain, schemas, working};
use crate::jsonrpc::Object;
use crate::revision::Revision;
use crate::tasks::Support;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::new);

/// All tools, with their compiled input schemas.
pub struct Catalog {
    tools: Vec<Tool>,
    by_name: BTreeMap<&'static str, usize>,
    /// Compiled at the first call of each tool; `Err` never happens to our own schemas.
    validators: Vec<OnceLock<Result<Validator, String>>>,
}

impl Catalog {
    /// The catalog of this process.
    pub fn get() -> &'static Self {
        &CATALOG
    }

    fn new() -> Self {
        let tools = tools();
        let names = tools.iter().enumerate();
        Self {
            by_name: names.map(|(index, tool)| (tool.name, index)).collect(),
            validators: tools.iter().map(|_| OnceLock::new()).collect(),
            tools,
        }
    }

    /// Every tool, in the order of the list.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools.iter()
    }

    /// The tool of that name.
    pub fn find(&self, name: &str) -> Option<&Tool> {
        self.by_name.get(name).map(|index| &self.tools[*index])
    }

    /// Whether `arguments` fit the tool's input schema; the error says where they do not.
    pub fn check(&self, name: &str, arguments: &Value) -> Result<(), String> {
        let index = *self.by_name.get(name).ok_or("unknown tool")?;
        // So much can be said without a compiled schema: the compiler is a third of the memory of a server that needs it.
        let is_empty = arguments.as_object().is_some_and(Object::is_empty);
        if is_empty && demands_nothing(&self.tools[index].input_schema) {
            return Ok(());
        }
        let compile = || compile(&self.tools[index].input_schema);
        let validator = self.validators[index].get_or_init(compile).as_ref()?;
        if validator.is_valid(arguments) {
            return Ok(());
        }
        let error = validator.iter_errors(arguments).next();
        error.map_or(Ok(()), |error| {
            Err(format!(
                "{error} at {:?}",
                error.instance_path().to_string()
            ))
        })
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| error.to_string())
}

/// Whether an empty object fits, because the schema has no keywords that could refuse one.
fn demands_nothing(schema: &Value) -> bool {
    let harmless = ["type", "properties", "additionalProperties"];
    schema["type"] == "object"
        && schema
            .as_object()
            .is_some_and(|members| members.keys().all(|name| harmless.contains(&name.as_str())))
}

/// No arguments at all.
fn nothing() -> Value {
    json!({"type": "object", "additionalProperties": false})
}

fn strings(names: &[(&str, &str)]) -> Value {
    let properties: Object = names
        .iter()
        .map(|(name, description)| {
            (
                (*name).into(),
                json!({"type": "string", "description": description}),
            )
        })
        .collect();
    let required: Vec<_> = names.iter().map(|(name, _)| name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn tool(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    run: super::Run,
) -> Tool {
    Tool {
        name,
        title,
        description,
        since: Revision::V2024_11_05,
        input_schema: nothing(),
        has_mirrored: false,
        output_schema: None,
        annotations: json!({"readOnlyHint": true, "openWorldHint": false}),
        tasks: Support::Forbidden,
        first: None,
        run,
    }
}

impl Tool {
    fn since(self, since: Revision) -> Self {
        Self { since, ..self }
    }

    fn takes(self, input_schema: Value) -> Self {
        Self {
            has_mirrored: headers::has_mirrored(&input_schema),
            input_schema,
            ..self
        }
    }

    fn returns(self, schema: Value) -> Self {
        Self {
            output_schema: Some(schema),
            ..self
        }
    }

    fn tasks(self, tasks: Support) -> Self {
        Self { tasks, ..self }
    }

    fn after(self, first: super::Run) -> Self {
        let first = Some(first);
        Self { first, ..self }
    }

    fn destroys(self) -> Self {
        let annotations =
            json!({"readOnlyHint": false, "destructiveHint": true, "openWorldHint": false});
        Self {
            annotations,
            ..self
        }
    }

    fn writes(self) -> Self {
        let annotations = json!({"readOnlyHint": false, "destructiveHint": false});
        Self {
            annotations,
            ..self
        }
    }
}

/// The tools. Those that clients look for in the list itself come first, on the first page.
#[rustfmt::skip]
fn tools() -> Vec<Tool> {
    use Revision::{V2025_06_18, V2025_11_25, V2026_07_28};
    use Support::{Optional, Required};
    let prompt = || strings(&[("prompt", "What to ask the model")]);
    let message = || strings(&[("message", "What to ask the user")]);
    let job_id = || strings(&[("job_id", "What start_job returned")]);
    vec![
        tool("test_simple_text", "Simple text", "Returns a text",
            |c, _| Box::pin(plain::simple_text(c))),
        tool("json_schema_2020_12_tool", "JSON Schema 2020-12", "Has a schema that uses much of JSON Schema 2020-12",
            |_, a| Box::pin(plain::echo(a))).takes(schemas::everything()),
        tool("test_mirrored_headers", "Mirrored arguments", "Has arguments that HTTP clients repeat in headers",
            |_, a| Box::pin(plain::echo(a))).takes(schemas::mirrored()),
        tool("add", "Add", "Adds two numbers, for people and for programs",
            |_, a| Box::pin(plain::add(a))).takes(schemas::two_numbers()).returns(schemas::sum()),
        tool("echo", "Echo", "Returns the text that it gets",
            |_, a| Box::pin(plain::repeat(a))).takes(strings(&[("text", "What to return")])),
        tool("query_database", "Query the database", "Runs one SQL statement on an SQLite database, as far as the caller's role allows",
            |c, a| Box::pin(database::query(c, a))).takes(database::arguments()).returns(database::result()).destroys(),
        tool("wait", "Wait", "Answers after the given time; can be cancelled",
            |c, a| Box::pin(plain::wait(c, a))).takes(schemas::milliseconds()),
        tool("test_image_content", "Image", "Returns an image",
            |_, _| Box::pin(plain::image())),
        tool("test_audio_content", "Audio", "Returns a sound",
            |_, _| Box::pin(plain::audio())),
        tool("test_embedded_resource", "Embedded resource", "Returns a resource",
            |c, _| Box::pin(plain::embedded_resource(c))),
        tool("test_resource_link", "Resource link", "Returns a link to a resource",
            |_, _| Box::pin(plain::resource_link())),
        tool("test_multiple_content_types", "Several blocks", "Returns a text, an image and a resource",
            |c, _| Box::pin(plain::several(c))),
        tool("test_error_handling", "Error", "Always fails",
            |_, _| Box::pin(plain::error())),
        tool("test_tool_with_logging", "Logging", "Logs three messages while it works",
            |c, _| Box::pin(plain::logging(c))),
        tool("test_tool_with_progress", "Progress", "Reports progress three times while it works",
            |c, _| Box::pin(plain::progress(c))),
        tool("test_logging_tool", "Log once", "Logs one message",
            |c, _| Box::pin(plain::log_once(c))),
        tool("test_reconnection", "Reconnection", "Drops the connection before it answers, where it can be resumed",
            |c, _| Box::pin(plain::reconnection(c))),
        tool("test_trigger_tool_change", "Announce tools", "Announces that the list of tools may have changed",
            |c, _| Box::pin(plain::announce_tools(c))).writes(),
        tool("test_trigger_prompt_change", "Announce prompts", "Announces that the list of prompts may have changed",
            |c, _| Box::pin(plain::announce_prompts(c))).writes(),
        tool("test_trigger_resource_change", "Announce resources", "Announces that the list of resources may have changed",
            |c, _| Box::pin(plain::announce_resources(c))).writes(),
        tool("test_trigger_resource_update", "Change the watched resource", "Changes test://watched-resource",
            |c, _| Box::pin(plain::change_watched(c))).writes(),
        tool("test_sampling", "Sampling", "Asks the client's model",
            |c, a| Box::pin(asking::sampling(c, a))).takes(schemas::sampling()),
        tool("test_elicitation", "Elicitation", "Asks the user for a name and an address",
            |c, a| Box::pin(asking::elicitation(c, a))).takes(message()).since(V2025_06_18),
        tool("test_list_roots", "Roots", "Asks which directories the client works in",
            |c, _| Box::pin(asking::roots(c))),
        tool("test_elicitation_sep1034_defaults", "Form with defaults", "Asks with a default for every kind of field",
            |c, _| Box::pin(asking::defaults(c))).since(V2025_11_25),
        tool("test_elicitation_sep1330_enums", "Form with choices", "Asks with every kind of choice",
            |c, _| Box::pin(asking::choices(c))).since(V2025_11_25),
        tool("test_missing_capability", "Needs sampling", "Works only for clients that declare sampling",
            |c, _| Box::pin(asking::needs_sampling(c))).since(V2026_07_28),
        tool("test_streaming_elicitation", "Asks after a message", "Reports progress and then asks the user",
            |c, _| Box::pin(asking::streaming(c))).since(V2026_07_28),
        tool("test_input_required_result_elicitation", "Asks the user", "Asks for a name",
            |c, _| Box::pin(asking::greet(c))).since(V2026_07_28),
        tool("test_input_required_result_sampling", "Asks the model", "Asks for a capital",
            |c, _| Box::pin(asking::capital(c))).since(V2026_07_28),
        tool("test_input_required_result_list_roots", "Asks for roots", "Asks for the client's directories",
            |c, _| Box::pin(asking::roots(c))).since(V2026_07_28),
        tool("test_input_required_result_request_state", "Asks with a state", "Asks for a confirmation and sends a state along",
            |c, _| Box::pin(asking::confirm(c))).since(V2026_07_28),
        tool("test_input_required_result_tampered_state", "Checks its state", "Refuses a state that it did not sign",
            |c, _| Box::pin(asking::confirm(c))).since(V2026_07_28),
        tool("test_input_required_result_multiple_inputs", "Asks three things", "Asks for a name, a greeting and roots at once",
            |c, _| Box::pin(asking::three_at_once(c))).since(V2026_07_28),
        tool("test_input_required_result_multi_round", "Asks twice", "Asks for a name, then for a color",
            |c, _| Box::pin(asking::one_by_one(c))).since(V2026_07_28),
        tool("test_input_required_result_capabilities", "Asks what it may", "Asks only what the client can answer",
            |c, _| Box::pin(asking::what_is_declared(c))).since(V2026_07_28),
        tool("test_sampling_with_tools", "Sampling with tools", "Asks the client's model, which may use a tool of ours",
            |c, a| Box::pin(consulting::with_tools(c, a))).takes(prompt()).since(V2025_11_25),
        tool("test_elicitation_url", "Page", "Asks the user to go to a page",
            |c, _| Box::pin(pages::visit(c))).since(V2025_11_25),
        tool("test_url_elicitation_required", "Page before", "Works only for users who have been to a page",
            |c, _| Box::pin(pages::required(c))).since(V2025_11_25),
        tool("test_close_subscriptions", "Close subscriptions", "Ends the caller's subscriptions to a resource",
            |c, a| Box::pin(plain::close_subscriptions(c, a))).takes(strings(&[("uri", "Of which resource")])).writes().since(V2026_07_28),
        tool("report", "Report", "Writes a report in several parts",
            |c, a| Box::pin(jobs::report(c, a))).takes(schemas::report()).tasks(Optional),
        tool("start_job", "Start a job", "Begins a report and returns the id of the job at once; job://ID shows how far it is",
            |c, a| Box::pin(jobs::start(c, a))).takes(schemas::job()).writes(),
        tool("job_status", "Status of a job", "Says how far a job is and what it has so far",
            |c, a| Box::pin(jobs::status(c, a))).takes(job_id()),
        tool("cancel_job", "Cancel a job", "Stops a job; what it has so far stays",
            |c, a| Box::pin(jobs::cancel(c, a))).takes(job_id()).writes(),
        tool("greet", "Greet", "Says hello, at once",
            |_, a| Box::pin(working::greet(a))).takes(strings(&[("name", "Whom to greet")])).since(V2025_11_25),
        tool("slow_compute", "Slow computation", "Takes as long as it is told to",
            |c, a| Box::pin(working::slow_compute(c, a))).takes(schemas::slow()).since(V2025_11_25).tasks(Optional),
        tool("failing_job", "Failing job", "Works for a while and fails",
            |_, _| Box::pin(working::failing())).since(V2025_11_25).tasks(Required),
        tool("protocol_error_job", "Job with a protocol error", "Works for a while and ends with a protocol error",
            |_, _| Box::pin(working::protocol_error())).since(V2025_11_25).tasks(Required),
        tool("confirm_delete", "Confirmed deletion", "Asks whether to delete a file, and deletes none",
            |c, a| Box::pin(working::confirm_delete(c, a))).takes(schemas::filename()).since(V2025_11_25).tasks(Optional),
        tool("multi_input", "Two questions", "Asks two things at once",
            |c, _| Box::pin(working::two_inputs(c))).since(V2025_11_25).tasks(Optional),
        tool("test_tool_with_task", "Asks, then works", "Asks for a name before it becomes a task",
            |_, a| Box::pin(working::greet(a))).takes(schemas::optional_name()).since(V2026_07_28).tasks(Required)
            .after(|c, _| Box::pin(working::name_first(c))),
    ]
}
