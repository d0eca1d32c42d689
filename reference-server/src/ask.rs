//! Asking the client for something while answering it.
//!
//! A tool or prompt asks with [`Context::ask`] and need not know the era: in legacy revisions the
//! questions go out as requests and the answers are awaited; in modern ones the request ends with
//! an `input_required` result and, when the client sends it again with the answers, runs anew.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::context::{Context, Failure, Peer};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};
use crate::lock;
use crate::revision::Revision;
use crate::server::Server;
use crate::state::{Check, request_digest};

/// One thing asked of the client.
pub struct Question {
    key: &'static str,
    method: &'static str,
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

    fn params(&self, revision: Revision) -> Value {
        let mut params = self.params.clone();
        if revision < Revision::V2025_11_25
            && let Some(members) = params.as_object_mut()
        {
            members.shift_remove("mode");
        }
        params
    }

    /// Whether `answer` has the shape that this question calls for.
    fn accepts(&self, answer: &Value) -> bool {
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

/// What a client sent along when it repeats a request with answers (modern revisions).
pub struct Rounds {
    method: String,
    params: Arc<Object>,
    responses: Object,
    /// Whether a state of ours came back.
    resumed: bool,
    known: Mutex<Object>,
}

impl Rounds {
    /// Reads and verifies `inputResponses` and `requestState`.
    pub fn read(server: &Server, method: &str, params: Arc<Object>) -> Result<Self, ErrorObject> {
        let responses = match params.get("inputResponses") {
            None => Object::new(),
            Some(Value::Object(responses)) => responses.clone(),
            Some(_) => return Err(ErrorObject::invalid_params("inputResponses is an object")),
        };
        let known = match params.get("requestState") {
            None => Object::new(),
            Some(Value::String(text)) => open_state(server, text, method, &params)?,
            Some(_) => return Err(ErrorObject::invalid_params("requestState is a string")),
        };
        Ok(Self {
            method: method.into(),
            responses,
            resumed: params.contains_key("requestState"),
            params,
            known: Mutex::new(known),
        })
    }

    /// A request that cannot have several rounds.
    pub fn none() -> Self {
        Self {
            method: String::new(),
            params: Arc::default(),
            responses: Object::new(),
            resumed: false,
            known: Mutex::default(),
        }
    }

    /// The answer to a question, if the client gave it in this round or an earlier one.
    fn answer(&self, question: &Question, stateful: bool) -> Result<Option<Value>, Failure> {
        if let Some(answer) = lock(&self.known).get(question.key) {
            return Ok(Some(answer.clone()));
        }
        let Some(answer) = self.responses.get(question.key) else {
            return Ok(None);
        };
        if stateful && !self.resumed {
            return Ok(None);
        }
        if !question.accepts(answer) {
            let error = format!(
                "inputResponses.{} does not answer the question",
                question.key
            );
            return Err(ErrorObject::invalid_params(error).into());
        }
        lock(&self.known).insert(question.key.into(), answer.clone());
        Ok(Some(answer.clone()))
    }
}

fn open_state(
    server: &Server,
    text: &str,
    method: &str,
    params: &Object,
) -> Result<Object, ErrorObject> {
    let forged_is_fine = server.faults.has(F::StateForged);
    let check = Check {
        signature: !forged_is_fine,
        request: !server.faults.has(F::StateElsewhere),
        expiry: true,
    };
    let digest = request_digest(method, params);
    match server.signer.open(text, &digest, check) {
        Ok(state) => Ok(state.answers),
        Err(_) if forged_is_fine => Ok(Object::new()),
        Err(error) => Err(error),
    }
}

impl Context {
    /// Whether the client declared that it can be asked this.
    pub fn can_ask(&self, question: &Question) -> bool {
        let Some(declared) = self.capabilities.get(question.capability()) else {
            return false;
        };
        match question.capability() {
            // An empty object means forms; `{"url": {}}` alone does not.
            "elicitation" => {
                self.revision >= Revision::V2025_06_18
                    && (declared.get("form").is_some() || declared.get("url").is_none())
            }
            _ => true,
        }
    }

    /// Asks all `questions` at once and returns the answers in their order.
    ///
    /// `stateful` carries a signed state through the client even if nothing is known yet, and then
    /// accepts answers only together with it.
    pub async fn ask(&self, questions: &[Question], stateful: bool) -> Result<Vec<Value>, Failure> {
        let undeclared = questions.iter().find(|question| !self.can_ask(question));
        if let Some(question) = undeclared
            && !self.fault(F::AskUndeclared)
        {
            return Err(self.cannot_ask(question));
        }
        match &self.peer {
            Peer::Rounds(rounds) => self.next_round(rounds, questions, stateful),
            Peer::Session(session) => {
                let mut answers = Vec::new();
                for question in questions {
                    let params = question.params(self.revision);
                    let asked = session.request(&*self.outlet, question.method, params);
                    let answer = asked.await.map_err(Failure::Tool)?;
                    if !question.accepts(&answer) {
                        let method = question.method;
                        let why = format!("the client's answer to {method} is malformed");
                        return Err(Failure::Tool(why));
                    }
                    answers.push(answer);
                }
                Ok(answers)
            }
        }
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

    fn next_round(
        &self,
        rounds: &Rounds,
        questions: &[Question],
        stateful: bool,
    ) -> Result<Vec<Value>, Failure> {
        let mut answers = Vec::new();
        let mut open = Object::new();
        for question in questions {
            match rounds.answer(question, stateful)? {
                Some(answer) => answers.push(answer),
                None => {
                    let params = question.params(self.revision);
                    let request = json!({"method": question.method, "params": params});
                    open.insert(question.key.into(), request);
                }
            }
        }
        if open.is_empty() {
            return Ok(answers);
        }
        let mut result = Object::new();
        result.insert("inputRequests".into(), Value::Object(open));
        let known = lock(&rounds.known).clone();
        if stateful || !known.is_empty() {
            let digest = request_digest(&rounds.method, &rounds.params);
            let state = self.server.signer.seal(&digest, known)?;
            result.insert("requestState".into(), state.into());
        }
        Err(Failure::InputRequired(result))
    }
}
