//! An HTTP server is started or reached, until it listens.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::{Host, HostError, Running, StderrTail};
use crate::process::{self, Group};
use crate::target::{CommandLine, HttpEndpoint, PORT};
use crate::transport::http::Address;

/// How long an HTTP server that we start may take to listen.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// So many free ports are tried.
const PORTS: usize = 3;
/// What all systems say of a port that somebody else has.
const IN_USE: &str = "already in use";

impl Host {
    pub(super) async fn start(&self, endpoint: &HttpEndpoint) -> Result<Running, HostError> {
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
    let until = Instant::now() + LIMIT;
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
    let connecting = tokio::time::timeout(LIMIT, TcpStream::connect((host, port))).await;
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

/// An HTTP server's stdout carries nothing for us, but a full pipe would stop the server.
fn discard(stdout: Option<impl Read + Send + 'static>) {
    if let Some(mut stdout) = stdout {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        });
    }
}
