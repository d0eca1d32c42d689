//! The published examples.

use std::path::Path;

use serde_json::{Value, json};

use super::pairs::Pair;
use super::{Known, read};
use crate::document::Document;

/// The published examples of a revision, which have to satisfy ours. Returns how many do not.
pub fn examples(folder: &Path, ours: &Document, pairs: &[Pair], known: &Known) -> usize {
    let Ok(types) = std::fs::read_dir(folder) else {
        return 0;
    };
    let (mut good, mut wrong, mut bad) = (0, 0, 0);
    for entry in types.map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let schemas = schemas_of(&name, pairs, known);
        for file in std::fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
            let path = format!("{name}/{}", file.file_name().display());
            let example = read(&file.path());
            let error = match schemas.as_slice() {
                [] => Some(format!("no schema of ours is for {name}")),
                schemas => schemas.iter().find_map(|(schema, member)| {
                    let value = member.map_or(&example, |member| &example[member]);
                    let validator = ours.validator(schema);
                    validator
                        .iter_errors(value)
                        .next()
                        .map(|error| format!("{error} at {}", error.instance_path()))
                }),
            };
            match (error, known.examples.contains_key(&path)) {
                (None, false) => good += 1,
                (Some(_), true) => wrong += 1,
                (error, _) => {
                    bad += 1;
                    println!(
                        "  {path}: {}",
                        error.as_deref().unwrap_or("is valid, and known as wrong")
                    );
                }
            }
        }
    }
    println!("  examples: {good} are valid, {wrong} are wrong in a known way, {bad} differ");
    bad
}

/// The schemas of ours that an example has to satisfy, each with the member that it is for, or the whole.
fn schemas_of(name: &str, pairs: &[Pair], known: &Known) -> Vec<(Value, Option<&'static str>)> {
    if let Some(our) = known
        .definitions
        .get(name)
        .or_else(|| known.narrower.get(name))
    {
        return vec![(json!({ "$ref": our }), None)];
    }
    let published = |name: &str| {
        let reference = json!({ "$ref": format!("#/$defs/{name}") });
        pairs.iter().find(|pair| *pair.theirs == reference)
    };
    let named = |name: String| {
        pairs
            .iter()
            .find(|pair| pair.name == name)
            .map(|pair| pair.ours.clone())
    };
    if let Some(pair) = published(name) {
        return vec![(pair.ours.clone(), None)];
    }
    if let Some(pair) = name.strip_suffix("Params").and_then(published) {
        let whole = pair.ours["$ref"].as_str().unwrap_or_default();
        return vec![(
            json!({ "$ref": format!("{whole}/properties/params") }),
            None,
        )];
    }
    let base = name.trim_end_matches("Response").trim_end_matches("Result");
    let method =
        published(&format!("{base}Request")).map(|pair| pair.name.trim_end_matches(" request"));
    let Some(result) = method.and_then(|method| named(format!("{method} result"))) else {
        return Vec::new();
    };
    match name.ends_with("Response") {
        true => named("any resultResponse".to_owned())
            .map(|envelope| (envelope, None))
            .into_iter()
            .chain([(result, Some("result"))])
            .collect(),
        false => vec![(result, None)],
    }
}
