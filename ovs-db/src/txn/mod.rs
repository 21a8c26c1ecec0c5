//! Transactions (RFC 7047 sections 4.1.3 and 5.2).
//!
//! ```text
//!  operations ──execute──▶ view over the database ──settle──▶ ChangeSet ──▶ storage, then Database::apply
//!  (JSON)                  (rows changed so far)    references, garbage,
//!                                                   indexes, row limits
//! ```
//!
//! [`execute`] changes nothing: it gives the operations' results and, if they succeed, the [`ChangeSet`]
//! that makes them true. The caller stores that first and applies it then.

mod access;
mod condition;
mod convert;
mod members;
mod mutation;
mod names;
mod ops;
mod rows;
mod settle;
mod view;

use std::time::Duration;

pub use access::Access;
pub use condition::{Clause, ColumnRef, Condition, Function};
pub use convert::convert;
pub(crate) use members::Members;

use crate::database::{ChangeSet, Database, Row};
use crate::error::DbError;
use crate::json::Json;
use crate::schema::TableId;
use crate::value::{Uuid, UuidSource};
use names::Names;
use ops::Stop;
use view::View;

/// What a transaction may ask about its surroundings.
pub struct Context<'a> {
    /// Where new rows and versions get their UUIDs from.
    pub uuids: &'a mut UuidSource,
    /// Tells whether the session holds the lock of a name (operation `assert`).
    pub holds_lock: &'a dyn Fn(&str) -> bool,
    /// For how long the transaction has been waiting (operation `wait`).
    pub waited: Duration,
    /// Why the database cannot be changed now, if it cannot.
    pub read_only: Option<&'a str>,
    /// What the session is bound to, if to anything.
    pub access: Option<Access<'a>>,
}

/// What came out of a transaction's operations.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The operations are done, or one of them failed.
    Done(Done),
    /// A `wait` is not true yet. The transaction is to be executed again when the database has changed,
    /// or when it has waited for `timeout` (`None`: for ever).
    Wait {
        /// The time to wait from the transaction's arrival.
        timeout: Option<Duration>,
    },
}

/// A transaction's results.
#[derive(Clone, Debug)]
pub struct Done {
    /// One result for each operation, and an error behind them if they were good but their sum is not.
    pub results: Vec<Json>,
    /// What has to be stored and applied; `None` if the transaction failed.
    pub changes: Option<ChangeSet>,
    /// What the `comment` operations said, line by line.
    pub comment: String,
    /// True if the client asked for the changes to be on disk before the reply.
    pub durable: bool,
}

/// Executes `operations` (the `params` of `transact` behind the database's name) on `db`.
pub fn execute(db: &Database, operations: &[Json], context: &mut Context<'_>) -> Outcome {
    let mut state = ops::State {
        view: View::new(db),
        names: Names::default(),
        comment: String::new(),
        durable: false,
        context,
    };
    let mut results = Vec::with_capacity(operations.len());
    let mut error = None;
    for operation in operations {
        match ops::execute(&mut state, operation) {
            Ok(result) => results.push(result),
            Err(Stop::Error(e)) => {
                error = Some(e);
                break;
            }
            Err(Stop::Wait { timeout }) => return Outcome::Wait { timeout },
        }
    }
    let ops::State { view, comment, durable, context, .. } = state;
    let mut changes = None;
    match error {
        // Operations behind the failed one were not looked at: they answer null.
        Some(error) => {
            results.push(error.to_json());
            results.resize(operations.len(), Json::Null);
        }
        None => match settle::settle(view, Some(context.uuids)) {
            Ok(set) => changes = Some(set),
            Err(error) => results.push(error.to_json()),
        },
    }
    Outcome::Done(Done { results, changes, comment, durable })
}

/// Validates rows that were written by other means than operations: a journal's. `None` deletes a row. Without
/// `versions`, the rows keep the versions that they have.
pub(crate) fn settle_rows(
    db: &Database,
    rows: Vec<(TableId, Uuid, Option<Row>)>,
    versions: Option<&mut UuidSource>,
) -> Result<ChangeSet, DbError> {
    let mut view = View::new(db);
    for (table, uuid, row) in rows {
        match row {
            Some(row) => view.put(table, uuid, row),
            None => view.delete(table, uuid),
        }
    }
    settle::settle(view, versions)
}
