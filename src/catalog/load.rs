//! Finds and parses the files of a catalog. Every error says where.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{Case, Catalog, Requirement};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cases");

/// One file of a catalog.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What messages call it.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its content.
    pub text: Cow<'static, str>,
}

/// What a file of the catalog holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An array of requirements.
    Requirements,
    /// An array of cases.
    Cases,
}

/// Something wrong in a file of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file, with the line; for what is no JSON at all with the column as well.
    pub file: String,
    /// Where in it, as a JSON Pointer.
    pub pointer: String,
    /// What.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.file)?;
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

/// Why a catalog cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder has no file that could hold cases.
    #[error(
        "{0} holds no cases: write them in {0}/AREA.json or {0}/server/AREA.json (see cases/README.md)"
    )]
    Empty(PathBuf),
    /// The files are not as they should be.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    match lines.as_slice() {
        [single] => single.clone(),
        many => format!(
            "{} problems in the catalog\n  {}",
            many.len(),
            many.join("\n  ")
        ),
    }
}

impl SourceFile {
    /// The name of the file without its ending: the area of what it holds.
    pub fn stem(&self) -> &str {
        Path::new(&self.name)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
    }

    /// Its content, of whatever type.
    ///
    /// # Errors
    /// Names line and column.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_str(&self.text).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            Problem {
                file: format!("{}:{}:{}", self.name, error.line(), error.column()),
                pointer: String::new(),
                message: error.to_string().trim_end_matches(&place).to_owned(),
            }
        })
    }
}

/// The files compiled into the program.
pub fn builtin() -> Vec<SourceFile> {
    let folder = |name: &str, kind: Kind| {
        let mut files: Vec<SourceFile> = BUILTIN
            .get_dir(name)
            .into_iter()
            .flat_map(Dir::files)
            .filter(|file| is_catalog_file(file.path()))
            .filter_map(|file| {
                let name = format!("cases/{}", file.path().to_string_lossy().replace('\\', "/"));
                Some(SourceFile {
                    name,
                    kind,
                    text: Cow::Borrowed(file.contents_utf8()?),
                })
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    };
    let mut files = folder("requirements", Kind::Requirements);
    files.extend(folder("server", Kind::Cases));
    files
}

/// The files of a folder.
///
/// # Errors
/// Where something cannot be read, or there are no cases.
pub fn read_dir(dir: &Path) -> Result<Vec<SourceFile>, CatalogError> {
    let mut files = Vec::new();
    let parts = [
        ("requirements", Kind::Requirements),
        ("", Kind::Cases),
        ("server", Kind::Cases),
    ];
    for (part, kind) in parts {
        let folder = if part.is_empty() {
            dir.to_owned()
        } else {
            dir.join(part)
        };
        if !part.is_empty() && !folder.is_dir() {
            continue;
        }
        let mut paths = json_files(&folder)?;
        paths.sort();
        for path in paths {
            let text = read_file(&path).map_err(|source| CatalogError::Read {
                path: path.clone(),
                source,
            })?;
            files.push(SourceFile {
                name: path.display().to_string(),
                kind,
                text: Cow::Owned(text),
            });
        }
    }
    match files.iter().any(|file| file.kind == Kind::Cases) {
        true => Ok(files),
        false => Err(CatalogError::Empty(dir.to_owned())),
    }
}

/// What a file holds. Nothing else is opened: a pipe or a device may never end.
fn read_file(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    String::from_utf8(std::fs::read(path)?).map_err(|error| {
        let valid = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        let line = 1 + valid.filter(|byte| **byte == b'\n').count();
        std::io::Error::other(format!("line {line} is not UTF-8"))
    })
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, CatalogError> {
    let entries = std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<PathBuf>, _>>()
    });
    match entries {
        Ok(paths) => Ok(paths
            .into_iter()
            .filter(|path| is_catalog_file(path))
            .collect()),
        Err(source) => Err(CatalogError::Read {
            path: folder.to_owned(),
            source,
        }),
    }
}

fn is_catalog_file(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.ends_with(".json") && !name.ends_with(".schema.json")
}

impl Catalog {
    /// This catalog and what the files hold.
    ///
    /// # Errors
    /// Everything that does not parse, and ids that are there already.
    pub(super) fn with_files(mut self, files: &[SourceFile]) -> Result<Catalog, CatalogError> {
        let mut problems = Vec::new();
        for file in files {
            let added = match file.kind {
                Kind::Requirements => file.parse().map(|list| self.add_requirements(file, list)),
                Kind::Cases => file.parse().map(|list| self.add_cases(file, list)),
            };
            problems.extend(added.unwrap_or_else(|problem| vec![problem]));
        }
        self.hash = hash(&self.hash, files);
        match problems.is_empty() {
            true => Ok(self),
            false => Err(CatalogError::Invalid(problems)),
        }
    }

    fn add_requirements(&mut self, file: &SourceFile, list: Vec<Requirement>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, requirement) in list.into_iter().enumerate() {
            let id = requirement.id.clone();
            if self.requirements.insert(id.clone(), requirement).is_some() {
                problems.push(taken(file, index, &id));
            }
        }
        problems
    }

    fn add_cases(&mut self, file: &SourceFile, list: Vec<Case>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, case) in list.into_iter().enumerate() {
            match self.case(&case.id) {
                Some(_) => problems.push(taken(file, index, &case.id)),
                None => self.push(case.into()),
            }
        }
        problems
    }
}

/// The problem of an id that is there already.
pub(super) fn taken(file: &SourceFile, index: usize, id: &str) -> Problem {
    Problem {
        file: file.name.clone(),
        pointer: format!("/{index}/id"),
        message: format!("{id:?} is taken already: ids are unique over all files"),
    }
}

/// 128 bits of SHA-256 over what was loaded before and these files, each framed by its length.
fn hash(before: &str, files: &[SourceFile]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(before);
    for file in files {
        for part in [file.stem(), &file.text] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: Kind, text: &'static str) -> SourceFile {
        SourceFile {
            name: "dir/tools.json".into(),
            kind,
            text: text.into(),
        }
    }

    #[test]
    fn what_is_no_json_is_named_with_line_and_column() {
        let files = [
            file(Kind::Cases, "[\n  { \"id\" 1 }\n]"),
            file(Kind::Requirements, "["),
        ];
        let error = Catalog::default()
            .with_files(&files)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("dir/tools.json:2:10: expected `:`"),
            "{error}"
        );
        assert!(error.contains("dir/tools.json:1:1: EOF"), "{error}");
        assert!(error.starts_with("2 problems"), "{error}");
    }

    #[test]
    fn the_hash_sees_content_and_boundaries() {
        let one = [file(Kind::Cases, "[]")];
        let other = [file(Kind::Cases, "[ ]")];
        assert_ne!(hash("", &one), hash("", &other));
        assert_ne!(hash("", &one), hash("x", &one));
        assert_eq!(hash("", &one), hash("", &one.clone()));
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mine.json");
        std::fs::create_dir(&path).unwrap();
        let error = read_dir(dir.path()).unwrap_err().to_string();
        assert_eq!(error, format!("cannot read {}: not a file", path.display()));
    }

    #[test]
    fn a_folder_without_cases_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            read_dir(dir.path())
                .unwrap_err()
                .to_string()
                .contains("holds no cases")
        );
        assert!(matches!(
            read_dir(&dir.path().join("none")),
            Err(CatalogError::Read { .. })
        ));
    }
}
