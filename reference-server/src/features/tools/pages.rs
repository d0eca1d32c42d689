//! Tools that send the user to a page, for what the client must not see.
//!
//! The pages are imaginary. Whoever agrees to go there has been there.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-requests>

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::text;
use crate::ask::Question;
use crate::context::{Answer, Context, Peer};
use crate::faults::F;
use crate::jsonrpc::{self, ErrorObject};
use crate::legacy::Session;
use crate::lock;
use crate::random;

/// How long the imaginary user stays on a page.
const STAY: Duration = Duration::from_millis(300);

/// How far the user of a session is with the page without which `test_url_elicitation_required` does not work.
#[derive(Default)]
pub enum Visit {
    /// Has not heard of it.
    #[default]
    None,
    /// Was sent to it, by the elicitation of this id.
    Sent(String),
    /// Has been there.
    Done,
}

fn new_id(context: &Context) -> Result<String, ErrorObject> {
    if context.fault(F::PageIdsRepeat) {
        return Ok("the-page".into());
    }
    random::id().map_err(|error| ErrorObject::internal(error.to_string()))
}

fn question(id: &str) -> Question {
    let url = format!("https://example.com/connect?elicitation={id}");
    Question::page("page", "Please connect your account on this page", &url, id)
}

fn complete(id: &str) -> Value {
    json!({"elicitationId": id})
}

const COMPLETE: &str = "notifications/elicitation/complete";

/// Asks the user to go to a page and says whether they did.
pub async fn visit(context: &Context) -> Answer {
    let id = new_id(context)?;
    let answers = context.ask(&[question(&id)], true).await?;
    let action = answers[0]["action"].as_str().unwrap_or_default();
    if action == "accept" && !context.revision.is_modern() {
        let mut params = complete(&id);
        context.server.faults.spoil_complete(&mut params);
        context.notify(COMPLETE, params);
    }
    Ok(text(format!("Asked to visit a page: action={action}")))
}

/// Works only for users who have been to a page: tells a legacy client which, and asks a modern one to go there.
pub async fn required(context: &Context) -> Answer {
    let Peer::Session(session) = &context.peer else {
        return visit(context).await;
    };
    let mut visit = lock(&session.visit);
    let id = match &*visit {
        Visit::Done => return Ok(text("The account is connected.")),
        Visit::Sent(id) => id.clone(),
        Visit::None => new_id(context)?,
    };
    let question = question(&id);
    if !context.may_ask(&question) {
        return Err(context.cannot_ask(&question));
    }
    if matches!(*visit, Visit::None) {
        *visit = Visit::Sent(id.clone());
        tokio::spawn(stay(Arc::clone(session), id));
    }
    let mut page = question.params(context.revision);
    let faults = &context.server.faults;
    faults.spoil_question(question.method, &mut page);
    let mut data = json!({"elicitations": [page]});
    faults.spoil_required(&mut data);
    let code = match context.fault(F::PageRequiredCode) {
        true => -32603,
        false => -32042,
    };
    let error = ErrorObject::new(code, "The account is not connected yet");
    Err(error.data(data).into())
}

/// Lets the user do what there is to do on the page, and tells the client that it is done.
async fn stay(session: Arc<Session>, id: String) {
    tokio::time::sleep(STAY).await;
    *lock(&session.visit) = Visit::Done;
    let done = jsonrpc::notification(COMPLETE, complete(&id));
    session.unsolicited().send(done);
}
