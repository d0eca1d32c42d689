//! Values that are nearly right.

use serde_json::{Value, json};

use super::super::places::one_of_each;

/// The value with one thing changed, in every way and at every place.
pub fn wrongs(value: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    list(value, String::new(), &mut pointers);
    let mut wrongs = Vec::new();
    for pointer in &pointers {
        let mut put = |other: Value| {
            let mut wrong = value.clone();
            if let Some(place) = wrong.pointer_mut(pointer) {
                *place = other;
                wrongs.push((pointer.clone(), wrong));
            }
        };
        for other in one_of_each() {
            put(other);
        }
    }
    for (parent, name) in pointers
        .iter()
        .filter_map(|pointer| pointer.rsplit_once('/'))
    {
        let mut wrong = value.clone();
        if let Some(object) = wrong.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.shift_remove(&name.replace("~1", "/").replace("~0", "~"));
            wrongs.push((format!("{parent}/{name}"), wrong));
        }
    }
    for (name, member) in [
        ("id", json!(1)),
        ("error", json!({ "code": 1, "message": "" })),
        ("result", json!({})),
    ] {
        if value.is_object() && value.get(name).is_none() {
            let mut wrong = value.clone();
            wrong[name] = member;
            wrongs.push((format!("/{name}"), wrong));
        }
    }
    wrongs
}

fn list(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                list(member, format!("{at}/{name}"), pointers);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                list(element, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}
