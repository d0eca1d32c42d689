//! Asking the client for something while answering it.
//!
//! A tool or prompt asks with [`Context::ask`] and need not know the era: in legacy revisions the
//! questions go out as requests and the answers are awaited; in modern ones the request ends with
//! an `input_required` result and, when the client sends it again with the answers, runs anew.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use serde_json::{Value, json};

use crate::context::{Context, Failure, Peer};
use crate::faults::F;
use crate::jsonrpc::ErrorObject;
use crate::legacy::Session;
use crate::revision::Revision;

/// One thing asked of the client.
#[derive(Clone)]
pub struct Question {
    /// Names the answer among others (modern revisions).
    pub key: &'static str,
    /// The request that asks it.
    pub method: &'static str,
    params: Value,
}

impl Question {
    /// Asks the user to fill in a form.
    pub fn form(key: &'static str, message: &str, schema: Value) -> Self {
        Self {
            key,
            method: "elicitation/create",
            params: json!({"mode": "form", "message": message, "requestedSchema": schema}),
        }
    }

    /// Asks the client's model to continue from a user message.
    pub fn sample(key: &'static str, text: &str, max_tokens: u32) -> Self {
        let message = json!({"role": "user", "content": {"type": "text", "text": text}});
        Self {
            key,
            method: "sampling/createMessage",
            params: json!({"messages": [message], "maxTokens": max_tokens}),
        }
    }

    /// Asks which directories the client works in.
    pub fn roots(key: &'static str) -> Self {
        Self {
            key,
            method: "roots/list",
            params: json!({}),
        }
    }

    fn capability(&self) -> &'static str {
        match self.method {
            "elicitation/create" => "elicitation",
            "sampling/createMessage" => "sampling",
            _ => "roots",
        }
    }

    /// The request's parameters, as `revision` has them.
    pub fn params(&self, revision: Revision) -> Value {
        let mut params = self.params.clone();
        if revision < Revision::V2025_11_25
            && let Some(members) = params.as_object_mut()
        {
            members.shift_remove("mode");
        }
        params
    }

    /// Whether `answer` has the shape that this question calls for.
    pub fn accepts(&self, answer: &Value) -> bool {
        match self.method {
            "elicitation/create" => match answer["action"].as_str() {
                Some("accept") => {
                    let schema = &self.params["requestedSchema"];
                    jsonschema::is_valid(schema, &answer["content"])
                }
                Some("decline" | "cancel") => true,
                _ => false,
            },
            "sampling/createMessage" => {
                let content = &answer["content"];
                answer["role"].is_string() && (content.is_object() || content.is_array())
            }
            _ => answer["roots"]
                .as_array()
                .is_some_and(|roots| roots.iter().all(|root| root["uri"].is_string())),
        }
    }
}

impl Context {
    /// Whether the client declared that it can be asked this.
    fn can_ask(&self, question: &Question) -> bool {
        let Some(declared) = self.capabilities.get(question.capability()) else {
            return false;
        };
        match question.capability() {
            // An empty object means forms; `{"url": {}}` alone does not.
            "elicitation" => {
                self.revision >= Revision::V2025_06_18
                    && (declared.get("form").is_some()
                        || declared.get("url").is_none()
                        || self.fault(F::FormModeUndeclared))
            }
            _ => true,
        }
    }

    /// Whether this is asked: if the client can answer, or wrongly if not.
    pub fn may_ask(&self, question: &Question) -> bool {
        self.can_ask(question) || self.server.faults.asks_undeclared(question.method)
    }

    /// Asks all `questions` at once and returns the answers in their order.
    ///
    /// `stateful` carries a signed state through the client even if nothing is known yet, and then
    /// accepts answers only together with it.
    pub async fn ask(&self, questions: &[Question], stateful: bool) -> Result<Vec<Value>, Failure> {
        let faults = &self.server.faults;
        if let Some(question) = questions.iter().find(|question| !self.may_ask(question)) {
            return Err(self.cannot_ask(question));
        }
        let mut answers = match &self.peer {
            Peer::Rounds(rounds) => rounds.next(self, questions, stateful)?,
            Peer::Session(session) => self.answers(session, questions).await?,
            Peer::Task(task) => task.ask(questions).await?,
        };
        for (question, answer) in questions.iter().zip(&mut answers) {
            if faults.sulks(question.method, Ok(answer)) {
                std::future::pending::<()>().await;
            }
            faults.spoil_answer(question.method, answer)?;
        }
        Ok(answers)
    }

    /// Sends the questions as requests, one after the other.
    async fn answers(
        &self,
        session: &Session,
        questions: &[Question],
    ) -> Result<Vec<Value>, Failure> {
        let mut answers = Vec::new();
        for question in questions {
            let answer = self.put(session, question, None).await;
            answers.push(answer.map_err(Failure::Tool)?);
        }
        Ok(answers)
    }

    /// Sends a question as a request, with `meta` as its `_meta`; an error is a sentence for people.
    pub async fn put(
        &self,
        session: &Session,
        question: &Question,
        meta: Option<Value>,
    ) -> Result<Value, String> {
        let faults = &self.server.faults;
        let mut params = question.params(self.revision);
        if let Some(meta) = meta {
            params["_meta"] = meta;
        }
        faults.spoil_question(question.method, &mut params);
        let asked = session.request(&*self.outlet, question.method, params);
        let answer = asked.await;
        if let Err(why) = &answer
            && faults.sulks(question.method, Err(why))
        {
            std::future::pending::<()>().await;
        }
        let answer = answer?;
        if !question.accepts(&answer) && !faults.has(F::FormAnswerUnchecked) {
            let method = question.method;
            return Err(format!("the client's answer to {method} is malformed"));
        }
        Ok(answer)
    }

    /// Asks one question.
    pub async fn ask_one(&self, question: Question) -> Result<Value, Failure> {
        let mut answers = self.ask(&[question], false).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    fn cannot_ask(&self, question: &Question) -> Failure {
        let capability = question.capability();
        let why = format!("the client does not declare the capability {capability:?}");
        if !self.revision.is_modern() {
            return Failure::Tool(why);
        }
        let required = json!({"requiredCapabilities": {capability: {}}});
        ErrorObject::new(-32021, why)
            .data(required)
            .status(400)
            .into()
    }
}
