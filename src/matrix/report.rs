//! The matrix for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Matrix, Row};
use crate::catalog::coverage::Share;

/// The two numbers, and what keeps them from being all.
pub fn summary(matrix: &Matrix) -> String {
    let mut text = String::new();
    for row in matrix.faults.iter().filter(|row| !row.is_caught()) {
        let _ = writeln!(
            text,
            "MISSED {}, which violates {}",
            row.fault, row.requirement
        );
        if row.missed_by.is_empty() {
            let _ = writeln!(text, "  nobody claims it");
        }
        for (claimant, seen) in &row.missed_by {
            let _ = writeln!(text, "  by {claimant}");
            lines(&mut text, seen);
        }
        lines(&mut text, &row.errors);
    }
    for (name, proven) in &matrix.claimants {
        if !proven.passes {
            let _ = writeln!(
                text,
                "UNPROVEN {name}: it never passes with a server without faults"
            );
        }
        if !proven.catches {
            let _ = writeln!(
                text,
                "UNPROVEN {name}: it catches none of the faults that it claims"
            );
        }
    }
    if !matrix.healthy_findings.is_empty() {
        text.push_str("FINDINGS about a server without faults\n");
        lines(&mut text, &matrix.healthy_findings);
    }
    let others = matrix.faults.iter().filter(|row| !row.others.is_empty());
    let suspicious = matrix
        .faults
        .iter()
        .filter(|row| !row.suspicious.is_empty());
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "faults caught by all who claim them: {}\ncases and rules proven:              {}\n\
         faults that others find as well: {}; that lead to a MUST of another area: {}",
        share(matrix.faults_caught()),
        share(matrix.proven()),
        others.count(),
        suspicious.count()
    );
    text
}

fn lines(text: &mut String, lines: &[String]) {
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

fn share(share: Share) -> String {
    // Rounded down: all but one are not all.
    let percent = (100 * share.some).checked_div(share.all).unwrap_or(100);
    format!("{} of {} ({percent}%)", share.some, share.all)
}

/// The whole matrix as Markdown.
pub fn markdown(matrix: &Matrix) -> String {
    let mut text = format!("# The kill matrix\n\n```text\n{}```\n", summary(matrix));
    text.push_str(
        "\n| fault | violates | played at | caught by | missed by | others that find something |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in &matrix.faults {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.fault,
            row.requirement,
            row.places.len(),
            list(&row.caught_by),
            row.missed_by.keys().cloned().collect::<Vec<_>>().join(", "),
            others(row)
        );
    }
    text.push_str("\n## MUSTs of other areas\n\nThe blame may have fallen on the wrong one.\n\n");
    text.push_str("| fault | violates | cited as well | by |\n| --- | --- | --- | --- |\n");
    for row in &matrix.faults {
        for (requirement, by) in &row.suspicious {
            let _ = writeln!(
                text,
                "| {} | {} | {requirement} | {} |",
                row.fault,
                row.requirement,
                short(by)
            );
        }
    }
    text
}

/// Who else finds something: those who cite the requirement of the fault could claim it.
fn others(row: &Row) -> String {
    let cites = |cited: &BTreeSet<String>| cited.contains(row.requirement);
    let (same, different): (BTreeMap<_, _>, BTreeMap<_, _>) =
        row.others.iter().partition(|(_, cited)| cites(cited));
    let names = |others: BTreeMap<&String, &BTreeSet<String>>| {
        others.into_keys().cloned().collect::<BTreeSet<String>>()
    };
    let (same, different) = (names(same), names(different));
    let parts = [("the same", same), ("something else", different)];
    let parts = parts.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> = parts
        .map(|(what, names)| format!("{what}: {}", short(names)))
        .collect();
    told.join("; ")
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// The first of many, and how many there are.
fn short(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
