//! What needs a session that is open: streams, whole lists, chains of calls.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Found, MOST, Repeated, STARTS, repeat};
use crate::bench::calls::{self, Call};
use crate::bench::lane::{Answer, CallError, Lane};
use crate::bench::message::Template;
use crate::bench::pace::Patience;
use crate::bench::report::{Chain, Listing, Streaming};
use crate::bench::rounds::Plan;
use crate::bench::samples::Samples;
use crate::bench::subject::Subject;
use crate::message;

/// How many calls an agent makes one after the other.
const CHAIN: usize = 10;
/// How many pages a list may have.
const MAX_PAGES: u64 = 1_000;

/// What is measured in one session.
#[derive(Default)]
pub struct InSession {
    /// Answers in pieces.
    pub streams: Found<Streaming>,
    /// Whole lists.
    pub lists: Found<Listing>,
    /// Calls one after the other.
    pub chains: Found<Chain>,
}

/// All of it, with calls that work, until the server is gone.
pub fn in_session(
    subject: &Subject,
    lane: &mut Lane,
    plan: Plan<'_>,
    works: &dyn Fn(&Call) -> bool,
) -> InSession {
    let mut all = InSession {
        streams: streams(subject, lane, plan, works),
        ..InSession::default()
    };
    if !all.streams.is_down {
        all.lists = lists(subject, lane, plan);
    }
    if !all.streams.is_down && !all.lists.is_down {
        all.chains = chains(subject, lane, plan, works);
    }
    all
}

/// Answers that are told in pieces, where there are such.
fn streams(
    subject: &Subject,
    lane: &mut Lane,
    plan: Plan<'_>,
    works: &dyn Fn(&Call) -> bool,
) -> Found<Streaming> {
    let mut found = Found::default();
    let streaming = calls::streaming(&subject.profile, &subject.offer, subject.is_bundled());
    for call in streaming.into_iter().filter(works) {
        let template = call.template;
        let doing = format!("{} in pieces", template.name);
        match lane.call(&template, plan.patience()) {
            Ok(answer) if answer.events > 1 => {
                let (stream, repeated) = stream(subject, lane, &template, plan);
                found.take(stream, &doing, repeated);
            }
            Err(CallError::Down(down)) => {
                let gone = Repeated {
                    down: Some(down),
                    ..Repeated::default()
                };
                found.trouble(&doing, gone);
            }
            // It tells nothing on the way; and what fails is told where it is measured.
            Ok(_) | Err(_) => {}
        }
        if found.is_down {
            break;
        }
    }
    found
}

fn stream(
    subject: &Subject,
    lane: &mut Lane,
    template: &Template,
    plan: Plan<'_>,
) -> (Streaming, Repeated) {
    let [mut first, mut last] = std::array::from_fn(|_| Samples::new());
    let (mut events, mut time) = (0, Duration::ZERO);
    let repeated = repeat(plan, MOST, || {
        let answer = lane.call(template, plan.patience())?;
        first.record(answer.first, 0);
        last.record(answer.last, 0);
        events += answer.events;
        time += answer.last;
        Ok(())
    });
    let per = |divisor: f64| match divisor > 0.0 {
        true => (10.0 * events as f64 / divisor).round() / 10.0,
        false => 0.0,
    };
    let stream = Streaming {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        call: template.name.clone(),
        count: repeated.done,
        errors: repeated.failed,
        events_per_call: per(repeated.done as f64),
        events_per_s: per(time.as_secs_f64()),
        first_us: first.latency(),
        last_us: last.latency(),
    };
    (stream, repeated)
}

/// What it costs to read whole lists.
pub fn lists(subject: &Subject, lane: &mut Lane, plan: Plan<'_>) -> Found<Listing> {
    let mut found = Found::default();
    for (method, member) in calls::lists(&subject.offer) {
        let mut samples = Samples::new();
        let mut read = Read::default();
        let repeated = repeat(plan, MOST, || {
            read = read_list(subject, lane, (method, member), plan.patience())?;
            samples.record(read.time, 0);
            Ok(())
        });
        let listing = Listing {
            target: subject.named.name.clone(),
            transport: subject.transport(),
            revision: subject.revision(),
            method: method.to_owned(),
            items: read.items,
            pages: read.pages,
            bytes: read.bytes,
            count: repeated.done,
            errors: repeated.failed,
            latency_us: samples.latency(),
        };
        found.take(listing, &format!("reading all of {method}"), repeated);
        if found.is_down {
            break;
        }
    }
    found
}

#[derive(Default)]
struct Read {
    items: u64,
    pages: u64,
    bytes: u64,
    /// Without what we need to find the next cursor.
    time: Duration,
}

fn read_list(
    subject: &Subject,
    lane: &mut Lane,
    (method, member): (&str, &str),
    patience: Patience<'_>,
) -> Result<Read, CallError> {
    let mut read = Read::default();
    let mut params = None;
    while read.pages < MAX_PAGES {
        let tools = &subject.offer.tools;
        let page = Template::new(subject.revision(), method, params.take(), tools);
        let Answer { last, message, .. } = lane.call(&page, patience)?;
        read.time += last;
        read.pages += 1;
        read.bytes += message.len() as u64;
        let answer: Value = serde_json::from_slice(&message).unwrap_or_default();
        let result = &answer["result"];
        read.items += message::items(result, member).count() as u64;
        match message::next_cursor(result) {
            Some(cursor) => params = Some(serde_json::json!({ "cursor": cursor })),
            None => return Ok(read),
        }
    }
    Err(CallError::Failed(format!("more than {MAX_PAGES} pages")))
}

/// What an agent waits that makes one call after the other, in a session that is open, and from nothing.
fn chains(
    subject: &Subject,
    lane: &mut Lane,
    plan: Plan<'_>,
    works: &dyn Fn(&Call) -> bool,
) -> Found<Chain> {
    let mut found = Found::default();
    // An agent calls tools, if there are any that may be called.
    let mut calls = subject.calls(&[0]);
    calls.retain(works);
    let is_tool = |name: &str| name.starts_with("tools/call");
    let tool = calls.iter().find(|call| is_tool(&call.template.name));
    let Some(call) = tool.or(calls.first()) else {
        return found;
    };
    let template = &call.template;
    let mut warm = Samples::new();
    let repeated = repeat(plan, MOST, || {
        let began = Instant::now();
        chain(lane, template, plan.patience())?;
        warm.record(began.elapsed(), 0);
        Ok(())
    });
    let (cold, from_nothing) = match repeated.done > 0 && repeated.down.is_none() {
        true => from_nothing(subject, template, plan),
        false => (Samples::new(), Repeated::default()),
    };
    let chain = Chain {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        call: template.name.clone(),
        calls: CHAIN,
        count: repeated.done,
        errors: repeated.failed,
        latency_us: warm.latency(),
        cold_us: (cold.count() > 0).then(|| cold.latency()),
    };
    let name = &template.name;
    let doing = format!("{CHAIN} times {name}, one after the other");
    found.take(chain, &doing, repeated);
    found.trouble(&format!("{doing}, in a new session"), from_nothing);
    found
}

/// The same with all that comes before.
fn from_nothing(subject: &Subject, template: &Template, plan: Plan<'_>) -> (Samples, Repeated) {
    let patience = plan.patience();
    let list = calls::lists(&subject.offer).find(|(method, _)| *method == "tools/list");
    let mut cold = Samples::new();
    let repeated = repeat(plan, STARTS, || {
        let began = Instant::now();
        let mut lane = Lane::open(&subject.reach, subject.revision(), patience)?;
        if let Some(list) = list {
            read_list(subject, &mut lane, list, patience)?;
        }
        chain(&mut lane, template, patience)?;
        cold.record(began.elapsed(), 0);
        lane.close(patience);
        Ok(())
    });
    (cold, repeated)
}

fn chain(lane: &mut Lane, template: &Template, patience: Patience<'_>) -> Result<(), CallError> {
    (0..CHAIN).try_for_each(|_| lane.call(template, patience).map(drop))
}
