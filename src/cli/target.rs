//! TARGET: a command, a URL, both, or neither.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::Failure;
use crate::redact::Redactor;
use crate::target::{CommandLine, Endpoint, TargetInfo};

/// Stands for a port that we choose.
const PORT: &str = "{port}";

/// Headers that say how a message is framed or where it goes: they are not the user's to set.
const OURS: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

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

/// A target that makes sense.
pub(super) struct Resolved {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) info: TargetInfo,
    /// The options and the command that name it again, without secrets.
    pub(super) arguments: Vec<String>,
}

impl Target {
    /// Verifies what can be verified without starting anything.
    pub(super) fn resolve(&self) -> Result<Resolved, Failure> {
        let headers = self
            .headers
            .iter()
            .map(|text| header(text))
            .collect::<Result<Vec<_>, _>>()?;
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
        let redactor = Redactor::new(&headers, &env);
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
                verify_url(url, command.is_some())?;
                vec![Endpoint::Http {
                    url: url.clone(),
                    command,
                    headers: headers.clone(),
                    sse: false,
                }]
            }
        };
        let info = self.info(&redactor);
        let arguments = self.arguments(&headers, &env, &redactor);
        Ok(Resolved {
            endpoints,
            info,
            arguments,
        })
    }

    fn info(&self, redactor: &Redactor) -> TargetInfo {
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
        }
    }

    fn arguments(
        &self,
        headers: &[(String, String)],
        env: &[(String, String)],
        redactor: &Redactor,
    ) -> Vec<String> {
        let redacted = crate::redact::REDACTED;
        let mut arguments = Vec::new();
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        if let Some(url) = &self.url {
            option("--url", redactor.text(url.clone()));
        }
        headers
            .iter()
            .for_each(|(name, _)| option("--header", format!("{name}: {redacted}")));
        env.iter()
            .for_each(|(name, _)| option("--env", format!("{name}={redacted}")));
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
    // What it would log is in the transcripts.
    let serve = |arguments: [&str; 2]| {
        let words = [program.as_str(), "serve", "--log", "off"]
            .into_iter()
            .chain(arguments.into_iter().filter(|word| !word.is_empty()));
        CommandLine {
            words: words.map(str::to_owned).collect(),
            ..CommandLine::default()
        }
    };
    let http = |path: &str, sse| Endpoint::Http {
        url: format!("http://127.0.0.1:{PORT}/{path}"),
        command: Some(serve(["--http", &format!("127.0.0.1:{PORT}")])),
        headers: Vec::new(),
        sse,
    };
    Ok(vec![
        Endpoint::Stdio(serve(["--stdio", ""])),
        http("mcp", false),
        http("sse", true),
    ])
}

fn verify_url(text: &str, has_command: bool) -> Result<(), Failure> {
    if text.contains(PORT) && !has_command {
        return Err(Failure::usage(
            "--url holds {port}, but there is no command that could be given a port: name it behind --, or write the port",
        ));
    }
    let example = "write it like http://127.0.0.1:8080/mcp";
    let url = Url::parse(&text.replace(PORT, "1")).map_err(|error| {
        Failure::usage(format!("--url {text:?} is no URL ({error}): {example}"))
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Failure::usage(format!(
            "--url {text:?} is no HTTP URL: {example}"
        )));
    }
    // Not quoted: it would show the password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage(
            "--url holds a user name or a password, which reports would show: use --header 'Authorization: ...'",
        ));
    }
    Ok(())
}

/// The text is never quoted: it may hold a secret.
fn header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::usage("--header: write a name, a colon and a value: 'K: V'"))?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Failure::usage(format!(
            "--header: {name:?} is no name of a header"
        )));
    }
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Failure::usage(format!(
            "--header: {name} is set by the connection itself"
        )));
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Failure::usage(format!(
            "--header: the value of {name} holds a control character"
        )));
    }
    Ok((name.to_owned(), value.to_owned()))
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
                .resolve()
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
                .resolve()
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
    fn secrets_stay_out_of_what_is_repeated() {
        let target = Target {
            headers: vec!["Authorization: Bearer s3cr3t-token".into()],
            env: vec!["KEY=k-123456".into()],
            ..target(
                Some("http://127.0.0.1:{port}/mcp?key=s3cr3t-token"),
                &["server", "--key=k-123456", "{port}"],
            )
        };
        let resolved = target
            .resolve()
            .unwrap_or_else(|failure| panic!("{}", failure.message));
        let said = format!("{:?} {:?}", resolved.arguments, resolved.info);
        assert!(
            !said.contains("s3cr3t") && !said.contains("123456"),
            "{said}"
        );
        assert_eq!(
            resolved.arguments.join(" "),
            "--url http://127.0.0.1:{port}/mcp?key=[redacted] --header Authorization: [redacted] \
             --env KEY=[redacted] -- server --key=[redacted] {port}"
        );
    }
}
