//! The report for people with a browser: one file that asks nobody for anything, for light and dark screens, large and small.

mod cards;
mod chart;
mod plots;

use askama::Template;
use plotters::style::RGBColor;

use super::report::BenchReport;
use super::sentences::{Said, lists, said, setting};
use super::table::Table;
use super::tables::tables;
use crate::judge::evidence::quoted;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A plot could not be drawn.
    #[error("drawing a plot: {0}")]
    Plot(String),
    /// The page could not be put together.
    #[error("making the page: {0}")]
    Page(#[from] askama::Error),
}

/// The page. What is put into it is escaped, except for the plots, which have nothing in them that is not ours.
#[derive(Template)]
#[template(path = "bench.html")]
struct Page<'a> {
    report: &'a BenchReport,
    command: String,
    setting: String,
    plots: Vec<plots::Plot>,
    cards: Vec<cards::Card>,
    said: Vec<Said<'a>>,
    tables: Vec<Table>,
    lists: Vec<(&'static str, Vec<String>)>,
    colors: Vec<String>,
}

/// Makes the page.
///
/// # Errors
/// Where a plot cannot be drawn.
pub fn render(report: &BenchReport) -> Result<String, HtmlError> {
    let color = |color: &RGBColor| format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
    let page = Page {
        report,
        command: quoted(&report.arguments),
        setting: setting(report),
        plots: plots::plots(report).map_err(HtmlError::Plot)?,
        cards: cards::cards(report),
        said: said(report),
        tables: tables(report),
        lists: lists(report),
        colors: chart::COLORS.iter().map(color).collect(),
    };
    Ok(page.render()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::diagnose::testing::{http, result};
    use crate::bench::report::Diagnosis;

    const EVIL: &str = "<script>alert('a\"b&c')</script>";

    fn evil() -> BenchReport {
        let sizes = [100, 10_000].map(|payload| result(1, payload));
        let callers = [8, 32].map(|concurrency| result(concurrency, 100));
        let results = sizes.into_iter().chain(callers);
        let mut report = http(results.map(|result| result.times(&[(100.0, 990), (900.0, 10)])));
        report.targets[0].name = EVIL.into();
        report.targets[0].implementation = Some(EVIL.into());
        report.arguments = vec![EVIL.into()];
        report.partial = Some(EVIL.into());
        for result in &mut report.results {
            (result.target, result.call) = (EVIL.into(), EVIL.into());
        }
        report.diagnoses = vec![Diagnosis {
            id: EVIL.into(),
            target: EVIL.into(),
            text: EVIL.into(),
            evidence: vec![EVIL.into()],
        }];
        report
    }

    #[test]
    fn nothing_of_a_target_becomes_markup() {
        let page = render(&evil()).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&#60;script&#62;"));
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = render(&evil()).unwrap();
        for reference in ["src=", "href=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(reference), "{reference}");
        }
    }

    #[test]
    fn what_was_varied_is_drawn() {
        let page = render(&evil()).unwrap();
        let drawn = [
            "Distribution, HTTP",
            "Latency against concurrency, HTTP",
            "Throughput against concurrency, HTTP",
            "Latency against payload, HTTP",
        ];
        for title in drawn {
            assert!(page.contains(&format!("<h2>{title}</h2>")), "{title}");
        }
        assert_eq!(page.matches("<svg").count(), drawn.len());
    }

    #[test]
    fn a_report_without_results_is_a_page_without_plots() {
        let page = render(&BenchReport::default()).unwrap();
        assert!(!page.contains("<svg") && page.contains("</html>"));
    }
}
