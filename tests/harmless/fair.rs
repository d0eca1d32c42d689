//! A server is held to what it declares and speaks, and to nothing else.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use mcp_conform::catalog::Catalog;
use mcp_conform::event::RunReport;
use mcp_conform::matrix::tokens;
use mcp_conform::revision::Revision;
use mcp_conform::target::{CommandLine, Endpoint, HttpEndpoint};
use mcp_conform::transport::Transport;
use mcp_conform::verdict::Verdict;

use crate::modest;
use crate::server::{self, Check};
use crate::trials::{TIMEOUT, explain};

/// Small servers, and how many trials they pass at least.
const MODEST: [(Revision, Transport, usize); 7] = [
    (Revision::V2024_11_05, Transport::Stdio, 80),
    (Revision::V2025_03_26, Transport::Http, 80),
    (Revision::V2025_06_18, Transport::Stdio, 80),
    (Revision::V2025_11_25, Transport::Stdio, 120),
    (Revision::V2025_11_25, Transport::Http, 120),
    (Revision::V2026_07_28, Transport::Stdio, 120),
    (Revision::V2026_07_28, Transport::Http, 120),
];

/// Every test.
pub fn all() -> Vec<Trial> {
    let catalog = Arc::new(Catalog::builtin().unwrap());
    let modest = MODEST.map(|(revision, transport, least)| {
        let catalog = catalog.clone();
        Trial::test(
            format!("fair/tools only@{revision}+{transport}"),
            move || {
                let report = check(&catalog, vec![small(revision, transport, &[])]);
                speaks_only(&report, &[revision])?;
                is_judged_fairly(&report, least)
            },
        )
    });
    let modern = Trial::test("fair/reference server, modern only", {
        let catalog = catalog.clone();
        move || {
            let endpoints = [Transport::Stdio, Transport::Http];
            let endpoints =
                endpoints.map(|transport| server::endpoint(transport, &["--era", "modern"]));
            let report = check(&catalog, endpoints.to_vec());
            speaks_only(&report, &[Revision::V2026_07_28])?;
            is_judged_fairly(&report, 400)
        }
    });
    let legacy = Trial::test("fair/reference server, legacy only and static", {
        let catalog = catalog.clone();
        move || {
            let flags = ["--era", "legacy", "--static"];
            let endpoints = Transport::ALL.map(|transport| server::endpoint(transport, &flags));
            let report = check(&catalog, endpoints.to_vec());
            speaks_only(&report, &Revision::ALL[..4])?;
            is_judged_fairly(&report, 1000)
        }
    });
    let sessions = Trial::test("fair/sessions that no client ends", {
        let catalog = catalog.clone();
        move || {
            let words = [modest::WITH_SESSIONS];
            let endpoint = small(Revision::V2025_11_25, Transport::Http, &words);
            let report = check(&catalog, vec![endpoint]);
            is_judged_fairly(&report, 120)?;
            ends(&report, "http/session-terminated", Verdict::NotObserved)
        }
    });
    let open = [
        (
            "2025-11-25",
            small(Revision::V2025_11_25, Transport::Http, &[]),
            120,
        ),
        (
            "2026-07-28",
            small(Revision::V2026_07_28, Transport::Http, &[]),
            120,
        ),
        (
            "the reference server",
            server::endpoint(Transport::Http, &[]),
            500,
        ),
    ];
    let open = open.map(|(name, mut endpoint, least)| {
        let catalog = catalog.clone();
        Trial::test(format!("fair/open to everybody: {name}"), move || {
            if let Endpoint::Http(http) = &mut endpoint {
                http.headers = vec![tokens::ours()?];
                http.identities = tokens::identities()?;
            }
            let report = check(&catalog, vec![endpoint]);
            is_judged_fairly(&report, least)?;
            ends(
                &report,
                "authorization/other-audience",
                Verdict::NotObserved,
            )
        })
    });
    modest
        .into_iter()
        .chain([modern, legacy, sessions])
        .chain(open)
        .collect()
}

/// Each trial of this case, and its namesake without state, ends like this.
fn ends(report: &RunReport, case: &str, verdict: Verdict) -> Result<(), Failed> {
    let mut trials = report
        .trials
        .iter()
        .filter(|trial| {
            trial.case.trim_end_matches("-stateless") == case
                && trial.verdict != Verdict::NotApplicable
        })
        .peekable();
    if trials.peek().is_none() {
        return Err(format!("{case} is not played").into());
    }
    match trials.find(|trial| trial.verdict != verdict) {
        None => Ok(()),
        Some(trial) => Err(format!("{}: {}", trial.name(), explain(trial)).into()),
    }
}

/// A tools-only server that speaks this revision.
fn small(revision: Revision, transport: Transport, flags: &[&str]) -> Endpoint {
    let itself = std::env::current_exe().unwrap().display().to_string();
    let command = |port: &[&str]| CommandLine {
        words: [&itself, modest::MARK, revision.as_str()]
            .iter()
            .chain(port)
            .chain(flags)
            .map(|word| (*word).to_owned())
            .collect(),
        ..CommandLine::default()
    };
    match transport {
        Transport::Stdio => Endpoint::Stdio(command(&[])),
        _ => Endpoint::Http(HttpEndpoint {
            url: "http://127.0.0.1:{port}/mcp".to_owned(),
            command: Some(command(&["{port}"])),
            ..HttpEndpoint::default()
        }),
    }
}

fn check(catalog: &Arc<Catalog>, endpoints: Vec<Endpoint>) -> RunReport {
    let check = Check {
        endpoints,
        revisions: None,
        select: Vec::new(),
        timeout: TIMEOUT,
    };
    server::check(catalog, check).unwrap()
}

/// Only these are tested: the others are no defect.
fn speaks_only(report: &RunReport, revisions: &[Revision]) -> Result<(), Failed> {
    let offers = report.profile.offers.iter();
    let mut spoken: Vec<Revision> = offers.map(|offer| offer.revision).collect();
    spoken.sort();
    spoken.dedup();
    match spoken == revisions {
        true => Ok(()),
        false => Err(format!("it is taken to speak {spoken:?}").into()),
    }
}

/// Nothing is found, and that after a good look.
fn is_judged_fairly(report: &RunReport, least: usize) -> Result<(), Failed> {
    let fair = [Verdict::Pass, Verdict::NotApplicable, Verdict::NotObserved];
    let unfair = report
        .trials
        .iter()
        .filter(|trial| !fair.contains(&trial.verdict));
    let unfair: Vec<String> = unfair
        .map(|trial| format!("{}: {}", trial.name(), explain(trial)))
        .collect();
    let passed = report
        .trials
        .iter()
        .filter(|trial| trial.verdict == Verdict::Pass)
        .count();
    match unfair.is_empty() {
        false => Err(unfair.join("\n").into()),
        true if passed < least => Err(format!("only {passed} trials pass").into()),
        true => Ok(()),
    }
}
