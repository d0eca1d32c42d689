//! The loader of case files.

use std::sync::LazyLock;

use mcp_conform::catalog::lint::lint;
use mcp_conform::catalog::load::{self, Kind, SourceFile};
use mcp_conform::catalog::{Case, Catalog, Requirement};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json::{any_json, apply, change};

/// Requirements to cite, and no case whose id would be taken.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut catalog = Catalog::default();
    catalog.requirements = Catalog::builtin().unwrap().requirements;
    catalog
});
/// Files with a few items each, so that a change of one place hits something.
static FILES: LazyLock<Vec<(Kind, String, Vec<Value>)>> = LazyLock::new(|| {
    let items = load::builtin().into_iter().flat_map(|file| {
        let items: Vec<Value> = file.parse().unwrap();
        let chunks: Vec<Vec<Value>> = items.chunks(3).map(<[Value]>::to_vec).collect();
        chunks
            .into_iter()
            .map(move |chunk| (file.kind, file.name.clone(), chunk))
    });
    items.collect()
});

fn file(kind: Kind, name: &str, text: String) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        kind,
        text: text.into(),
    }
}

/// What comes of a file: that what it holds can be written and read, or what is wrong.
fn load_and_write(file: &SourceFile) {
    let problems = lint(std::slice::from_ref(file), &CATALOG, None);
    for problem in &problems {
        assert!(!problem.message.is_empty());
    }
    match file.kind {
        Kind::Cases => write_and_read::<Case>(file),
        Kind::Requirements => write_and_read::<Requirement>(file),
    }
}

fn write_and_read<T: Serialize + DeserializeOwned>(file: &SourceFile) {
    if let Ok(items) = file.parse::<Vec<T>>() {
        let written = serde_json::to_value(&items).unwrap();
        let read: Vec<T> = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
    }
}

#[test]
fn what_we_ship_is_read_as_it_was_written() {
    for file in load::builtin() {
        load_and_write(&file);
    }
}

#[test]
fn a_file_that_is_no_text_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.json"), b"[\xff\xfe]").unwrap();
    assert!(load::read_dir(dir.path()).is_err());
}

proptest! {
    #[test]
    fn any_text(text: String, is_case: bool) {
        let kind = if is_case { Kind::Cases } else { Kind::Requirements };
        load_and_write(&file(kind, "mine.json", text));
    }

    #[test]
    fn any_items(items in prop::collection::vec(any_json(), 0..3), is_case: bool) {
        let kind = if is_case { Kind::Cases } else { Kind::Requirements };
        load_and_write(&file(kind, "mine.json", Value::from(items).to_string()));
    }

    #[test]
    fn changed_values(which: Index, changes in prop::collection::vec(change(), 1..4)) {
        let (kind, name, items) = which.get(&FILES);
        let mut document = Value::from(items.clone());
        changes.iter().for_each(|change| apply(&mut document, change));
        load_and_write(&file(*kind, name, document.to_string()));
    }

    #[test]
    fn changed_text(which: Index, at: Index, put in "\\PC{0,3}", gone in 0usize..20) {
        let (kind, name, items) = which.get(&FILES);
        let mut text: Vec<char> = Value::from(items.clone()).to_string().chars().collect();
        let at = at.index(text.len());
        let end = text.len().min(at + gone);
        text.splice(at..end, put.chars());
        load_and_write(&file(*kind, name, text.into_iter().collect()));
    }

    #[test]
    fn any_depth(depth in 1usize..100_000, is_object: bool) {
        let (open, close) = if is_object { (r#"{"a":"#, "}") } else { ("[", "]") };
        let text = format!("[{}1{}]", open.repeat(depth), close.repeat(depth));
        load_and_write(&file(Kind::Cases, "mine.json", text));
    }
}
