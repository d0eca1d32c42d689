//! The bundled reference server, checked in process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::revision::Revision;
use mcp_conform::run::{self, Fixture, Options, RunError};
use mcp_conform::target::{CommandLine, Endpoint, TargetInfo};
use mcp_conform::transport::Transport;
use tokio::runtime::Runtime;

/// What cases need that apply only to servers that want a token.
pub const AUTHORIZATION: &str = "authorization";
/// How the reference server wants one.
pub const WITH_TOKENS: [&str; 2] = [
    "--auth",
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/matrix/auth.toml"),
];
/// The token: that file has its digest.
const TOKEN: (&str, &str) = ("Authorization", "Bearer conformance-test-key");

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
    let http = |path: &str, sse| Endpoint::Http {
        url: format!("http://127.0.0.1:{{port}}/{path}"),
        command: Some(serve(&["--http", "127.0.0.1:{port}"])),
        headers: match flags.starts_with(&WITH_TOKENS) {
            true => vec![(TOKEN.0.to_owned(), TOKEN.1.to_owned())],
            false => Vec::new(),
        },
        sse,
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
