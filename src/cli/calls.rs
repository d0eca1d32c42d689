//! Which tools may be called, and what may be relied on.

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::run::Fixture;

/// What the user allows.
#[derive(Debug, Args)]
pub(super) struct Calls {
    /// Which tools, resources and prompts may be relied on
    #[arg(long, value_enum, default_value = "auto")]
    fixture: FixtureArg,

    /// A call of the server's own tools that is safe to make (repeatable)
    #[arg(long = "call", value_name = "NAME='{...}'", value_parser = call)]
    pub(super) calls: Vec<(String, Value)>,

    /// Tools that are annotated as read-only may be called
    #[arg(long)]
    pub(super) call_read_only: bool,
}

impl Default for Calls {
    fn default() -> Calls {
        Calls {
            fixture: FixtureArg::Auto,
            calls: Vec::new(),
            call_read_only: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FixtureArg {
    /// The official one if its names are listed
    Auto,
    /// None
    None,
    /// The one that the official suite's server scenarios define
    Official,
}

impl Calls {
    /// What deeper cases rely on.
    pub(super) fn fixture(&self) -> Fixture {
        match self.fixture {
            FixtureArg::Auto => Fixture::Auto,
            FixtureArg::None => Fixture::None,
            FixtureArg::Official => Fixture::Official,
        }
    }

    /// The options that say the same again.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        match self.fixture {
            FixtureArg::Auto => {}
            FixtureArg::None => option("--fixture", "none".to_owned()),
            FixtureArg::Official => option("--fixture", "official".to_owned()),
        }
        for (name, value) in &self.calls {
            option("--call", format!("{name}={value}"));
        }
        if self.call_read_only {
            arguments.push("--call-read-only".to_owned());
        }
        arguments
    }
}

fn call(text: &str) -> Result<(String, Value), String> {
    let (name, arguments) = text
        .split_once('=')
        .ok_or("write the tool's name, = and its arguments as a JSON object")?;
    if name.is_empty() {
        return Err("the name of the tool is missing before =".to_owned());
    }
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(arguments)) => Ok((name.to_owned(), Value::Object(arguments))),
        Ok(_) => Err("the arguments must be a JSON object".to_owned()),
        Err(error) => Err(format!("the arguments behind = are no JSON: {error}")),
    }
}
