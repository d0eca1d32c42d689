//! Makes what a server sent fit to be shown: visible, on one line, and not too long.
//!
//! A terminal obeys control characters, and bidirectional overrides make a line say what it does not.

use super::count::counted;

/// The text with everything invisible or obeyed by a terminal written out.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_deceptive(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// At most so many characters of the text, made visible, and how many more there are.
pub fn excerpt(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else {
        return visible(text);
    };
    let more = text[end..].chars().count();
    let more = counted(more, "more character");
    format!("{} ... ({more})", visible(&text[..end]))
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Directional marks, embeddings, overrides and isolates.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, things without width, annotations, tags.
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(
            visible("a\x1b[31mred\u{202e}\u{9b}x\r\n"),
            "a\\u{1b}[31mred\\u{202e}\\u{9b}x\\r\\n"
        );
        assert_eq!(visible("grüße 👩‍🔬 \"x\\y\""), "grüße 👩‍🔬 \"x\\y\"");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöüß", 3), "äöü ... (1 more character)");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_harmless_and_bounded(text: String) {
            let shown = excerpt(&text, 20);
            proptest::prop_assert!(!shown.chars().any(is_deceptive));
            proptest::prop_assert!(shown.chars().count() < 20 * 10 + 40);
        }
    }
}
