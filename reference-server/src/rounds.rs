//! Multi round-trip requests: the answers come with the same request, sent again.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::ask::Question;
use crate::auth::Caller;
use crate::context::{Context, Failure};
use crate::faults::{F, Faults};
use crate::jsonrpc::{ErrorObject, Object, Params};
use crate::lock;
use crate::server::Server;
use crate::state::{Check, Origin};

/// What a client sent along when it repeats a request with answers (modern revisions).
pub struct Rounds {
    method: String,
    params: Arc<Params>,
    responses: Object,
    /// Whether a state of ours came back.
    resumed: bool,
    known: Mutex<Object>,
}

impl Rounds {
    /// Reads and verifies `inputResponses` and `requestState`.
    pub fn read(
        server: &Server,
        caller: &Caller,
        method: &str,
        params: Arc<Params>,
    ) -> Result<Self, ErrorObject> {
        let responses = match params.get("inputResponses") {
            None => Object::new(),
            Some(Value::Object(responses)) => responses.clone(),
            Some(_) if server.faults.has(F::InputsMalformedAccepted) => Object::new(),
            Some(_) => return Err(ErrorObject::invalid_params("inputResponses is an object")),
        };
        let known = match params.get("requestState") {
            None => Object::new(),
            Some(Value::String(text)) => open_state(
                server,
                text,
                &Origin::new(&caller.principal, method, &params),
            )?,
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
    fn answer(
        &self,
        faults: &Faults,
        question: &Question,
        stateful: bool,
    ) -> Result<Option<Value>, Failure> {
        if let Some(answer) = lock(&self.known).get(question.key) {
            return Ok(Some(answer.clone()));
        }
        let Some(answer) = self.responses.get(question.key) else {
            return Ok(None);
        };
        if stateful && !self.resumed {
            return Ok(None);
        }
        if !question.accepts(answer) && !faults.takes_any_answer() {
            let error = format!(
                "inputResponses.{} does not answer the question",
                question.key
            );
            return Err(ErrorObject::invalid_params(error).into());
        }
        lock(&self.known).insert(question.key.into(), answer.clone());
        Ok(Some(answer.clone()))
    }

    /// The answers to `questions`, or the result that asks for those still open.
    pub fn next(
        &self,
        context: &Context,
        questions: &[Question],
        stateful: bool,
    ) -> Result<Vec<Value>, Failure> {
        let faults = &context.server.faults;
        let mut answers = Vec::new();
        let mut open = Object::new();
        for question in questions {
            match self.answer(faults, question, stateful)? {
                Some(answer) if !faults.has(F::InputRequiredForever) => answers.push(answer),
                _ => {
                    let mut params = question.params(context.revision);
                    faults.spoil_question(question.method, &mut params);
                    let request = json!({"method": question.method, "params": params});
                    open.insert(question.key.into(), request);
                }
            }
        }
        if open.is_empty() {
            return Ok(answers);
        }
        if faults.has(F::MissingInputsRefused) && !self.responses.is_empty() {
            return Err(ErrorObject::invalid_params("inputResponses lacks an answer").into());
        }
        self.ask(context, open, stateful)
    }

    /// Looks back, once the request is answered, at answers that were of no use.
    pub fn finish(&self, faults: &Faults) -> Result<(), ErrorObject> {
        faults.refuse_extra_inputs(&self.responses, &lock(&self.known))
    }

    fn ask<T>(&self, context: &Context, open: Object, stateful: bool) -> Result<T, Failure> {
        context.server.faults.ask_directly(&*context.outlet, &open);
        if context.server.faults.awaits_retry(&self.responses) {
            return Err(ErrorObject::internal("still waiting for the retry").into());
        }
        let mut result = Object::new();
        result.insert("inputRequests".into(), Value::Object(open));
        let known = lock(&self.known).clone();
        if stateful || !known.is_empty() {
            let origin = Origin::new(&context.caller.principal, &self.method, &self.params);
            let state = context.server.signer.seal(origin, known)?;
            result.insert("requestState".into(), state.into());
        }
        Err(Failure::InputRequired(result))
    }
}

fn open_state(server: &Server, text: &str, origin: &Origin) -> Result<Object, ErrorObject> {
    let forged_is_fine = server.faults.has(F::StateForged);
    let check = Check {
        signature: !forged_is_fine,
        principal: !server.faults.has(F::StateShared),
        request: !server.faults.has(F::StateElsewhere),
        expiry: true,
    };
    match server.signer.open(text, origin, check) {
        Ok(state) => Ok(state.answers),
        Err(_) if forged_is_fine => Ok(Object::new()),
        Err(error) => Err(error),
    }
}
