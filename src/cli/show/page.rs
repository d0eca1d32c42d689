//! A page of text: headings, labelled lines that are wrapped, and JSON.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use serde_json::Value;

use crate::report::escape::visible;
use crate::report::finding::{BOLD, DIM};
use crate::report::wrap::wrap;

/// The columns where no terminal says how many there are.
const WIDTH: usize = 100;
/// Nothing is wrapped narrower.
const NARROWEST: usize = 30;

/// Where labelled text begins, counted from its indentation.
const LABEL: usize = 11;

/// Text in the making.
pub(super) struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// As wide as the terminal, or as usual if there is none.
    pub(super) fn new() -> Page {
        let stdout = io::stdout();
        let terminal = match stdout.is_terminal() {
            true => terminal_size::terminal_size_of(&stdout),
            false => None,
        };
        Page::of_width(terminal.map_or(WIDTH, |(width, _)| usize::from(width.0).min(WIDTH)))
    }

    fn of_width(width: usize) -> Page {
        Page {
            text: String::new(),
            width,
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A name, and what kind of thing it is.
    pub(super) fn title(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.text, "{BOLD}{name}{BOLD:#} {DIM}({kind}){DIM:#}");
    }

    pub(super) fn heading(&mut self, heading: &str) {
        let _ = writeln!(self.text, "\n{BOLD}{heading}{BOLD:#}");
    }

    /// Wrapped text.
    pub(super) fn text(&mut self, indent: usize, text: &str) {
        for line in wrap(&visible(text), self.room(indent)) {
            let _ = writeln!(self.text, "{:indent$}{line}", "");
        }
    }

    /// A bold lead, then wrapped text that hangs below it.
    pub(super) fn lead(&mut self, indent: usize, lead: &str, text: &str) {
        let joined = format!("{lead} {}", visible(text));
        let mut lines = wrap(&joined, self.room(indent + 2)).into_iter();
        let first = lines.next().unwrap_or_default();
        let rest = first.strip_prefix(lead).unwrap_or_default();
        let _ = writeln!(self.text, "{:indent$}{BOLD}{lead}{BOLD:#}{rest}", "");
        for line in lines {
            let _ = writeln!(self.text, "{:indent$}  {line}", "");
        }
    }

    /// A dim label, then wrapped text in a column of its own.
    pub(super) fn labelled(&mut self, indent: usize, label: &str, text: &str) {
        let mut label = label;
        for line in wrap(&visible(text), self.room(indent + LABEL)) {
            let _ = writeln!(self.text, "{:indent$}{DIM}{label:<LABEL$}{DIM:#}{line}", "");
            label = "";
        }
    }

    /// JSON on as few lines as fit.
    pub(super) fn json(&mut self, indent: usize, value: &Value) {
        let mut json = String::new();
        write_json(&mut json, value, 0, self.room(indent));
        for line in json.lines() {
            let _ = writeln!(self.text, "{:indent$}{}", "", visible(line));
        }
    }

    fn room(&self, indent: usize) -> usize {
        self.width.saturating_sub(indent).max(NARROWEST)
    }
}

fn write_json(text: &mut String, value: &Value, depth: usize, width: usize) {
    let line = one_line(value);
    let members = match value {
        _ if 2 * depth + line.chars().count() <= width => None,
        Value::Array(elements) => Some(elements.iter().map(|value| (None, value)).collect()),
        Value::Object(members) => Some(
            members
                .iter()
                .map(|(name, value)| (Some(name), value))
                .collect::<Vec<_>>(),
        ),
        _ => None,
    };
    let Some(members) = members.filter(|members: &Vec<_>| !members.is_empty()) else {
        text.push_str(&line);
        return;
    };
    let (open, close) = if value.is_array() {
        ("[", "]")
    } else {
        ("{", "}")
    };
    text.push_str(open);
    for (index, (name, value)) in members.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(text, "{comma}\n{:1$}", "", 2 * (depth + 1));
        if let Some(name) = name {
            let _ = write!(text, "{}: ", Value::from(name.as_str()));
        }
        write_json(text, value, depth + 1, width);
    }
    let _ = write!(text, "\n{:1$}{close}", "", 2 * depth);
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let members = members.iter();
            let members = members.map(|(name, value)| {
                format!("{}: {}", Value::from(name.as_str()), one_line(value))
            });
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(one_line).collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_wrapped_and_escaped() {
        let mut page = Page::of_width(34);
        page.labelled(2, "label", "one two three four five\u{1b}[31m");
        page.lead(2, "lead:", "and what follows it, on two lines");
        let expected = "  label      one two three four\n             five\\u{1b}[31m\n  lead: and what follows it, on\n    two lines\n";
        assert_eq!(strip_str(&page.finish()).to_string(), expected);
    }

    #[test]
    fn json_takes_as_few_lines_as_fit() {
        let value =
            json!({ "name": "a-tool-of-some-length", "arguments": { "a": [1, 2], "b": {} } });
        let mut page = Page::of_width(44);
        page.json(4, &value);
        let expected = "    {\n      \"name\": \"a-tool-of-some-length\",\n      \"arguments\": { \"a\": [1, 2], \"b\": {} }\n    }\n";
        assert_eq!(page.finish(), expected);
        let mut page = Page::of_width(100);
        page.json(0, &value);
        assert_eq!(page.finish().lines().count(), 1);
    }
}
