//! The contents of databases in a form that does not depend on which UUIDs rows have: each row is named by what is in
//! it, and in the rows that it refers to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ovs_db::json::Json;
use ovs_db::value::Uuid;

/// How far rows are told apart by those that they refer to.
const ROUNDS: usize = 6;

/// Columns that hold a date, or a counter of processing.
const DATES: &[&str] = &["nb_cfg_timestamp", "sb_cfg_timestamp", "hv_cfg_timestamp", "timestamp"];

struct Row {
    table: String,
    uuid: String,
    cells: Vec<(String, Json)>,
}

/// The rows of dumps in JSON as `ovsdb-client dump` prints them, each as a line, sorted.
pub fn contents(dumps: &[String]) -> Vec<String> {
    let mut rows: Vec<Row> = dumps.iter().flat_map(|dump| rows(dump)).collect();
    rows.iter_mut().for_each(forget_shared_hint);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for _ in 0..ROUNDS {
        lines = rows.iter().map(|row| text(row, &names)).collect();
        names = rows.iter().zip(&lines).map(|(row, line)| (row.uuid.clone(), digest(line))).collect();
    }
    lines.sort();
    lines
}

/// A flow of several datapaths has the hint of the one that was compiled first, which their UUIDs decide.
fn forget_shared_hint(row: &mut Row) {
    let shared = |(column, value): &(String, Json)| {
        column == "logical_dp_group" && value.as_array().unwrap()[0].as_str() == Some("uuid")
    };
    if !row.cells.iter().any(shared) {
        return;
    }
    for (column, value) in &mut row.cells {
        if column == "external_ids"
            && let Json::Array(parts) = value
            && let Some(Json::Array(pairs)) = parts.get_mut(1)
        {
            pairs.retain(|pair| pair.as_array().unwrap()[0].as_str() != Some("stage-hint"));
        }
    }
}

fn digest(line: &str) -> String {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    format!("<{:016x}>", hasher.finish())
}

/// Each table is an object on lines of its own.
fn rows(dump: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in dump.lines().filter(|line| !line.is_empty()) {
        let table = Json::parse(line.as_bytes()).unwrap();
        let caption = table.get("caption").and_then(Json::as_str).unwrap();
        let name = caption.split(' ').next().unwrap();
        let headings = table.get("headings").and_then(Json::as_array).unwrap();
        for row in table.get("data").and_then(Json::as_array).unwrap() {
            let cells = headings.iter().filter_map(Json::as_str).zip(row.as_array().unwrap());
            let mut row = Row { table: name.to_owned(), uuid: String::new(), cells: Vec::new() };
            for (column, value) in cells {
                match column {
                    "_uuid" => value.as_array().unwrap()[1].as_str().unwrap().clone_into(&mut row.uuid),
                    column if DATES.contains(&column) => {}
                    column => row.cells.push((column.to_owned(), value.clone())),
                }
            }
            rows.push(row);
        }
    }
    rows
}

fn text(row: &Row, names: &BTreeMap<String, String>) -> String {
    let cells = row.cells.iter().map(|(column, value)| format!("{column}={}", value_text(value, names)));
    format!("{} {}", row.table, cells.collect::<Vec<_>>().join(" "))
}

fn value_text(value: &Json, names: &BTreeMap<String, String>) -> String {
    match value {
        Json::String(text) => string_text(text, names),
        Json::Array(parts) => match (parts[0].as_str(), parts.get(1)) {
            (Some("uuid"), Some(uuid)) => string_text(uuid.as_str().unwrap(), names),
            (Some("set"), Some(members)) => {
                sorted(members.as_array().unwrap().iter().map(|m| value_text(m, names)))
            }
            (Some("map"), Some(pairs)) => sorted(pairs.as_array().unwrap().iter().map(|pair| {
                let pair = pair.as_array().unwrap();
                let value = match pair[0].as_str() {
                    // The beginning of the UUID of the northbound row for which a flow is.
                    Some("stage-hint") => hint_text(pair[1].as_str().unwrap(), names),
                    _ => value_text(&pair[1], names),
                };
                format!("{}:{value}", value_text(&pair[0], names))
            })),
            _ => value.to_string(),
        },
        value => value.to_string(),
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    format!("[{}]", texts.join(","))
}

fn hint_text(hint: &str, names: &BTreeMap<String, String>) -> String {
    let row = names.iter().find(|(uuid, _)| uuid.starts_with(hint));
    row.map_or_else(|| "<>".to_owned(), |(_, name)| name.clone())
}

/// A text with the UUIDs in it replaced.
fn string_text(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(uuid) = rest.get(..36).filter(|word| word.parse::<Uuid>().is_ok()) {
            out.push_str(names.get(uuid).map_or("<>", String::as_str));
            rest = &rest[36..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}
