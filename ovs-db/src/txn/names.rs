//! The names that a transaction gives to rows it inserts.

use std::collections::BTreeMap;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::is_id;
use crate::value::{Uuid, UuidNames, UuidSource};

/// What each `uuid-name` stands for. A name may be used before the operation that inserts its row.
#[derive(Debug, Default)]
pub(super) struct Names {
    rows: BTreeMap<String, Named>,
}

#[derive(Debug)]
struct Named {
    uuid: Uuid,
    inserted: bool,
}

impl Names {
    /// The UUID for a row that is inserted under `name`: `chosen`, if the operation demands one; else the one that
    /// was used, if the name was used before its row.
    pub(super) fn insert(
        &mut self,
        name: &str,
        chosen: Option<Uuid>,
        uuids: &mut UuidSource,
        json: &Json,
    ) -> Result<Uuid, DbError> {
        if !is_id(name) {
            return Err(DbError::syntax(json, "uuid-name is not an identifier"));
        }
        let duplicate = |what: String| Err(DbError::new(ErrorTag::DuplicateUuidName, what).about(json));
        match self.rows.get_mut(name) {
            Some(named) if named.inserted => {
                duplicate(format!("uuid-name \"{name}\" names two rows of this transaction"))
            }
            Some(named) => {
                named.inserted = true;
                // What used the name before keeps the UUID that it got then.
                named.uuid = chosen.unwrap_or(named.uuid);
                Ok(named.uuid)
            }
            None => {
                let uuid = chosen.unwrap_or_else(|| uuids.generate());
                self.rows.insert(name.to_owned(), Named { uuid, inserted: true });
                Ok(uuid)
            }
        }
    }

    /// Lets values be read with these names.
    pub(super) fn with<'a>(&'a mut self, uuids: &'a mut UuidSource) -> Resolver<'a> {
        Resolver { names: self, uuids }
    }
}

/// [`Names`] together with where new UUIDs come from.
pub(super) struct Resolver<'a> {
    names: &'a mut Names,
    uuids: &'a mut UuidSource,
}

impl UuidNames for Resolver<'_> {
    fn resolve(&mut self, name: &str) -> Option<Uuid> {
        if !is_id(name) {
            return None;
        }
        if let Some(named) = self.names.rows.get(name) {
            return Some(named.uuid);
        }
        let uuid = self.uuids.generate();
        self.names.rows.insert(name.to_owned(), Named { uuid, inserted: false });
        Some(uuid)
    }
}
