//! Role-based access control (`ovsdb-server(7)`, sections 3.2 and 4.1.3).
//!
//! A database may have a table `RBAC_Role` whose rows give, for each role, a row of permissions for each table that
//! clients of that role may change: whether they may insert and delete rows, which columns they may update, and which
//! columns must name the client for a row to be its own.

use crate::database::{Database, Row};
use crate::error::{DbError, ErrorTag};
use crate::schema::TableSchema;
use crate::server::SessionOptions;
use crate::value::{Atom, Datum};

use super::condition::ColumnRef;

/// What a session may change.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    db: &'a Database,
    role: &'a str,
    client: Option<&'a str>,
}

impl<'a> Access<'a> {
    /// What a session of `db` is bound to; `None` if to nothing: it has no role, or the database no roles.
    pub fn find(db: &'a Database, options: &'a SessionOptions) -> Option<Access<'a>> {
        let bound = !options.role.is_empty() && db.schema().table_id("RBAC_Role").is_some();
        bound.then_some(Access { db, role: &options.role, client: options.client.as_deref() })
    }

    /// Whether rows may be inserted into `table`.
    pub(super) fn insert(self, table: &TableSchema) -> Result<(), DbError> {
        let allowed = self.permission(table).is_some_and(Permission::insert_delete);
        self.unless(allowed, "insertion of rows into", table)
    }

    /// Whether `row` of `table` may be deleted.
    pub(super) fn delete(self, table: &TableSchema, row: &Row) -> Result<(), DbError> {
        let allowed =
            self.permission(table).is_some_and(|p| p.insert_delete() && p.owns(self.client, table, row));
        self.unless(allowed, "deletion of the row from", table)
    }

    /// Whether `columns` of `row` of `table` may be changed; of a map perhaps only some keys, which are `touched`.
    pub(super) fn update<'c>(
        self,
        table: &TableSchema,
        row: &Row,
        columns: impl IntoIterator<Item = (&'c str, Option<&'c Datum>)>,
    ) -> Result<(), DbError> {
        let allowed = self.permission(table).is_some_and(|permission| {
            permission.owns(self.client, table, row)
                && columns.into_iter().all(|(column, touched)| permission.may_update(column, touched))
        });
        self.unless(allowed, "modification of", table)
    }

    fn unless(self, allowed: bool, what: &str, table: &TableSchema) -> Result<(), DbError> {
        if allowed {
            return Ok(());
        }
        let details = format!(
            "RBAC rules for client \"{}\" role \"{}\" prohibit {what} table \"{}\".",
            self.client.unwrap_or("<unknown>"),
            self.role,
            table.name
        );
        Err(DbError::new(ErrorTag::PermissionError, details))
    }

    /// The permissions for `table`.
    fn permission(self, table: &TableSchema) -> Option<Permission<'a>> {
        let schema = self.db.schema();
        let roles = schema.table_id("RBAC_Role")?;
        let (name, permissions) =
            (schema.table(roles).column("name")?, schema.table(roles).column("permissions")?);
        let (_, role) = self.db.rows(roles).find(|(_, row)| row.get(name).as_str() == Some(self.role))?;
        let uuid = role.get(permissions).get(&Atom::from(table.name.as_str()))?.as_uuid()?;
        let reference = schema.references(roles).iter().find(|r| r.column == permissions && r.in_value)?;
        let row = self.db.row(reference.target, &uuid)?;
        Some(Permission { schema: schema.table(reference.target), row })
    }
}

/// A row of the table of permissions.
#[derive(Clone, Copy)]
struct Permission<'a> {
    schema: &'a TableSchema,
    row: &'a Row,
}

impl Permission<'_> {
    fn datum(&self, column: &str) -> Option<&Datum> {
        self.schema.column(column).map(|id| &**self.row.get(id))
    }

    fn insert_delete(self) -> bool {
        self.datum("insert_delete").and_then(Datum::as_bool).unwrap_or(false)
    }

    /// Whether a row is the client's: one of the columns of `authorization` names it, or nobody needs to be named.
    fn owns(self, client: Option<&str>, table: &TableSchema, row: &Row) -> bool {
        let Some(authorization) = self.datum("authorization") else { return false };
        authorization.keys().filter_map(Atom::as_str).any(|wanted| {
            if wanted.is_empty() {
                return true;
            }
            let Some(client) = client else { return false };
            let (column, key) = split(wanted);
            let Some(ColumnRef::Column(id)) = ColumnRef::find(table, column) else { return false };
            let datum = row.get(id);
            match key {
                Some(key) => datum.get(&Atom::from(key)).and_then(Atom::as_str) == Some(client),
                None => datum.as_str() == Some(client),
            }
        })
    }

    /// Whether `update` names the column, or every key of it that is `touched`.
    fn may_update(self, column: &str, touched: Option<&Datum>) -> bool {
        let Some(update) = self.datum("update") else { return false };
        if update.contains(&Atom::from(column)) {
            return true;
        }
        touched.is_some_and(|touched| {
            touched.keys().all(|key| {
                key.as_str().is_some_and(|key| update.contains(&Atom::from(format!("{column}:{key}"))))
            })
        })
    }
}

/// Splits `COLUMN:KEY`.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((column, key)) => (column, Some(key)),
        None => (text, None),
    }
}
