//! The command line, and what it sets in motion.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::runtime::Runtime;

use crate::auth::{Auth, Caller, Role};
use crate::database::Database;
use crate::error::Error;
use crate::faults::{F, Faults, list};
use crate::http::TlsOptions;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::log::{self, Log};
use crate::offer::{Feature, Offer};
use crate::rate::Rate;
use crate::revision::Eras;
use crate::server::{self, Server};
use crate::state::Signer;
use crate::tasks::Store;
use crate::{http, random, stdio};

/// How to run the server. Flatten it into a command of your own, or use the program.
#[derive(clap::Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("mode").required(true).args(["stdio", "http", "list_faults"])))]
pub struct Options {
    /// Serve the client that started us, on standard input and output
    #[arg(long)]
    pub stdio: bool,

    /// Serve over HTTP at this address: Streamable HTTP under /mcp, HTTP+SSE under /sse; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,

    /// Which eras to speak
    #[arg(long, value_name = "ERA", value_enum, default_value_t)]
    pub era: Eras,

    /// Declare that nothing ever changes: no listChanged, no subscriptions to resources
    #[arg(long = "static")]
    pub is_static: bool,

    /// Do without some of what a server may have
    #[arg(long, value_name = "FEATURE", value_enum, value_delimiter = ',')]
    pub without: Vec<Feature>,

    /// Have so many tools: the first of the usual ones, or more, each of them `add` under another name
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub tools: Option<u32>,

    /// List so many tools on a page [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub tools_per_page: Option<u32>,

    /// Violate one rule on purpose (repeatable; see --list-faults)
    #[arg(long = "fault", value_name = "NAME")]
    pub faults: Vec<String>,

    /// Explain every fault, with the requirement that it violates
    #[arg(long)]
    pub list_faults: bool,

    /// List the faults as JSON
    #[arg(long, requires = "list_faults")]
    pub json: bool,

    /// Serve browsers of this origin besides the local ones (repeatable)
    #[arg(long = "allow-origin", value_name = "ORIGIN", requires = "http")]
    pub allow_origins: Vec<String>,

    /// Serve requests for this host name besides localhost and IP addresses (repeatable)
    #[arg(long = "allow-host", value_name = "HOST", requires = "http")]
    pub allow_hosts: Vec<String>,

    /// HTTPS instead of HTTP.
    #[command(flatten)]
    pub tls: TlsOptions,

    /// What clients are held to.
    #[command(flatten)]
    pub limits: Limits,

    /// Sign request states with this secret; servers that share it are interchangeable
    #[arg(
        long,
        value_name = "SECRET",
        env = "MCP_REFERENCE_STATE_KEY",
        hide_env_values = true,
        // Everybody knows the empty one.
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub state_key: Option<String>,

    /// What callers may do who need not say who they are
    #[arg(long, value_enum, value_name = "ROLE", default_value_t)]
    pub role: Role,

    /// Demand a bearer token that this file knows, or a client certificate (TOML)
    #[arg(long, value_name = "FILE", requires = "http")]
    pub auth: Option<PathBuf>,

    /// Serve everybody on an address that others can reach
    #[arg(long, requires = "http", conflicts_with = "auth")]
    pub anonymous: bool,

    /// Query this SQLite file instead of a sample in memory
    #[arg(long, value_name = "PATH")]
    pub database: Option<PathBuf>,

    /// Let each caller call this often per second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,

    /// What to log to standard error
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub log: log::Level,
}

/// Runs the server until its input ends (stdio) or it is told to stop (HTTP).
///
/// # Errors
///
/// See [`Error`].
pub fn run(options: Options) -> Result<(), Error> {
    if options.list_faults {
        return Ok(list_faults(options.json)?);
    }
    let faults = Faults::named(&options.faults)?;
    let offer = Offer {
        eras: options.era,
        is_static: options.is_static,
        without: options.without.clone(),
        tools: options.tools.map(|count| count as usize),
        tools_per_page: options.tools_per_page.map(|count| count as usize),
    };
    let shared = options.state_key.clone();
    let key = match shared.filter(|_| !faults.has(F::StatesOfOneProcess)) {
        Some(secret) => secret.into_bytes(),
        None => random::bytes()?.to_vec(),
    };
    let hub = Hub::new();
    let server = Arc::new(Server {
        infos: server::infos(&faults),
        name: server::name(&faults),
        faults,
        offer,
        signer: Signer::new(key),
        local: Arc::new(Caller::local(options.role)),
        auth: auth(&options)?,
        database: database(&options)?,
        rate: options.rate.map(Rate::new),
        log: Log::new(options.log)?,
        watched_version: AtomicU64::new(1),
        tasks: Store::new(&hub),
        hub,
    });
    let served = match options.http {
        Some(address) => {
            let server = Arc::clone(&server);
            runtime()?.block_on(http::serve(server, address, &options))
        }
        None => stdio::serve(&server, &runtime()?, options.limits.client_timeout),
    };
    server.log.close();
    served
}

/// Who is known, if everybody has to be.
fn auth(options: &Options) -> Result<Option<Auth>, Error> {
    match (&options.auth, options.http) {
        (Some(path), _) => {
            let auth = Auth::open(path).map_err(|source| Error::Auth {
                path: path.clone(),
                source,
            });
            auth.map(Some)
        }
        (None, Some(address)) if !address.ip().is_loopback() && !options.anonymous => {
            Err(Error::Unprotected { address })
        }
        (None, _) => Ok(None),
    }
}

fn database(options: &Options) -> Result<Database, Error> {
    let path = options.database.as_deref();
    Database::open(path).map_err(|source| Error::Database {
        database: path.map_or("in memory".into(), |path| path.display().to_string()),
        source,
    })
}

/// A runtime with one thread that works: a call takes some microseconds, and waking another thread for it takes more.
fn runtime() -> Result<Arc<Runtime>, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(Arc::new(builder.worker_threads(1).enable_all().build()?))
}

fn list_faults(as_json: bool) -> std::io::Result<()> {
    let list = match as_json {
        true => format!("{:#}\n", list::json()),
        false => list::text(),
    };
    std::io::stdout().lock().write_all(list.as_bytes())
}
