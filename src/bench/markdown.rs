//! The report as Markdown, for a pull request or a file beside the code.

use super::report::BenchReport;
use super::sentences::{PARTIAL, lists, setting};
use super::table::Table;
use super::tables::tables;
use crate::judge::evidence::quoted;
use crate::report::escape::visible;

/// The whole report.
pub fn page(report: &BenchReport) -> String {
    let mut text = format!("# Benchmark\n\n{}\n", plain(&setting(report)));
    text.push_str(&format!("\n    {}\n", visible(&quoted(&report.arguments))));
    if let Some(partial) = &report.partial {
        text.push_str(&format!("\n**{PARTIAL}**\n\n"));
        text.extend(partial.lines().map(|line| format!("- {}\n", plain(line))));
    }
    text.extend(tables(report).iter().map(table));
    for (title, lines) in lists(report) {
        text.push_str(&format!("\n## {title}\n\n"));
        text.extend(lines.iter().map(|line| format!("- {}\n", plain(line))));
    }
    if !report.diagnoses.is_empty() {
        text.push_str("\n## What seems to be behind it\n\n");
    }
    for diagnosis in &report.diagnoses {
        let first = format!("{}: {}", diagnosis.target, diagnosis.text);
        text.push_str(&format!("- {}\n", plain(&first)));
        let evidence = diagnosis.evidence.iter();
        text.extend(evidence.map(|line| format!("  - {}\n", plain(line))));
    }
    text
}

fn table(table: &Table) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let heads = table.heads.iter().map(|head| (*head).to_owned()).collect();
    let aligned = |index: usize| match index < table.words {
        true => "---",
        false => "---:",
    };
    let lines = (0..table.heads.len()).map(|index| aligned(index).to_owned());
    let mut text = format!("\n## {}\n\n", table.title);
    text.push_str(&row(heads));
    text.push_str(&row(lines.collect()));
    for cells in &table.rows {
        text.push_str(&row(cells.iter().map(|cell| plain(cell)).collect()));
    }
    text
}

/// Text that means nothing to Markdown, whoever wrote it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in visible(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '!'
        ) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_server_is_taken_for_markdown() {
        assert_eq!(plain("a|b <i> `x`\n[l](u)"), r"a\|b \<i\> \`x\`\\n\[l\](u)");
    }
}
