//! Faults in what the client is asked, and in what is done with its answers.

use serde_json::{Value, json};

use super::results::remove;
use super::{F, Faults};
use crate::ask::Question;
use crate::context::Outlet;
use crate::jsonrpc::{ErrorObject, Object, notification};
use crate::revision::Revision;

const ELICIT: &str = "elicitation/create";
const SAMPLE: &str = "sampling/createMessage";

impl Faults {
    /// Whether the client is asked although it did not say that it can answer.
    pub fn asks_undeclared(&self, question: &Question) -> bool {
        self.has(F::AskUndeclared)
            || self.has(match question.method {
                ELICIT if question.is_page() => F::PageUndeclared,
                ELICIT => F::ElicitUndeclared,
                SAMPLE => F::SampleUndeclared,
                _ => F::RootsUndeclared,
            })
    }

    /// The parameters of a question.
    pub fn spoil_question(&self, method: &str, params: &mut Value) {
        if !self.any {
            return;
        }
        match method {
            ELICIT if params["mode"] == "url" => self.spoil_page(params),
            ELICIT => self.spoil_form(params),
            SAMPLE => self.spoil_sampling(params),
            _ => {}
        }
    }

    /// A page that a tool wrongly demands although it needs none.
    pub fn demand_page(&self, revision: Revision) -> Result<(), ErrorObject> {
        if revision != Revision::V2025_11_25 || !self.has(F::PageRequiredAlways) {
            return Ok(());
        }
        let page = json!({
            "mode": "url",
            "message": "Please look at our offers",
            "url": "https://example.com/offers",
            "elicitationId": "offers",
        });
        let data = json!({"elicitations": [page]});
        Err(ErrorObject::new(-32042, "A page comes first").data(data))
    }

    /// A tool was called, and the client hears of a page that it has nothing to do with.
    pub fn complete_for_others(&self, revision: Revision, outlet: &dyn Outlet) {
        if revision == Revision::V2025_11_25 && self.has(F::PageCompleteUnasked) {
            let params = json!({"elicitationId": "of-another-client"});
            outlet.send(notification("notifications/elicitation/complete", params));
        }
    }

    fn spoil_form(&self, params: &mut Value) {
        if self.has(F::TaskAsksForTasks) {
            params["task"] = json!({"ttl": 60000});
        }
        let mut field = |name: &str, schema: Value| {
            params["requestedSchema"]["properties"][name] = schema;
        };
        if self.has(F::FormNested) {
            let inner = json!({"city": {"type": "string"}});
            field("address", json!({"type": "object", "properties": inner}));
        }
        if self.has(F::FormDefaultMistyped) {
            field("times", json!({"type": "integer", "default": "often"}));
        }
        if self.has(F::FormEnumMalformed) {
            field("choice", json!({"type": "string", "enum": [{"value": 1}]}));
        }
        if self.has(F::FormWithLink) {
            params["message"] = "Please see https://example.com/form".into();
        }
        if self.has(F::FormWithoutMessage) {
            remove(params, "message");
        }
        if self.has(F::FormWithoutSchema) {
            remove(params, "requestedSchema");
        }
    }

    fn spoil_page(&self, params: &mut Value) {
        if self.has(F::PageWithoutUrl) {
            remove(params, "url");
        }
        if self.has(F::PageUrlInvalid) {
            params["url"] = "somewhere".into();
        }
        if self.has(F::PageUrlPlain) {
            params["url"] = "http://example.com/connect".into();
        }
    }

    /// What the error -32042 says about where to go.
    pub fn spoil_required(&self, data: &mut Value) {
        if self.has(F::PagesUnlisted) {
            remove(data, "elicitations");
        }
        if self.has(F::PagesAsForms) {
            let schema = json!({"type": "object", "properties": {}});
            let form = json!({"mode": "form", "message": "Account?", "requestedSchema": schema});
            data["elicitations"] = json!([form]);
        }
    }

    /// What is said to be complete.
    pub fn spoil_complete(&self, params: &mut Value) {
        if self.has(F::PageIdOther) {
            params["elicitationId"] = "another".into();
        }
    }

    fn spoil_sampling(&self, params: &mut Value) {
        if self.has(F::SamplingWithoutLimit) {
            remove(params, "maxTokens");
        }
        if self.has(F::SamplingRoleUnknown) {
            params["messages"][0]["role"] = "system".into();
        }
        if self.has(F::SamplingToolsUndeclared) {
            params["tools"] = json!([{"name": "t", "inputSchema": {"type": "object"}}]);
        }
        if self.has(F::SamplingContextUndeclared) {
            params["includeContext"] = "allServers".into();
        }
        if self.has(F::SamplingContextAsked) {
            params["includeContext"] = "thisServer".into();
        }
        self.spoil_tool_results(params);
    }

    fn spoil_tool_results(&self, params: &mut Value) {
        let messages = params["messages"].as_array_mut().into_iter().flatten();
        let contents = messages.filter_map(|message| message["content"].as_array_mut());
        for content in contents.filter(|content| content[0]["type"] == "tool_result") {
            if self.has(F::SamplingResultMissing) {
                content.pop();
            }
            if self.has(F::SamplingResultUnknown) {
                let result = json!({"type": "tool_result", "toolUseId": "nobody", "content": []});
                content.push(result);
            }
            if self.has(F::SamplingResultMistyped) {
                content[0]["structuredContent"] = json!({"degrees": "warm"});
            }
            if self.has(F::SamplingResultsMixed) {
                content.push(json!({"type": "text", "text": "That is what came of it."}));
            }
        }
    }

    /// A client's answer, on its way to who asked.
    pub fn spoil_answer(&self, method: &str, answer: &mut Value) -> Result<(), ErrorObject> {
        if !self.any {
            return Ok(());
        }
        match method {
            ELICIT if self.has(F::FormAnswerIgnored) => *answer = json!({"action": "cancel"}),
            SAMPLE if self.has(F::SamplingAnswerIgnored) => {
                *answer = json!({"content": {"type": "text", "text": "whatever"}});
            }
            "roots/list" if self.has(F::RootsIgnored) => *answer = json!({"roots": []}),
            "roots/list" if self.has(F::NoRootsFail) && answer["roots"] == json!([]) => {
                return Err(ErrorObject::internal("the client has no roots"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a question that the client or its user refused is never got over.
    pub fn sulks(&self, method: &str, answer: Result<&Value, &str>) -> bool {
        if !self.any {
            return false;
        }
        let declined = match answer {
            Ok(answer) => matches!(answer["action"].as_str(), Some("decline" | "cancel")),
            Err(_) => true,
        };
        declined
            && self.has(match method {
                ELICIT => F::FormRefusalSulked,
                SAMPLE => F::SamplingRefusalSulked,
                _ => F::RootsRefusalSulked,
            })
    }

    /// Answers that are wrongly refused because no question asked for them.
    pub fn refuse_extra_inputs(
        &self,
        responses: &Object,
        asked: &Object,
    ) -> Result<(), ErrorObject> {
        let asked = |key: &String| asked.contains_key(key);
        if self.has(F::ExtraInputsRefused) && !responses.keys().all(asked) {
            let error = "inputResponses has too many answers";
            return Err(ErrorObject::invalid_params(error));
        }
        Ok(())
    }

    /// Whether an answer in a retry need not fit its question.
    pub fn takes_any_answer(&self) -> bool {
        self.has(F::InputsUnchecked) || self.has(F::FormAnswerUnchecked)
    }

    /// Whether a question is not asked because the answer to an earlier one is still awaited.
    pub fn awaits_retry(&self, responses: &Object) -> bool {
        self.has(F::RetryAwaited) && responses.is_empty() && self.count() > 0
    }

    /// Questions that are wrongly asked with requests of our own, too.
    pub fn ask_directly(&self, outlet: &dyn Outlet, questions: &Object) {
        if self.has(F::RequestsOnStdout) || self.has(F::RequestsOnStreams) {
            for (key, question) in questions {
                let mut request = question.clone();
                request["jsonrpc"] = "2.0".into();
                request["id"] = key.as_str().into();
                outlet.send(request);
            }
        }
    }
}
