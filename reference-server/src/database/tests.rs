//! The database from within: roles, limits, and attempts to get around them.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Database, Outcome, Parameters, Query, Trouble};
use crate::auth::{Caller, Role};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn run(database: &Database, role: Role, sql: &str, parameters: Value) -> Result<Outcome, Trouble> {
    let parameters = match parameters {
        Value::Array(values) => Parameters::Positional(values),
        Value::Object(values) => Parameters::Named(values),
        _ => Parameters::Positional(Vec::new()),
    };
    let query = Query {
        sql: sql.into(),
        parameters,
        timeout: Duration::from_secs(5),
    };
    runtime().block_on(database.run(query, &Caller::local(role)))
}

fn rows(database: &Database, sql: &str, parameters: Value) -> Value {
    let outcome = run(database, Role::Reader, sql, parameters).unwrap();
    outcome.to_value()["rows"].clone()
}

#[test]
fn each_role_does_what_it_may() {
    use Role::{Admin, Reader, Writer};
    for (sql, needed) in [
        ("SELECT * FROM products", Reader),
        ("WITH x AS (SELECT 1) SELECT * FROM x", Reader),
        ("EXPLAIN SELECT 1", Reader),
        ("PRAGMA table_info(products)", Reader),
        ("SELECT * FROM pragma_table_info('products')", Reader),
        (
            "INSERT INTO products (name, price) VALUES ('Tent', 1)",
            Writer,
        ),
        ("UPDATE products SET stock = 0", Writer),
        ("DELETE FROM orders", Writer),
        (
            "INSERT INTO products (name, price) VALUES ('Tent', 1) RETURNING id",
            Writer,
        ),
        ("CREATE TABLE t (x)", Admin),
        ("CREATE TABLE t AS SELECT * FROM products", Admin),
        ("CREATE INDEX i ON products (name)", Admin),
        ("CREATE VIEW v AS SELECT 1", Admin),
        (
            "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM products; END",
            Admin,
        ),
        ("ALTER TABLE products ADD COLUMN colour", Admin),
        ("ALTER TABLE products RENAME TO goods", Admin),
        ("DROP TABLE orders", Admin),
    ] {
        for role in [Reader, Writer, Admin] {
            let database = Database::open(None).unwrap();
            match run(&database, role, sql, Value::Null) {
                Ok(_) => assert!(role >= needed, "{role}: {sql}"),
                Err(Trouble::Role(said)) => {
                    assert!(role < needed && said == needed, "{role}: {sql}")
                }
                Err(other) => panic!("{role}: {sql}: {other}"),
            }
        }
    }
}

#[test]
fn nobody_gets_out_of_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.db");
    let other = other.to_str().unwrap();
    let database = Database::open(None).unwrap();
    for sql in [
        &format!("ATTACH '{other}' AS other"),
        "ATTACH ? AS other",
        "DETACH main",
        &format!("VACUUM INTO '{other}'"),
        "VACUUM",
        "PRAGMA journal_mode = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA foreign_keys",
        "SELECT load_extension('x')",
        "SELECT writefile('x', 'y')",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT s",
        "CREATE TEMP TABLE t (x)",
        "CREATE TEMP VIEW products AS SELECT 1",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5)",
        "DELETE FROM sqlite_master",
        "",
        ";;;;",
        "-- nothing",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE products",
        "SELECT 1; nonsense",
        "nonsense",
        "SELECT * FROM nowhere",
    ] {
        let parameters = if sql.contains('?') {
            json!([other])
        } else {
            Value::Null
        };
        let outcome = run(&database, Role::Admin, sql, parameters);
        assert!(outcome.is_err(), "{sql}: {outcome:?}");
        assert!(!matches!(outcome, Err(Trouble::Role(_))), "{sql}");
    }
    assert!(!std::fs::exists(other).unwrap());
    assert_eq!(database.tables(), ["orders", "products"]);
    assert_eq!(
        rows(&database, "SELECT 1; ; -- that was all", Value::Null),
        json!([[1]])
    );
    let many = ";".repeat(15_000);
    assert!(run(&database, Role::Reader, &many, Value::Null).is_err());
}

#[test]
fn a_parameter_is_never_part_of_the_statement() {
    let database = Database::open(None).unwrap();
    for attempt in [
        "'; DROP TABLE products; --",
        "x' OR '1'='1",
        "\" OR 1=1 --",
        "1); DELETE FROM products; --",
        "\0'; DROP TABLE products",
    ] {
        let sql = "SELECT count(*), ?1 FROM products WHERE name = ?1";
        assert_eq!(
            rows(&database, sql, json!([attempt])),
            json!([[0, attempt]])
        );
        let named = "SELECT :v";
        assert_eq!(
            rows(&database, named, json!({"v": attempt})),
            json!([[attempt]])
        );
        let sql = "INSERT INTO products (name, price) VALUES (?, 1)";
        let outcome = run(&database, Role::Writer, sql, json!([attempt])).unwrap();
        assert_eq!(outcome.changes, 1);
    }
    assert_eq!(database.tables(), ["orders", "products"]);
    assert_eq!(
        rows(&database, "SELECT count(*) FROM products", Value::Null),
        json!([[9]])
    );
}

#[test]
fn parameters_have_to_fit() {
    let database = Database::open(None).unwrap();
    for (sql, parameters) in [
        ("SELECT ?", json!([])),
        ("SELECT 1", json!([1])),
        ("SELECT ?, ?", json!([1])),
        ("SELECT :a", json!({"b": 1})),
        ("SELECT :a", json!({"a": 1, "b": 2})),
        ("SELECT ?", json!({"a": 1})),
        ("SELECT ?", json!([[1]])),
        ("SELECT ?", json!([{"base64": "!"}])),
        ("SELECT ?", json!([18_446_744_073_709_551_615_u64])),
    ] {
        let outcome = run(&database, Role::Reader, sql, parameters.clone());
        assert!(
            matches!(outcome, Err(Trouble::Parameters(_))),
            "{sql} {parameters}: {outcome:?}"
        );
    }
}

#[test]
fn a_result_is_bounded_and_says_so() {
    let database = Database::open(None).unwrap();
    let cut = |sql: &str| {
        let value = run(&database, Role::Reader, sql, Value::Null)
            .unwrap()
            .to_value();
        assert_eq!(value["truncated"], true, "{sql}");
        (
            value["limit"].as_str().unwrap().to_owned(),
            value["rows"].as_array().unwrap().len(),
        )
    };
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    assert_eq!(
        cut(&format!("{count} SELECT i FROM n")),
        ("rows".into(), 1000)
    );
    assert_eq!(
        cut("SELECT printf('%.*c', 100000, 'x')"),
        ("cell".into(), 1)
    );
    assert_eq!(cut("SELECT zeroblob(100000)"), ("cell".into(), 1));
    let (limit, found) = cut(&format!("{count} SELECT printf('%.*c', 10000, 'x') FROM n"));
    assert_eq!(limit, "size");
    assert!((40..=60).contains(&found), "{found}");
    let huge = run(
        &database,
        Role::Reader,
        "SELECT zeroblob(200000)",
        Value::Null,
    );
    assert!(matches!(huge, Err(Trouble::Sql(_))), "{huge:?}");
}

#[test]
fn a_statement_that_takes_too_long_is_stopped() {
    let database = Database::open(None).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    let run = |sql: String, role| {
        let query = Query {
            sql,
            parameters: Parameters::Positional(Vec::new()),
            timeout: Duration::from_millis(100),
        };
        let begun = Instant::now();
        let outcome = runtime().block_on(database.run(query, &Caller::local(role)));
        assert!(begun.elapsed() < Duration::from_secs(5));
        outcome
    };
    let found = run(
        format!("{endless} SELECT i FROM n WHERE i = 1 OR i < 0"),
        Role::Reader,
    );
    let found = found.unwrap().to_value();
    assert_eq!(
        (&found["limit"], &found["rows"]),
        (&json!("time"), &json!([[1]]))
    );
    let nothing = run(format!("{endless} SELECT count(*) FROM n"), Role::Reader);
    assert!(matches!(nothing, Err(Trouble::TimedOut)), "{nothing:?}");
    let sql = format!(
        "INSERT INTO products (name, price) {endless} SELECT 'x', i FROM n WHERE i < 9 OR i < 0"
    );
    let undone = run(sql, Role::Writer);
    assert!(matches!(undone, Err(Trouble::TimedOut)), "{undone:?}");
    assert_eq!(
        rows(&database, "SELECT count(*) FROM products", Value::Null),
        json!([[4]])
    );
}

#[test]
fn a_file_is_kept_and_the_sample_goes_only_into_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kept.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (7)")
        .unwrap();
    drop(other);
    let database = Database::open(Some(&path)).unwrap();
    assert_eq!(database.tables(), ["mine"]);
    run(
        &database,
        Role::Writer,
        "UPDATE mine SET x = 8",
        Value::Null,
    )
    .unwrap();
    drop(database);
    let database = Database::open(Some(&path)).unwrap();
    assert_eq!(
        rows(&database, "SELECT x FROM mine", Value::Null),
        json!([[8]])
    );
}

fn parameter() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x7f';\"]*".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| {
            use base64::Engine;
            json!({"base64": base64::engine::general_purpose::STANDARD.encode(bytes)})
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parameters_come_back_exactly(values in prop::collection::vec(parameter(), 1..8)) {
        let database = Database::open(None).unwrap();
        let placeholders = vec!["?"; values.len()].join(", ");
        let found = rows(&database, &format!("SELECT {placeholders}"), json!(values));
        prop_assert_eq!(&found, &json!([values]));
        let named: Map<String, Value> = values.iter().enumerate()
            .map(|(index, value)| (format!("p{index}"), value.clone())).collect();
        let names: Vec<String> = named.keys().map(|name| format!(":{name}")).collect();
        let found = rows(&database, &format!("SELECT {}", names.join(", ")), Value::Object(named));
        prop_assert_eq!(found, json!([values]));
    }
}

#[test]
fn memory_is_bounded_too() {
    let database = Database::open(None).unwrap();
    let sql = "INSERT INTO products (name, price)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
        SELECT zeroblob(100000), 1 FROM n";
    let full = run(&database, Role::Writer, sql, Value::Null).unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    let count = "SELECT count(*) FROM products";
    assert_eq!(rows(&database, count, Value::Null), json!([[4]]));
}

#[test]
fn many_at_once_wait_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared.db");
    for path in [None, Some(path.as_path())] {
        let database = Database::open(path).unwrap();
        let insert = "INSERT INTO products (name, price) VALUES ('Tent', 1)";
        let slow = "INSERT INTO orders (product, quantity, ordered_on)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            SELECT 1, 1, '' FROM n";
        std::thread::scope(|scope| {
            scope.spawn(|| run(&database, Role::Writer, slow, Value::Null).unwrap());
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        run(&database, Role::Writer, insert, Value::Null).unwrap();
                        rows(&database, "SELECT count(*) FROM products", Value::Null);
                        let refused =
                            run(&database, Role::Writer, "DROP TABLE orders", Value::Null);
                        assert!(
                            matches!(refused, Err(Trouble::Role(Role::Admin))),
                            "{refused:?}"
                        );
                        assert_eq!(database.tables().len(), 2);
                    }
                });
            }
        });
        let count = rows(&database, "SELECT count(*) FROM products", Value::Null);
        assert_eq!(count, json!([[44]]));
    }
}
