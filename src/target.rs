//! What is tested: a command that we start, a URL that we reach, or both.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transport::Transport;

/// How one transport of the implementation under test is reached.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// A process that we start and talk to over its standard streams.
    Stdio(CommandLine),
    /// An HTTP server.
    Http {
        /// The URL of the MCP endpoint. `{port}` stands for a free port that we choose.
        url: String,
        /// The process to start, await and restart; none if it runs already. Its arguments may hold `{port}`.
        command: Option<CommandLine>,
        /// Headers for every request.
        headers: Vec<(String, String)>,
        /// Whether it speaks HTTP+SSE, so that the URL is that of its event stream.
        sse: bool,
    },
}

/// A command with its surroundings.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables set beside those inherited.
    pub env: Vec<(String, String)>,
    /// The working directory; ours if none.
    pub cwd: Option<PathBuf>,
}

impl Endpoint {
    /// The transport that it speaks.
    pub fn transport(&self) -> Transport {
        match self {
            Endpoint::Stdio(_) => Transport::Stdio,
            Endpoint::Http { sse: false, .. } => Transport::Http,
            Endpoint::Http { sse: true, .. } => Transport::Sse,
        }
    }
}

/// The implementation under test as reports name it: without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// `bundled`, `stdio` or `http`.
    pub kind: String,
    /// The command, if we start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The URL, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
