//! The words of the options: URLs, headers, identities and variables.

use url::Url;

use super::Failure;
use crate::redact::{MIN_LENGTH, REDACTED};
use crate::target::{IN_QUERY, Identities, PORT, bearer};

/// Headers that say how a message is framed or where it goes: they are not the user's to set.
const OURS: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

pub(super) fn verify_url(option: &str, text: &str, has_command: bool) -> Result<(), Failure> {
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
pub(super) fn header(option: &str, text: &str) -> Result<(String, String), Failure> {
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
pub(super) fn identities(
    texts: &[String],
    ours: &[(String, String)],
) -> Result<Identities, Failure> {
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
pub(super) fn variable(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(
            "--env: write a name, an equals sign and a value: K=V",
        )),
    }
}
