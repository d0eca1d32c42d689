//! Plays the planned groups, each in sessions as they last, and judges every session when it ends.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::RunError;
use crate::catalog::{Catalog, SessionKind};
use crate::drive::{Played, Session, Spec};
use crate::host::Host;
use crate::judge::{self, Judged};
use crate::plan::{self, Group, Trial};
use crate::profile::Profile;
use crate::redact::Redactor;
use crate::revision::Revision;
use crate::transcript::{FORMAT, Header, Transcript};
use crate::transport::Transport;
use crate::verdict::trial_name;

/// What every session needs.
pub struct Bench {
    /// Where to connect.
    pub hosts: Vec<Arc<Host>>,
    /// What the probe found.
    pub profile: Arc<Profile>,
    /// The cases.
    pub catalog: Arc<Catalog>,
    /// The globs of the selection.
    pub select: Vec<String>,
    /// For reproduce lines.
    pub command_line: Arc<Vec<String>>,
    /// How long a request may take.
    pub timeout: Duration,
    /// Keeps secrets out of transcripts.
    pub redactor: Redactor,
    /// Where to save transcripts.
    pub save: Option<PathBuf>,
    /// Held by who sends something huge.
    pub huge: Mutex<()>,
    /// Held by who judges a large session.
    pub large: Mutex<()>,
}

/// So many trials in a row may each cost a session. Then the rest of the group is left out: the cause is plain, and a
/// server that starts slowly would be started a hundred times.
const MAX_LOSSES: usize = 8;

/// A session that received more than this (2 MiB) is followed by another: it is kept until it is judged, and a server
/// with long lists sends them again in many trials.
const MAX_RECEIVED: usize = 2 << 20;
/// Sessions that received more than this (64 KiB) are judged one after the other: parsed, they take ten times as much.
const LARGE: usize = 64 << 10;

/// Where the verdicts of a session go.
pub type Results = mpsc::UnboundedSender<(Revision, Transport, Judged)>;

impl Bench {
    /// How many processes were started.
    pub fn starts(&self) -> usize {
        self.hosts.iter().map(|host| host.starts()).sum()
    }

    /// What a session at a revision over a transport needs; none if no endpoint speaks the transport.
    pub fn spec(
        &self,
        revision: Revision,
        transport: Transport,
        client: Map<String, Value>,
    ) -> Option<Spec> {
        let host = self
            .hosts
            .iter()
            .find(|host| host.transport() == transport)?
            .clone();
        let tools = self
            .profile
            .offer(revision, transport)
            .map(|offer| offer.tools.clone());
        Some(Spec {
            host,
            revision,
            client: Value::Object(client),
            timeout: self.timeout,
            redactor: self.redactor.clone(),
            vars: Arc::new(plan::vars(&self.profile, revision, transport)),
            tools: tools.unwrap_or_default(),
        })
    }

    /// Ends a session and judges it.
    async fn finish(
        &self,
        session: Session,
        name: String,
        superseded: Vec<String>,
    ) -> Result<Judged, RunError> {
        let (revision, transport) = (session.spec.revision, session.spec.transport());
        let client = session.spec.client.clone();
        let is_large = session.record.received() > LARGE;
        let (entries, conversation) = session.close().await;
        let header = Header {
            format: FORMAT.to_owned(),
            session: name,
            revision,
            transport,
            client,
            superseded,
            profile: self.profile.clone(),
            catalog: self.catalog.hash.clone(),
            select: self.select.clone(),
            command_line: self.command_line.clone(),
        };
        let transcript = Transcript { header, entries };
        self.save(&transcript)?;
        let _large = match is_large {
            true => Some(self.large.lock().await),
            false => None,
        };
        Ok(judge::recorded(&transcript, &conversation, &self.catalog))
    }

    /// Why none of these sessions is open, in the words of the rule that says so.
    pub async fn unopened(&self, sessions: impl Iterator<Item = Session>) -> RunError {
        let mut reason = None;
        for session in sessions {
            let judged = self.finish(session, "probe".to_owned(), Vec::new()).await;
            let mut rules = judged.into_iter().flat_map(|judged| judged.rules);
            let opening = rules.find(|outcome| outcome.rule == "opening");
            let finding = opening.and_then(|outcome| outcome.findings.into_iter().next());
            reason = reason.or(finding.map(|finding| finding.message));
        }
        let reason = reason.unwrap_or_else(|| "the server agrees to none".to_owned());
        let timeout = humantime::format_duration(self.timeout);
        RunError::NoServer(format!(
            "no session could be opened: {reason}; `mcp-conform check --timeout {timeout}` shows what was sent and what came"
        ))
    }

    fn save(&self, transcript: &Transcript) -> Result<(), RunError> {
        let Some(folder) = &self.save else {
            return Ok(());
        };
        let path = folder.join(format!(
            "{}.jsonl",
            transcript.header.session.replace('/', "-")
        ));
        let write = || {
            let file = std::io::BufWriter::new(std::fs::File::create(&path)?);
            transcript.write(file)
        };
        write().map_err(|source| RunError::Save {
            path: path.clone(),
            source,
        })
    }
}

/// A group, its number, and the session that the probe left for it.
type Work = (usize, Group, Option<Session>);

/// Plays all groups, so many of each transport at once: those of one do not wait for those of another.
///
/// # Errors
/// Where a transcript cannot be saved.
pub async fn run_groups(
    bench: Arc<Bench>,
    groups: Vec<Group>,
    mut warm: Vec<Session>,
    failed: Vec<Session>,
    jobs: usize,
    results: Results,
) -> Result<(), RunError> {
    let mut queues: BTreeMap<Transport, VecDeque<Work>> = BTreeMap::new();
    for (index, group) in groups.into_iter().enumerate() {
        let position = warm.iter().position(|session| fits(session, &group));
        let warm = position.map(|position| warm.swap_remove(position));
        let queue = queues.entry(group.transport).or_default();
        queue.push_back((index, group, warm));
    }
    for session in failed.into_iter().chain(warm) {
        let (revision, transport) = (session.spec.revision, session.spec.transport());
        let name = format!("{revision}+{transport}.probe");
        let judged = bench.finish(session, name, Vec::new()).await?;
        let _ = results.send((revision, transport, judged));
    }
    let mut workers = JoinSet::new();
    for queue in queues.into_values() {
        let count = jobs.clamp(1, queue.len());
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            workers.spawn(work(bench.clone(), queue.clone(), results.clone()));
        }
    }
    while let Some(done) = workers.join_next().await {
        if let Ok(result) = done {
            result?;
        }
    }
    Ok(())
}

/// Whether the group can begin in a session that the probe opened.
fn fits(session: &Session, group: &Group) -> bool {
    let Group {
        revision,
        transport,
        ..
    } = *group;
    group.session == SessionKind::Shared
        && group.client.is_empty()
        && (session.spec.revision, session.spec.transport()) == (revision, transport)
}

/// Plays one group after the other until none is left.
async fn work(
    bench: Arc<Bench>,
    queue: Arc<Mutex<VecDeque<Work>>>,
    results: Results,
) -> Result<(), RunError> {
    loop {
        let next = queue.lock().await.pop_front();
        let Some((index, group, warm)) = next else {
            return Ok(());
        };
        let player = Player {
            bench: bench.clone(),
            results: results.clone(),
            index,
            count: 0,
        };
        player.play(group, warm).await?;
    }
}

fn is_usable(session: &Session, spec: &Spec) -> bool {
    session.generation == spec.host.generation()
        && !session.record.gone
        && session.record.received() < MAX_RECEIVED
}

/// Plays one group.
struct Player {
    bench: Arc<Bench>,
    results: Results,
    index: usize,
    count: usize,
}

impl Player {
    async fn play(mut self, group: Group, warm: Option<Session>) -> Result<(), RunError> {
        let Some(spec) = self
            .bench
            .spec(group.revision, group.transport, group.client.clone())
        else {
            return Ok(());
        };
        let mut waiting: VecDeque<Trial> = group.trials.iter().cloned().collect();
        let mut session = warm.map(|mut session| {
            session.spec.vars = spec.vars.clone();
            session.spec.tools = spec.tools.clone();
            session
        });
        let mut losses = 0;
        while let Some(trial) = waiting.pop_front() {
            let mut current = match session.take() {
                Some(session) if is_usable(&session, &spec) => session,
                Some(stale) => {
                    self.end(&group, stale, Vec::new()).await?;
                    waiting.push_front(trial);
                    continue;
                }
                None => match self.open(&group, &spec).await? {
                    Some(session) => session,
                    None => {
                        waiting.push_front(trial);
                        self.block(&group, waiting, &spec);
                        return Ok(());
                    }
                },
            };
            match self.play_trial(&mut current, &trial).await {
                Played::Alive => {
                    losses = 0;
                    session = Some(current);
                }
                // A process of its own that a case alone has talked to: there is nobody else to blame.
                Played::Lost
                    if group.session != SessionKind::Shared
                        && group.transport == Transport::Stdio =>
                {
                    self.end(&group, current, Vec::new()).await?
                }
                Played::Lost => {
                    self.end(&group, current, vec![trial.name()]).await?;
                    losses += 1;
                    let last = trial.name();
                    self.alone(&group, &spec, trial).await?;
                    if losses == MAX_LOSSES {
                        let reason = format!(
                            "left out: {losses} trials in a row lost the server, the last of them {last}"
                        );
                        self.leave_out(&group, waiting, &reason);
                        return Ok(());
                    }
                }
            }
        }
        match session {
            Some(session) => self.end(&group, session, Vec::new()).await,
            None => Ok(()),
        }
    }

    async fn play_trial(&self, session: &mut Session, trial: &Trial) -> Played {
        let host = session.spec.host.clone();
        let _among_others = host.alone.read().await;
        let _huge = match trial.case.is_huge() {
            true => Some(self.bench.huge.lock().await),
            false => None,
        };
        session.play(&trial.name(), &trial.case).await
    }

    /// Plays a suspect again with nobody else around, so that the blame falls on the right one.
    async fn alone(&mut self, group: &Group, spec: &Spec, trial: Trial) -> Result<(), RunError> {
        let host = spec.host.clone();
        let _alone = host.alone.write().await;
        // It may hang rather than have ended; a server that is not ours has to cope.
        host.stop().await;
        match self.open(group, spec).await? {
            Some(mut session) => {
                session.play(&trial.name(), &trial.case).await;
                let lost = session.record.gone;
                self.end(group, session, Vec::new()).await?;
                if lost {
                    host.stop().await;
                }
                Ok(())
            }
            None => {
                self.block(group, VecDeque::from([trial]), spec);
                Ok(())
            }
        }
    }

    /// Opens a session as the group wants it; none if the server does not open.
    async fn open(&mut self, group: &Group, spec: &Spec) -> Result<Option<Session>, RunError> {
        let mut session = Session::connect(spec.clone()).await?;
        if group.session == SessionKind::Unopened || session.open().await {
            return Ok(Some(session));
        }
        self.end(group, session, Vec::new()).await?;
        Ok(None)
    }

    /// The trials that cannot be played because no session opens.
    fn block(&self, group: &Group, trials: VecDeque<Trial>, spec: &Spec) {
        let by = trial_name("rule/opening", group.revision, spec.transport());
        self.leave_out(group, trials, &format!("blocked by {by}"));
    }

    fn leave_out(&self, group: &Group, trials: VecDeque<Trial>, reason: &str) {
        let Group {
            revision,
            transport,
            ..
        } = *group;
        let left_out =
            |trial: Trial| plan::left_out(&trial.case, revision, transport, reason.to_owned());
        let judged = Judged {
            trials: trials.into_iter().map(left_out).collect(),
            ..Judged::default()
        };
        let _ = self.results.send((revision, transport, judged));
    }

    async fn end(
        &mut self,
        group: &Group,
        session: Session,
        superseded: Vec<String>,
    ) -> Result<(), RunError> {
        self.count += 1;
        let Group {
            revision,
            transport,
            ..
        } = group;
        let name = format!("{revision}+{transport}.{}.{}", self.index + 1, self.count);
        let judged = self.bench.finish(session, name, superseded).await?;
        let _ = self.results.send((*revision, *transport, judged));
        Ok(())
    }
}
