//! Deliberate violations, each of one rule in one place.
//!
//! [`table`] says which there are. Where a fault changes something that was about to be sent, the
//! change is in [`envelope`] or [`results`]; where it leaves something undone, the code concerned
//! asks [`Faults::has`].

mod envelope;
mod input;
mod results;
mod table;

pub use table::F;

use crate::error::Error;

/// A deliberate violation, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What `--fault` calls it.
    pub name: &'static str,
    /// The requirement it violates.
    pub requirement: &'static str,
    /// What the server then does.
    pub explanation: &'static str,
}

/// Every fault, in the order of the table.
pub fn faults() -> &'static [Fault] {
    table::FAULTS
}

/// The faults that were asked for.
#[derive(Clone, Debug)]
pub struct Faults {
    on: [bool; table::FAULTS.len()],
    any: bool,
}

impl Faults {
    /// Selects faults by name.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Self, Error> {
        let mut on = [false; table::FAULTS.len()];
        for name in names {
            let name = name.as_ref();
            let index = faults().iter().position(|fault| fault.name == name);
            let index = index.ok_or_else(|| unknown(name))?;
            on[index] = true;
        }
        Ok(Self {
            on,
            any: !names.is_empty(),
        })
    }

    /// Whether this fault was asked for.
    pub fn has(&self, fault: F) -> bool {
        self.on[fault as usize]
    }
}

fn unknown(name: &str) -> Error {
    let distance = |fault: &&Fault| strsim::damerau_levenshtein(fault.name, name);
    let closest = faults().iter().min_by_key(distance);
    let closest = closest.filter(|fault| distance(fault) <= name.len() / 2);
    Error::UnknownFault {
        name: name.into(),
        suggestion: closest.map(|fault| fault.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_requirements_have_an_area() {
        let names: HashSet<_> = faults().iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), faults().len());
        assert!(
            faults()
                .iter()
                .all(|fault| fault.requirement.split('/').count() == 2)
        );
    }

    #[test]
    fn a_misspelt_fault_gets_a_suggestion() {
        let error = Faults::named(&["wrong-ids"]).unwrap_err().to_string();
        assert!(error.contains("did you mean \"wrong-id\"?"), "{error}");
    }
}
