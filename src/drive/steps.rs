//! Plays the steps of a case.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Session;
use super::send::Outbound;
use super::wait::Wait;
use crate::catalog::case::{Action, Call, Case, Step};
use crate::judge::pattern::Scope;
use crate::judge::view::{self, Trial};
use crate::message;
use crate::transcript::{StepRef, What};
use crate::transport::Outgoing;
use crate::value::{ExpandError, Expander};

/// How long after a fence something that should not come may still come.
pub(super) const GRACE: Duration = Duration::from_millis(20);
/// How many pages of a list are followed.
pub const MAX_PAGES: usize = 5_000;

/// What became of the session while a trial was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// It can serve the next trial.
    Alive,
    /// It answers no more, or may have been harmed.
    Lost,
}

/// Whether the next step should be played.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Stop,
    /// No answer came: the session must be looked at.
    Suspect,
}

impl From<Wait> for Next {
    fn from(wait: Wait) -> Next {
        match wait {
            Wait::Done => Next::Go,
            Wait::Deadline | Wait::Gone => Next::Suspect,
        }
    }
}

impl Session {
    /// Plays one trial and records its span.
    pub async fn play(&mut self, name: &str, case: &Case) -> Played {
        self.record.note(
            0,
            What::Trial {
                name: name.to_owned(),
            },
        );
        self.reset_vars(None);
        self.started.clear();
        self.turn.begin_again();
        if case.hears() {
            self.await_get_stream().await;
        }
        let mut next = Next::Go;
        for (index, step) in case.steps.iter().enumerate() {
            next = self.step(case, StepRef(to_u16(index), 0), step).await;
            if next != Next::Go {
                break;
            }
        }
        let mut played = Played::Alive;
        let closed = case
            .steps
            .iter()
            .any(|step| matches!(step.action, Action::Close));
        if (case.is_hostile() || next == Next::Suspect)
            && !closed
            && !self.alive(Some(after_last(case))).await
        {
            played = Played::Lost;
        }
        self.record.note(0, What::TrialEnd);
        self.replies.clear();
        if closed || self.record.gone {
            Played::Lost
        } else {
            played
        }
    }

    async fn step(&mut self, case: &Case, at: StepRef, step: &Step) -> Next {
        let acted = match self.assume(step) {
            Ok(()) => self.act(case, at, step).await,
            Err(error) => Err(error),
        };
        self.identity = None;
        match acted {
            Ok(Next::Go) if self.goes_on(case, at, step) => Next::Go,
            Ok(Next::Go) => Next::Stop,
            Ok(next) => next,
            Err(error) => {
                self.record.note(
                    0,
                    What::Unplayable {
                        reason: error.to_string(),
                        step: at,
                    },
                );
                Next::Stop
            }
        }
    }

    /// Takes on the identity that a step wants to be sent under.
    pub(super) fn assume(&mut self, step: &Step) -> Result<(), ExpandError> {
        if let Some(name) = &step.identity
            && self.spec.host.headers_of(name).is_none()
        {
            return Err(ExpandError::UnknownIdentity(name.clone()));
        }
        self.identity.clone_from(&step.identity);
        Ok(())
    }

    async fn act(&mut self, case: &Case, at: StepRef, step: &Step) -> Result<Next, ExpandError> {
        Ok(match &step.action {
            Action::Request(_)
            | Action::Start { .. }
            | Action::Cancel { .. }
            | Action::Notify(_)
            | Action::Send { .. }
            | Action::Bytes { .. }
            | Action::Http(_) => self.send_alone(at, step).await?,
            Action::Together(steps) => self.send_together(case, at, steps).await?,
            Action::Await { name, until } => self.await_started(at, name, until.as_ref()).await?,
            Action::Connect { address } => {
                self.connect_elsewhere(at, *address).await;
                Next::Go
            }
            Action::Reply { method, reply } => {
                let reply = reply.as_ref().map(|reply| self.expander().value(reply));
                let reply = reply.transpose()?.flatten();
                self.replies.insert(method.clone(), reply);
                Next::Go
            }
            Action::Hear { pattern } => self.hear(at, pattern).await,
            Action::Quiet { .. } | Action::Settle => self.let_come(at).await,
            Action::Pages {
                method,
                items: _,
                params,
            } => self.pages(at, method, params).await?,
            Action::Alive => match self.alive(Some(at)).await {
                true => Next::Go,
                false => Next::Suspect,
            },
            Action::Reconnect => match self.reconnect(at).await {
                true => Next::Go,
                false => Next::Suspect,
            },
            Action::Close => self.close_input(at).await,
            Action::Opening => Next::Go,
        })
    }

    /// Saves what the step saves, and says whether its `given` holds.
    pub(super) fn goes_on(&mut self, case: &Case, at: StepRef, step: &Step) -> bool {
        if step.expect.takes_nothing() {
            return true;
        }
        let (entries, conversation) = (&self.record.entries, &self.record.conversation);
        let Some(index) = conversation.trials.len().checked_sub(1) else {
            return true;
        };
        let observation = Trial {
            entries,
            conversation,
            index,
            case,
        }
        .observe(at, step);
        let scope = Scope {
            revision: self.spec.revision,
            vars: &self.vars,
        };
        let goes_on = view::is_given(&step.expect, &observation, &scope);
        let saved = view::saved(&step.expect, observation.answer.as_deref());
        self.vars.extend(saved);
        goes_on
    }

    pub(super) fn expander(&self) -> Expander<'_> {
        Expander {
            revision: self.spec.revision,
            vars: &self.vars,
            meta: self.meta(),
            id: json!(self.next_id),
        }
    }

    /// Sends a request or a notification, dressed.
    pub(super) fn call(
        &mut self,
        call: &Call,
        step: Option<StepRef>,
        is_request: bool,
    ) -> Result<usize, ExpandError> {
        let mut message = json!({ "jsonrpc": "2.0" });
        if is_request {
            message["id"] = json!(self.next_id);
        }
        message["method"] = json!(call.method);
        let params = match (&call.params, call.bare || !is_request) {
            (Some(params), true) => self.expander().value(params)?,
            (None, true) => None,
            // Dressed first, so that `$omit` can take out what the dress put in.
            (params, false) => match self.dress_params(params.clone()) {
                Some(dressed) => self.expander().value(&dressed)?,
                None => None,
            },
        };
        if let Some(params) = params {
            message["params"] = params;
        }
        if is_request {
            self.fresh_id();
        }
        let headers = self.header_changes(&call.headers)?;
        let outbound = Outbound {
            deliberate: call.invalid,
            headers,
            bare: call.bare,
            ..self.outbound(message, step)
        };
        Ok(self.send(outbound))
    }

    pub(super) fn header_changes(
        &self,
        headers: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ExpandError> {
        let expander = self.expander();
        headers
            .iter()
            .map(|(name, value)| match value {
                Value::Null => Ok((name.clone(), Value::Null)),
                value => Ok((name.clone(), expander.value(value)?.unwrap_or(Value::Null))),
            })
            .collect()
    }

    /// In a session that a case opens itself, what follows belongs to the session all the same.
    pub(super) fn note_own_opening(&mut self, sent: usize, call: &Call) {
        let accepted = self
            .answer_to(sent)
            .is_some_and(|answer| answer.get("result").is_some());
        if call.method == "initialize" && !self.opened && accepted {
            self.take_session_id(sent);
            self.opened = true;
        }
    }

    /// Waits for the answer to a request.
    pub(super) async fn settle(&mut self, sent: usize, at: StepRef) -> Next {
        match self.wait_answer(sent, Some(at)).await {
            Wait::Done if self.answer_to(sent).is_some() || self.has_status(sent) => Next::Go,
            _ => Next::Suspect,
        }
    }

    fn has_status(&self, sent: usize) -> bool {
        self.exchange(sent)
            .is_some_and(|exchange| exchange.head.is_some())
    }

    /// Waits until a message like this has come since the trial began. Whether it did is judged later.
    async fn hear(&mut self, at: StepRef, awaited: &Value) -> Next {
        let (revision, vars) = (self.spec.revision, self.vars.clone());
        let trials = &self.record.conversation.trials;
        let began = trials.last().map_or(0, |span| span.start);
        let scope = Scope {
            revision,
            vars: &vars,
        };
        self.wait_for(Some(at), "a message that the step listens for", |record| {
            view::has_come(awaited, record.entries[began..].iter(), &scope)
        })
        .await;
        Next::Go
    }

    async fn let_come(&mut self, at: StepRef) -> Next {
        if !self.alive(Some(at)).await {
            return Next::Suspect;
        }
        self.pump(Instant::now() + GRACE, |_| false).await;
        self.record.note(0, What::Settled { step: at });
        Next::Go
    }

    async fn pages(
        &mut self,
        at: StepRef,
        method: &str,
        params: &Value,
    ) -> Result<Next, ExpandError> {
        let mut params = params.clone();
        let mut known = HashSet::new();
        for _ in 0..MAX_PAGES {
            let call = Call {
                method: method.to_owned(),
                params: Some(params.clone()),
                headers: Map::new(),
                bare: false,
                invalid: false,
            };
            let sent = self.call(&call, Some(at), true)?;
            let next = self.settle(sent, at).await;
            if next != Next::Go {
                return Ok(next);
            }
            let page = self.answer_to(sent).and_then(|answer| answer.get("result"));
            let cursor = page.and_then(message::next_cursor).map(str::to_owned);
            // The same page with the same cursor leads around in a circle.
            let is_new = known.insert(page.map(|page| Sha256::digest(page.to_string())));
            self.record.forget();
            match cursor {
                Some(cursor) if is_new => params["cursor"] = cursor.into(),
                _ => break,
            }
        }
        Ok(Next::Go)
    }

    async fn close_input(&mut self, at: StepRef) -> Next {
        self.record.note(0, What::Closed { step: Some(at) });
        let _ = self.link.tx.send(Outgoing::EndInput);
        let deadline = Instant::now() + self.patience();
        while !self.record.exited && Instant::now() < deadline {
            let limit = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(limit, self.link.rx.recv()).await {
                Ok(Some(incoming)) => drop(self.record.take(incoming)),
                _ => break,
            }
        }
        if !self.record.exited {
            self.record.note(
                0,
                What::Deadline {
                    waiting_for: "the exit".to_owned(),
                    step: Some(at),
                },
            );
        }
        Next::Go
    }
}

/// The step of the `alive` that is added by itself.
pub fn after_last(case: &Case) -> StepRef {
    StepRef(to_u16(case.steps.len()), 0)
}

pub(super) fn to_u16(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
