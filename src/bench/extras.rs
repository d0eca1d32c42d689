//! What is measured beside single calls: starting, connecting, the handshake, streams, whole lists, chains of calls.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Handle;

use super::calls;
use super::lane::{Answer, CallError, Down, Lane, Reach};
use super::message::Template;
use super::pace::Patience;
use super::report::{Chain, Connecting, Handshake, Listing, Streaming};
use super::rounds::Plan;
use super::samples::Samples;
use super::subject::{Subject, start_again};
use crate::message;
use crate::revision::Era;

/// How often something is measured at most.
const MOST: u64 = 200;
/// How often at least, however long it takes.
const LEAST: u64 = 3;
/// How many processes are started to see how long that takes.
const STARTS: u64 = 5;
/// How many calls an agent makes one after the other.
pub const CHAIN: usize = 10;
/// How many pages a list may have.
const MAX_PAGES: u64 = 1_000;

/// Repeats something until it was done often enough, or time is over.
fn repeat(
    plan: Plan<'_>,
    most: u64,
    mut work: impl FnMut() -> Result<(), CallError>,
) -> Result<(u64, u64), Down> {
    let until = Instant::now() + plan.duration / 2;
    let (mut done, mut failed) = (0, 0);
    while done + failed < most && (done + failed < LEAST || Instant::now() < until) {
        match work() {
            Ok(()) => done += 1,
            Err(CallError::Down(down)) => return Err(down),
            Err(_) if plan.patience().is_over() => break,
            Err(_) => failed += 1,
        }
        if plan.patience().is_over() {
            break;
        }
    }
    Ok((done, failed))
}

fn alive(subject: &Subject) -> Template {
    let method = subject.revision().era().alive_method();
    Template::new(subject.revision(), method, None, &subject.offer.tools)
}

/// From the start of a process to its first answer, in milliseconds: the median of some. None if it is not ours.
///
/// # Errors
/// Where it does not start.
pub fn startup(
    subject: &Subject,
    handle: &Handle,
    plan: Plan<'_>,
) -> Result<Option<f64>, CallError> {
    let mut samples = Samples::new();
    let alive = alive(subject);
    repeat(plan, STARTS, || {
        let began = Instant::now();
        let Some((reach, host)) = start_again(subject, handle)? else {
            return Ok(());
        };
        let mut lane = Lane::connect(&reach)?;
        match subject.revision().era() {
            Era::Legacy => lane.shake_hands(subject.revision(), plan.patience())?,
            Era::Modern => drop(lane.call(&alive, plan.patience())?),
        }
        samples.record(began.elapsed(), 0);
        lane.close(plan.patience());
        handle.block_on(host.stop());
        Ok(())
    })?;
    let median = samples.latency().p50;
    Ok((samples.count() > 0).then(|| (median / 10.0).round() / 100.0))
}

/// What it costs to get a connection; none if there are none.
///
/// # Errors
/// Where the server is gone.
pub fn connecting(subject: &Subject, plan: Plan<'_>) -> Result<Option<Connecting>, CallError> {
    let Reach::Http(address, _) = &subject.reach else {
        return Ok(None);
    };
    let mut lane = Lane::open(&subject.reach, subject.revision(), plan.patience())?;
    let Lane::Http(web) = &mut lane else {
        return Ok(None);
    };
    let alive = alive(subject);
    let [mut tcp, mut tls, mut cold, mut kept] = std::array::from_fn(|_| Samples::new());
    let mut closed = 0;
    let (count, errors) = repeat(plan, MOST, || {
        let (opened, answer, lives) = web.cold_call(&alive, plan.patience())?;
        tcp.record(opened.tcp, 0);
        if let Some(time) = opened.tls {
            tls.record(time, 0);
        }
        cold.record(answer.last, 0);
        closed += u64::from(!lives);
        let answer = web.call(&alive, plan.patience())?;
        kept.record(answer.last, 0);
        Ok(())
    })?;
    lane.close(plan.patience());
    Ok(Some(Connecting {
        target: subject.named.name.clone(),
        tls: address.is_encrypted(),
        count,
        errors,
        tcp_us: tcp.latency(),
        tls_us: address.is_encrypted().then(|| tls.latency()),
        cold_call_us: cold.latency(),
        kept_call_us: kept.latency(),
        closed_by_server: 2 * closed > count,
    }))
}

/// What the handshake of a session costs, where there is one. Over stdio each takes a process, whose start is not counted.
///
/// # Errors
/// Where the server is gone.
pub fn handshake(subject: &Subject, plan: Plan<'_>) -> Result<Option<Handshake>, CallError> {
    if subject.revision().era() == Era::Modern {
        return Ok(None);
    }
    let mut samples = Samples::new();
    let most = match subject.reach {
        Reach::Stdio(_) => STARTS,
        Reach::Http(..) => MOST,
    };
    let (count, errors) = repeat(plan, most, || {
        let mut lane = Lane::connect(&subject.reach)?;
        lane.warm(subject.revision(), plan.patience())?;
        let began = Instant::now();
        lane.shake_hands(subject.revision(), plan.patience())?;
        samples.record(began.elapsed(), 0);
        lane.close(plan.patience());
        Ok(())
    })?;
    Ok(Some(Handshake {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        count,
        errors,
        latency_us: samples.latency(),
    }))
}

/// Answers that are told in pieces, where there are such.
///
/// # Errors
/// Where the server is gone.
pub fn streams(subject: &Subject, lane: &mut Lane, plan: Plan<'_>) -> Result<Vec<Streaming>, Down> {
    let mut streams = Vec::new();
    for template in calls::streaming(&subject.profile, &subject.offer, subject.is_bundled()) {
        let told = match lane.call(&template, plan.patience()) {
            Ok(answer) => answer.events > 1,
            Err(CallError::Down(down)) => return Err(down),
            Err(_) => false,
        };
        if told {
            streams.push(stream(subject, lane, &template, plan)?);
        }
    }
    Ok(streams)
}

fn stream(
    subject: &Subject,
    lane: &mut Lane,
    template: &Template,
    plan: Plan<'_>,
) -> Result<Streaming, Down> {
    let [mut first, mut last] = std::array::from_fn(|_| Samples::new());
    let (mut events, mut time) = (0, Duration::ZERO);
    let (count, errors) = repeat(plan, MOST, || {
        let answer = lane.call(template, plan.patience())?;
        first.record(answer.first, 0);
        last.record(answer.last, 0);
        events += answer.events;
        time += answer.last;
        Ok(())
    })?;
    let per = |divisor: f64| match divisor > 0.0 {
        true => (10.0 * events as f64 / divisor).round() / 10.0,
        false => 0.0,
    };
    Ok(Streaming {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        call: template.name.clone(),
        count,
        errors,
        events_per_call: per(count as f64),
        events_per_s: per(time.as_secs_f64()),
        first_us: first.latency(),
        last_us: last.latency(),
    })
}

/// What it costs to read whole lists.
///
/// # Errors
/// Where the server is gone.
pub fn lists(subject: &Subject, lane: &mut Lane, plan: Plan<'_>) -> Result<Vec<Listing>, Down> {
    let mut listings = Vec::new();
    for (method, member) in calls::lists(&subject.offer) {
        let mut samples = Samples::new();
        let mut read = Read::default();
        let (count, errors) = repeat(plan, MOST, || {
            read = read_list(subject, lane, (method, member), plan.patience())?;
            samples.record(read.time, 0);
            Ok(())
        })?;
        listings.push(Listing {
            target: subject.named.name.clone(),
            transport: subject.transport(),
            revision: subject.revision(),
            method: method.to_owned(),
            items: read.items,
            pages: read.pages,
            bytes: read.bytes,
            count,
            errors,
            latency_us: samples.latency(),
        });
    }
    Ok(listings)
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
///
/// # Errors
/// Where the server is gone.
pub fn chain(
    subject: &Subject,
    lane: &mut Lane,
    template: &Template,
    plan: Plan<'_>,
) -> Result<Chain, Down> {
    let patience = plan.patience();
    let chain = |lane: &mut Lane| -> Result<(), CallError> {
        (0..CHAIN).try_for_each(|_| lane.call(template, patience).map(drop))
    };
    let [mut warm, mut cold] = std::array::from_fn(|_| Samples::new());
    let (count, errors) = repeat(plan, MOST, || {
        let began = Instant::now();
        chain(lane)?;
        warm.record(began.elapsed(), 0);
        Ok(())
    })?;
    let list = calls::lists(&subject.offer).find(|(method, _)| *method == "tools/list");
    repeat(plan, STARTS, || {
        let began = Instant::now();
        let mut lane = Lane::open(&subject.reach, subject.revision(), patience)?;
        if let Some(list) = list {
            read_list(subject, &mut lane, list, patience)?;
        }
        chain(&mut lane)?;
        cold.record(began.elapsed(), 0);
        lane.close(patience);
        Ok(())
    })?;
    Ok(Chain {
        target: subject.named.name.clone(),
        transport: subject.transport(),
        revision: subject.revision(),
        call: template.name.clone(),
        calls: CHAIN,
        count,
        errors,
        latency_us: warm.latency(),
        cold_us: (cold.count() > 0).then(|| cold.latency()),
    })
}
