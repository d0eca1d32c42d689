//! For every matcher what it accepts and what it refuses.

use serde_json::json;

use super::tests::outcome;
use super::*;

#[test]
fn every_matcher_accepts_and_refuses() {
    let table = [
        (json!({"$any": true}), vec![json!(null), json!(1)], vec![]),
        (json!({"$absent": true}), vec![], vec![json!(null)]),
        (
            json!({"$literal": {"a": 1}}),
            vec![json!({"a": 1.0})],
            vec![json!({"a": 1, "b": 2})],
        ),
        (
            json!({"$in": [1, "a", {"$var": "cursor"}]}),
            vec![json!(1.0), json!("abc")],
            vec![json!("b"), json!(null)],
        ),
        (
            json!({"$type": "integer"}),
            vec![json!(1), json!(1.0)],
            vec![json!(1.5), json!("1")],
        ),
        (
            json!({"$type": ["null", "array"]}),
            vec![json!(null), json!([])],
            vec![json!({}), json!(false)],
        ),
        (
            json!({"$regex": "^a+$"}),
            vec![json!("aa")],
            vec![json!("ab"), json!(1)],
        ),
        (
            json!({"$any-of": [1, {"a": 1}]}),
            vec![json!(1), json!({"a": 1, "b": 1})],
            vec![json!(2), json!({"a": 2})],
        ),
        (
            json!({"$all-of": [{"a": 1}, {"b": 1}]}),
            vec![json!({"a": 1, "b": 1})],
            vec![json!({"a": 1})],
        ),
        (json!({"$not": 1}), vec![json!(2)], vec![json!(1)]),
        (
            json!({"$each": {"$type": "string"}}),
            vec![json!([]), json!({"x": "y"})],
            vec![json!(["a", 1]), json!("a")],
        ),
        (
            json!({"$some": {"a": 1}}),
            vec![json!([{}, {"a": 1}])],
            vec![json!([]), json!([1]), json!(1)],
        ),
        (
            json!({"$unique": "/a"}),
            vec![json!([{"a": 1}, {"a": 2}, {}, {}])],
            vec![json!([{"a": 1}, {"a": 1.0}])],
        ),
        (
            json!({"$increasing": ""}),
            vec![json!([1, 1.5, 9]), json!([])],
            vec![json!([1, 1]), json!([2, 1]), json!(["a"])],
        ),
        (
            json!({"$length": {"min": 1, "max": 2}}),
            vec![json!("éé"), json!([1])],
            vec![json!([]), json!("abc"), json!(1)],
        ),
        (
            json!({"$range": {"min": 0, "max": 1}}),
            vec![json!(0), json!(0.5), json!(1.0)],
            vec![json!(-1), json!(2), json!("0")],
        ),
        (
            json!({"$base64": true}),
            vec![json!(""), json!("YQ=="), json!("YQ"), json!("+/8=")],
            vec![json!("-_8="), json!("Y"), json!("YQ==\n"), json!("a b")],
        ),
        (
            json!({"$uri": true}),
            vec![
                json!("file:///a%20b"),
                json!("test://x/{id}".replace(['{', '}'], "")),
                json!("urn:a:b"),
                json!("custom+x:y"),
            ],
            vec![
                json!("a/b"),
                json!("//host/a"),
                json!("file:///a b"),
                json!("1x:y"),
                json!("http://[::1"),
                json!("a:é"),
            ],
        ),
        (
            json!({"$uri-template": true}),
            vec![
                json!("a://{b}/{+c,d}{?e*,f:3}"),
                json!(""),
                json!("é%20{a.b_c}"),
                json!("{%41}"),
            ],
            vec![
                json!("{"),
                json!("}"),
                json!("{}"),
                json!("{a-b}"),
                json!("{a:0}"),
                json!("{a:10000}"),
                json!("%zz"),
                json!("a b"),
                json!("{a.}"),
                json!("{a{b}}"),
            ],
        ),
        (
            json!({"$media-type": true}),
            vec![
                json!("text/plain"),
                json!("text/plain; charset=utf-8"),
                json!("application/vnd.a+json;p=\"a b\""),
                json!("a/b;"),
            ],
            vec![
                json!("text"),
                json!("*/*"),
                json!("text/"),
                json!("a b/c"),
                json!("text/plain; charset"),
            ],
        ),
        (
            json!({"$date-time": true}),
            vec![
                json!("2025-01-12T15:00:58Z"),
                json!("2024-02-29T00:00:00.123456+05:30"),
                json!("2025-01-12T15:00:58"),
                json!("20250112T150058Z"),
                json!("2025-01-12T24:00:00Z"),
                json!("2016-12-31T23:59:60Z"),
            ],
            vec![
                json!("2025-01-12"),
                json!("2023-02-29T00:00:00Z"),
                json!("1900-02-29T00:00:00Z"),
                json!("2025-13-01T00:00:00Z"),
                json!("2025-01-12 15:00:58"),
                json!("2025-01-12T25:00:00Z"),
                json!("yesterday"),
                json!(1),
            ],
        ),
        (
            json!({"$json": {"a": 1}}),
            vec![json!("{\"a\":1,\"b\":2}")],
            vec![json!("{"), json!("{}"), json!({"a": 1})],
        ),
        (
            json!({"$valid-schema": true}),
            vec![
                json!({}),
                json!(true),
                json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/never-fetched"}}}),
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{}], "pattern": "(?<x>a)\\k<x>"}),
                json!({"$schema": "https://example.com/unknown", "type": 1}),
                json!({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": true}),
            ],
            vec![
                json!({"type": "text"}),
                json!({"properties": {"a": {"required": true}}}),
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": 7}),
                json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "minLength": -1}),
                json!({"exclusiveMinimum": true}),
                json!({"$schema": 1}),
                json!("object"),
            ],
        ),
        (
            json!({"$conforms": {"$var": "schema"}}),
            vec![json!({"a": 1})],
            vec![json!({}), json!(1)],
        ),
        (
            json!({"$conforms": {"format": "uri"}}),
            vec![json!("no uri")],
            vec![],
        ),
        (
            json!({"$by-revision": {"modern": 1, ">=2025-06-18": 2, "all": 3}}),
            vec![json!(2)],
            vec![json!(1), json!(3)],
        ),
        (
            json!({"$by-revision": {"modern": 1}}),
            vec![json!(2), json!(null)],
            vec![],
        ),
        (
            json!({"$var": "tool"}),
            vec![json!({"name": "add"})],
            vec![json!({"name": "add", "more": 1}), json!({})],
        ),
        (
            json!({"$var": "trap"}),
            vec![json!({"$any": true})],
            vec![json!(1)],
        ),
    ];
    let mut named: Vec<&str> = Vec::new();
    for (pattern, good, bad) in &table {
        named.extend(directive(pattern).map(|(name, _)| name));
        assert_eq!(check(pattern), Ok(()), "{pattern}");
        for value in good {
            assert_eq!(
                outcome(pattern, Some(value)),
                Ok(()),
                "{pattern} should match {value}"
            );
        }
        for value in bad {
            let mismatch = outcome(pattern, Some(value))
                .expect_err(&format!("{pattern} should not match {value}"));
            assert!(!mismatch.undecided, "{pattern} {value} {mismatch}");
        }
    }
    for matcher in matcher::TABLE {
        assert!(
            named.contains(&matcher.name),
            "{} is not tested",
            matcher.name
        );
    }
}
