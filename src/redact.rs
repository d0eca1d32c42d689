//! Keeps secrets out of everything that is recorded.

use bytes::Bytes;

use crate::target::PORT;

/// What a secret is replaced with.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are only removed where they were given (a header, a variable), not wherever they occur: a
/// short value would tear holes into ordinary words.
pub const MIN_LENGTH: usize = 6;

/// Header names whose values are never recorded, whoever sends them.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// The values that must not be recorded.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
    headers: Vec<String>,
}

impl Redactor {
    /// Redacts the values of these headers and environment variables.
    pub fn new(headers: &[(String, String)], env: &[(String, String)]) -> Redactor {
        let header_values = headers
            .iter()
            .flat_map(|(_, value)| [value.as_str(), credentials(value)]);
        let env_values = env.iter().map(|(_, value)| value.as_str());
        let mut values: Vec<String> = header_values
            .chain(env_values)
            .filter(|value| value.len() >= MIN_LENGTH && *value != PORT)
            .flat_map(|value| [value.to_owned(), in_query(value)])
            .collect();
        // The longest first, so that a value inside another does not leave its rest behind.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        let headers = headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        Redactor { values, headers }
    }

    /// The text without secrets.
    pub fn text(&self, text: String) -> String {
        self.values
            .iter()
            .fold(text, |text, secret| match text.contains(secret.as_str()) {
                true => text.replace(secret.as_str(), &substitute(secret)),
                false => text,
            })
    }

    /// The bytes without secrets; the same bytes where there are none.
    pub fn bytes(&self, bytes: Bytes) -> Bytes {
        self.values
            .iter()
            .fold(bytes, |bytes, secret| replace(bytes, secret))
    }

    /// The headers without secrets.
    pub fn headers(&self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        headers
            .into_iter()
            .map(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let secret =
                    SECRET_HEADERS.contains(&lower.as_str()) || self.headers.contains(&lower);
                let value = if secret {
                    REDACTED.to_owned()
                } else {
                    self.text(value)
                };
                (name, value)
            })
            .collect()
    }
}

/// `Bearer abc` is secret as a whole, and so is `abc`.
fn credentials(header_value: &str) -> &str {
    header_value
        .split_once(' ')
        .map_or(header_value, |(_, credentials)| credentials.trim())
}

/// How a URL spells a value.
fn in_query(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// A number stays a number: the message around it must still parse.
fn substitute(secret: &str) -> String {
    if secret.bytes().all(|byte| byte.is_ascii_digit()) {
        "1".repeat(secret.len())
    } else {
        REDACTED.to_owned()
    }
}

fn replace(bytes: Bytes, secret: &str) -> Bytes {
    let mut found = memchr::memmem::find_iter(&bytes, secret).peekable();
    if found.peek().is_none() {
        return bytes;
    }
    let mut output = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for place in found {
        output.extend_from_slice(&bytes[done..place]);
        output.extend_from_slice(substitute(secret).as_bytes());
        done = place + secret.len();
    }
    output.extend_from_slice(&bytes[done..]);
    output.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_disappear_wherever_they_occur() {
        let redactor = Redactor::new(
            &[("Authorization".into(), "Bearer s3cr3t-token".into())],
            &[
                ("API_KEY".into(), "k-123456".into()),
                ("PIN".into(), "987654".into()),
            ],
        );
        let bytes = redactor.bytes(Bytes::from_static(
            b"{\"a\":\"s3cr3t-token k-123456\",\"pin\":987654}",
        ));
        assert_eq!(
            &bytes[..],
            b"{\"a\":\"[redacted] [redacted]\",\"pin\":111111}"
        );
        assert_eq!(redactor.text("Bearer s3cr3t-token".into()), REDACTED);
        let headers = redactor.headers(vec![
            ("AUTHORIZATION".into(), "x".into()),
            ("a".into(), "b".into()),
        ]);
        assert_eq!(headers[0].1, REDACTED);
        assert_eq!(headers[1].1, "b");
    }

    #[test]
    fn values_disappear_from_urls_too() {
        let redactor = Redactor::new(
            &[("Authorization".into(), "Bearer s3cr3t+/token==".into())],
            &[],
        );
        assert_eq!(
            redactor.text("/mcp?access_token=s3cr3t%2B%2Ftoken%3D%3D".into()),
            format!("/mcp?access_token={REDACTED}")
        );
    }
}
