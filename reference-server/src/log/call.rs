//! A call: told of in the log when it is over, and counted against what its caller may ask for.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use serde_json::Value;

use super::Level;
use crate::auth::Caller;
use crate::features::tools;
use crate::jsonrpc::{ErrorObject, Id, Meta, Object, Params, Reply};
use crate::random;
use crate::revision::Revision;
use crate::server::Server;
use crate::work::Work;

/// What cannot be called too often: it costs next to nothing, or has limits of its own.
const UNCOUNTED: [&str; 2] = ["initialize", "ping"];

/// A call that is being logged; one that is dropped was cancelled.
struct Record {
    server: Arc<Server>,
    entry: Value,
    begun: Instant,
}

impl Record {
    fn new(server: &Arc<Server>, caller: &Caller, method: &str, params: &Params) -> Self {
        let log = &server.log;
        let mut entry = log.entry("call", &caller.principal, method);
        entry["correlation"] = match trace_id(params.meta()) {
            Some(trace) => trace.into(),
            None => {
                let number = log.calls.fetch_add(1, Ordering::Relaxed);
                format!("{}-{number}", process()).into()
            }
        };
        if method == "tools/call" {
            let name = params.get("name").and_then(Value::as_str);
            let known = name.filter(|name| tools::find(name, Revision::LATEST).is_some());
            entry["tool"] = known.unwrap_or("unknown").into();
        }
        entry["outcome"] = "cancelled".into();
        Self {
            server: Arc::clone(server),
            entry,
            begun: Instant::now(),
        }
    }

    fn answered(mut self, reply: &Reply) {
        let is = |result: &Object, name: &str, value: Value| result.get(name) == Some(&value);
        self.entry["outcome"] = match &reply.outcome {
            Err(error) => {
                self.entry["code"] = error.code.into();
                "error"
            }
            Ok(result) if is(result, "isError", true.into()) => "tool failed",
            Ok(result) if is(result, "resultType", "input_required".into()) => "input required",
            Ok(_) => "ok",
        }
        .into();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let micros = u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.entry["ms"] = (f64::from(micros) / 1000.0).into();
        self.server.log.line(self.entry.to_string());
    }
}

/// A name for this process, so that the calls of several instances can be told apart.
fn process() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let mut name = random::id().unwrap_or_default();
        name.truncate(8);
        name
    })
}

/// The trace that the client says this request belongs to.
///
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
fn trace_id(meta: &Meta) -> Option<&str> {
    let parent = meta.others.get("traceparent")?.as_str()?;
    let mut parts = parent.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let valid = version.len() == 2 && trace.len() == 32;
    (valid && hexadecimal(version) && hexadecimal(trace)).then_some(trace)
}

/// A call that has come.
pub struct Call {
    record: Option<Record>,
    refusal: Option<Reply>,
}

impl Call {
    /// Begins to log a request, and counts it.
    pub fn begin(
        server: &Arc<Server>,
        caller: &Caller,
        id: &Id,
        method: &str,
        params: &Params,
    ) -> Self {
        let logged = server.log.level != Level::Off;
        let rate = server
            .rate
            .as_ref()
            .filter(|_| !UNCOUNTED.contains(&method));
        let refused = rate.and_then(|rate| rate.take(&caller.principal, Instant::now()).err());
        Self {
            record: logged.then(|| Record::new(server, caller, method, params)),
            refusal: refused.map(|wait| Reply::error(Some(id), ErrorObject::too_many(wait))),
        }
    }

    /// Logs what was answered at once.
    pub fn answered(self, reply: Reply) -> Reply {
        if let Some(record) = self.record {
            record.answered(&reply);
        }
        reply
    }

    /// The work, logged when it is done; or the refusal, if the caller calls too often.
    pub fn around(self, work: Work) -> Work {
        match (self.record, self.refusal) {
            (None, None) => work,
            (record, Some(refusal)) => Box::pin(async move {
                if let Some(record) = record {
                    record.answered(&refusal);
                }
                refusal
            }),
            (Some(record), None) => Box::pin(async move {
                let reply = work.await;
                record.answered(&reply);
                reply
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_is_taken_for_one() {
        let trace = |parent: Value| {
            let mut meta = Meta::default();
            meta.others.insert("traceparent".into(), parent);
            trace_id(&meta).map(str::to_owned)
        };
        let id = "0af7651916cd43dd8448eb211c80319c";
        let parent = format!("00-{id}-b7ad6b7169203331-01");
        assert_eq!(trace(parent.into()).as_deref(), Some(id));
        for other in ["secret", "00-secret-b7ad6b7169203331-01", "", "-"] {
            assert_eq!(trace(other.into()), None, "{other}");
        }
    }
}
