//! TARGET: a command, a URL, both, or neither.

mod words;

use std::path::PathBuf;

use clap::Args;

use self::words::{header, identities, variable, verify_url};
use super::Failure;
#[cfg(unix)]
use crate::bench::subject::Named;
use crate::redact::{REDACTED, Redactor};
use crate::target::{CommandLine, Endpoint, HttpEndpoint, Identities, PORT, TargetInfo};
use crate::transport::Transport;

const IDENTITY_HELP: &str = "\
The credentials of another caller, in place of the --header of the same name (repeatable); never recorded. NAME says \
what is special about them:
  expired         they have expired
  other-audience  the same issuer made them for another server
  no-scope        they lack the scope of the allowed call (see --call)
  broad-scope     their scope implies that of the allowed call
  other-caller    they are somebody else's
  in-query        they may be sent in a URL, where logs keep them";

const REPLICA_HELP: &str = "\
Another process of the server at --url (repeatable). From 2026-07-28 on any process must be able to serve any request, \
so those of a trial take turns; tasks/* goes to the process that has the task, and what follows subscriptions/listen to \
that of the subscription. Sessions of earlier revisions stay at --url";

/// What is tested.
#[derive(Debug, Default, Args)]
pub(super) struct Target {
    /// An HTTP server; with a command behind -- it is started, and {port} stands for a free port
    #[arg(long, value_name = "URL", help_heading = "Target")]
    url: Option<String>,

    /// A header for every request to --url (repeatable); its value is never recorded
    #[arg(
        long = "header",
        value_name = "K: V",
        requires = "url",
        help_heading = "Target"
    )]
    headers: Vec<String>,

    /// A variable for the command (repeatable); its value is never recorded
    #[arg(
        long = "env",
        value_name = "K=V",
        requires = "command",
        help_heading = "Target"
    )]
    env: Vec<String>,

    /// The working directory of the command
    #[arg(
        long,
        value_name = "DIR",
        requires = "command",
        help_heading = "Target"
    )]
    cwd: Option<PathBuf>,

    /// The server to start: over stdio, or over HTTP with --url
    #[arg(last = true, value_name = "COMMAND", help_heading = "Target")]
    command: Vec<String>,
}

/// Who else is asking.
#[derive(Debug, Default, Args)]
pub(super) struct Callers {
    /// The credentials of another caller, in place of the --header of the same name (repeatable); never recorded
    #[arg(
        long = "identity",
        value_name = "NAME=K: V",
        help_heading = "Target",
        long_help = IDENTITY_HELP
    )]
    identities: Vec<String>,
}

/// Who else takes part: other callers, and other processes of the server.
#[derive(Debug, Default, Args)]
pub(super) struct Others {
    #[command(flatten)]
    callers: Callers,

    /// Another process of the server at --url (repeatable): at modern revisions requests take turns
    #[arg(
        long = "replica",
        value_name = "URL",
        requires = "url",
        conflicts_with = "command",
        help_heading = "Target",
        long_help = REPLICA_HELP
    )]
    replicas: Vec<String>,
}

impl From<Callers> for Others {
    fn from(callers: Callers) -> Others {
        Others {
            callers,
            ..Others::default()
        }
    }
}

/// A target that makes sense.
pub(super) struct Resolved {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) info: TargetInfo,
    /// The options and the command that name it again, without secrets.
    pub(super) arguments: Vec<String>,
}

impl Target {
    /// Verifies what can be verified without starting anything.
    pub(super) fn resolve(&self, others: &Others) -> Result<Resolved, Failure> {
        let headers = self
            .headers
            .iter()
            .map(|text| header("--header", text))
            .collect::<Result<Vec<_>, _>>()?;
        let identities = identities(&others.callers.identities, &headers)?;
        let env = self
            .env
            .iter()
            .map(|text| variable(text))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(cwd) = self.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
            return Err(Failure::usage(format!(
                "--cwd {}: this is no folder",
                cwd.display()
            )));
        }
        let theirs = identities.values().flatten();
        let secrets: Vec<_> = headers.iter().chain(theirs).cloned().collect();
        let redactor = Redactor::new(&secrets, &env);
        let command = (!self.command.is_empty()).then(|| CommandLine {
            words: self.command.clone(),
            env: env.clone(),
            cwd: self.cwd.clone(),
        });
        let endpoints = self.endpoints(others, command, &headers, &identities)?;
        let info = self.info(others, &redactor);
        let arguments = self.arguments(others, &headers, &identities, &env, &redactor);
        Ok(Resolved {
            endpoints,
            info,
            arguments,
        })
    }

    fn endpoints(
        &self,
        others: &Others,
        command: Option<CommandLine>,
        headers: &[(String, String)],
        identities: &Identities,
    ) -> Result<Vec<Endpoint>, Failure> {
        match (&self.url, command) {
            (None, None) => bundled(),
            (None, Some(command)) if command.words.iter().any(|word| word.contains(PORT)) => {
                Err(Failure::usage(
                    "the command holds {port}, but without --url it would be a stdio server: add \
                     --url 'http://127.0.0.1:{port}/mcp'",
                ))
            }
            (None, Some(command)) => Ok(vec![Endpoint::Stdio(command)]),
            (Some(url), command) => {
                verify_url("--url", url, command.is_some())?;
                for replica in &others.replicas {
                    verify_url("--replica", replica, false)?;
                }
                Ok(vec![Endpoint::Http(HttpEndpoint {
                    url: url.clone(),
                    replicas: others.replicas.clone(),
                    command,
                    headers: headers.to_vec(),
                    identities: identities.clone(),
                    sse: false,
                })])
            }
        }
    }

    fn info(&self, others: &Others, redactor: &Redactor) -> TargetInfo {
        let kind = match (&self.url, self.command.is_empty()) {
            (Some(_), _) => "http",
            (None, false) => "stdio",
            (None, true) => "bundled",
        };
        let command = self
            .command
            .iter()
            .map(|word| redactor.text(word.clone()))
            .collect::<Vec<_>>();
        TargetInfo {
            kind: kind.to_owned(),
            command: (!command.is_empty()).then_some(command),
            url: self.url.clone().map(|url| redactor.text(url)),
            replicas: others
                .replicas
                .iter()
                .map(|url| redactor.text(url.clone()))
                .collect(),
        }
    }

    fn arguments(
        &self,
        others: &Others,
        headers: &[(String, String)],
        identities: &Identities,
        env: &[(String, String)],
        redactor: &Redactor,
    ) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        if let Some(url) = &self.url {
            option("--url", redactor.text(url.clone()));
        }
        for url in &others.replicas {
            option("--replica", redactor.text(url.clone()));
        }
        headers
            .iter()
            .for_each(|(name, _)| option("--header", format!("{name}: {REDACTED}")));
        for (identity, headers) in identities {
            for (name, _) in headers {
                option("--identity", format!("{identity}={name}: {REDACTED}"));
            }
        }
        for (name, value) in env {
            let shown = if value == PORT { PORT } else { REDACTED };
            option("--env", format!("{name}={shown}"));
        }
        if let Some(cwd) = &self.cwd {
            option("--cwd", cwd.display().to_string());
        }
        if !self.command.is_empty() {
            arguments.push("--".to_owned());
            arguments.extend(self.command.iter().map(|word| redactor.text(word.clone())));
        }
        arguments
    }
}

/// This same program, as a server of each transport.
fn bundled() -> Result<Vec<Endpoint>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::run(format!(
            "cannot find this program to start it as the server: {error}"
        ))
    })?;
    let program = program.display().to_string();
    let over = |transport| Endpoint::reference(&program, transport, &[]);
    Ok(Transport::ALL.map(over).to_vec())
}

#[cfg(unix)]
/// NAME=URL, NAME='COMMAND ARGS' or both, the URL first: a target beside the first, and how it is named again without secrets.
pub(super) fn other(text: &str) -> Result<(Named, String), Failure> {
    let example = "write NAME=URL, NAME='COMMAND ARGS' for a stdio server, or NAME='URL COMMAND ARGS' for an HTTP server to start";
    let (name, place) = text
        .split_once('=')
        .filter(|(name, place)| !name.trim().is_empty() && !place.trim().is_empty())
        .ok_or_else(|| Failure::usage(format!("--and {text:?}: {example}")))?;
    let mut words = shlex::split(place).ok_or_else(|| {
        Failure::usage(format!("--and {name}: a quote in the command has no end"))
    })?;
    let is_url = |word: &String| word.starts_with("http://") || word.starts_with("https://");
    let mut target = Target {
        url: words.first().filter(|word| is_url(word)).cloned(),
        ..Target::default()
    };
    if target.url.is_some() {
        words.remove(0);
    }
    target.command = words;
    let resolved = target
        .resolve(&Others::default())
        .map_err(|failure| Failure::usage(format!("--and {name}: {}", failure.message)))?;
    let [endpoint] = &resolved.endpoints[..] else {
        return Err(Failure::usage(format!("--and {text:?}: {example}")));
    };
    let named = Named {
        name: name.trim().to_owned(),
        endpoint: endpoint.clone(),
        info: resolved.info,
    };
    Ok((named, text.to_owned()))
}

#[cfg(test)]
mod tests;
