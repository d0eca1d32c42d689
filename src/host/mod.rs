//! Where sessions connect to: starts, awaits and restarts what has to run for them.

mod start;
mod stderr;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::process::{Group, StartError};
use crate::target::{Endpoint, HttpEndpoint, bearer};
use crate::transport::http::{Address, AddressError};
use crate::transport::{Link, Transport, http, stdio};

pub(crate) use stderr::StderrTail;
pub use stderr::last_words;

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The process could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The URL is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The process ended before it listened.
    #[error("the server ended before it listened on {address}{stderr}")]
    Ended {
        /// Where it should listen.
        address: String,
        /// Its last words.
        stderr: String,
    },
    /// Nothing listens.
    #[error("nothing listens on {address} after {} s{stderr}", start::LIMIT.as_secs())]
    Silent {
        /// Where it should listen.
        address: String,
        /// The last words of the process.
        stderr: String,
    },
    /// No connection to a server that runs already.
    #[error("cannot connect to {address}: {source}")]
    Unreachable {
        /// Where it should listen.
        address: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No free port.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(std::io::Error),
}

/// One endpoint of the implementation under test.
pub struct Host {
    endpoint: Endpoint,
    running: Arc<tokio::sync::Mutex<Option<Running>>>,
    starts: Arc<AtomicUsize>,
    /// Held for reading by a session, and for writing by one that must be alone with the server.
    pub alone: Arc<tokio::sync::RwLock<()>>,
}

/// An HTTP server that answers, and the process behind it if it is ours.
struct Running {
    /// The address, and those of the replicas.
    addresses: Vec<Arc<Address>>,
    url: String,
    /// Those of ours, one for each address.
    processes: Vec<(Group, StderrTail)>,
}

impl Running {
    /// Whether none of our processes has ended.
    fn lives(&self) -> bool {
        let mut processes = self.processes.iter();
        processes.all(|(group, _)| !group.has_exited())
    }
}

/// A connection as a session owns it.
pub struct Connected {
    /// The connection.
    pub link: Link,
    /// The process, if the connection owns it.
    pub group: Option<Group>,
    /// The URL, over HTTP.
    pub url: Option<String>,
    /// The same, taken apart.
    pub address: Option<Arc<Address>>,
}

impl Host {
    /// A host that has started nothing yet.
    pub fn new(endpoint: Endpoint) -> Host {
        Host {
            endpoint,
            running: Arc::default(),
            starts: Arc::default(),
            alone: Arc::default(),
        }
    }

    /// The same HTTP server, spoken to over HTTP+SSE; none if it is no HTTP server, or is spoken to in that way already.
    pub fn over_sse(&self) -> Option<Host> {
        let mut endpoint = self.endpoint.clone();
        match &mut endpoint {
            Endpoint::Http(http) if !http.sse => http.sse = true,
            _ => return None,
        }
        Some(Host {
            endpoint,
            running: self.running.clone(),
            starts: self.starts.clone(),
            alone: self.alone.clone(),
        })
    }

    /// The transport that it speaks.
    pub fn transport(&self) -> Transport {
        self.endpoint.transport()
    }

    /// Whether the process is ours.
    pub fn owns_process(&self) -> bool {
        self.endpoint.command().is_some()
    }

    /// The headers that the user adds to every request.
    pub fn headers(&self) -> &[(String, String)] {
        self.http().map_or(&[], |http| &http.headers)
    }

    /// The headers with those of an identity in the place of the usual ones; none if nobody said what they are.
    pub fn headers_of(&self, identity: &str) -> Option<Vec<(String, String)>> {
        let http = self.http()?;
        let theirs = http.identities.get(identity)?;
        let replaced = |name: &str| {
            let mut names = theirs.iter().map(|(name, _)| name);
            names.any(|theirs| theirs.eq_ignore_ascii_case(name))
        };
        let ours = http.headers.iter().filter(|(name, _)| !replaced(name));
        Some(ours.chain(theirs).cloned().collect())
    }

    /// The names of the other identities.
    pub fn identities(&self) -> impl Iterator<Item = &String> {
        let identities = self.endpoint.identities().into_iter();
        identities.flat_map(|identities| identities.keys())
    }

    /// The bearer token of an identity.
    pub fn token(&self, identity: &str) -> Option<&str> {
        let headers = self.http()?.identities.get(identity)?;
        headers.iter().find_map(|(_, value)| bearer(value))
    }

    /// The URLs of the further processes of the server.
    pub fn replicas(&self) -> &[String] {
        self.endpoint.replicas()
    }

    fn http(&self) -> Option<&HttpEndpoint> {
        match &self.endpoint {
            Endpoint::Http(http) => Some(http),
            Endpoint::Stdio(_) => None,
        }
    }

    /// The variables that the user sets.
    pub fn env(&self) -> &[(String, String)] {
        self.endpoint.command().map_or(&[], |command| &command.env)
    }

    /// How many processes were started so far.
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    /// Which start of a shared server new connections reach. A session of an earlier one is lost.
    pub fn generation(&self) -> usize {
        match self.transport() {
            Transport::Stdio => 0,
            Transport::Http | Transport::Sse => self.starts(),
        }
    }

    /// Connects: starts a process over stdio; makes sure that the server listens over HTTP.
    ///
    /// # Errors
    /// Where nothing can be started or reached.
    pub async fn connect(&self) -> Result<Connected, HostError> {
        match &self.endpoint {
            Endpoint::Stdio(command) => {
                self.starts.fetch_add(1, Ordering::Relaxed);
                let (link, group) = stdio::connect(command)?;
                Ok(Connected {
                    link,
                    group: Some(group),
                    url: None,
                    address: None,
                })
            }
            Endpoint::Http(http) => {
                let mut running = self.running.lock().await;
                if !running.as_ref().is_some_and(Running::lives) {
                    *running = Some(self.start(http).await?);
                }
                let (addresses, url) = match &*running {
                    Some(running) => (running.addresses.clone(), running.url.clone()),
                    None => (vec![Arc::new(Address::parse(&http.url)?)], http.url.clone()),
                };
                Ok(Connected {
                    address: addresses.first().cloned(),
                    link: http::connect(addresses),
                    group: None,
                    url: Some(url),
                })
            }
        }
    }

    /// The number of the HTTP server's process, if we started it.
    pub async fn pid(&self) -> Option<u32> {
        let running = self.running.lock().await;
        let (group, _) = running.as_ref()?.processes.first()?;
        Some(group.pid())
    }

    /// Whether the HTTP server that we started still runs.
    pub async fn is_running(&self) -> bool {
        let running = self.running.lock().await;
        self.owns_process() && running.as_ref().is_some_and(Running::lives)
    }

    /// Ends the HTTP server that we started, so that the next connection starts another.
    pub async fn stop(&self) {
        let running = self.running.lock().await.take();
        for (group, _) in running.into_iter().flat_map(|running| running.processes) {
            group.terminate().await;
        }
    }

    /// The last words on stderr of the HTTP server that we started.
    pub async fn stderr_tail(&self) -> Vec<String> {
        let running = self.running.lock().await;
        let processes = running.iter().flat_map(|running| &running.processes);
        processes.flat_map(|(_, tail)| tail.lines()).collect()
    }
}
