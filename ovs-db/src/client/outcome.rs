//! What became of a transaction.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::value::Uuid;

use super::transaction::Prepared;

/// Names a transaction of one session. Ids are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(super) i64);

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done. The snapshot has its effects already.
    Committed {
        /// The identity of each inserted row, by the one that [`insert`](super::Transaction::insert) gave.
        inserted: BTreeMap<Uuid, Uuid>,
        /// The value after [`increment`](super::Transaction::increment), if there was one.
        incremented: Option<i64>,
    },
    /// There was nothing to do, and nothing was sent.
    Unchanged,
    /// Something that it relied on had changed, or two writers met. Build it anew from the present snapshot.
    TryAgain,
    /// The session's lock is not held.
    NotLocked,
    /// The server refused it for good.
    Failed {
        /// The error of RFC 7047, section 5.2 (`constraint violation` …).
        error: String,
        /// The server's explanation.
        details: String,
    },
    /// There is no connection, or it ended before the answer: whether the transaction was carried out is not known.
    Disconnected,
}

impl Outcome {
    /// Reads the result of `transact`.
    pub(super) fn read(result: &Json, prepared: &Prepared) -> Outcome {
        let results = result.as_array().unwrap_or_default();
        if let Some(failed) = results.iter().find(|r| r.get("error").is_some_and(|e| !e.is_null())) {
            return Outcome::from_error(failed);
        }
        let mut inserted = BTreeMap::new();
        for (temporary, index) in &prepared.inserts {
            let uuid = results.get(*index).and_then(|r| r.get("uuid")).and_then(Json::as_array);
            if let Some([_, Json::String(text)]) = uuid
                && let Ok(uuid) = text.parse()
            {
                inserted.insert(*temporary, uuid);
            }
        }
        let incremented = prepared.increment.as_ref().and_then(|(index, column)| {
            let rows = results.get(*index)?.get("rows")?.as_array()?;
            rows.first()?.get(column)?.as_integer()
        });
        Outcome::Committed { inserted, incremented }
    }

    /// Reads an error object or string.
    pub(super) fn from_error(error: &Json) -> Outcome {
        let text = |member: &str| error.get(member).and_then(Json::as_str).map(str::to_string);
        let tag = text("error").or_else(|| error.as_str().map(str::to_string)).unwrap_or_default();
        match tag.as_str() {
            "timed out" => Outcome::TryAgain,
            "not owner" => Outcome::NotLocked,
            _ => Outcome::Failed { error: tag, details: text("details").unwrap_or_default() },
        }
    }
}
