//! What went wrong while something was measured.

use std::fmt;

/// What went wrong, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The name of the target; none if it is the user who ended it.
    pub target: Option<String>,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it is, and when.
    pub text: String,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls failed while they were measured, and were counted: who limits errors has said that some may.
    Counted,
    /// Something was not measured, or not as long as it should have been.
    Missing,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Some(target) => write!(f, "{target}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
