//! The faults, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Fault, Proof, faults};

/// Every fault under the requirement that it violates, by area, and how many there are.
pub fn text() -> String {
    let mut violated = BTreeMap::<&str, Vec<&Fault>>::new();
    for fault in faults() {
        violated.entry(fault.requirement).or_default().push(fault);
    }
    let mut text = String::new();
    let mut area = "";
    for (requirement, faults) in &violated {
        let of = requirement.split('/').next().unwrap_or_default();
        if !area.is_empty() && of != area {
            text.push('\n');
        }
        area = of;
        group(&mut text, requirement, faults);
    }
    let (faults, requirements) = (faults().len(), violated.len());
    let _ = write!(
        text,
        "\n{faults} faults, which violate {requirements} requirements.\n\
         legacy: up to 2025-11-25; modern: from 2026-07-28 on; (stdio), (HTTP): over this transport only.\n"
    );
    text
}

/// A requirement and what violates it.
fn group(text: &mut String, requirement: &str, faults: &[&Fault]) {
    let width = faults.iter().map(|fault| fault.name.len()).max();
    let width = width.unwrap_or_default();
    let _ = writeln!(text, "{requirement}");
    for fault in faults {
        let (name, explanation) = (fault.name, fault.explanation);
        let unheard = match fault.proof {
            Proof::Conversation => "",
            Proof::Measurement => " (shown by a measurement)",
        };
        let _ = writeln!(text, "  {name:width$}  {explanation}{unheard}");
    }
}

/// Every fault, in the order of the table.
pub fn json() -> Value {
    let one = |fault: &Fault| {
        json!({
            "name": fault.name,
            "requirement": fault.requirement,
            "explanation": fault.explanation,
            "proof": match fault.proof {
                Proof::Conversation => "conversation",
                Proof::Measurement => "measurement",
            },
        })
    };
    faults().iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_terminal_and_has_every_fault() {
        let text = text();
        for line in text.lines() {
            assert!(line.len() <= 100, "{} columns: {line}", line.len());
        }
        let listed = text.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(listed, faults().len());
    }
}
