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

    /// Asks the client's model to continue `messages`, with `tools` that it may use as `choice` says (2025-11-25 on).
    pub fn sample_with_tools(
        key: &'static str,
        messages: &[Value],
        tools: &Value,
        choice: &str,
    ) -> Self {
        let params = json!({
            "messages": messages,
            "maxTokens": 1000,
            "tools": tools,
            "toolChoice": {"mode": choice},
        });
        Self {
            key,
            method: "sampling/createMessage",
            params,
        }
    }

    /// Lets the client add context from itself and its servers to what its model is asked.
    pub fn including_context(mut self, which: &str) -> Self {
        self.params["includeContext"] = which.into();
        self
    }

    /// Asks the user to go to a page and do there what the client must not see (2025-11-25 on).
    pub fn page(key: &'static str, message: &str, url: &str, id: &str) -> Self {
        Self {
            key,
            method: "elicitation/create",
            params: json!({"mode": "url", "message": message, "url": url, "elicitationId": id}),
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

    /// Whether the user is asked to go to a page.
    pub fn is_page(&self) -> bool {
        self.params["mode"] == "url"
    }

    /// The capability that a client of `revision` needs to be asked this, and the member of it.
    fn needs(&self, revision: Revision) -> (&'static str, Option<&'static str>) {
        let has = |name: &str| self.params.get(name).is_some();
        match self.method {
            "elicitation/create" if self.is_page() => ("elicitation", Some("url")),
            "elicitation/create" => ("elicitation", Some("form")),
            "sampling/createMessage" if has("tools") => ("sampling", Some("tools")),
            "sampling/createMessage"
                if has("includeContext") && revision >= Revision::V2025_11_25 =>
            {
                ("sampling", Some("context"))
            }
            "sampling/createMessage" => ("sampling", None),
            _ => ("roots", None),
        }
    }

    /// The request's parameters, as `revision` has them.
    pub fn params(&self, revision: Revision) -> Value {
        let mut params = self.params.clone();
        if let Some(members) = params.as_object_mut() {
            if revision < Revision::V2025_11_25 {
                members.shift_remove("mode");
            }
            if revision.is_modern() {
                members.shift_remove("elicitationId");
            }
        }
        params
    }

    /// Whether `answer` has the shape that this question calls for.
    pub fn accepts(&self, answer: &Value) -> bool {
        match self.method {
            "elicitation/create" => match answer["action"].as_str() {
                // What the user does on a page is none of the client's business.
                Some("accept") if self.is_page() => true,
                Some("accept") => {
                    let schema = &self.params["requestedSchema"];
                    jsonschema::is_valid(schema, &answer["content"])
                }
                Some("decline" | "cancel") => true,
                _ => false,
            },
            "sampling/createMessage" => {
                answer["role"].is_string() && is_content(&answer["content"])
            }
            _ => answer["roots"]
                .as_array()
                .is_some_and(|roots| roots.iter().all(|root| root["uri"].is_string())),
        }
    }
}

/// Whether a model can have said this: one content block or several, and what uses a tool can be answered.
fn is_content(content: &Value) -> bool {
    let is_block = |block: &Value| match block["type"].as_str() {
        Some("tool_use") => block["id"].is_string() && block["name"].is_string(),
        kind => kind.is_some(),
    };
    match content {
        Value::Array(blocks) => blocks.iter().all(is_block),
        block => is_block(block),
    }
}

impl Context {
    /// Whether the client declared that it can be asked this.
    fn can_ask(&self, question: &Question) -> bool {
        let (capability, member) = question.needs(self.revision);
        let Some(declared) = self.capabilities.get(capability) else {
            return false;
        };
        let has = |member: &str| declared.get(member).is_some();
        match member {
            // An empty object means forms; `{"url": {}}` alone does not.
            Some("form") => {
                self.revision >= Revision::V2025_06_18
                    && (has("form") || !has("url") || self.fault(F::FormModeUndeclared))
            }
            Some(member) => has(member),
            None => true,
        }
    }

    /// Whether this is asked: if the client can answer, or wrongly if not.
    pub fn may_ask(&self, question: &Question) -> bool {
        self.can_ask(question) || self.server.faults.asks_undeclared(question)
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
        if faults.has(F::ProgressTokenFraction) {
            params["_meta"]["progressToken"] = 1.5.into();
        }
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

    /// Asks for the roots, unless a legacy client has told them and would tell if they were others now.
    pub async fn roots(&self, question: Question) -> Result<Value, Failure> {
        let Peer::Session(session) = &self.peer else {
            return self.ask_one(question).await;
        };
        if let Some(known) = session.roots.known() {
            return Ok(known);
        }
        let answer = self.ask_one(question).await?;
        let declared = self.capabilities.get("roots");
        if declared.is_some_and(|roots| roots["listChanged"] == true) {
            session.roots.learn(&answer);
        }
        Ok(answer)
    }

    /// What to answer where the client cannot be asked what has to be.
    pub fn cannot_ask(&self, question: &Question) -> Failure {
        let (capability, member) = question.needs(self.revision);
        let details = match member {
            None | Some("form") => json!({}),
            Some(member) => json!({member: {}}),
        };
        let required = json!({capability: details});
        let why = format!("the client does not declare the capability {required}");
        if !self.revision.is_modern() {
            return Failure::Tool(why);
        }
        ErrorObject::new(-32021, why)
            .data(json!({"requiredCapabilities": required}))
            .status(400)
            .into()
    }
}
