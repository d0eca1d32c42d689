//! The embedded SQLite database.
//!
//! Each call opens a connection of its own and closes it when it is done, so that nothing of one caller (a transaction,
//! a temporary table, a setting) is left for the next. The connection of a reader cannot write at all.

mod policy;
mod rows;
mod run;
mod sample;
#[cfg(test)]
mod tests;
mod turns;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

pub use rows::Parameters;
pub use run::{Outcome, Query};
use turns::Turns;

use crate::auth::Role;
use crate::lock;

/// The longest statement, in bytes.
const MAX_SQL: i32 = 16 * 1024;
/// The longest value, in bytes. Some functions take time with the square of it, and cannot be stopped.
const MAX_VALUE: i32 = 128 * 1024;
/// What SQLite may use in this process, in bytes, databases in memory included.
const MAX_HEAP: u32 = 256 * 1024 * 1024;
/// How far a database in memory may grow, in pages of 4 KiB.
const MAX_PAGES: u32 = 16 * 1024;

/// Why a statement did not run, or not to its end. Says nothing about the values of parameters.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nobody may do that.
    #[error("{0} is not possible here")]
    Refused(&'static str),
    /// The caller may not do that.
    #[error("this statement needs the role {0}")]
    Role(Role),
    /// There is none, or more than one.
    #[error("exactly one SQL statement can be run at a time")]
    NotOneStatement,
    /// The parameters do not fit the statement.
    #[error("the parameters do not fit: {0}")]
    Parameters(String),
    /// It took too long, or waited too long for others.
    #[error("the time limit was reached, and nothing was changed")]
    TimedOut,
    /// It, or what else runs at the same time, needs too much memory.
    #[error("the memory limit was reached, and nothing was changed")]
    Memory,
    /// What SQLite says.
    #[error("{}", in_words(.0))]
    Sql(#[source] rusqlite::Error),
    /// Our own fault.
    #[error("the statement could not be run")]
    Internal,
}

/// What SQLite says, without the statement.
fn in_words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => format!("{msg}, at byte {offset}"),
        error => error.to_string(),
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy) => Self::TimedOut,
            Some(ErrorCode::DatabaseLocked) => Self::TimedOut,
            Some(ErrorCode::OutOfMemory) => Self::Memory,
            _ => Self::Sql(error),
        }
    }
}

/// Where the data is.
#[derive(Clone)]
enum Place {
    /// In this process, under a name that SQLite knows it by.
    Memory(String),
    File(PathBuf),
}

/// A database that callers can query.
pub struct Database {
    place: Place,
    /// None of a database in memory until somebody asks for it: most never do, and SQLite takes room.
    keeper: Mutex<Option<Keeper>>,
    turns: Turns,
}

/// Keeps what is in memory, and knows which tables there are.
struct Keeper {
    connection: Connection,
    tables: Vec<Table>,
}

/// A table, as the schema has it.
#[derive(Clone)]
struct Table {
    name: String,
    /// The statement that would create it.
    definition: String,
}

impl Database {
    /// Opens the file, which is made if it does not exist, or a database in memory. One without tables gets the sample.
    pub fn open(path: Option<&Path>) -> Result<Self, rusqlite::Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (place, keeper) = match path {
            Some(path) => {
                let place = Place::File(path.to_owned());
                let keeper = Keeper::open(&place)?;
                (place, Some(keeper))
            }
            None => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("file:/mcp-{number}?vfs=memdb");
                (Place::Memory(name), None)
            }
        };
        Ok(Self {
            place,
            keeper: Mutex::new(keeper),
            turns: Turns::new(),
        })
    }

    /// The names of the tables.
    pub fn tables(&self) -> Vec<String> {
        self.look(|tables| tables.iter().map(|table| table.name.clone()).collect())
    }

    /// The statement that would create this table.
    pub fn definition(&self, table: &str) -> Option<String> {
        self.look(|tables| {
            let found = tables.iter().find(|known| known.name == table)?;
            Some(found.definition.clone())
        })
    }

    /// Looks at the tables; while somebody writes, at what the last look saw.
    fn look<T: Default>(&self, at: impl FnOnce(&[Table]) -> T) -> T {
        let look = |keeper: &mut Keeper| {
            if let Ok(tables) = schema(&keeper.connection) {
                keeper.tables = tables;
            }
            at(&keeper.tables)
        };
        self.keep(look).unwrap_or_default()
    }

    /// Does something with the keeper, which is there from then on.
    fn keep<T>(&self, work: impl FnOnce(&mut Keeper) -> T) -> Result<T, rusqlite::Error> {
        let mut keeper = lock(&self.keeper);
        let keeper = match &mut *keeper {
            Some(keeper) => keeper,
            none => none.insert(Keeper::open(&self.place)?),
        };
        Ok(work(keeper))
    }
}

impl Keeper {
    fn open(place: &Place) -> Result<Self, rusqlite::Error> {
        let connection =
            place.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "hard_heap_limit", MAX_HEAP)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        if schema(&connection)?.is_empty() {
            sample::seed(&connection)?;
        }
        let tables = schema(&connection)?;
        // From here on it is for short looks, and waits for nobody.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(Self { connection, tables })
    }
}

impl Place {
    /// A connection on which statements of such a caller can be run. It waits that long for others.
    fn connect(&self, role: Role, patience: Duration) -> Result<Connection, rusqlite::Error> {
        let connection = self.open(match role {
            Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Role::Writer | Role::Admin => OpenFlags::SQLITE_OPEN_READ_WRITE,
        })?;
        connection.busy_timeout(patience)?;
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1000),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, value)?;
        }
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // This setting waits for whoever writes.
        if matches!(self, Self::Memory(_)) && !patience.is_zero() {
            connection.pragma_update(None, "max_page_count", MAX_PAGES)?;
        }
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::Memory(name) => {
                Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)
            }
            Self::File(path) => Connection::open_with_flags(path, flags),
        }
    }
}

fn schema(connection: &Connection) -> Result<Vec<Table>, rusqlite::Error> {
    let sql = "SELECT name, sql FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let tables = statement.query_map([], |row| {
        Ok(Table {
            name: row.get(0)?,
            definition: row.get(1)?,
        })
    })?;
    tables.collect()
}
