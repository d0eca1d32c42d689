//! Members that an object of a file has twice. Parsers keep one of them and say nothing, so what is read may not be what runs.

use std::collections::BTreeSet;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::catalog::Problem;
use crate::catalog::load::SourceFile;

/// A problem for each member that is there again. A text that is no JSON is somebody else's to report.
pub(super) fn problems(file: &SourceFile) -> Vec<Problem> {
    let mut search = Search::default();
    let mut json = serde_json::Deserializer::from_str(&file.text);
    let _ = search.deserialize(&mut json);
    let problem = |pointer: String| Problem {
        file: file.name.clone(),
        message: "this member is there twice".to_owned(),
        pointer,
    };
    search.found.into_iter().map(problem).collect()
}

/// Walks through a value, without keeping it.
#[derive(Default)]
struct Search {
    /// Where it is, as a JSON Pointer.
    pointer: String,
    found: Vec<String>,
}

impl Search {
    /// Visits what stands under a name or number with `visit`.
    fn under<T>(&mut self, token: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.pointer.len();
        self.pointer.push('/');
        self.pointer
            .push_str(&token.replace('~', "~0").replace('/', "~1"));
        let visited = visit(self);
        self.pointer.truncate(outside);
        visited
    }
}

impl<'de> DeserializeSeed<'de> for &mut Search {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Search {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            self.under(&name, |search| {
                if names.contains(&name) {
                    search.found.push(search.pointer.clone());
                }
                map.next_value_seed(search)
            })?;
            names.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while self
            .under(&index.to_string(), |search| list.next_element_seed(search))?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::load::Kind;

    use super::*;

    #[test]
    fn each_place() {
        let text = r#"[{"a": 1, "b": {"c/d": [], "e": null, "c/d": 2.5}}, 3, {"a": true, "a": -1, "a": "x"}]"#;
        let file = SourceFile {
            name: "x.json".to_owned(),
            kind: Kind::Cases,
            text: text.into(),
        };
        let pointers: Vec<String> = problems(&file).into_iter().map(|p| p.pointer).collect();
        assert_eq!(pointers, ["/0/b/c~1d", "/2/a", "/2/a"]);
    }
}
