//! Before the first trial: reach the server, learn what it speaks, and say clearly why it cannot be tested.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::session::Bench;
use super::unreachable::{no_server, stderr_of};
use super::{Fixture, Options, RunError};
use crate::catalog::select::SelectError;
use crate::catalog::{Catalog, Selection};
use crate::drive::{Session, Spec};
use crate::host::{Host, HostError};
use crate::judge::evidence;
use crate::probe::{self, Probed};
use crate::profile::{Offer, Profile};
use crate::redact::Redactor;
use crate::revision::{Era, Revision};
use crate::rule::RULES;
use crate::target::Endpoint;
use crate::transcript::What;
use crate::transport::{Transport, header};
use crate::verdict::trial_name;

/// The revision that stands for a server which opened at none.
const DEFAULT: Revision = Revision::V2025_11_25;
/// How many of the official fixture's tools must be listed before it is assumed.
const FIXTURE_TOOLS: [&str; 3] = [
    "test_simple_text",
    "test_error_handling",
    "test_image_content",
];

/// What is known and open before the first trial.
pub struct Setup {
    /// What every session needs.
    pub bench: Arc<Bench>,
    /// What the probe found.
    pub profile: Arc<Profile>,
    /// Open sessions, to be used as the first shared ones.
    pub warm: Vec<Session>,
    /// Sessions that could not be opened, to be judged as they are.
    pub failed: Vec<Session>,
}

/// Makes sure that every glob selects something.
///
/// # Errors
/// The first that does not.
pub fn verify_selection(selection: &Selection, catalog: &Catalog) -> Result<(), SelectError> {
    if selection.is_everything() {
        return Ok(());
    }
    let cases = catalog.cases().iter().map(|case| case.id.to_string());
    let ids: Vec<String> = cases
        .chain(RULES.iter().map(|rule| format!("rule/{}", rule.name)))
        .collect();
    let trials = ids.iter().flat_map(|id| {
        let at =
            move |revision| Transport::ALL.map(|transport| trial_name(id, revision, transport));
        Revision::ALL.into_iter().flat_map(at)
    });
    let names: Vec<String> = trials.chain(ids.iter().cloned()).collect();
    selection.verify(names.iter().map(String::as_str))
}

/// Probes every endpoint.
///
/// # Errors
/// Where there is nothing to be tested.
pub async fn setup(options: &Options) -> Result<Setup, RunError> {
    if let Some(path) = &options.save_transcripts {
        std::fs::create_dir_all(path).map_err(|source| RunError::Save {
            path: path.clone(),
            source,
        })?;
    }
    let known = options.endpoints.iter().cloned();
    let known: Vec<Endpoint> = known.map(Endpoint::with_forged).collect();
    let redactor = redactor(&known);
    let mut found = Found::default();
    let mut hosts = Vec::new();
    // All at the same time: a probe waits more than it works.
    let probing: Vec<_> = endpoints(&known, options)
        .map(|endpoint| Prober {
            host: Arc::new(Host::new(endpoint.clone())),
            revisions: options.revisions.clone(),
            timeout: options.timeout,
            redactor: redactor.clone(),
        })
        .map(|prober| tokio::spawn(prober.run()))
        .collect();
    for task in probing {
        // A task ends early only if it panicked, which our lints forbid.
        let Ok(result) = task.await else { continue };
        let (host, probed) = result?;
        for (revision, probed) in probed {
            found.take(revision, host.transport(), probed);
        }
        hosts.push(host);
    }
    if found.warm.is_empty() {
        found.explain(options, &hosts).await?;
    }
    found.verify_replicas(options).await?;
    let profile = Arc::new(found.profile(options, &hosts));
    // One root finding is enough for a server that opens at no revision.
    found.failed.retain(|session| {
        profile
            .offer(session.spec.revision, session.spec.transport())
            .is_some()
    });
    let bench = Arc::new(Bench {
        hosts,
        profile: profile.clone(),
        catalog: options.catalog.clone(),
        select: options.select.clone(),
        command_line: Arc::new(options.arguments.clone()),
        timeout: options.timeout,
        redactor,
        save: options.save_transcripts.clone(),
        huge: tokio::sync::Mutex::new(()),
        large: tokio::sync::Mutex::new(()),
    });
    Ok(Setup {
        bench,
        profile,
        warm: found.warm,
        failed: found.failed,
    })
}

/// The endpoints that can carry what is asked for. One that stands alone may turn out to speak HTTP+SSE, so it is always
/// tried.
fn endpoints<'a>(all: &'a [Endpoint], options: &'a Options) -> impl Iterator<Item = &'a Endpoint> {
    let alone = all.len() == 1;
    all.iter().filter(move |endpoint| {
        alone || !revisions(options.revisions.as_deref(), endpoint.transport()).is_empty()
    })
}

/// Probes a host.
struct Prober {
    host: Arc<Host>,
    revisions: Option<Vec<Revision>>,
    timeout: Duration,
    redactor: Redactor,
}

impl Prober {
    /// What refuses Streamable HTTP may be the event stream of HTTP+SSE, and then is probed as that.
    /// <https://modelcontextprotocol.io/specification/2025-03-26/basic/transports#backwards-compatibility>
    async fn run(self) -> Result<(Arc<Host>, Vec<(Revision, Probed)>), HostError> {
        let probed = self.probe(&self.host).await?;
        let refused = probed.iter().all(|(_, probed)| probed.is_refusal());
        let Some(older) = self.host.over_sse().filter(|_| refused).map(Arc::new) else {
            return Ok((self.host, probed));
        };
        let again = self.probe(&older).await?;
        let opened = again.iter().any(|(_, probed)| probed.opened_channel());
        Ok(match opened || probed.is_empty() {
            true => (older, again),
            false => (self.host, probed),
        })
    }

    async fn probe(&self, host: &Arc<Host>) -> Result<Vec<(Revision, Probed)>, HostError> {
        let spec = Spec {
            host: host.clone(),
            revision: DEFAULT,
            client: Value::Object(serde_json::Map::new()),
            timeout: self.timeout,
            redactor: self.redactor.clone(),
            vars: Arc::default(),
            tools: Arc::default(),
        };
        probe::probe(
            &spec,
            &revisions(self.revisions.as_deref(), host.transport()),
        )
        .await
    }
}

fn redactor(endpoints: &[Endpoint]) -> Redactor {
    let headers = endpoints.iter().flat_map(Endpoint::secret_headers).cloned();
    let commands = endpoints.iter().filter_map(Endpoint::command);
    let env = commands.flat_map(|command| command.env.clone());
    Redactor::new(&headers.collect::<Vec<_>>(), &env.collect::<Vec<_>>())
}

/// The revisions to try over a transport.
fn revisions(wanted: Option<&[Revision]>, transport: Transport) -> Vec<Revision> {
    let wanted = |revision: &Revision| wanted.is_none_or(|wanted| wanted.contains(revision));
    Revision::ALL
        .into_iter()
        .filter(wanted)
        .filter(|revision| transport.carries(*revision))
        .collect()
}

/// What the probes brought.
#[derive(Default)]
struct Found {
    server: Option<Value>,
    offers: Vec<Offer>,
    warm: Vec<Session>,
    failed: Vec<Session>,
    refused: BTreeMap<(Transport, Revision), String>,
}

impl Found {
    fn take(&mut self, revision: Revision, transport: Transport, probed: Probed) {
        match probed {
            Probed::Spoken(mut session, mut offer, server) => {
                self.offers.iter().for_each(|known| offer.share(known));
                session.spec.tools = offer.tools.clone();
                self.warm.push(*session);
                self.offers.push(*offer);
                self.server = server.or(self.server.take());
            }
            Probed::Refused { reason } => drop(self.refused.insert((transport, revision), reason)),
            Probed::Failed(session) => self.failed.push(*session),
        }
    }

    /// No revision was opened. Whatever can be said in a sentence is an error; a peer that talks, but wrongly, goes on
    /// to be judged.
    async fn explain(&self, options: &Options, hosts: &[Arc<Host>]) -> Result<(), RunError> {
        let Some(session) = self.failed.first() else {
            let reasons: Vec<String> = self
                .refused
                .iter()
                .map(|((transport, revision), reason)| {
                    format!("{revision} over {transport}: {reason}")
                })
                .collect();
            let what = match &options.revisions {
                Some(_) => "the server speaks none of the revisions asked for",
                None => "the server speaks no revision that this program knows",
            };
            return Err(RunError::NotSpoken(format!(
                "{what} ({})",
                reasons.join("; ")
            )));
        };
        if let Some(error) = session.misdirected() {
            return Err(RunError::NoServer(format!(
                "the endpoint event leads astray: {}; messages are sent to the server that --url names, and nowhere else",
                evidence::cut(&error.to_string(), 300)
            )));
        }
        let entries = &session.record.entries;
        if entries.iter().any(|entry| {
            matches!(entry.what, What::Received { .. } | What::Broken { .. })
                && session.spec.transport() == Transport::Stdio
        }) {
            return Ok(());
        }
        let mut stderr = stderr_of(entries);
        for host in hosts {
            stderr.extend(host.stderr_tail().await);
        }
        match no_server(entries, &stderr, session.spec.transport()) {
            Some(reason) => Err(RunError::NoServer(reason)),
            None => Ok(()),
        }
    }

    /// Makes sure that every replica serves what takes turns.
    async fn verify_replicas(&mut self, options: &Options) -> Result<(), RunError> {
        let replicas = options.endpoints.iter().flat_map(Endpoint::replicas);
        let replicas: Vec<String> = replicas.cloned().collect();
        if replicas.is_empty() {
            return Ok(());
        }
        let modern = |session: &&mut Session| session.spec.revision.era() == Era::Modern;
        let Some(session) = self.warm.iter_mut().find(modern) else {
            return Err(RunError::NotSpoken(
                "only requests of 2026-07-28 and later go to a --replica, and the server is not tested at one".to_owned(),
            ));
        };
        for (index, url) in replicas.into_iter().enumerate() {
            if !session.discover_at(index + 1).await {
                return Err(RunError::NoServer(format!(
                    "--replica {}: server/discover brings no result there, though it does at --url",
                    session.spec.redactor.text(url)
                )));
            }
        }
        Ok(())
    }

    fn profile(&self, options: &Options, hosts: &[Arc<Host>]) -> Profile {
        let lists = |name: &str| {
            self.offers.iter().any(|offer| {
                offer
                    .tools
                    .iter()
                    .any(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
            })
        };
        let official_fixture = match options.fixture {
            Fixture::Auto => FIXTURE_TOOLS.into_iter().all(lists),
            Fixture::Official => true,
            Fixture::None => false,
        };
        let mut offers = self.offers.clone();
        // A revision that could not be opened still has its trials: they are blocked, and say by what.
        for session in &self.failed {
            offers.push(Offer::closed(
                session.spec.revision,
                session.spec.transport(),
            ));
        }
        if self.warm.is_empty() {
            let is_default =
                |offer: &Offer| offer.revision.era() == Era::Legacy && offer.revision != DEFAULT;
            if offers.iter().any(|offer| offer.revision == DEFAULT) {
                offers.retain(|offer| !is_default(offer));
            }
        }
        let identities: BTreeSet<_> = hosts.iter().flat_map(|host| host.identities()).collect();
        Profile {
            server: self.server.clone(),
            offers,
            calls: options.calls.iter().cloned().collect(),
            call_read_only: options.call_read_only,
            official_fixture,
            own_process: hosts.iter().all(|host| host.owns_process()),
            authorization: hosts
                .iter()
                .any(|host| header(host.headers(), "authorization").is_some()),
            identities: identities.into_iter().cloned().collect(),
            replicas: hosts.iter().map(|host| host.replicas().len()).sum(),
            legacy_tried: hosts
                .iter()
                .map(|host| host.transport())
                .filter(|transport| tries_legacy(options, *transport))
                .collect(),
        }
    }
}

/// Whether a legacy revision is asked for over a transport.
fn tries_legacy(options: &Options, transport: Transport) -> bool {
    revisions(options.revisions.as_deref(), transport)
        .iter()
        .any(|revision| revision.era() == Era::Legacy)
}
