//! One piece of work, and what is known of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Owner;
use crate::ask::Question;
use crate::context::Failure;
use crate::hub::{Event, Hub};
use crate::jsonrpc::{ErrorObject, Object};

/// How the work ended: as the request that it stands for would have been answered.
pub type Outcome = Result<Object, ErrorObject>;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It runs.
    Working,
    /// It waits for the client's answers.
    InputRequired,
    /// It ended with an outcome, good or bad.
    Ended,
    /// It was cancelled.
    Cancelled,
}

impl Status {
    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Ended | Self::Cancelled)
    }
}

/// A question that the client has not answered yet.
pub struct Asked {
    /// Names it; never used again in the same task.
    pub key: String,
    /// What is asked.
    pub question: Question,
    /// Whether somebody is asking the client right now (legacy revisions).
    pub on_its_way: bool,
}

/// What changes while a task lives.
pub struct State {
    /// Where it stands.
    pub status: Status,
    /// A sentence on that, for people.
    pub message: Option<String>,
    /// When any of this last changed.
    pub updated: SystemTime,
    /// What it waits for.
    pub asked: Vec<Asked>,
    /// What was answered and not yet picked up; an error says why there is no answer.
    answers: HashMap<String, Result<Value, String>>,
    /// How many questions there were, for their keys.
    questions: usize,
    /// The parts that are done, one way or the other.
    pub parts: Vec<Value>,
    /// How it ended, once it has ended.
    pub outcome: Option<Outcome>,
}

/// A task: work that outlives the request that began it.
pub struct Task {
    /// Cannot be guessed.
    pub id: String,
    /// Rises from task to task.
    pub number: u64,
    /// Who may see it.
    pub owner: Owner,
    /// Whether the client began it as a task of the protocol, and not with the tool `start_job`.
    pub protocol: bool,
    /// When it was created.
    pub created: SystemTime,
    /// How long it is kept, from then on.
    pub ttl: Duration,
    /// When that is over.
    pub deadline: Instant,
    state: watch::Sender<State>,
    hub: Arc<Hub>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "Task {}", self.number)
    }
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Task {}

impl Task {
    /// A task that works.
    pub fn new(
        hub: &Arc<Hub>,
        (id, number): (String, u64),
        owner: Owner,
        ttl: Duration,
        protocol: bool,
    ) -> Self {
        let created = SystemTime::now();
        Self {
            id,
            number,
            owner,
            protocol,
            created,
            ttl,
            deadline: Instant::now() + ttl,
            state: watch::Sender::new(State {
                status: Status::Working,
                message: None,
                updated: created,
                asked: Vec::new(),
                answers: HashMap::new(),
                questions: 0,
                parts: Vec::new(),
                outcome: None,
            }),
            hub: Arc::clone(hub),
        }
    }

    /// The URI of the resource that shows it.
    pub fn uri(&self) -> String {
        format!("{}{}", super::JOB_SCHEME, self.id)
    }

    /// Looks at the state. Must not look at another task meanwhile.
    pub fn state(&self) -> watch::Ref<'_, State> {
        self.state.borrow()
    }

    /// Changes a state that is not terminal and tells who wants to know; `false` if it was too late.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut State)) -> bool {
        let changed = self.state.send_if_modified(|state| {
            if state.status.is_terminal() {
                return false;
            }
            change(state);
            state.updated = SystemTime::now();
            true
        });
        if changed {
            self.hub.publish(&Event::Task(Arc::clone(self)));
            self.hub.publish(&Event::Resource(self.uri()));
        }
        changed
    }

    /// Notes that a part of the work is done.
    pub fn report(self: &Arc<Self>, message: String, part: Value) {
        self.change(|state| {
            state.message = Some(message);
            state.parts.push(part);
        });
    }

    /// Ends with an outcome, unless it has ended already.
    pub fn end(self: &Arc<Self>, message: Option<String>, outcome: Outcome) {
        self.change(|state| {
            state.status = Status::Ended;
            state.message = message.or(state.message.take());
            state.asked.clear();
            state.outcome = Some(outcome);
        });
    }

    /// Cancels; `false` if it has ended already.
    pub fn cancel(self: &Arc<Self>) -> bool {
        self.change(|state| {
            state.status = Status::Cancelled;
            state.message = Some("Cancelled at the client's request".into());
            state.asked.clear();
        })
    }

    /// Returns once `enough` holds.
    pub async fn until(&self, enough: impl FnMut(&State) -> bool) {
        // Fails only if the sender is gone, and the sender lives in `self`.
        let _ = self.state.subscribe().wait_for(enough).await;
    }

    /// Asks the client all questions at once, and waits for the answers as long as the task lives.
    pub async fn ask(self: &Arc<Self>, questions: &[Question]) -> Result<Vec<Value>, Failure> {
        let mut keys = Vec::new();
        let in_time = self.change(|state| {
            for question in questions {
                state.questions += 1;
                let key = format!("{}-{}", question.key, state.questions);
                keys.push(key.clone());
                let question = question.clone();
                state.asked.push(Asked {
                    key,
                    question,
                    on_its_way: false,
                });
            }
            state.status = Status::InputRequired;
        });
        if !in_time {
            // Whoever waits for us knows that the task has ended.
            return std::future::pending().await;
        }
        self.until(|state| keys.iter().all(|key| state.answers.contains_key(key)))
            .await;
        let mut answers = Vec::new();
        self.state.send_modify(|state| {
            answers.extend(keys.iter().filter_map(|key| state.answers.remove(key)));
        });
        let answers: Result<_, _> = answers.into_iter().collect();
        answers.map_err(Failure::Tool)
    }

    /// Takes an answer; one to a question that is not open is ignored.
    pub fn answer(self: &Arc<Self>, key: &str, answer: Result<Value, String>) {
        self.change(|state| {
            let Some(index) = state.asked.iter().position(|asked| asked.key == key) else {
                return;
            };
            state.asked.remove(index);
            state.answers.insert(key.into(), answer);
            if state.asked.is_empty() {
                state.status = Status::Working;
            }
        });
    }

    /// Claims a question that nobody is asking, so that one request asks it and no other.
    pub fn take_question(&self) -> Option<(String, Question)> {
        let mut taken = None;
        self.state.send_if_modified(|state| {
            if let Some(asked) = state.asked.iter_mut().find(|asked| !asked.on_its_way) {
                asked.on_its_way = true;
                taken = Some((asked.key.clone(), asked.question.clone()));
            }
            false
        });
        taken
    }

    /// Gives a claimed question back: it was not answered.
    pub fn give_back(&self, key: &str) {
        self.state.send_modify(|state| {
            for asked in state.asked.iter_mut().filter(|asked| asked.key == key) {
                asked.on_its_way = false;
            }
        });
    }
}
