//! The bundled reference server, checked in process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::matrix::tokens;
use mcp_conform::revision::Revision;
use mcp_conform::run::{self, Fixture, Options, RunError};
use mcp_conform::target::{CommandLine, Endpoint, HttpEndpoint, TargetInfo};
use mcp_conform::transport::Transport;
use tokio::runtime::Runtime;

/// What cases need that apply only to servers that want a token.
pub const AUTHORIZATION: &str = "authorization";
/// How the reference server wants one.
pub const WITH_TOKENS: [&str; 2] = [
    "--auth",
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/matrix/auth.toml"),
];
/// How several processes of it are started: with a key that they share.
pub const REPLICATED: [&str; 2] = ["--state-key", "conformance-tests"];

/// Where the reference server is reached, which is started with these flags.
pub fn endpoint(transport: Transport, flags: &[&str]) -> Endpoint {
    let serve = |arguments: &[&str]| {
        let words = [env!("CARGO_BIN_EXE_mcp-conform"), "serve", "--log", "off"]
            .iter()
            .chain(arguments)
            .chain(flags);
        CommandLine {
            words: words.map(|word| (*word).to_owned()).collect(),
            ..CommandLine::default()
        }
    };
    let http = |path: &str, sse| {
        let (headers, identities) = match flags.starts_with(&WITH_TOKENS) {
            true => (vec![tokens::ours().unwrap()], tokens::identities().unwrap()),
            false => Default::default(),
        };
        let url = format!("http://127.0.0.1:{{port}}/{path}");
        let replicas = match flags.starts_with(&REPLICATED) {
            true => vec![url.clone()],
            false => Vec::new(),
        };
        Endpoint::Http(HttpEndpoint {
            url,
            replicas,
            command: Some(serve(&["--http", "127.0.0.1:{port}"])),
            headers,
            identities,
            sse,
        })
    };
    match transport {
        Transport::Stdio => Endpoint::Stdio(serve(&["--stdio"])),
        Transport::Http => http("mcp", false),
        Transport::Sse => http("sse", true),
    }
}

/// What is checked, and how; the rest is usual.
pub struct Check {
    pub endpoints: Vec<Endpoint>,
    pub revisions: Option<Vec<Revision>>,
    pub select: Vec<String>,
    pub timeout: Duration,
}

/// Runs a check to its end.
pub fn check(catalog: &Arc<Catalog>, check: Check) -> Result<RunReport, RunError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let options = Options {
        endpoints: check.endpoints,
        target: TargetInfo::default(),
        catalog: catalog.clone(),
        revisions: check.revisions,
        select: check.select,
        fixture: Fixture::Auto,
        jobs: 4,
        timeout: check.timeout,
        calls: Vec::new(),
        call_read_only: false,
        save_transcripts: None,
        arguments: ["mcp-conform", "check"].map(str::to_owned).to_vec(),
    };
    RUNTIME
        .get_or_init(|| Runtime::new().unwrap())
        .block_on(run::run(options, &mut |_| {}))
}
