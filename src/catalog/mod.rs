//! The catalog: requirements and cases, as data. Its format is described in cases/README.md.

pub mod baseline;
pub mod case;
pub mod coverage;
#[cfg(test)]
mod documented;
pub mod hint;
pub mod lint;
pub mod load;
pub mod requirement;
pub mod select;
pub mod step;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

pub use case::{Action, Call, Case, Expectation, HttpStep, SessionKind, Step, Tolerance};
pub use hint::Hint;
pub use load::{CatalogError, Problem};
pub use requirement::{Clause, Concern, Party, Requirement, Unanswered};
pub use select::Selection;

/// The area of a case or a requirement: the first part of its id.
pub fn area(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

/// Everything that can be tested, and why.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    cases: Vec<Arc<Case>>,
    by_id: HashMap<Arc<str>, Arc<Case>>,
    /// The requirements by id.
    pub requirements: BTreeMap<String, Requirement>,
    /// Identifies the content of all files loaded, in hexadecimal.
    pub hash: String,
}

impl Catalog {
    /// The catalog compiled into the program.
    ///
    /// Only its form is verified here, because that is paid at every start; a test and `cases lint` verify the rest.
    ///
    /// # Errors
    /// Where a file does not have the form of a catalog.
    pub fn builtin() -> Result<Catalog, CatalogError> {
        Catalog::default().with_files(&load::builtin())
    }

    /// This catalog and the cases of a folder: `*.json` or `server/*.json`, and `requirements/*.json`.
    ///
    /// # Errors
    /// Where the folder cannot be read, or with everything that [`lint::lint`] finds in it.
    pub fn with_dir(self, dir: &Path) -> Result<Catalog, CatalogError> {
        let files = load::read_dir(dir)?;
        let problems = lint::lint(&files, &self, None);
        if !problems.is_empty() {
            return Err(CatalogError::Invalid(problems));
        }
        self.with_files(&files)
    }

    /// The requirement of this id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.get(id)
    }

    /// The cases, in the order of their files.
    pub fn cases(&self) -> &[Arc<Case>] {
        &self.cases
    }

    /// The case of this id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.by_id.get(id).map(Arc::as_ref)
    }

    /// Adds a case. Whoever loads files refuses ids that are there already.
    pub fn push(&mut self, case: Arc<Case>) {
        self.by_id.insert(case.id.clone(), case.clone());
        self.cases.push(case);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalog_loads_in_the_same_way_each_time() {
        let catalog = Catalog::builtin().unwrap();
        assert!(!catalog.requirements.is_empty());
        assert_eq!(catalog.hash.len(), 32);
        assert_eq!(catalog.hash, Catalog::builtin().unwrap().hash);
        for id in catalog.requirements.keys() {
            assert_eq!(&catalog.requirement(id).unwrap().id, id);
        }
        for case in catalog.cases() {
            assert_eq!(catalog.case(&case.id).unwrap().title, case.title);
        }
    }

    #[test]
    fn every_case_says_why_it_matters() {
        for case in Catalog::builtin().unwrap().cases() {
            assert!(case.why.is_some(), "{}", case.id);
        }
    }

    #[test]
    fn a_folder_adds_its_cases_and_changes_the_hash() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("requirements")).unwrap();
        std::fs::write(
            dir.path().join("requirements/mine.json"),
            r#"[{ "id": "mine/hello", "text": "Our server greets", "party": "server", "transport": "any",
                  "levels": { "2025-11-25": "MUST https://example.org/hello" } }]"#,
        )
        .unwrap();
        std::fs::write(
            dir.path().join("mine.json"),
            r#"[{ "id": "mine/hello", "title": "Our server greets", "requirements": ["mine/hello"],
                  "revisions": "2025-11-25", "steps": [{ "request": "hello", "expect": { "result": {} } }] }]"#,
        )
        .unwrap();
        let builtin = Catalog::builtin().unwrap();
        let hash = builtin.hash.clone();
        let catalog = builtin.with_dir(dir.path()).unwrap();
        assert!(catalog.case("mine/hello").is_some());
        assert!(catalog.requirement("mine/hello").is_some());
        assert_ne!(catalog.hash, hash);
        assert!(catalog.with_dir(dir.path()).is_err(), "the same ids twice");
    }
}
