//! Where sessions connect to: starts, awaits and restarts what has to run for them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use crate::process::{self, Group, StartError};
use crate::target::{CommandLine, Endpoint, HttpEndpoint, PORT, bearer};
use crate::transport::http::{Address, AddressError};
use crate::transport::{Link, Transport, http, stdio};

/// How long an HTTP server that we start may take to listen.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How many lines of stderr are kept to explain a failed start.
const STDERR_TAIL: usize = 20;

/// So many free ports are tried.
const PORTS: usize = 3;
/// What all systems say of a port that somebody else has.
const IN_USE: &str = "already in use";

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
    #[error("nothing listens on {address} after {} s{stderr}", START_LIMIT.as_secs())]
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

    /// The names of the identities that the user gave.
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
                let alive = running.as_ref().is_some_and(|running| {
                    let mut processes = running.processes.iter();
                    processes.all(|(group, _)| !group.has_exited())
                });
                if !alive {
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

    async fn start(&self, endpoint: &HttpEndpoint) -> Result<Running, HostError> {
        let mut started = Running {
            addresses: Vec::new(),
            url: String::new(),
            processes: Vec::new(),
        };
        let mut urls = vec![endpoint.url.clone()];
        urls.extend_from_slice(&endpoint.replicas);
        for url in urls {
            let url = match &endpoint.command {
                None => {
                    reach(&Address::parse(&url)?).await?;
                    url
                }
                Some(command) => {
                    let (url, process) = self.start_process(&url, command).await?;
                    started.processes.push(process);
                    url
                }
            };
            started.addresses.push(Arc::new(Address::parse(&url)?));
            if started.url.is_empty() {
                started.url = url;
            }
        }
        Ok(started)
    }

    /// Starts a process that listens at a URL. A free port may be taken before the process gets it: then there is another.
    async fn start_process(
        &self,
        url: &str,
        command: &CommandLine,
    ) -> Result<(String, (Group, StderrTail)), HostError> {
        for _ in 1..PORTS {
            match self.start_once(url, command).await {
                Err(HostError::Ended { stderr, .. })
                    if url.contains(PORT) && stderr.to_lowercase().contains(IN_USE) => {}
                started => return started,
            }
        }
        self.start_once(url, command).await
    }

    async fn start_once(
        &self,
        url: &str,
        command: &CommandLine,
    ) -> Result<(String, (Group, StderrTail)), HostError> {
        let (url, command) = with_port(url, command).await?;
        let address = Address::parse(&url)?;
        self.starts.fetch_add(1, Ordering::Relaxed);
        let mut child = process::spawn(&command)?;
        let group = Group::of(&child);
        let tail = StderrTail::default();
        tail.follow(child.stderr.take());
        discard(child.stdout.take());
        let stdin = child.stdin.take();
        let reaper = group.reaper();
        std::thread::spawn(move || {
            // Kept open: some servers end when their input does, even over HTTP.
            let _stdin = stdin;
            let _ = child.wait();
            reaper.leader_exited();
        });
        await_listening(&address, &group, &tail).await?;
        Ok((url, (group, tail)))
    }
}

/// Puts a free port in the place of `{port}`.
async fn with_port(url: &str, command: &CommandLine) -> Result<(String, CommandLine), HostError> {
    let uses_port = url.contains(PORT) || command.words.iter().any(|word| word.contains(PORT));
    if !uses_port {
        return Ok((url.to_owned(), command.clone()));
    }
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(HostError::Port)?;
    let port = listener
        .local_addr()
        .map_err(HostError::Port)?
        .port()
        .to_string();
    let fill = |text: &String| text.replace(PORT, &port);
    let command = CommandLine {
        words: command.words.iter().map(fill).collect(),
        env: command
            .env
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .collect(),
        cwd: command.cwd.clone(),
    };
    Ok((url.replace(PORT, &port), command))
}

async fn await_listening(
    address: &Address,
    group: &Group,
    tail: &StderrTail,
) -> Result<(), HostError> {
    let until = Instant::now() + START_LIMIT;
    let name = || format!("{}:{}", address.socket().0, address.socket().1);
    loop {
        if TcpStream::connect(address.socket()).await.is_ok() {
            return Ok(());
        }
        if group.has_exited() {
            // The thread that reads its stderr may not be done.
            tokio::time::sleep(Duration::from_millis(100)).await;
            return Err(HostError::Ended {
                address: name(),
                stderr: tail.to_string(),
            });
        }
        if Instant::now() > until {
            return Err(HostError::Silent {
                address: name(),
                stderr: tail.to_string(),
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn reach(address: &Address) -> Result<(), HostError> {
    let (host, port) = address.socket();
    let name = format!("{host}:{port}");
    let connecting = tokio::time::timeout(START_LIMIT, TcpStream::connect((host, port))).await;
    match connecting {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(source)) => Err(HostError::Unreachable {
            address: name,
            source,
        }),
        Err(_) => Err(HostError::Silent {
            address: name,
            stderr: String::new(),
        }),
    }
}

/// The last lines of a stderr, read as they come.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    pub(crate) fn follow(&self, stderr: Option<impl Read + Send + 'static>) {
        let Some(stderr) = stderr else { return };
        let tail = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while matches!(reader.by_ref().take(4096).read_until(b'\n', &mut line), Ok(count) if count > 0)
            {
                tail.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == STDERR_TAIL {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl std::fmt::Display for StderrTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&last_words(&self.lines()))
    }
}

/// The tail of a stderr as the end of an error message.
pub fn last_words(lines: &[String]) -> String {
    if lines.is_empty() {
        return "; it wrote nothing on stderr".to_owned();
    }
    format!("; the end of its stderr:\n  | {}", lines.join("\n  | "))
}

/// An HTTP server's stdout carries nothing for us, but a full pipe would stop the server.
fn discard(stdout: Option<impl Read + Send + 'static>) {
    if let Some(mut stdout) = stdout {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        });
    }
}
