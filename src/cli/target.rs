//! TARGET: a command, a URL, both, or neither.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::Failure;
#[cfg(unix)]
use crate::bench::subject::Named;
use crate::redact::{MIN_LENGTH, REDACTED, Redactor};
use crate::target::{
    CommandLine, Endpoint, HttpEndpoint, IN_QUERY, Identities, PORT, TargetInfo, bearer,
};
use crate::transport::Transport;

/// Headers that say how a message is framed or where it goes: they are not the user's to set.
const OURS: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

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

/// Who else takes part: other callers, and other processes of the server.
#[derive(Debug, Default, Args)]
pub(super) struct Others {
    /// The credentials of another caller, in place of the --header of the same name (repeatable); never recorded
    #[arg(
        long = "identity",
        value_name = "NAME=K: V",
        requires = "headers",
        help_heading = "Target",
        long_help = IDENTITY_HELP
    )]
    identities: Vec<String>,

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
        let identities = identities(&others.identities, &headers)?;
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
        let endpoints = match (&self.url, command) {
            (None, None) => bundled()?,
            (None, Some(command)) if command.words.iter().any(|word| word.contains(PORT)) => {
                return Err(Failure::usage(
                    "the command holds {port}, but without --url it would be a stdio server: add \
                     --url 'http://127.0.0.1:{port}/mcp'",
                ));
            }
            (None, Some(command)) => vec![Endpoint::Stdio(command)],
            (Some(url), command) => {
                verify_url("--url", url, command.is_some())?;
                for replica in &others.replicas {
                    verify_url("--replica", replica, false)?;
                }
                vec![Endpoint::Http(HttpEndpoint {
                    url: url.clone(),
                    replicas: others.replicas.clone(),
                    command,
                    headers: headers.clone(),
                    identities: identities.clone(),
                    sse: false,
                })]
            }
        };
        let info = self.info(others, &redactor);
        let arguments = self.arguments(others, &headers, &identities, &env, &redactor);
        Ok(Resolved {
            endpoints,
            info,
            arguments,
        })
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

fn verify_url(option: &str, text: &str, has_command: bool) -> Result<(), Failure> {
    if text.contains(PORT) && !has_command {
        return Err(Failure::usage(format!(
            "{option} holds {PORT}, but there is no command that could be given a port: {}write the port",
            if option == "--url" {
                "name it behind --, or "
            } else {
                ""
            }
        )));
    }
    let example = "write it like http://127.0.0.1:8080/mcp";
    let url = Url::parse(&text.replace(PORT, "1")).map_err(|error| {
        Failure::usage(format!("{option} {text:?} is no URL ({error}): {example}"))
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Failure::usage(format!(
            "{option} {text:?} is no HTTP URL: {example}"
        )));
    }
    // Not quoted: it would show the password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage(format!(
            "{option} holds a user name or a password, which reports would show: use --header 'Authorization: ...'"
        )));
    }
    Ok(())
}

/// The text is never quoted: it may hold a secret.
fn header(option: &str, text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        Failure::usage(format!(
            "{option}: write a name, a colon and a value: 'K: V'"
        ))
    })?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Failure::usage(format!(
            "{option}: {name:?} is no name of a header"
        )));
    }
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Failure::usage(format!(
            "{option}: {name} is set by the connection itself"
        )));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Failure::usage(format!(
            "{option}: the value of {name} holds a control character"
        )));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// The text is never quoted: it may hold a secret.
fn identities(texts: &[String], ours: &[(String, String)]) -> Result<Identities, Failure> {
    let mut identities = Identities::new();
    for text in texts {
        let named = text.split_once('=').filter(|(name, _)| is_name(name));
        let Some((identity, text)) = named else {
            return Err(Failure::usage(
                "--identity: write a name such as expired, an equals sign and a header: NAME='K: V'",
            ));
        };
        let option = format!("--identity {identity}");
        let (name, value) = header(&option, text)?;
        // Else both would be sent, and the request would be let in by ours.
        if !ours
            .iter()
            .any(|(ours, _)| ours.eq_ignore_ascii_case(&name))
        {
            return Err(Failure::usage(format!(
                "{option}: there is no --header {name} whose place it could take"
            )));
        }
        // A command line read from a transcript has no tokens.
        let is_token =
            value == REDACTED || bearer(&value).is_some_and(|token| token.len() >= MIN_LENGTH);
        if identity == IN_QUERY && !is_token {
            return Err(Failure::usage(format!(
                "{option}: write Authorization: Bearer and a token of at least {MIN_LENGTH} characters"
            )));
        }
        identities
            .entry(identity.to_owned())
            .or_default()
            .push((name, value));
    }
    Ok(identities)
}

/// Whether steps can know an identity by this name.
fn is_name(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(letters)
}

/// The text is never quoted: it may hold a secret.
fn variable(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(
            "--env: write a name, an equals sign and a value: K=V",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn target(url: Option<&str>, command: &[&str]) -> Target {
        Target {
            url: url.map(str::to_owned),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            ..Target::default()
        }
    }

    #[test]
    fn all_forms_of_a_target() {
        let kinds = |target: &Target| {
            let resolved = target
                .resolve(&Others::default())
                .unwrap_or_else(|failure| panic!("{}", failure.message));
            (resolved.info.kind, resolved.endpoints.len())
        };
        assert_eq!(kinds(&target(None, &[])), ("bundled".to_owned(), 3));
        assert_eq!(
            kinds(&target(None, &["server", "-x"])),
            ("stdio".to_owned(), 1)
        );
        assert_eq!(
            kinds(&target(Some("https://example.org/mcp"), &[])),
            ("http".to_owned(), 1)
        );
        let started = target(
            Some("http://127.0.0.1:{port}/mcp"),
            &["server", "--port", "{port}"],
        );
        assert_eq!(kinds(&started), ("http".to_owned(), 1));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_remedy() {
        let told = |target: Target| {
            target
                .resolve(&Others::default())
                .err()
                .map(|failure| (failure.code, failure.message))
        };
        let table = [
            (target(None, &["server", "{port}"]), "without --url"),
            (
                target(Some("http://127.0.0.1:{port}/mcp"), &[]),
                "no command",
            ),
            (target(Some("localhost:8080"), &[]), "is no HTTP URL"),
            (target(Some("/mcp"), &[]), "is no URL"),
            (
                target(Some("http://me:pw@127.0.0.1/mcp"), &[]),
                "user name or a password",
            ),
            (
                Target {
                    headers: vec!["nothing".into()],
                    ..target(Some("http://x/"), &[])
                },
                "'K: V'",
            ),
            (
                Target {
                    headers: vec!["a b: c".into()],
                    ..target(Some("http://x/"), &[])
                },
                "no name of a header",
            ),
            (
                Target {
                    headers: vec!["Host: c".into()],
                    ..target(Some("http://x/"), &[])
                },
                "by the connection",
            ),
            (
                Target {
                    headers: vec!["a: b\r\nc: d".into()],
                    ..target(Some("http://x/"), &[])
                },
                "control character",
            ),
            (
                Target {
                    env: vec!["K".into()],
                    ..target(None, &["server"])
                },
                "K=V",
            ),
            (
                Target {
                    cwd: Some("/no/such/folder".into()),
                    ..target(None, &["server"])
                },
                "no folder",
            ),
        ];
        for (target, expected) in table {
            let (code, message) = told(target).unwrap();
            assert_eq!(code, 2);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn an_identity_takes_the_place_of_a_header() {
        let resolve = |identities: &[&str]| {
            let target = Target {
                headers: vec![
                    "Authorization: Bearer ours-1234".into(),
                    "X-Tenant: a".into(),
                ],
                ..target(Some("http://x/mcp"), &[])
            };
            let others = Others {
                identities: identities.iter().map(|text| (*text).to_owned()).collect(),
                ..Others::default()
            };
            target.resolve(&others).map_err(|failure| failure.message)
        };
        let resolved = resolve(&["expired=authorization: Bearer s3cr3t-old"]);
        let resolved = resolved.unwrap_or_else(|message| panic!("{message}"));
        assert!(!format!("{:?} {:?}", resolved.arguments, resolved.info).contains("s3cr3t"));
        assert_eq!(
            resolved.arguments[6..],
            ["--identity", "expired=authorization: [redacted]"]
        );
        let host = Host::new(resolved.endpoints.into_iter().next().unwrap());
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            host.headers_of("expired").unwrap(),
            [
                owned("X-Tenant", "a"),
                owned("authorization", "Bearer s3cr3t-old")
            ]
        );
        assert_eq!(host.headers_of("no-scope"), None);
        let table = [
            ("Authorization: Bearer s3cr3t", "NAME='K: V'"),
            ("Expired=Authorization: s3cr3t", "NAME='K: V'"),
            ("expired=Bearer s3cr3t", "'K: V'"),
            ("expired=X-Key: s3cr3t", "no --header X-Key"),
            ("in-query=Authorization: s3cr3t", "Authorization: Bearer"),
            ("in-query=Authorization: Bearer abc", "6 characters"),
        ];
        for (identity, expected) in table {
            let message = resolve(&[identity]).err().unwrap();
            assert!(
                message.contains(expected) && !message.contains("s3cr3t"),
                "{message}"
            );
        }
    }

    #[test]
    fn replicas_are_named_again() {
        let target = target(Some("http://127.0.0.1:1/mcp"), &[]);
        let others = Others {
            replicas: vec!["http://127.0.0.1:2/mcp".into()],
            ..Others::default()
        };
        let resolved = target
            .resolve(&others)
            .unwrap_or_else(|failure| panic!("{}", failure.message));
        assert_eq!(
            resolved.arguments.join(" "),
            "--url http://127.0.0.1:1/mcp --replica http://127.0.0.1:2/mcp"
        );
        assert_eq!(resolved.info.replicas, ["http://127.0.0.1:2/mcp"]);
    }

    #[test]
    fn secrets_stay_out_of_what_is_repeated() {
        let target = Target {
            headers: vec!["Authorization: Bearer s3cr3t-token".into()],
            env: vec!["KEY=k-123456".into(), "PORT={port}".into()],
            ..target(
                Some("http://127.0.0.1:{port}/mcp?key=s3cr3t-token"),
                &["server", "--key=k-123456", "{port}"],
            )
        };
        let resolved = target
            .resolve(&Others::default())
            .unwrap_or_else(|failure| panic!("{}", failure.message));
        let said = format!("{:?} {:?}", resolved.arguments, resolved.info);
        assert!(
            !said.contains("s3cr3t") && !said.contains("123456"),
            "{said}"
        );
        assert_eq!(
            resolved.arguments.join(" "),
            "--url http://127.0.0.1:{port}/mcp?key=[redacted] --header Authorization: [redacted] \
             --env KEY=[redacted] --env PORT={port} -- server --key=[redacted] {port}"
        );
    }
}
