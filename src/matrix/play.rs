//! Plays the reference server, with a fault and without.

use std::io::Write;

use mcp_reference_server::Fault;

use super::{Options, Row};
use crate::catalog::Case;
use crate::revision::Revision;
use crate::run::{self, Fixture};
use crate::target::{CommandLine, Endpoint, TargetInfo};
use crate::transport::Transport;
use crate::verdict::TrialReport;

/// How many sessions one check has at once.
const JOBS: usize = 4;
/// How much longer than a faulty server one without faults may take.
const HEALTHY: u32 = 10;
/// Who may call a server that wants tokens: whoever has this one.
const AUTH: &str = include_str!("auth.toml");
const TOKEN: &str = "Bearer conformance-test-key";

/// The newest revision of each era; the others are tried where these do not suffice.
const NEWEST: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];

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
}

impl Setting {
    /// Every setting.
    pub const ALL: [Setting; 4] = [
        Setting::Usual,
        Setting::Static,
        Setting::ModernOnly,
        Setting::Tokens,
    ];

    /// The one in which a case applies; rules look at any session.
    pub fn of(case: Option<&Case>) -> Setting {
        let needs = case.map_or(&[][..], |case| &case.needs);
        let has = |word: &str| needs.iter().any(|need| need == word);
        let lacks_changes = |need: &String| {
            need.starts_with('!')
                && (need.ends_with(".listChanged") || need.ends_with(".subscribe"))
        };
        match needs {
            _ if has("authorization") => Setting::Tokens,
            _ if has("modern-only") => Setting::ModernOnly,
            _ if needs.iter().any(lacks_changes) => Setting::Static,
            _ => Setting::Usual,
        }
    }

    fn transports(self) -> &'static [Transport] {
        match self {
            Setting::Tokens => &[Transport::Http],
            _ => &Transport::ALL,
        }
    }
}

/// The rows of one fault: the whole catalog at the newest revisions at which the requirement holds, then at the others as
/// long as somebody has not caught it.
pub(super) async fn row(options: &Options, fault: &'static Fault, claimants: Vec<String>) -> Row {
    let mut row = Row::new(fault, &claimants);
    let requirement = options.catalog.requirement(fault.requirement);
    for is_newest in [true, false] {
        for setting in Setting::ALL {
            let of = |name: &String| Setting::of(options.catalog.case(name)) == setting;
            let wanted = match is_newest {
                true => claimants.iter().any(of),
                false => row.missed_by.keys().any(of),
            };
            for &transport in setting.transports().iter().filter(|_| wanted) {
                let revisions = Revision::ALL.into_iter().filter(|revision| {
                    let holds = requirement.is_some_and(|requirement| {
                        requirement
                            .transports(*revision)
                            .any(|other| other == transport)
                    });
                    NEWEST.contains(revision) == is_newest && transport.carries(*revision) && holds
                });
                let revisions: Vec<Revision> = revisions.collect();
                let play = Play {
                    setting,
                    transport,
                    revisions,
                    fault: Some(fault.name),
                };
                match play.run(options).await {
                    Ok(trials) => trials.iter().for_each(|trial| row.take(trial)),
                    Err(error) => row.errors.push(error),
                }
            }
        }
    }
    row
}

/// Every trial of the server without faults, in all settings.
pub(super) async fn healthy(options: &Options, errors: &mut Vec<String>) -> Vec<TrialReport> {
    let mut trials = Vec::new();
    for setting in Setting::ALL {
        for &transport in setting.transports() {
            let carried = Revision::ALL.into_iter();
            let play = Play {
                setting,
                transport,
                revisions: carried.filter(|r| transport.carries(*r)).collect(),
                fault: None,
            };
            match play.run(options).await {
                Ok(played) => trials.extend(played),
                Err(error) => errors.push(error),
            }
        }
    }
    trials
}

/// One check.
struct Play {
    setting: Setting,
    transport: Transport,
    revisions: Vec<Revision>,
    fault: Option<&'static str>,
}

impl Play {
    /// Its trials: those of the whole catalog.
    async fn run(self, options: &Options) -> Result<Vec<TrialReport>, String> {
        let mut revisions = self.revisions.clone();
        if self.setting == Setting::ModernOnly {
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
            Setting::Tokens => Some(auth_file().map_err(|error| error.to_string())?),
            _ => None,
        };
        let auth = auth.as_ref().map(|file| file.path().display().to_string());
        let timeout = match self.fault {
            Some(_) => options.timeout,
            None => options.timeout * HEALTHY,
        };
        let check = || run::Options {
            endpoints: vec![self.endpoint(options, auth.as_deref())],
            target: TargetInfo::default(),
            catalog: options.catalog.clone(),
            revisions: Some(revisions.clone()),
            select: Vec::new(),
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

    fn endpoint(&self, options: &Options, auth: Option<&str>) -> Endpoint {
        let serve = |place: &[&str]| {
            let program = options.program.display().to_string();
            let mut words = vec![program, "serve".to_owned(), "--log=off".to_owned()];
            words.extend(place.iter().map(|word| (*word).to_owned()));
            match self.setting {
                Setting::Usual => {}
                Setting::Static => words.push("--static".to_owned()),
                Setting::ModernOnly => words.push("--era=modern".to_owned()),
                Setting::Tokens => words.extend(auth.map(|path| format!("--auth={path}"))),
            }
            words.extend(self.fault.map(|fault| format!("--fault={fault}")));
            CommandLine {
                words,
                ..CommandLine::default()
            }
        };
        let http = |path: &str, sse| Endpoint::Http {
            url: format!("http://127.0.0.1:{{port}}/{path}"),
            command: Some(serve(&["--http", "127.0.0.1:{port}"])),
            headers: match auth {
                Some(_) => vec![("Authorization".to_owned(), TOKEN.to_owned())],
                None => Vec::new(),
            },
            sse,
        };
        match self.transport {
            Transport::Stdio => Endpoint::Stdio(serve(&["--stdio"])),
            Transport::Http => http("mcp", false),
            Transport::Sse => http("sse", true),
        }
    }
}

fn auth_file() -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(AUTH.as_bytes())?;
    Ok(file)
}
