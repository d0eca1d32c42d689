//! The schema document of each revision. Those of the legacy era are one document and what each revision changed in it,
//! as merge patches.

use serde_json::{Map, Value};

use crate::revision::Revision;

/// The oldest, complete, and a patch for each revision that followed.
const LEGACY: [&str; 4] = [
    include_str!("../../schemas/2024-11-05.json"),
    include_str!("../../schemas/2025-03-26.json"),
    include_str!("../../schemas/2025-06-18.json"),
    include_str!("../../schemas/2025-11-25.json"),
];
const MODERN: [&str; 1] = [include_str!("../../schemas/2026-07-28.json")];

/// The whole document of a revision.
pub fn document(revision: Revision) -> Result<Value, String> {
    let parts = match revision {
        Revision::V2024_11_05 => &LEGACY[..1],
        Revision::V2025_03_26 => &LEGACY[..2],
        Revision::V2025_06_18 => &LEGACY[..3],
        Revision::V2025_11_25 => &LEGACY[..],
        Revision::V2026_07_28 => &MODERN[..],
    };
    parts.iter().try_fold(Value::Null, |document, part| {
        let patch = serde_json::from_str(part).map_err(|error| error.to_string())?;
        Ok(patched(document, patch))
    })
}

/// JSON Merge Patch: <https://www.rfc-editor.org/rfc/rfc7396#section-2>
fn patched(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut object = match target {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    for (name, change) in patch {
        // What is removed, or replaced, leaves the order of the others as it is.
        match (change, object.get_mut(&name)) {
            (Value::Null, _) => {
                object.shift_remove(&name);
            }
            (change, Some(member)) => *member = patched(member.take(), change),
            (change, None) => {
                object.insert(name, patched(Value::Null, change));
            }
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_patches() {
        let table = [
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"c": 2}}),
                json!({"a": {"b": 1, "c": 2}}),
            ),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (
                json!({"a": 1}),
                json!({"a": {"b": {"c": null}}}),
                json!({"a": {"b": {}}}),
            ),
            (json!([1]), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": 1}), json!("b"), json!("b")),
        ];
        for (target, patch, expected) in table {
            assert_eq!(patched(target, patch), expected);
        }
    }

    #[test]
    fn every_revision_has_its_own() {
        for revision in Revision::ALL {
            let document = document(revision).unwrap();
            assert_eq!(document["x-mcp"]["revision"], revision.as_str());
            assert!(
                document["title"]
                    .as_str()
                    .unwrap()
                    .contains(revision.as_str())
            );
        }
        let batch = |revision| document(revision).unwrap()["$defs"].get("Batch").cloned();
        assert!(batch(Revision::V2025_03_26).is_some());
        assert_eq!(batch(Revision::V2024_11_05), None);
        assert_eq!(batch(Revision::V2025_06_18), None);
    }
}
