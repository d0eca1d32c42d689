//! The report for people at a terminal.

mod layout;

use anstyle::{AnsiColor, Style};

use super::report::BenchReport;
use super::sentences::{PARTIAL, lists, said, setting};
use super::tables::tables;
use crate::report::escape::visible;
use crate::report::human::Look;
use crate::report::wrap::wrap;

const BOLD: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

/// The whole report.
pub fn page(report: &BenchReport, look: Look) -> String {
    let mut page = Page {
        look,
        text: String::new(),
    };
    page.paragraph("", &setting(report), DIM);
    for table in tables(report) {
        page.title(table.title, BOLD);
        page.text.push_str(&layout::laid_out(&table, look.width));
    }
    for (title, lines) in lists(report) {
        page.title(title, BOLD);
        lines.iter().for_each(|line| page.plain("  ", line));
    }
    page.diagnoses(report);
    if let Some(partial) = &report.partial {
        page.title(PARTIAL, BAD.bold());
        partial
            .lines()
            .for_each(|line| page.paragraph("  ", line, BAD));
    }
    match look.unicode {
        true => page.text,
        false => page.text.replace('µ', "u").replace('×', "x"),
    }
}

struct Page {
    look: Look,
    text: String,
}

impl Page {
    fn title(&mut self, title: &str, style: Style) {
        self.text.push('\n');
        self.paragraph("", title, style);
    }

    fn plain(&mut self, lead: &str, text: &str) {
        self.paragraph(lead, text, Style::new());
    }

    /// Text behind a lead, in lines that hang below it.
    fn paragraph(&mut self, lead: &str, text: &str, style: Style) {
        let text = visible(text);
        let lines = match self.look.width {
            Some(width) => wrap(&text, usize::from(width).saturating_sub(lead.len()).max(20)),
            None => vec![text],
        };
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 {
                lead
            } else {
                &" ".repeat(lead.len())
            };
            let line = match self.look.color {
                true => format!("{style}{line}{style:#}"),
                false => line.clone(),
            };
            self.text.push_str(&format!("{lead}{line}\n"));
        }
    }

    fn diagnoses(&mut self, report: &BenchReport) {
        let said = said(report);
        if !said.is_empty() {
            self.title("What seems to be behind it", BOLD);
        }
        for said in said {
            self.plain("  ", said.text);
            for found in said.found {
                if report.targets.len() > 1 {
                    self.plain("    ", &found.target);
                }
                let evidence = found.evidence.iter();
                evidence.for_each(|line| self.plain("      - ", line));
            }
        }
    }
}
