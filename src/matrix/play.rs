//! Plays the reference server, with a fault and without.

use std::collections::BTreeSet;

use mcp_reference_server::{Fault, faults};

use super::{Options, Row, tokens};
use crate::catalog::Catalog;
use crate::revision::Revision;
use crate::rule::RULES;
use crate::run::{self, Fixture};
use crate::target::{Endpoint, Identities, TargetInfo};
use crate::transport::Transport;
use crate::verdict::{TrialReport, Verdict};

/// How many sessions one check has at once.
const JOBS: usize = 4;
/// How much longer than a faulty server one without faults may take.
const HEALTHY: u32 = 10;
/// Who may call a server that wants tokens, by file name: whoever has a token like those of [`tokens`].
const AUTH: [(&str, &str); 2] = [
    ("auth.toml", include_str!("auth.toml")),
    ("issuer.pem", include_str!("issuer.pem")),
];

/// The newest revision of each era.
const NEWEST: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];
/// The others.
const OLDER: [Revision; 3] = [
    Revision::V2024_11_05,
    Revision::V2025_03_26,
    Revision::V2025_06_18,
];

/// How the reference server is started, apart from faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// As it is.
    Usual,
    /// It declares that nothing ever changes.
    Static,
    /// It speaks modern revisions only.
    ModernOnly,
    /// It wants a token.
    Tokens,
    /// Two processes serve.
    Replicas,
    /// It has tools and prompts only.
    Lean,
    /// It has resources only, and no sessions over HTTP.
    Passive,
}

/// What the server does without for the sake of cases about servers without it. A fault makes it so by itself.
const LACKING: [Setting; 2] = [Setting::Lean, Setting::Passive];

impl Setting {
    /// Those in which faults are played.
    pub const ALL: [Setting; 5] = [
        Setting::Usual,
        Setting::Static,
        Setting::ModernOnly,
        Setting::Tokens,
        Setting::Replicas,
    ];

    /// The one in which a case applies, or a rule has something to look at.
    pub fn of(catalog: &Catalog, name: &str) -> Setting {
        let needs = needs(catalog, name);
        let has = |word: &str| needs.iter().any(|need| need == word);
        let lacks_changes = |need: &String| {
            need.starts_with('!')
                && (need.ends_with(".listChanged") || need.ends_with(".subscribe"))
        };
        match needs {
            _ if has("authorization") => Setting::Tokens,
            _ if has("replicas") => Setting::Replicas,
            _ if has("modern-only") => Setting::ModernOnly,
            _ if needs.iter().any(lacks_changes) => Setting::Static,
            _ => Setting::Usual,
        }
    }

    fn transports(self) -> &'static [Transport] {
        match self {
            Setting::Tokens | Setting::Replicas => &[Transport::Http],
            _ => &Transport::ALL,
        }
    }
}

/// What a case needs, or a rule whose requirements all bind on the same conditions.
fn needs<'a>(catalog: &'a Catalog, name: &str) -> &'a [String] {
    if let Some(case) = catalog.case(name) {
        return &case.needs;
    }
    let rule = RULES
        .iter()
        .find(|rule| name.strip_prefix("rule/") == Some(rule.name));
    let cited = rule.into_iter().flat_map(|rule| rule.requirements);
    let mut when = cited.filter_map(|id| Some(&catalog.requirement(id)?.when[..]));
    let first = when.next().unwrap_or_default();
    match when.all(|other| other == first) {
        true => first,
        false => &[],
    }
}

/// What is played of the catalog, one after the other, as long as somebody who claims the fault has not caught it.
const ROUNDS: [(Part, &[Revision]); 3] = [
    (Part::All, &NEWEST),
    (Part::All, &OLDER),
    // A server that is lost too often is not played to the end.
    (Part::Missed, &Revision::ALL),
];

/// Part of the catalog.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// Those who should have caught the fault.
    Missed,
}

/// The row of one fault: wherever the requirement holds that it violates.
pub(super) async fn row(options: &Options, fault: &'static Fault, claimants: &[String]) -> Row {
    let mut row = Row::new(fault, claimants);
    let requirement = options.catalog.requirement(fault.requirement);
    for (part, revisions) in ROUNDS {
        for setting in Setting::ALL {
            let of = |name: &&String| Setting::of(&options.catalog, name) == setting;
            let missed: Vec<String> = row.missed_by.keys().filter(of).cloned().collect();
            let select = match part {
                Part::All => Vec::new(),
                Part::Missed => missed.clone(),
            };
            for &transport in setting.transports().iter().filter(|_| !missed.is_empty()) {
                let holds = |revision: &&Revision| {
                    requirement.is_some_and(|requirement| {
                        requirement.levels.contains_key(revision)
                            && requirement.transports(**revision).any(|t| t == transport)
                    })
                };
                let here: Vec<Revision> = revisions.iter().filter(holds).copied().collect();
                // At once, or those who missed it one revision after the other: none disturbs another.
                let at_once = match part {
                    Part::All => here.len().max(1),
                    Part::Missed => 1,
                };
                for revisions in here.chunks(at_once) {
                    let play = Play {
                        setting,
                        transport,
                        revisions: revisions.to_vec(),
                        fault: Some(fault.name),
                        select: select.clone(),
                    };
                    row.take(play.run(options).await);
                }
            }
        }
    }
    row
}

/// The trials of the server without faults: of everything, or if `claimants` are only some cases, of these.
pub(super) async fn healthy(
    options: &Options,
    claimants: &[String],
    errors: &mut Vec<String>,
) -> Vec<TrialReport> {
    let is_all = options.faults.len() == faults().len()
        || claimants.iter().any(|name| name.starts_with("rule/"));
    let mut trials = Vec::new();
    for setting in Setting::ALL {
        let of = |name: &&String| Setting::of(&options.catalog, name) == setting;
        let mine: Vec<String> = claimants.iter().filter(of).cloned().collect();
        if !mine.is_empty() {
            let select = if is_all { Vec::new() } else { mine };
            healthy_in(options, setting, select, &mut trials, errors).await;
        }
    }
    for setting in LACKING {
        let passes = |trial: &TrialReport| trial.verdict == Verdict::Pass;
        let passed: BTreeSet<&str> = trials
            .iter()
            .filter(|t| passes(t))
            .map(|t| &*t.case)
            .collect();
        let missing = claimants.iter().filter(|name| !passed.contains(&name[..]));
        let select: Vec<String> = missing.cloned().collect();
        if !select.is_empty() {
            healthy_in(options, setting, select, &mut trials, errors).await;
        }
    }
    trials
}

async fn healthy_in(
    options: &Options,
    setting: Setting,
    select: Vec<String>,
    trials: &mut Vec<TrialReport>,
    errors: &mut Vec<String>,
) {
    for &transport in setting.transports() {
        let carried = Revision::ALL.into_iter();
        let play = Play {
            setting,
            transport,
            revisions: carried.filter(|r| transport.carries(*r)).collect(),
            fault: None,
            select: select.clone(),
        };
        match play.run(options).await {
            Ok(played) => trials.extend(played),
            Err(error) => errors.push(error),
        }
    }
}

/// One check of the reference server.
pub struct Play {
    /// How it is started.
    pub setting: Setting,
    /// How it is reached.
    pub transport: Transport,
    /// At which revisions; those that the setting does not have are left out.
    pub revisions: Vec<Revision>,
    /// What is wrong with it.
    pub fault: Option<&'static str>,
    /// Cases; all if empty.
    pub select: Vec<String>,
}

impl Play {
    /// Its trials.
    ///
    /// # Errors
    /// Why it could not be played.
    pub async fn run(self, options: &Options) -> Result<Vec<TrialReport>, String> {
        let mut revisions = self.revisions.clone();
        if matches!(self.setting, Setting::ModernOnly | Setting::Replicas) {
            revisions.retain(|revision| *revision == Revision::V2026_07_28);
        }
        if revisions.is_empty() {
            return Ok(Vec::new());
        }
        if self.setting == Setting::ModernOnly {
            // Only who was asked for a legacy revision is known to speak none.
            revisions.push(Revision::V2025_11_25);
        }
        let auth = match self.setting {
            Setting::Tokens => Some(Auth::new()?),
            _ => None,
        };
        let timeout = match self.fault {
            Some(_) => options.timeout,
            None => options.timeout * HEALTHY,
        };
        let check = || run::Options {
            endpoints: vec![self.endpoint(options, auth.as_ref())],
            target: TargetInfo::default(),
            catalog: options.catalog.clone(),
            revisions: Some(revisions.clone()),
            select: self.select.clone(),
            fixture: Fixture::Auto,
            jobs: JOBS,
            timeout,
            calls: Vec::new(),
            call_read_only: false,
            save_transcripts: None,
            arguments: ["mcp-conform", "check"].map(str::to_owned).to_vec(),
        };
        let report = match run::run(check(), &mut |_| {}).await {
            // The port that was free may have been taken meanwhile.
            Err(run::RunError::Host(_)) => run::run(check(), &mut |_| {}).await,
            other => other,
        };
        let report = report.map_err(|error| format!("{}: {error}", self.transport))?;
        Ok(report.trials)
    }

    fn endpoint(&self, options: &Options, auth: Option<&Auth>) -> Endpoint {
        let mut flags = Vec::new();
        match self.setting {
            Setting::Usual => {}
            Setting::Static => flags.push("--static".to_owned()),
            Setting::ModernOnly => flags.push("--era=modern".to_owned()),
            Setting::Tokens => flags.extend(auth.map(Auth::flag)),
            Setting::Replicas => flags.push("--state-key=shared".to_owned()),
            Setting::Lean => flags.push(without("resources,tasks,completions,get-stream")),
            Setting::Passive => flags.push(without(
                "tools,prompts,tasks,completions,get-stream,sessions",
            )),
        }
        flags.extend(self.fault.map(|fault| format!("--fault={fault}")));
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let program = options.program.display().to_string();
        let mut endpoint = Endpoint::reference(&program, self.transport, &flags);
        if let Endpoint::Http(http) = &mut endpoint {
            if self.setting == Setting::Replicas {
                http.replicas = vec![http.url.clone()];
            }
            http.headers = auth.iter().map(|auth| auth.ours.clone()).collect();
            http.identities = auth.map(|auth| auth.identities.clone()).unwrap_or_default();
        }
        endpoint
    }
}

fn without(features: &str) -> String {
    format!("--without={features}")
}

/// Who we are to a server that wants tokens, and how it knows.
struct Auth {
    folder: tempfile::TempDir,
    ours: (String, String),
    identities: Identities,
}

impl Auth {
    fn new() -> Result<Auth, String> {
        let write = || {
            let folder = tempfile::tempdir()?;
            for (name, text) in AUTH {
                std::fs::write(folder.path().join(name), text)?;
            }
            Ok(folder)
        };
        Ok(Auth {
            folder: write().map_err(|error: std::io::Error| error.to_string())?,
            ours: tokens::ours().map_err(|error| error.to_string())?,
            identities: tokens::identities().map_err(|error| error.to_string())?,
        })
    }

    fn flag(&self) -> String {
        let path = self.folder.path().join(AUTH[0].0);
        format!("--auth={}", path.display())
    }
}
