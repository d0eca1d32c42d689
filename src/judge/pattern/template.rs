//! The grammar of URI templates: <https://www.rfc-editor.org/rfc/rfc6570#section-2>

/// Whether the text is a URI template of any level.
///
/// The operators that the RFC keeps for later extensions belong to the grammar and pass, as does the apostrophe in
/// literals, which an erratum allows.
pub(super) fn is_uri_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = match next {
            '{' => rest
                .split_once('}')
                .filter(|(expression, _)| is_expression(&expression[1..]))
                .map(|(_, rest)| rest),
            '%' => is_percent_encoded(rest).then(|| &rest[3..]),
            literal => is_literal(literal).then(|| &rest[literal.len_utf8()..]),
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

fn is_literal(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '\u{80}'..='\u{9F}'
        )
}

fn is_percent_encoded(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 3 && bytes[0] == b'%' && bytes[1..3].iter().all(u8::is_ascii_hexdigit)
}

/// What stands between the braces.
fn is_expression(text: &str) -> bool {
    let variables = text
        .strip_prefix(['+', '#', '.', '/', ';', '?', '&', '=', ',', '!', '@', '|'])
        .unwrap_or(text);
    variables.split(',').all(is_variable)
}

fn is_variable(text: &str) -> bool {
    let name = match text.split_once(':') {
        Some((name, length)) => {
            let digits = length.len() <= 4 && length.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || length.is_empty() || length.starts_with('0') {
                return false;
            }
            name
        }
        None => text.strip_suffix('*').unwrap_or(text),
    };
    name.split('.').all(is_name_part)
}

fn is_name_part(part: &str) -> bool {
    let mut rest = part;
    while let Some(next) = rest.chars().next() {
        rest = match next {
            '%' if is_percent_encoded(rest) => &rest[3..],
            c if c.is_ascii_alphanumeric() || c == '_' => &rest[1..],
            _ => return false,
        };
    }
    !part.is_empty()
}
