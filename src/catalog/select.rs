//! Which trials the user asked for: globs over the names of trials and cases.

use globset::{Glob, GlobMatcher};

/// The globs of `--case`. `*` also crosses `/`, so that `*unknown*` finds what it says.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    globs: Vec<GlobMatcher>,
}

/// Why a selection cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// It is no glob.
    #[error("{glob:?} is no glob: {message}")]
    Syntax {
        /// The text given.
        glob: String,
        /// What is wrong with it.
        message: String,
    },
    /// It fits no name.
    #[error("no case matches {glob:?}{}; `mcp-conform cases list` shows them all", did_you_mean(.near))]
    Nothing {
        /// The text given.
        glob: String,
        /// Names like it.
        near: Vec<String>,
    },
}

/// ` (did you mean a, b or c?)`, or nothing where there is nothing like it.
pub fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [single] => format!(" (did you mean {single}?)"),
        [most @ .., last] => format!(" (did you mean {} or {last}?)", most.join(", ")),
    }
}

impl Selection {
    /// Selects what matches one of the globs, or everything if there is none.
    ///
    /// # Errors
    /// Where a text is no glob.
    pub fn new(globs: &[String]) -> Result<Selection, SelectError> {
        let compile = |glob: &String| match Glob::new(glob) {
            Ok(compiled) => Ok(compiled.compile_matcher()),
            Err(error) => Err(SelectError::Syntax {
                glob: glob.clone(),
                message: error.kind().to_string(),
            }),
        };
        Ok(Selection {
            globs: globs.iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether the trial is selected, by its own name or by its case's.
    pub fn matches(&self, case: &str, trial: &str) -> bool {
        self.is_everything()
            || self
                .globs
                .iter()
                .any(|glob| glob.is_match(case) || glob.is_match(trial))
    }

    /// Makes sure that each glob matches something: otherwise it is a slip of the pen.
    ///
    /// # Errors
    /// The first glob that matches none of these names, with names like it.
    pub fn verify<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<(), SelectError> {
        let names: Vec<&str> = names.into_iter().collect();
        let unmatched = self
            .globs
            .iter()
            .find(|glob| !names.iter().any(|name| glob.is_match(name)));
        match unmatched {
            None => Ok(()),
            Some(glob) => {
                let glob = glob.glob().glob().to_owned();
                let near = near(&glob, names);
                Err(SelectError::Nothing { glob, near })
            }
        }
    }
}

/// At most three of the names that look most like what was written.
pub fn near<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    const SIMILAR: f64 = 0.6;
    let bare: String = written.chars().filter(|c| !"*?[]{}".contains(*c)).collect();
    let score = |name: &str| {
        let id = name.split('@').next().unwrap_or(name);
        let short = id.rsplit('/').next().unwrap_or(id);
        if !bare.is_empty() && id.contains(bare.as_str()) {
            return 1.0;
        }
        strsim::normalized_damerau_levenshtein(&bare, id)
            .max(strsim::normalized_damerau_levenshtein(&bare, short))
    };
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .filter(|name| !name.contains('@') || written.contains('@'))
        .map(|name| (score(name), name))
        .filter(|(score, _)| *score >= SIMILAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = [
        "tools/call-unknown-tool",
        "tools/list",
        "resources/list",
        "tools/list@2025-11-25+stdio",
    ];

    fn select(globs: &[&str]) -> Selection {
        Selection::new(
            &globs
                .iter()
                .map(|glob| (*glob).to_owned())
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn globs_see_cases_and_trials() {
        let trial = "tools/list@2025-11-25+stdio";
        for glob in [
            "tools/*",
            "*list*",
            "tools/list",
            "*@2025-11-25+*",
            trial,
            "tools/{list,call}",
        ] {
            assert!(select(&[glob]).matches("tools/list", trial), "{glob}");
        }
        for glob in ["tools", "*@2024-11-05+*", "resources/*"] {
            assert!(!select(&[glob]).matches("tools/list", trial), "{glob}");
        }
        assert!(select(&[]).matches("tools/list", trial));
    }

    #[test]
    fn a_glob_that_matches_nothing_is_told_what_is_near() {
        let error = select(&["*/list", "tools/call-unkown-tool"])
            .verify(NAMES)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no case matches \"tools/call-unkown-tool\" (did you mean tools/call-unknown-tool?); \
             `mcp-conform cases list` shows them all"
        );
        assert!(
            select(&["tools"])
                .verify(NAMES)
                .unwrap_err()
                .to_string()
                .contains("did you mean tools/")
        );
        assert!(select(&["*@2025-11-25+stdio"]).verify(NAMES).is_ok());
        assert!(Selection::new(&["{".to_owned()]).is_err());
    }
}
