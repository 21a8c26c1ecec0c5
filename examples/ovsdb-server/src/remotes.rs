//! Remotes that stand in a database: `db:DB,TABLE,COLUMN`.

use std::collections::BTreeSet;

use ovs_db::database::{Database, Row};
use ovs_db::schema::{AtomType, ColumnId, TableId};
use ovs_db::server::Server;

use crate::fault::Fault;

/// A column whose values are remotes, or refer to rows with a column `target` that are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DbRemote {
    database: String,
    table: String,
    column: String,
}

impl DbRemote {
    /// Reads `db:DB,TABLE,COLUMN`; `None` if `remote` is of another kind.
    pub fn parse(remote: &str) -> Result<Option<DbRemote>, Fault> {
        let Some(rest) = remote.strip_prefix("db:") else { return Ok(None) };
        let parts: Vec<&str> = rest.split(',').collect();
        let [database, table, column] = parts.as_slice() else {
            return Err(Fault::DbRemote {
                remote: remote.to_owned(),
                what: "remote must be of the form db:DB,TABLE,COLUMN",
            });
        };
        let owned = |part: &&str| (*part).to_owned();
        let (database, table, column) = (owned(database), owned(table), owned(column));
        Ok(Some(DbRemote { database, table, column }))
    }

    /// Fails if the server has no such column.
    pub fn check(&self, server: &Server, remote: &str) -> Result<(), Fault> {
        match self.find(server) {
            Ok(_) => Ok(()),
            Err(what) => Err(Fault::DbRemote { remote: remote.to_owned(), what }),
        }
    }

    /// The remotes that stand there now.
    pub fn targets(&self, server: &Server) -> BTreeSet<String> {
        let Ok((db, table, column)) = self.find(server) else { return BTreeSet::new() };
        let mut targets = BTreeSet::new();
        let reference = db.schema().references(table).iter().find(|r| r.column == column);
        for (_, row) in db.rows(table) {
            for atom in row.get(column).keys() {
                if let Some(target) = atom.as_str() {
                    targets.insert(target.to_owned());
                }
                let found = reference
                    .zip(atom.as_uuid())
                    .and_then(|(r, uuid)| target_of(db, r.target, db.row(r.target, &uuid)?));
                targets.extend(found);
            }
        }
        targets
    }

    fn find<'a>(&self, server: &'a Server) -> Result<(&'a Database, TableId, ColumnId), &'static str> {
        let db = server.find(&self.database).and_then(|id| server.database(id)).ok_or("no such database")?;
        let table = db.schema().table_id(&self.table).ok_or("no such table")?;
        let schema = db.schema().table(table);
        let column = schema.column(&self.column).ok_or("no such column")?;
        let kind = &schema.columns[column.0].kind.key;
        match kind.kind {
            AtomType::String => Ok((db, table, column)),
            AtomType::Uuid if kind.reference().is_some() => Ok((db, table, column)),
            _ => Err("the column holds neither strings nor references"),
        }
    }
}

fn target_of(db: &Database, table: TableId, row: &Row) -> Option<String> {
    let column = db.schema().table(table).column("target")?;
    row.get(column).as_str().map(ToOwned::to_owned)
}
