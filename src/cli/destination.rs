//! A file that is whole or not there: it is written beside its place, and put there in the end.

use std::fs::{self, File, OpenOptions};
use std::io;
#[cfg(any(unix, test))]
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Failure;

/// Where a report goes.
pub(super) struct Destination {
    /// As the user wrote it.
    named: PathBuf,
    /// What it leads to, whatever links are on the way.
    path: PathBuf,
    open: Open,
}

enum Open {
    /// To be renamed.
    Beside(NamedTempFile),
    /// No file that could be replaced: a device, or a pipe.
    Itself(File),
}

impl Destination {
    /// Sees to it that something can be written there. What is there stays as it is until then.
    pub(super) fn open(named: &Path) -> Result<Destination, Failure> {
        let failed = |error: io::Error| {
            let remedy = match error.kind() {
                io::ErrorKind::NotFound => ": make its folder first, or name another path",
                io::ErrorKind::IsADirectory => ": name a file in it",
                _ => ": name a path that can be written",
            };
            let named = named.display();
            Failure::usage(format!("cannot write the report {named}: {error}{remedy}"))
        };
        let (path, open) = open(named).map_err(failed)?;
        let named = named.to_owned();
        Ok(Destination { named, path, open })
    }

    /// Whether both lead to the same file.
    pub(super) fn is_same_file(&self, other: &Destination) -> bool {
        self.path == other.path && matches!(self.open, Open::Beside(_))
    }

    /// Its path, as the user wrote it.
    pub(super) fn shown(&self) -> String {
        self.named.display().to_string()
    }

    /// What is written there. It is in its place once it is [`Destination::put`] there.
    pub(super) fn writer(&self) -> io::Result<File> {
        match &self.open {
            Open::Itself(file) => file.try_clone(),
            Open::Beside(file) => file.as_file().try_clone(),
        }
    }

    /// Puts it in its place: it is whole.
    pub(super) fn put(self) -> io::Result<()> {
        match self.open {
            Open::Itself(_) => Ok(()),
            Open::Beside(file) => Ok(file.persist(&self.path).map(drop)?),
        }
    }

    /// Writes all of it.
    #[cfg(any(unix, test))]
    pub(super) fn write(self, text: &str) -> Result<(), Failure> {
        let named = self.shown();
        self.writer()
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| self.put())
            .map_err(|error| Failure::run(format!("cannot write {named}: {error}")))
    }
}

/// The path with nothing in it that leads elsewhere; the file may not be there yet.
pub(super) fn resolved(path: &Path) -> io::Result<PathBuf> {
    if path.exists() {
        return path.canonicalize();
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    Ok(folder.canonicalize()?.join(name))
}

fn open(named: &Path) -> io::Result<(PathBuf, Open)> {
    let known = fs::metadata(named).ok();
    if known.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A pipe that has no name, as behind /dev/stdout, has no other path.
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        let itself = OpenOptions::new().write(true).open(named)?;
        return Ok((named.to_owned(), Open::Itself(itself)));
    }
    let path = resolved(named)?;
    if known.is_some() {
        // Who may not write the file should not replace it either.
        OpenOptions::new().append(true).open(&path)?;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mcp-conform-").suffix(".part");
    if let Some(permissions) = permissions(known) {
        builder.permissions(permissions);
    }
    let beside = builder.tempfile_in(folder)?;
    Ok((path, Open::Beside(beside)))
}

/// Those of the file that is replaced, or of any new file; the user's mask is applied to both.
#[cfg(unix)]
fn permissions(known: Option<fs::Metadata>) -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(known.map_or(fs::Permissions::from_mode(0o666), |known| {
        known.permissions()
    }))
}

#[cfg(not(unix))]
fn permissions(known: Option<fs::Metadata>) -> Option<fs::Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_until_the_new_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let destination = Destination::open(&path).ok().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(destination);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let destination = Destination::open(&path).ok().unwrap();
        assert!(destination.write("new").is_ok());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn one_file_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Destination::open(&folder.path().join(name)).ok().unwrap();
        assert!(open("a.json").is_same_file(&open("./a.json")));
        assert!(!open("a.json").is_same_file(&open("b.json")));
        #[cfg(unix)]
        {
            fs::write(folder.path().join("a.json"), "").unwrap();
            std::os::unix::fs::symlink("a.json", folder.path().join("link.json")).unwrap();
            assert!(open("a.json").is_same_file(&open("link.json")));
            assert!(open("link.json").write("new").is_ok());
            let kept = fs::symlink_metadata(folder.path().join("link.json")).unwrap();
            assert!(kept.is_symlink(), "what it leads to is replaced");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Destination::open(&folder.path().join("no/report.json"))
            .err()
            .unwrap();
        assert_eq!(failure.code, 2);
        assert!(
            failure.message.contains("make its folder first"),
            "{}",
            failure.message
        );
    }
}
