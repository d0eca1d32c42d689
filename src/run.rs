//! Runs a whole check: probe, plan, drive, judge, and tell the reporters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::event::{Event, RunReport};
use crate::revision::Revision;
use crate::target::{Endpoint, TargetInfo};

/// What to check, and how.
pub struct Options {
    /// What to reach.
    pub endpoints: Vec<Endpoint>,
    /// What reports say of it.
    pub target: TargetInfo,
    /// The cases.
    pub catalog: Arc<Catalog>,
    /// The revisions to test; none means those that the server accepts.
    pub revisions: Option<Vec<Revision>>,
    /// Only trials whose name or case matches one of these globs; all if empty.
    pub select: Vec<String>,
    /// Which fixture to assume.
    pub fixture: Fixture,
    /// How many sessions run at once.
    pub jobs: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// Calls that the user allows: tool name and arguments.
    pub calls: Vec<(String, serde_json::Value)>,
    /// Whether tools annotated as read-only may be called.
    pub call_read_only: bool,
    /// Where to save transcripts.
    pub save_transcripts: Option<PathBuf>,
    /// The arguments of a command line that repeats this run, secrets redacted; `--case` and `--revision` are put
    /// behind the subcommand for the reproduce lines.
    pub arguments: Vec<String>,
}

/// Which tools, resources and prompts a deeper case may rely on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fixture {
    /// The official one if its names are listed.
    #[default]
    Auto,
    /// None.
    None,
    /// The official one.
    Official,
}

/// Receives the events of a run, in order.
pub type Listener<'a> = &'a mut (dyn FnMut(&Event<'_>) + Send);

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The patterns select nothing.
    #[error("no case matches {0}; `mcp-conform cases list` shows them all")]
    NothingSelected(String),
}

/// Checks the target.
///
/// # Errors
/// Where nothing could be run at all. A server that cannot be reached or started is reported as findings or as
/// [`RunError`], by what was seen.
pub async fn run(options: Options, listener: Listener<'_>) -> Result<RunReport, RunError> {
    let _ = (options, listener);
    Err(RunError::NothingSelected(String::new()))
}
