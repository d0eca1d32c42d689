//! Tokens that nobody issued, made from one that was: whoever lets them in has not looked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use super::{Identities, bearer};
use crate::redact::MIN_LENGTH;

/// The names of the identities that are made from our own credentials.
pub const FORGED: [&str; 4] = ["altered", "made-up", "truncated", "unsigned"];

/// No token of anybody.
const MADE_UP: &str = "mcp-conform-made-up-token";

/// The identities that are made from the bearer token among these headers; none where there is no such token.
pub fn forged(headers: &[(String, String)]) -> Identities {
    let token_of = |(name, value): &(String, String)| {
        let is_ours = name.eq_ignore_ascii_case("authorization");
        let token = bearer(value).filter(|token| is_ours && token.len() >= MIN_LENGTH)?;
        Some((name.clone(), token.to_owned()))
    };
    let Some((name, token)) = headers.iter().find_map(token_of) else {
        return Identities::new();
    };
    let made = FORGED.into_iter().filter_map(|identity| {
        let made = match identity {
            "altered" => altered(&token),
            "truncated" => truncated(&token),
            "unsigned" => unsigned(&token)?,
            _ => MADE_UP.to_owned(),
        };
        Some((
            identity.to_owned(),
            vec![(name.clone(), format!("Bearer {made}"))],
        ))
    });
    made.collect()
}

/// With another character in the middle of its last part, which is the signature where it has one. The last characters
/// of all may stand for bits that are not read.
fn altered(token: &str) -> String {
    let start = token
        .trim_end_matches('.')
        .rfind('.')
        .map_or(0, |dot| dot + 1);
    let last = &token[start..];
    let middle = last.chars().count() / 2;
    let change = |(index, letter): (usize, char)| match (index == middle, letter) {
        (true, 'A') => 'B',
        (true, _) => 'A',
        (false, letter) => letter,
    };
    let changed: String = last.chars().enumerate().map(change).collect();
    format!("{}{changed}", &token[..start])
}

/// Without its end: more than padding.
fn truncated(token: &str) -> String {
    let count = token.chars().count();
    let kept = count - (count / 4).max(4);
    token.chars().take(kept).collect()
}

/// The same claims under a header that says that they are not signed, where it is a JSON Web Token.
fn unsigned(token: &str) -> Option<String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, claims, _] = parts[..] else {
        return None;
    };
    let header = BASE64URL.encode(r#"{"alg":"none","typ":"JWT"}"#);
    Some(format!("{header}.{claims}."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(value: &str) -> Identities {
        forged(&[("authorization".to_owned(), value.to_owned())])
    }

    proptest! {
        #[test]
        fn no_forged_token_is_the_one_that_it_is_made_from(token in "[A-Za-z0-9+/_.=-]{6,80}|\\p{L}{6,20}") {
            let made = made(&format!("Bearer {token}"));
            prop_assert!(made.len() >= 3);
            for headers in made.values() {
                prop_assert_ne!(bearer(&headers[0].1), Some(token.trim()));
            }
        }
    }

    #[test]
    fn a_signature_is_changed_left_out_or_cut() {
        let made = made("bearer head.claims.signature");
        let token = |name: &str| made[name][0].1.clone();
        assert_eq!(token("altered"), "Bearer head.claims.signAture");
        assert_eq!(token("truncated"), "Bearer head.claims.sign");
        assert!(token("unsigned").ends_with(".claims."));
        assert_eq!(made.keys().map(String::as_str).collect::<Vec<_>>(), FORGED);
    }

    #[test]
    fn nothing_is_made_of_what_is_no_token() {
        for value in ["Basic dXNlcjpwYXNz", "Bearer abc", "s3cr3t-token"] {
            assert!(made(value).is_empty(), "{value}");
        }
        let elsewhere = [("X-Api-Key".to_owned(), "Bearer s3cr3t-token".to_owned())];
        assert!(forged(&elsewhere).is_empty());
    }
}
