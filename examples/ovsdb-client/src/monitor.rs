//! `monitor` and its kin.

use std::time::SystemTime;

use ovs_db::json::Json;
use ovs_db::output::{Cell, Table, format_date};
use ovs_db::schema::{ColumnType, Schema, TableSchema};
use ovs_db::value::Uuid;

use crate::commands::{Printer, print};
use crate::fault::Fault;
use crate::rows::{column_type, read};
use crate::server::Server;

/// Which of the methods is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `monitor` (RFC 7047).
    Plain,
    /// `monitor_cond`.
    Cond,
    /// `monitor_cond_since`, from a transaction on.
    Since(Uuid),
}

/// One table that is monitored.
struct Monitored {
    table: String,
    /// The columns, in the order in which they are printed.
    columns: Vec<(String, ColumnType)>,
    requests: Vec<Json>,
}

/// Monitors until the connection breaks. `ready` is called when the first contents are there.
pub fn run(
    server: &mut Server,
    schema: &Schema,
    args: &[String],
    (method, condition): (Method, Option<Json>),
    printer: &mut Printer,
    mut ready: impl FnMut() -> Result<(), Fault>,
) -> Result<(), Fault> {
    let tables = tables(server, schema, args, condition.as_ref())?;
    let requests = tables.iter().map(|table| (table.table.as_str(), Json::Array(table.requests.clone())));
    let mut params = vec![Json::from(schema.name()), Json::Null, Json::object(requests)];
    let name = match method {
        Method::Plain => "monitor",
        Method::Cond => "monitor_cond",
        Method::Since(last) => {
            params.push(Json::from(last.to_string()));
            "monitor_cond_since"
        }
    };
    let answer = server.call(name, params, name)?;
    let content = match (method, answer.as_array()) {
        (Method::Since(_), Some([Json::Bool(found), last, content])) => {
            let last = last.as_str().unwrap_or_default();
            print(&format!("found: {found}, last_id: {last}\n"))?;
            content
        }
        (Method::Since(_), _) => return Err(Fault::Answer("monitor_cond_since")),
        _ => &answer,
    };
    show(&tables, content, true, printer)?;
    ready()?;
    loop {
        let (method, params) = server.notice()?;
        match (method.as_str(), params.as_slice()) {
            ("update" | "update2", [_, content]) => show(&tables, content, false, printer)?,
            ("update3", [_, last, content]) => {
                print(&format!("\nlast_id: {}", last.as_str().unwrap_or_default()))?;
                show(&tables, content, false, printer)?;
            }
            ("monitor_canceled", _) => return Err(Fault::Answer("monitor")),
            _ => {}
        }
    }
}

fn tables(
    server: &Server,
    schema: &Schema,
    args: &[String],
    condition: Option<&Json>,
) -> Result<Vec<Monitored>, Fault> {
    let (name, lists) = args.split_first().ok_or_else(|| Fault::Syntax("monitor".to_owned()))?;
    if name == "ALL" && schema.table_id(name).is_none() {
        let all = schema.tables().map(|(_, table)| monitored(server, schema, table, lists, condition));
        return all.collect();
    }
    let no_table = || Fault::MonitorTable { database: schema.name().to_owned(), table: name.clone() };
    let table = schema.table(schema.table_id(name).ok_or_else(no_table)?);
    Ok(vec![monitored(server, schema, table, lists, condition)?])
}

fn monitored(
    server: &Server,
    schema: &Schema,
    table: &TableSchema,
    lists: &[String],
    condition: Option<&Json>,
) -> Result<Monitored, Fault> {
    let mut all = Monitored { table: table.name.clone(), columns: Vec::new(), requests: Vec::new() };
    let everything = [String::new()];
    for list in if lists.is_empty() { &everything[..] } else { lists } {
        let (mut names, mut select) = (Vec::new(), Vec::new());
        for word in list.split([',', ' ']).filter(|word| !word.is_empty()) {
            match word.strip_prefix('!') {
                Some(kind @ ("initial" | "insert" | "delete" | "modify")) => {
                    select.push((kind, Json::Bool(false)));
                }
                _ => names.push(word.to_owned()),
            }
        }
        if names.is_empty() {
            names = table.columns.iter().map(|column| column.name.clone()).collect();
            names.push("_version".to_owned());
            names.sort();
        }
        for name in &names {
            let kind = column_type(table, name).ok_or_else(|| Fault::MonitorColumn {
                remote: server.remote.clone(),
                database: schema.name().to_owned(),
                table: table.name.clone(),
                column: name.clone(),
            })?;
            if all.columns.iter().any(|(known, _)| known == name) {
                return Err(Fault::ColumnTwice { remote: server.remote.clone(), column: name.clone() });
            }
            all.columns.push((name.clone(), kind));
        }
        let columns = Json::array(names.iter().map(|name| Json::from(name.as_str())));
        let mut request = vec![("columns", columns)];
        request.extend((!select.is_empty()).then(|| ("select", Json::object(select))));
        request.extend(condition.map(|condition| ("where", condition.clone())));
        all.requests.push(Json::object(request));
    }
    Ok(all)
}

/// Prints a table-updates object, of either form.
fn show(tables: &[Monitored], updates: &Json, initial: bool, printer: &mut Printer) -> Result<(), Fault> {
    for monitored in tables {
        let Some(rows) = updates.get(&monitored.table).and_then(Json::as_object) else { continue };
        let headings =
            ["row", "action"].into_iter().chain(monitored.columns.iter().map(|(name, _)| name.as_str()));
        let mut table = Table::new(headings);
        if tables.len() > 1 {
            table = table.caption(monitored.table.as_str());
        }
        if printer.timestamp {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            table = table.date(format_date(i64::try_from(now.as_millis()).unwrap_or(i64::MAX)));
        }
        for (uuid, update) in rows {
            add_rows(&mut table, uuid, update, initial, &monitored.columns)?;
        }
        if !table.is_empty() {
            printer.table(&table)?;
        }
    }
    Ok(())
}

fn add_rows(
    table: &mut Table,
    uuid: &str,
    update: &Json,
    initial: bool,
    columns: &[(String, ColumnType)],
) -> Result<(), Fault> {
    let mut add = |uuid: &str, action: &str, row: &Json| {
        let value = |(name, kind): &(String, ColumnType)| match row.get(name) {
            Some(json) => Ok(Cell::Datum(read(json, kind)?, kind.clone())),
            None => Ok(Cell::Empty),
        };
        let values = columns.iter().map(value).collect::<Result<Vec<Cell>, Fault>>()?;
        table.row([Cell::text(uuid), Cell::text(action)].into_iter().chain(values));
        Ok::<(), Fault>(())
    };
    match (update.get("old"), update.get("new")) {
        (Some(old), Some(new)) => {
            add(uuid, "old", old)?;
            return add("", "new", new);
        }
        (Some(old), None) => return add(uuid, "delete", old),
        (None, Some(new)) => return add(uuid, if initial { "initial" } else { "insert" }, new),
        (None, None) => {}
    }
    let actions = ["initial", "insert", "modify", "delete"];
    match actions.into_iter().find_map(|action| Some((action, update.get(action)?))) {
        Some((action, row)) => add(uuid, action, row),
        None => Err(Fault::Answer("monitor")),
    }
}
