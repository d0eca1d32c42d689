//! Running one statement within its limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use serde_json::{Value, json};

use super::policy::{self, Effects};
use super::{Database, Parameters, Trouble, rows};
use crate::auth::{Caller, Role};

/// The most rows that are given out.
const MAX_ROWS: usize = 1000;
/// The most bytes of all rows together, about.
const MAX_RESULT: usize = 512 * 1024;
/// How many steps of SQLite's machine pass between two looks at the clock. One step can take a good part of a second.
const STEPS: i32 = 20;
/// How long the look at a statement may take that decides whether it is refused at once.
const GLANCE: Duration = Duration::from_millis(50);

/// A statement and how to run it.
#[derive(Clone, Debug)]
pub struct Query {
    /// One statement.
    pub sql: String,
    /// Its values.
    pub parameters: Parameters,
    /// How long it may take, waiting for others included.
    pub timeout: Duration,
}

/// What came of a statement.
#[derive(Debug)]
pub struct Outcome {
    columns: Vec<String>,
    rows: Vec<Value>,
    /// How many rows it inserted, updated or deleted.
    pub changes: u64,
    /// The limit that kept some of the result back.
    cut: Option<&'static str>,
    /// What it may have changed.
    pub effects: Effects,
}

impl Outcome {
    /// For programs.
    pub fn to_value(&self) -> Value {
        let mut value = json!({
            "columns": self.columns,
            "rows": self.rows,
            "changes": self.changes,
            "truncated": self.cut.is_some(),
        });
        if let Some(limit) = self.cut {
            value["limit"] = limit.into();
        }
        value
    }
}

/// Tells the statement to stop once nobody waits for it any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Database {
    /// Looks what a statement would do, without waiting for anybody, if that can be told soon. SQLite may take long, or all
    /// its memory, before it looks at the clock: others go on meanwhile.
    fn glance(&self, sql: &str, role: Role) -> Result<Effects, Trouble> {
        tokio::task::block_in_place(|| {
            self.keep(|_| ())?;
            let connection = self.place.connect(role, Duration::ZERO)?;
            let enough = Instant::now() + GLANCE;
            connection.progress_handler(STEPS, Some(move || Instant::now() >= enough))?;
            policy::admit(&connection, sql, role)
        })
    }

    /// Runs a statement for a caller. One that the caller's role may not run is refused at the first poll, unless
    /// somebody is writing at that moment or it takes long to tell; all else happens on a thread that may block.
    pub async fn run(&self, query: Query, caller: &Caller) -> Result<Outcome, Trouble> {
        let role = caller.role;
        let deadline = Instant::now() + query.timeout;
        match self.glance(&query.sql, role) {
            // Somebody is writing, or it is long: it is asked again below, where there is time to wait.
            Ok(_) | Err(Trouble::TimedOut) => {}
            Err(trouble) => return Err(trouble),
        }
        let turn = self.turns.next(&caller.principal);
        let turn = tokio::time::timeout_at(deadline.into(), turn).await;
        let turn = turn.map_err(|_| Trouble::TimedOut)?;
        let turn = turn.map_err(|_| Trouble::Internal)?;
        let waiting = Waiting(Arc::default());
        let abandoned = Arc::clone(&waiting.0);
        let place = self.place.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let left = deadline.saturating_duration_since(Instant::now());
            let connection = place.connect(role, left)?;
            execute(&connection, &query, role, deadline, abandoned)
        });
        let outcome = work.await.map_err(|_| Trouble::Internal)?;
        drop(waiting);
        outcome
    }
}

fn execute(
    connection: &Connection,
    query: &Query,
    role: Role,
    deadline: Instant,
    abandoned: Arc<AtomicBool>,
) -> Result<Outcome, Trouble> {
    let over = move || abandoned.load(Ordering::Relaxed) || Instant::now() >= deadline;
    connection.progress_handler(STEPS, Some(over))?;
    let effects = policy::admit(connection, &query.sql, role)?;
    let mut statement = policy::prepare_one(connection, &query.sql)?;
    query.parameters.bind(&mut statement)?;
    let columns = statement.column_names();
    let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    let reads = statement.readonly();
    let (mut rows, mut size, mut cut) = (Vec::new(), 0, None);
    let mut found = statement.raw_query();
    loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            // What was found so far is better than nothing, if it is not undone.
            Err(error) if reads && interrupted(&error) && !rows.is_empty() => {
                cut = Some("time");
                break;
            }
            Err(error) => return Err(error.into()),
        };
        if rows.len() == MAX_ROWS {
            cut = Some("rows");
            break;
        }
        let mut cells = Vec::with_capacity(columns.len());
        for index in 0..columns.len() {
            let (cell, bytes, shortened) = rows::to_json(row.get_ref(index)?);
            size += bytes + 1;
            cells.push(cell);
            if shortened {
                cut = cut.or(Some("cell"));
            }
            if size > MAX_RESULT {
                break;
            }
        }
        if size > MAX_RESULT {
            cut = Some("size");
            break;
        }
        rows.push(Value::Array(cells));
    }
    drop(found);
    drop(statement);
    Ok(Outcome {
        columns,
        rows,
        changes: if reads { 0 } else { connection.changes() },
        cut,
        effects,
    })
}

fn interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}
