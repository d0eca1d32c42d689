//! What is tested: a command that we start, a URL that we reach, or both.

mod forged;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::transport::Transport;
pub use forged::FORGED;

/// Stands for a free port that we choose, in a URL and in the arguments of a command.
pub const PORT: &str = "{port}";

/// How one transport of the implementation under test is reached.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// A process that we start and talk to over its standard streams.
    Stdio(CommandLine),
    /// An HTTP server.
    Http(HttpEndpoint),
}

/// An HTTP server, and who we are to it.
#[derive(Debug, Clone, Default)]
pub struct HttpEndpoint {
    /// The URL of the MCP endpoint. `{port}` stands for a free port that we choose.
    pub url: String,
    /// The URLs of further processes of the same server, which take turns with the first at modern revisions.
    pub replicas: Vec<String>,
    /// The process to start, await and restart; none if it runs already. Its arguments may hold `{port}`.
    pub command: Option<CommandLine>,
    /// Headers for every request.
    pub headers: Vec<(String, String)>,
    /// Other headers in their place, by the name of the identity that they stand for.
    pub identities: Identities,
    /// Whether it speaks HTTP+SSE, so that the URL is that of its event stream.
    pub sse: bool,
}

/// The headers of callers other than the usual one, by the names that steps know.
pub type Identities = BTreeMap<String, Vec<(String, String)>>;

/// The identity whose token may be sent in a URL.
pub const IN_QUERY: &str = "in-query";

/// The token in the value of an `Authorization` header of the scheme Bearer.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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
    /// The reference server over a transport: `program` has it as its subcommand `serve`, which gets these flags. What it
    /// would log is in the transcripts.
    pub fn reference(program: &str, transport: Transport, flags: &[&str]) -> Endpoint {
        let serve = |place: &[&str]| CommandLine {
            words: [&[program, "serve", "--log", "off"], place, flags]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            ..CommandLine::default()
        };
        let http = |path: &str| {
            let authority = format!("127.0.0.1:{PORT}");
            Endpoint::Http(HttpEndpoint {
                url: format!("http://{authority}/{path}"),
                command: Some(serve(&["--http", &authority])),
                sse: transport == Transport::Sse,
                ..HttpEndpoint::default()
            })
        };
        match transport {
            Transport::Stdio => Endpoint::Stdio(serve(&["--stdio"])),
            Transport::Http => http("mcp"),
            Transport::Sse => http("sse"),
        }
    }

    /// The URLs of the further processes of the server.
    pub fn replicas(&self) -> &[String] {
        match self {
            Endpoint::Http(http) => &http.replicas,
            Endpoint::Stdio(_) => &[],
        }
    }

    /// Who else we can be to it.
    pub fn identities(&self) -> Option<&Identities> {
        match self {
            Endpoint::Http(http) => Some(&http.identities),
            Endpoint::Stdio(_) => None,
        }
    }

    /// The same with the identities that are made from our own credentials, beside those that the user gave.
    pub fn with_forged(mut self) -> Endpoint {
        if let Endpoint::Http(http) = &mut self {
            let mut identities = forged::forged(&http.headers);
            identities.append(&mut http.identities);
            http.identities = identities;
        }
        self
    }

    /// Every header that may be sent with a request, whoever is asking.
    pub fn secret_headers(&self) -> impl Iterator<Item = &(String, String)> {
        let http = match self {
            Endpoint::Http(http) => Some(http),
            Endpoint::Stdio(_) => None,
        };
        http.into_iter().flat_map(|http| {
            http.headers
                .iter()
                .chain(http.identities.values().flatten())
        })
    }

    /// The process that is started for it.
    pub fn command(&self) -> Option<&CommandLine> {
        match self {
            Endpoint::Stdio(command) => Some(command),
            Endpoint::Http(http) => http.command.as_ref(),
        }
    }

    /// Whether it is reached over HTTP.
    pub fn is_http(&self) -> bool {
        matches!(self, Endpoint::Http(_))
    }

    /// Whether the URL leaves the port to us.
    pub fn chooses_port(&self) -> bool {
        match self {
            Endpoint::Stdio(_) => false,
            Endpoint::Http(http) => http.url.contains(PORT),
        }
    }

    /// The transport that it speaks.
    pub fn transport(&self) -> Transport {
        match self {
            Endpoint::Stdio(_) => Transport::Stdio,
            Endpoint::Http(http) if http.sse => Transport::Sse,
            Endpoint::Http(_) => Transport::Http,
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
    /// The URLs of further processes of the same server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<String>,
}
