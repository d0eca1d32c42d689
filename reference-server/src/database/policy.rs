//! What a statement does, as SQLite itself sees it, and who may do that.
//!
//! The text is never looked at: while SQLite prepares a statement it asks its authorizer about every
//! table, function and operation in it, also about those behind views, triggers and subqueries.
//!
//! <https://www.sqlite.org/c3ref/set_authorizer.html>

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::Trouble;
use crate::auth::Role;
use crate::lock;

/// What can be asked about the schema; none of these changes anything.
const HARMLESS_PRAGMAS: [&str; 6] = [
    "foreign_key_list",
    "index_info",
    "index_list",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Functions that reach out of the database, if they were ever compiled in.
const REFUSED_FUNCTIONS: [&str; 5] = [
    "edit",
    "fts3_tokenizer",
    "load_extension",
    "readfile",
    "writefile",
];

/// What a statement was found to do.
#[derive(Debug, Default)]
pub struct Effects {
    /// The least role that may do all of it.
    needs: Role,
    /// What in it nobody may do.
    refused: Option<&'static str>,
    /// The tables whose contents it may change.
    pub tables: BTreeSet<String>,
    /// Whether it may change which tables there are.
    pub schema: bool,
}

impl Effects {
    fn note(&mut self, action: &AuthAction) {
        use AuthAction::{AlterTable, CreateTable, Delete, DropTable, Insert, Update};
        match action {
            Insert { table_name } | Delete { table_name } | Update { table_name, .. } => {
                self.tables.insert((*table_name).to_owned());
            }
            DropTable { table_name } | AlterTable { table_name, .. } => {
                self.tables.insert((*table_name).to_owned());
                self.schema = true;
            }
            CreateTable { .. } => self.schema = true,
            _ => {}
        }
    }
}

/// The least role that may do this, or why nobody may.
fn judge(action: &AuthAction) -> Result<Role, &'static str> {
    use AuthAction::*;
    match action {
        Select | Read { .. } | Recursive => Ok(Role::Reader),
        Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            match REFUSED_FUNCTIONS.contains(&name.as_str()) {
                true => Err("a function that reaches out of the database"),
                false => Ok(Role::Reader),
            }
        }
        Pragma { pragma_name, .. } => {
            let name = pragma_name.to_ascii_lowercase();
            match HARMLESS_PRAGMAS.contains(&name.as_str()) {
                true => Ok(Role::Reader),
                false => Err("this pragma"),
            }
        }
        Insert { .. } | Update { .. } | Delete { .. } => Ok(Role::Writer),
        CreateTable { .. } | CreateIndex { .. } | CreateView { .. } | CreateTrigger { .. } => {
            Ok(Role::Admin)
        }
        DropTable { .. } | DropIndex { .. } | DropView { .. } | DropTrigger { .. } => {
            Ok(Role::Admin)
        }
        AlterTable { .. } | Reindex { .. } | Analyze { .. } => Ok(Role::Admin),
        Attach { .. } | Detach { .. } => Err("another database"),
        Transaction { .. } | Savepoint { .. } => Err("a transaction that outlives its statement"),
        CreateVtable { .. } | DropVtable { .. } => Err("a virtual table"),
        // Nothing temporary: it would be gone before anybody could use it.
        _ => Err("this operation"),
    }
}

/// Lets the connection do what `role` may, and keeps note of what is done.
fn watch(connection: &Connection, role: Role) -> Result<Arc<Mutex<Effects>>, Trouble> {
    let effects = Arc::new(Mutex::new(Effects::default()));
    let noted = Arc::clone(&effects);
    connection.authorizer(Some(move |context: AuthContext| {
        let mut effects = lock(&noted);
        match judge(&context.action) {
            Ok(needs) => {
                effects.needs = effects.needs.max(needs);
                effects.note(&context.action);
                match needs <= role {
                    true => Authorization::Allow,
                    false => Authorization::Deny,
                }
            }
            Err(why) => {
                effects.refused.get_or_insert(why);
                Authorization::Deny
            }
        }
    }))?;
    Ok(effects)
}

/// Prepares `sql` without running it, to see whether a caller with that role may run it. After that the connection does
/// nothing that the role may not, whatever it is told.
pub fn admit(connection: &Connection, sql: &str, role: Role) -> Result<Effects, Trouble> {
    // As if everything was allowed: only then is everything asked about, and one refusal names all that is missing.
    let effects = watch(connection, Role::Admin)?;
    let prepared = prepare_one(connection, sql).map(drop);
    watch(connection, role)?;
    let effects = std::mem::take(&mut *lock(&effects));
    match effects.refused {
        Some(what) => Err(Trouble::Refused(what)),
        None => {
            prepared?;
            match effects.needs <= role {
                true => Ok(effects),
                false => Err(Trouble::Role(effects.needs)),
            }
        }
    }
}

/// The one statement in `sql`.
pub fn prepare_one<'c>(
    connection: &'c Connection,
    sql: &str,
) -> Result<rusqlite::Statement<'c>, Trouble> {
    let mut statements = rusqlite::Batch::new(connection, sql);
    let first = statements.next()?.ok_or(Trouble::NotOneStatement)?;
    match statements.next() {
        Ok(None) => Ok(first),
        _ => Err(Trouble::NotOneStatement),
    }
}
