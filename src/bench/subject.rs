//! A target that was reached: what it speaks, and what may be called.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;

use super::calls::{self, Call};
use super::delay;
use super::lane::{Down, Reach};
use super::pace::GLANCE;
use super::report::{BenchResult, BenchTarget, ServerFigures};
use crate::catalog::Catalog;
use crate::host::{Host, HostError, last_words};
use crate::profile::{Offer, Profile};
use crate::report::escape::excerpt;
use crate::revision::Revision;
use crate::run::setup::{self, Setup};
use crate::run::{self, Fixture, RunError};
use crate::target::{Endpoint, TargetInfo};
use crate::transport::Transport;

/// What the user named.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name in results.
    pub name: String,
    /// How it is reached.
    pub endpoint: Endpoint,
    /// What reports say of it.
    pub info: TargetInfo,
}

/// What may be called, and at which revisions.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// The revisions to speak; none: the newest that the server accepts.
    pub revisions: Option<Vec<Revision>>,
    /// The fixture to assume.
    pub fixture: Fixture,
    /// Calls that the user allows: tool name and arguments.
    pub calls: Vec<(String, Value)>,
    /// Whether tools annotated as read-only may be called.
    pub call_read_only: bool,
    /// How long a call may take.
    pub timeout: Duration,
}

/// One target at one revision.
pub struct Subject {
    /// What the user named.
    pub named: Named,
    /// The process, if it is one that listens.
    pub host: Arc<Host>,
    /// How sessions reach it.
    pub reach: Reach,
    /// How far away it is made to seem.
    pub delay: Duration,
    /// What it offers.
    pub offer: Offer,
    /// What is allowed.
    pub profile: Arc<Profile>,
    /// The name and version that it gives itself.
    pub implementation: Option<String>,
    /// The number of its process, if that listens and is ours.
    pub pid: Option<u32>,
    /// What its process needs, as far as it is known.
    pub server: ServerFigures,
}

impl Subject {
    /// The revision spoken.
    pub fn revision(&self) -> Revision {
        self.offer.revision
    }

    /// The transport spoken.
    pub fn transport(&self) -> Transport {
        self.offer.transport
    }

    /// The calls to measure.
    pub fn calls(&self, payloads: &[usize]) -> Vec<Call> {
        calls::calls(&self.profile, &self.offer, payloads)
    }

    /// What it is, and what its process needed for these results.
    pub fn target(&self, results: &[BenchResult]) -> BenchTarget {
        let name = &self.named.name;
        let mine = results.iter().filter(|result| &result.target == name);
        let used: Vec<ServerFigures> = mine.filter_map(|result| result.server).collect();
        let figures = ServerFigures {
            rss_bytes: used.iter().filter_map(|used| used.rss_bytes).max(),
            // One call at a time is what most clients make, and what is measured first.
            cpu_us_per_call: used.iter().find_map(|used| used.cpu_us_per_call),
            startup_ms: self.server.startup_ms,
        };
        BenchTarget {
            name: name.clone(),
            transport: self.transport(),
            info: self.named.info.clone(),
            implementation: self.implementation.clone(),
            server: (figures != ServerFigures::default()).then_some(figures),
        }
    }

    /// What the server had to say at its end, if it is ours, listens no more and has ended. It is looked as often as this.
    pub fn last_words(&self, handle: &Handle, looks: usize) -> Option<String> {
        self.pid?;
        for look in 0..looks {
            if look > 0 {
                std::thread::sleep(GLANCE);
            }
            if !handle.block_on(self.host.is_running()) {
                let words = last_words(&handle.block_on(self.host.stderr_tail()));
                return Some(format!("the server ended{words}"));
            }
        }
        None
    }

    /// Whether it is the server that is part of this program.
    pub fn is_bundled(&self) -> bool {
        self.named.info.kind == "bundled"
    }
}

/// Why there is nothing to be measured.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It cannot be reached, or speaks nothing that we know.
    #[error("{name}: {source}")]
    Run {
        /// The target.
        name: String,
        /// Why.
        source: RunError,
    },
    /// It speaks HTTP+SSE.
    #[error(
        "{0}: it speaks HTTP+SSE only, which is not measured: benchmarks are for stdio and Streamable HTTP"
    )]
    OverSse(String),
    /// A tool that the user named is not there.
    #[error("{name}: it has no tool {tool:?}, which --call names; it has {tools}")]
    NoTool {
        /// The target.
        name: String,
        /// The tool.
        tool: String,
        /// Those that are there.
        tools: String,
    },
}

/// Reaches a target, and learns what it speaks.
///
/// # Errors
/// Where there is nothing to be measured.
pub async fn prepare(
    named: &Named,
    allowed: &Allowed,
    catalog: &Arc<Catalog>,
    delay: Option<Duration>,
) -> Result<Vec<Subject>, PrepareError> {
    let failed = |source| PrepareError::Run {
        name: named.name.clone(),
        source,
    };
    let options = run::Options {
        endpoints: vec![named.endpoint.clone()],
        target: named.info.clone(),
        catalog: catalog.clone(),
        revisions: allowed.revisions.clone(),
        select: Vec::new(),
        fixture: allowed.fixture,
        jobs: 1,
        timeout: allowed.timeout,
        calls: allowed.calls.clone(),
        call_read_only: allowed.call_read_only,
        save_transcripts: None,
        arguments: Vec::new(),
    };
    let Setup {
        bench,
        profile,
        warm,
        failed: closed,
    } = setup::setup(&options).await.map_err(failed)?;
    for session in warm.into_iter().chain(closed) {
        drop(session.close().await);
    }
    let offers = chosen(&profile, allowed.revisions.is_some());
    let [host, ..] = &bench.hosts[..] else {
        return Ok(Vec::new());
    };
    if host.transport() == Transport::Sse {
        return Err(PrepareError::OverSse(named.name.clone()));
    }
    if offers.is_empty() {
        let reason = "no session opens: `mcp-conform check` says why".to_owned();
        return Err(failed(RunError::NoServer(reason)));
    }
    let reach = reach(host, &named.endpoint, delay)
        .await
        .map_err(|error| failed(error.into()))?;
    let pid = host.pid().await;
    let implementation = profile.server.as_ref().and_then(implementation);
    let subjects = offers.into_iter().map(|offer| Subject {
        named: named.clone(),
        host: host.clone(),
        reach: reach.clone(),
        delay: match reach {
            Reach::Http(..) => delay.unwrap_or_default(),
            Reach::Stdio(_) => Duration::ZERO,
        },
        offer: offer.clone(),
        profile: profile.clone(),
        implementation: implementation.clone(),
        pid,
        server: ServerFigures::default(),
    });
    let subjects: Vec<Subject> = subjects.collect();
    for subject in &subjects {
        has_tools(subject)?;
    }
    Ok(subjects)
}

/// All that was asked for and is spoken, or the newest.
fn chosen(profile: &Profile, all: bool) -> Vec<&Offer> {
    let mut offers: Vec<&Offer> = profile
        .offers
        .iter()
        .filter(|offer| !offer.is_closed())
        .collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.revision));
    if !all {
        offers.truncate(1);
    }
    offers
}

fn has_tools(subject: &Subject) -> Result<(), PrepareError> {
    let tools = subject.offer.tools.iter();
    let names: Vec<&str> = tools.filter_map(|tool| tool["name"].as_str()).collect();
    let missing = |name: &&String| !names.contains(&name.as_str());
    match subject.profile.calls.keys().find(missing) {
        None => Ok(()),
        Some(tool) => Err(PrepareError::NoTool {
            name: subject.named.name.clone(),
            tool: tool.clone(),
            tools: match names.is_empty() {
                true => "none".to_owned(),
                false => excerpt(&names.join(", "), 300),
            },
        }),
    }
}

fn implementation(server: &Value) -> Option<String> {
    let name = server.get("name")?.as_str()?;
    let version = server.get("version").and_then(Value::as_str);
    let version = version.filter(|version| !version.is_empty());
    let text = match version {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    Some(excerpt(&text, 80))
}

/// Where sessions connect to. What we start over HTTP runs from now on.
async fn reach(
    host: &Host,
    endpoint: &Endpoint,
    delay: Option<Duration>,
) -> Result<Reach, HostError> {
    let http = match endpoint {
        Endpoint::Stdio(command) => return Ok(Reach::Stdio(command.clone())),
        Endpoint::Http(http) => http,
    };
    let connected = host.connect().await?;
    let Some(address) = connected.address else {
        return Ok(Reach::Http(
            Arc::new(crate::transport::http::Address::parse(&http.url)?),
            http.headers.clone(),
        ));
    };
    let address = match delay {
        None => address,
        Some(delay) => {
            let relay: SocketAddr = delay::relay(address.socket(), delay)
                .await
                .map_err(HostError::Port)?;
            Arc::new(address.via(relay))
        }
    };
    Ok(Reach::Http(address, http.headers.clone()))
}

/// Another start of the same server, from nothing to its first answer.
///
/// # Errors
/// Where it does not start.
pub fn start_again(subject: &Subject, handle: &Handle) -> Result<Option<(Reach, Host)>, Down> {
    match &subject.named.endpoint {
        Endpoint::Stdio(_) => Ok(Some((
            subject.reach.clone(),
            Host::new(subject.named.endpoint.clone()),
        ))),
        // A port that the user named is taken by the one that runs.
        Endpoint::Http(http) if http.command.is_some() && subject.named.endpoint.chooses_port() => {
            let host = Host::new(subject.named.endpoint.clone());
            let connected = handle
                .block_on(host.connect())
                .map_err(|error| Down(error.to_string()))?;
            let address = connected.address;
            Ok(address.map(|address| (Reach::Http(address, http.headers.clone()), host)))
        }
        Endpoint::Http(_) => Ok(None),
    }
}
