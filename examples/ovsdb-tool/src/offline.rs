//! Databases in files: reading, executing transactions, rewriting.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ovs_db::database::Database;
use ovs_db::error::{DbError, ErrorTag};
use ovs_db::json::Json;
use ovs_db::schema::Schema;
use ovs_db::server::SessionOptions;
use ovs_db::storage::{JournalFile, Opened, Snapshot, Stamp, encode_changes, read_file};
use ovs_db::txn::{Access, Context, Done, Outcome, convert, execute};
use ovs_db::value::UuidSource;

use crate::fault::Fault;

/// Fresh identities.
pub fn uuids() -> Result<UuidSource, Fault> {
    let path = "/dev/urandom";
    let mut seed = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut seed));
    read.map_err(|source| Fault::Io { path: path.to_owned(), what: "read", source })?;
    Ok(UuidSource::new(&seed, "ovsdb-tool"))
}

/// What a record of now says about itself.
fn stamp(comment: impl Into<String>) -> Stamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamp { date: i64::try_from(now.as_millis()).unwrap_or(i64::MAX), comment: comment.into() }
}

/// A transaction as it is given: the database's name, and the operations.
pub fn parse(text: &str) -> Result<Json, Fault> {
    text.parse().map_err(|error| Fault::Json { text: text.to_owned(), error })
}

/// Executes a transaction on a file, and with `write` keeps what it changes. Gives the results, or an error, as JSON.
pub fn transact(path: &Path, params: &Json, role: Option<&str>, write: bool) -> Result<Json, Fault> {
    let mut uuids = uuids()?;
    let (mut file, database) = if write {
        let opened = open(path, &mut uuids)?;
        (Some(opened.file), opened.database)
    } else {
        (None, read_file(path, &mut uuids)?.database)
    };
    let operations = match operations(&database, params) {
        Ok(operations) => operations,
        Err(error) => return Ok(error.to_json()),
    };
    let options = SessionOptions::default().role(role.unwrap_or_default());
    let mut context = Context {
        uuids: &mut uuids,
        holds_lock: &|_| false,
        waited: Duration::ZERO,
        read_only: None,
        access: role.and_then(|_| Access::find(&database, &options)),
    };
    match execute(&database, operations, &mut context) {
        Outcome::Done(done) => {
            if let Some(file) = &mut file {
                keep(file, &database, &done)?;
            }
            Ok(Json::Array(done.results))
        }
        // Nobody else could make it true.
        Outcome::Wait { .. } => {
            let error = DbError::new(ErrorTag::NotSupported, "triggers not supported");
            Ok(Json::array([error.to_json()]))
        }
    }
}

fn operations<'a>(database: &Database, params: &'a Json) -> Result<&'a [Json], DbError> {
    let array = params.as_array().ok_or_else(|| DbError::syntax(params, "array expected"))?;
    match array.split_first() {
        Some((Json::String(name), operations)) if name == database.schema().name() => Ok(operations),
        _ => Err(DbError::syntax(params, "database name expected as first parameter")),
    }
}

fn keep(file: &mut JournalFile, database: &Database, done: &Done) -> Result<(), Fault> {
    let Some(changes) = &done.changes else { return Ok(()) };
    if let Some(record) = encode_changes(database.schema(), changes, &stamp(done.comment.as_str())) {
        file.write(&record, done.durable)?;
    }
    Ok(())
}

/// Makes a new file.
pub fn create(path: &Path, schema: &Schema) -> Result<(), Fault> {
    new_file(path, schema).map(drop)
}

fn new_file(path: &Path, schema: &Schema) -> Result<JournalFile, Fault> {
    JournalFile::create(path, schema).map_err(|error| Fault::from(error).about(path))
}

fn open(path: &Path, uuids: &mut UuidSource) -> Result<Opened, Fault> {
    JournalFile::open(path, uuids).map_err(|error| Fault::from(error).about(path))
}

/// Writes a file anew, in place or to `to`: under `schema` if that is given, and without its history.
pub fn rewrite(path: &Path, to: Option<&Path>, schema: Option<&Schema>, what: &str) -> Result<(), Fault> {
    let mut uuids = uuids()?;
    let comment = format!("{what} by ovsdb-tool {}", vswitchd::daemon::VERSION);
    let changed = |database: Database, uuids: &mut UuidSource| match schema {
        Some(schema) => convert(&database, &Arc::new(schema.clone()), uuids),
        None => Ok(database),
    };
    let (mut file, database) = if let Some(to) = to {
        let database = changed(read_file(path, &mut uuids)?.database, &mut uuids)?;
        let file = new_file(to, database.schema())?;
        (file, database)
    } else {
        let opened = open(path, &mut uuids)?;
        let database = changed(opened.database, &mut uuids)?;
        (opened.file, database)
    };
    let snapshot = Snapshot::new(&database, stamp(comment));
    if let Some(rewrite) = file.begin_rewrite(snapshot) {
        let switch = file.switch_rewrite(rewrite.run())?;
        file.finish_rewrite(switch.run()).1?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_what_is_wrong() {
        let schema: Schema = r#"{"name":"d","tables":{}}"#.parse().unwrap();
        let database = Database::new(Arc::new(schema));
        assert!(operations(&database, &Json::Null).is_err());
        assert!(operations(&database, &parse(r#"["e"]"#).unwrap()).is_err());
        assert_eq!(operations(&database, &parse(r#"["d",1]"#).unwrap()).unwrap().len(), 1);
    }
}
