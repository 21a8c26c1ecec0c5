//! The end of a transaction: making its sum fit the schema.
//!
//! In this order: dangling strong references and deleted rows that are still referred to are errors;
//! rows that live only by being referred to, and are not any more, go, and what only they referred to;
//! row limits are checked; weak references to rows that are gone go too; indexes are checked. What then
//! differs from the committed rows is the change set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::database::{
    Change, ChangeSet, Row, for_each_reference, index_key, same_key, same_key_twice, too_many_rows,
};
use crate::error::{DbError, ErrorTag};
use crate::schema::{RefKind, TableId};
use crate::value::{Uuid, UuidSource};

use super::view::View;

type RowId = (TableId, Uuid);

/// Validates what `view` changed. Rows get new versions from `versions`, if there are any.
pub(super) fn settle(mut view: View<'_>, versions: Option<&mut UuidSource>) -> Result<ChangeSet, DbError> {
    let mut counts = Counts::default();
    let mut changed = changes(&view);
    for change in &changed {
        counts.change(&view, change);
    }
    check_strong(&view, &counts, &changed)?;
    if collect_garbage(&mut view, &mut counts, &changed) {
        changed = changes(&view);
    }
    check_row_limits(&view, &changed)?;
    let set = if drop_weak(&mut view, &changed)? {
        let touched: BTreeSet<RowId> = changed.iter().map(|c| (c.table, c.uuid)).collect();
        check_indexes(&view, &changes(&view))?;
        // A row whose only change was a weak reference to nothing is what it was, but has a new version all the same.
        let is_changed =
            |c: &Change| touched.contains(&(c.table, c.uuid)) || differs(c.old.as_deref(), c.new.as_deref());
        every_touched(&view).filter(is_changed).collect()
    } else {
        check_indexes(&view, &changed)?;
        changed
    };
    // Without the view each new row has one owner, and can be changed where it is.
    drop(view);
    Ok(ChangeSet::new(with_versions(set, versions)))
}

fn with_versions(mut set: Vec<Change>, versions: Option<&mut UuidSource>) -> Vec<Change> {
    if let Some(versions) = versions {
        for new in set.iter_mut().filter_map(|change| change.new.as_mut()) {
            Arc::make_mut(new).version = versions.generate();
        }
    }
    set
}

/// The rows that were written or deleted, whether they differ from their committed state or not.
fn every_touched(view: &View<'_>) -> impl Iterator<Item = Change> {
    view.changed().map(|(table, uuid, new)| {
        let old = view.db().row(table, &uuid).cloned();
        Change { table, uuid, old, new: new.cloned() }
    })
}

/// The rows that differ from their committed state.
fn changes(view: &View<'_>) -> Vec<Change> {
    every_touched(view).filter(|change| differs(change.old.as_deref(), change.new.as_deref())).collect()
}

fn differs(old: Option<&Row>, new: Option<&Row>) -> bool {
    match (old, new) {
        (None, None) => false,
        (Some(old), Some(new)) => !old.same_values(new),
        _ => true,
    }
}

/// By how much the transaction changes the numbers of strong references to rows.
#[derive(Default)]
struct Counts {
    delta: BTreeMap<RowId, isize>,
}

impl Counts {
    fn change(&mut self, view: &View<'_>, change: &Change) {
        if let Some(old) = &change.old {
            self.row(view, change, old, -1);
        }
        if let Some(new) = &change.new {
            self.row(view, change, new, 1);
        }
    }

    fn row(&mut self, view: &View<'_>, change: &Change, row: &Row, by: isize) {
        for_each_reference(view.schema(), change.table, change.uuid, row, |target, kind, uuid| {
            if kind == RefKind::Strong {
                *self.delta.entry((target, uuid)).or_default() += by;
            }
        });
    }

    /// The number of strong references to a row.
    fn total(&self, view: &View<'_>, row: RowId) -> isize {
        let committed = view.db().table(row.0).strong.get(&row.1).copied().unwrap_or(0);
        committed as isize + self.delta.get(&row).copied().unwrap_or(0)
    }
}

/// Every strong reference must lead to a row, from new references and to deleted rows.
fn check_strong(view: &View<'_>, counts: &Counts, changed: &[Change]) -> Result<(), DbError> {
    let violation = |what: String| Err(DbError::new(ErrorTag::ReferentialIntegrityViolation, what));
    for (&(table, uuid), &by) in &counts.delta {
        if by > 0 && view.row(table, uuid).is_none() && view.db().row(table, &uuid).is_none() {
            let name = &view.table(table).name;
            return violation(format!("reference to row {uuid} of table {name}, which does not exist"));
        }
    }
    for change in changed.iter().filter(|c| c.new.is_none()) {
        let left = counts.total(view, (change.table, change.uuid));
        if left > 0 {
            let name = &view.table(change.table).name;
            let what =
                format!("cannot delete {name} row {} because of {left} remaining reference(s)", change.uuid);
            return violation(what);
        }
    }
    Ok(())
}

/// Deletes rows outside the root set to which no strong reference leads, and so on; true if there was one.
fn collect_garbage(view: &mut View<'_>, counts: &mut Counts, changed: &[Change]) -> bool {
    let mut any = false;
    let mut candidates: BTreeSet<RowId> = changed.iter().map(|c| (c.table, c.uuid)).collect();
    candidates.extend(counts.delta.iter().filter(|(_, by)| **by < 0).map(|(row, _)| *row));
    while let Some(row) = candidates.pop_first() {
        let (table, uuid) = row;
        if view.table(table).is_root || counts.total(view, row) > 0 {
            continue;
        }
        let Some(doomed) = view.row(table, uuid).cloned() else { continue };
        view.delete(table, uuid);
        any = true;
        for_each_reference(view.schema(), table, uuid, &doomed, |target, kind, uuid| {
            if kind == RefKind::Strong {
                *counts.delta.entry((target, uuid)).or_default() -= 1;
                candidates.insert((target, uuid));
            }
        });
    }
    any
}

fn check_row_limits(view: &View<'_>, changed: &[Change]) -> Result<(), DbError> {
    let mut growth: BTreeMap<TableId, isize> = BTreeMap::new();
    for change in changed {
        *growth.entry(change.table).or_default() +=
            isize::from(change.new.is_some()) - isize::from(change.old.is_some());
    }
    for (id, by) in growth {
        let table = view.table(id);
        let rows = view.db().row_count(id) as isize + by;
        if by > 0 && rows > isize::try_from(table.max_rows).unwrap_or(isize::MAX) {
            return Err(too_many_rows(table, rows as usize));
        }
    }
    Ok(())
}

/// Removes weak references to rows that are not there (any more); true if there was one.
fn drop_weak(view: &mut View<'_>, changed: &[Change]) -> Result<bool, DbError> {
    let mut referrers: BTreeSet<RowId> = BTreeSet::new();
    for change in changed {
        if change.new.is_some() {
            referrers.insert((change.table, change.uuid));
        } else if let Some(weak) = view.db().table(change.table).weak.get(&change.uuid) {
            referrers.extend(weak.keys());
        }
    }
    let mut any = false;
    for (table, uuid) in referrers {
        any |= drop_weak_of(view, table, uuid)?;
    }
    Ok(any)
}

fn drop_weak_of(view: &mut View<'_>, id: TableId, uuid: Uuid) -> Result<bool, DbError> {
    let Some(row) = view.row(id, uuid) else { return Ok(false) };
    let mut changed: Option<Row> = None;
    for reference in view.schema().references(id).iter().filter(|r| r.kind == RefKind::Weak) {
        let old = changed.as_ref().unwrap_or(row).get(reference.column);
        let kept = old.filtered(|key, value| {
            let atom = if reference.in_value { value.unwrap_or(key) } else { key };
            atom.as_uuid().is_none_or(|target| view.row(reference.target, target).is_some())
        });
        if kept.len() == old.len() {
            continue;
        }
        let table = view.table(id);
        let column = &table.columns[reference.column.0];
        if kept.len() < column.kind.min {
            let what = format!(
                "column {} of {} row {uuid} would be empty: what it refers to weakly does not exist",
                column.name, table.name
            );
            return Err(DbError::new(ErrorTag::ConstraintViolation, what));
        }
        changed.get_or_insert_with(|| (**row).clone()).set(reference.column, kept);
    }
    let dropped = changed.is_some();
    if let Some(new) = changed {
        view.put(id, uuid, new);
    }
    Ok(dropped)
}

/// No two rows of a table may have the same values in all columns of an index.
fn check_indexes(view: &View<'_>, changed: &[Change]) -> Result<(), DbError> {
    let mut seen = BTreeMap::new();
    for change in changed {
        let Some(new) = &change.new else { continue };
        for (index, columns) in view.db().table(change.table).indexes() {
            // A row that keeps its key had it alone, and whoever takes the key meets it here.
            if change.old.as_ref().is_some_and(|old| same_key(columns, old, new)) {
                continue;
            }
            let key = index_key(columns, new);
            let committed = view.db().table(change.table).find(index, &key).copied();
            // The committed holder of the key may have given it up.
            let holder = committed.filter(|uuid| {
                *uuid != change.uuid
                    && view.row(change.table, *uuid).is_some_and(|row| index_key(columns, row) == key)
            });
            let other = seen.insert((change.table, index, key), change.uuid).or(holder);
            if let Some(other) = other {
                return Err(same_key_twice(view.table(change.table), columns, new, [other, change.uuid]));
            }
        }
    }
    Ok(())
}
