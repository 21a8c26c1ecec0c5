//! `show-log`: a journal's records for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ovs_db::json::Json;
use ovs_db::output::format_date;
use ovs_db::schema::{ColumnType, Schema};
use ovs_db::storage::{Damage, Journal};
use ovs_db::value::{Datum, NoNames, Uuid};

use crate::fault::Fault;

/// The text of a journal: of each record date and comment; with `more` also the rows that it changes, and with more
/// than 1 how. Damage ends the text with a line that names it.
pub fn show(path: &Path, bytes: &[u8], more: u8) -> Result<String, Fault> {
    let mut journal = Journal::new(bytes);
    let mut out = String::new();
    let schema = match journal.next_record() {
        Some(Ok(json)) => json,
        None | Some(Err(Damage::Header)) => return Err(Fault::Unidentified(path.display().to_string())),
        Some(Err(damage)) => {
            let _ = writeln!(out, "record 0: {damage}");
            return Ok(out);
        }
    };
    let title = |member: &str| schema.get(member).and_then(Json::as_str).unwrap_or_default();
    let _ = writeln!(
        out,
        "record 0: \"{}\" schema, version=\"{}\", cksum=\"{}\"\n",
        title("name"),
        title("version"),
        title("cksum")
    );
    let mut shown = Shown { schema: Schema::from_json(&schema).ok(), names: BTreeMap::new(), more };
    for number in 1.. {
        match journal.next_record() {
            None => break,
            Some(Ok(record)) => shown.record(number, &record, &mut out),
            Some(Err(damage)) => {
                let _ = writeln!(out, "record {number}: at byte {}: {damage}", journal.offset());
                break;
            }
        }
    }
    Ok(out)
}

/// What is known while records are shown.
struct Shown {
    /// `None` if it cannot be read: then values are shown as JSON.
    schema: Option<Schema>,
    /// The names of the rows so far.
    names: BTreeMap<Uuid, String>,
    more: u8,
}

impl Shown {
    fn record(&mut self, number: u64, record: &Json, out: &mut String) {
        let _ = write!(out, "record {number}:");
        if let Some(date) = record.get("_date").and_then(Json::as_integer) {
            // Files from before 2.9 have seconds.
            let date = if date < 1_000_000_000_000 { date.saturating_mul(1000) } else { date };
            let _ = write!(out, " {}", format_date(date));
        }
        if let Some(comment) = record.get("_comment").and_then(Json::as_str) {
            let _ = write!(out, " \"{comment}\"");
        }
        out.push('\n');
        if self.more > 0 {
            let is_diff = record.get("_is_diff") == Some(&Json::Bool(true));
            for (table, rows) in record.as_object().into_iter().flatten() {
                for (uuid, row) in rows.as_object().into_iter().flatten() {
                    self.row(table, uuid, row, is_diff, out);
                }
            }
            out.push('\n');
        }
    }

    fn row(&mut self, table: &str, text: &str, row: &Json, is_diff: bool, out: &mut String) {
        let short = text.get(..8).unwrap_or(text);
        let _ = write!(out, "  table {table}");
        let Ok(uuid) = text.parse::<Uuid>() else {
            let _ = writeln!(out, " row {short}: not a UUID");
            return;
        };
        let is_new = !row.is_null() && !self.names.contains_key(&uuid);
        if is_new {
            out.push_str(" insert");
        }
        if let Some(name) = row.get("name").and_then(Json::as_str) {
            self.names.insert(uuid, format!("\"{name}\""));
        } else if is_new {
            self.names.insert(uuid, short.to_owned());
        }
        let name = self.names.get(&uuid).map_or(short, String::as_str);
        let _ = write!(out, " row {name}");
        if !is_new || name != short {
            let _ = write!(out, " ({short})");
        }
        out.push_str(if is_diff && !is_new { " diff:" } else { ":" });
        out.push('\n');
        if row.is_null() {
            self.names.remove(&uuid);
            out.push_str("    delete row\n");
        } else if self.more > 1 {
            for (column, value) in row.as_object().into_iter().flatten() {
                let _ = writeln!(out, "    {column}={}", self.value(table, column, value));
            }
        }
    }

    fn value(&self, table: &str, column: &str, value: &Json) -> String {
        let kind = self.schema.as_ref().and_then(|schema| {
            let table = schema.table(schema.table_id(table)?);
            Some(&table.columns.get(table.column(column)?.0)?.kind)
        });
        let read = kind.and_then(|kind| {
            // A difference may have more elements than a value, and fewer.
            let loose = ColumnType { min: 0, max: usize::MAX, ..kind.clone() };
            Some(Datum::from_json(value, &loose, &mut NoNames).ok()?.to_text(kind))
        });
        read.unwrap_or_else(|| value.to_string())
    }
}
