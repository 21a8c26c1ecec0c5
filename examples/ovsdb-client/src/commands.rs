//! The commands.

use std::io::Write as _;

use ovs_db::client::{BlockingClient, SessionConfig};
use ovs_db::json::Json;
use ovs_db::output::{Cell, Style, Table};
use ovs_db::schema::Schema;
use ovs_db::value::Uuid;
use ovs_stream::Tls;
use vswitchd::daemon::Program;
use vswitchd::vlog::Vlog;

use crate::cli::Cli;
use crate::fault::Fault;
use crate::monitor::{self, Method};
use crate::server::{Server, streams, take_remote};
use crate::{backup, rows};

/// Writes to standard output.
pub struct Printer {
    style: Style,
    /// Whether tables are to have a date.
    pub timestamp: bool,
    /// Whether a table was printed before.
    began: bool,
}

impl Printer {
    fn json(&self, json: &Json) -> Result<(), Fault> {
        let text = self.style.json(json);
        print(&(text + "\n"))
    }

    /// Prints a table, apart from the one before.
    pub fn table(&mut self, table: &Table) -> Result<(), Fault> {
        let separator = if self.began { self.style.format.separator() } else { "" };
        self.began = true;
        print(&(separator.to_owned() + &table.render(&self.style)))
    }
}

/// Prints text as it is.
pub fn print(text: &str) -> Result<(), Fault> {
    write_out(text.as_bytes())
}

fn write_out(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    let io = |source| Fault::Io { path: "standard output".to_owned(), what: "write", source };
    out.write_all(bytes).and_then(|()| out.flush()).map_err(io)
}

/// The commands, with how many arguments they have behind server and database.
const COMMANDS: &[(&str, usize, usize)] = &[
    ("list-dbs", 0, 0),
    ("get-schema", 0, 0),
    ("get-schema-version", 0, 0),
    ("get-schema-cksum", 0, 0),
    ("get-server-id", 0, 0),
    ("list-tables", 0, 0),
    ("list-columns", 0, 1),
    ("dump", 0, usize::MAX),
    ("transact", 1, 1),
    ("query", 1, 1),
    ("monitor", 1, usize::MAX),
    ("monitor-cond", 2, usize::MAX),
    ("monitor-cond-since", 2, usize::MAX),
    ("wait", 2, 2),
    ("backup", 0, 0),
    ("restore", 0, 0),
    ("convert", 1, 1),
    ("needs-conversion", 1, 1),
    ("lock", 1, 1),
    ("steal", 1, 1),
    ("unlock", 1, 1),
];

/// What is needed for most commands.
struct Call<'a> {
    program: &'a Program,
    cli: &'a Cli,
    vlog: &'a Vlog,
    name: &'static str,
    args: &'a [String],
    server: Server,
    printer: Printer,
}

/// Carries out what the command line says.
pub fn run(program: &Program, cli: &Cli, vlog: &Vlog) -> Result<(), Fault> {
    let printer = Printer { style: cli.style()?, timestamp: cli.timestamp, began: false };
    let (name, mut args) = cli.words.split_first().ok_or(Fault::NoCommand)?;
    let command = COMMANDS.iter().find(|(command, ..)| command == name);
    let &(name, least, most) = command.ok_or_else(|| Fault::UnknownCommand(name.clone()))?;
    let address = take_remote(program, &mut args)?;
    let fits = |args: &[String]| (least..=most).contains(&args.len());
    let with_database = matches!(
        name,
        "get-schema" | "get-schema-version" | "get-schema-cksum" | "list-tables" | "list-columns"
    ) || matches!(
        name,
        "dump" | "backup" | "restore" | "monitor" | "monitor-cond" | "monitor-cond-since"
    );
    if !with_database && !fits(args) {
        return Err(Fault::Syntax(name.to_owned()));
    }
    if name == "wait" {
        return wait(program, cli, address, args);
    }
    let mut server = Server::connect(program, cli, address)?;
    let mut database = String::new();
    if with_database {
        database = server.take_database(name, &mut args)?;
        if !fits(args) {
            return Err(Fault::Syntax(name.to_owned()));
        }
    }
    let mut call = Call { program, cli, vlog, name, args, server, printer };
    if with_database { call.on_database(&database) } else { call.on_server() }
}

impl Call<'_> {
    fn on_server(&mut self) -> Result<(), Fault> {
        match (self.name, self.args.first()) {
            ("list-dbs", _) => {
                let names = self.server.databases()?;
                names.iter().try_for_each(|name| print(&format!("{name}\n")))
            }
            ("get-server-id", _) => {
                let answer = self.server.call("get_server_id", Vec::new(), "get-server-id")?;
                let id = answer.as_str().ok_or(Fault::Answer("get_server_id"))?;
                print(&format!("{id}\n"))
            }
            ("transact" | "query", Some(text)) => self.transact(text),
            ("convert" | "needs-conversion", Some(path)) => self.convert(path),
            (_, Some(lock)) => self.lock(lock),
            (name, None) => Err(Fault::Syntax(name.to_owned())),
        }
    }

    fn on_database(&mut self, database: &str) -> Result<(), Fault> {
        match self.name {
            "get-schema" => {
                let json = self.server.schema_json(database)?;
                Schema::from_json(&json)?;
                self.printer.json(&json)
            }
            "backup" => {
                let bytes = backup::backup(&mut self.server, database)?;
                write_out(&bytes)
            }
            "restore" => backup::restore(&mut self.server, database, self.cli.force),
            _ => {
                let schema = self.server.schema(database)?;
                self.with_schema(&schema)
            }
        }
    }

    fn with_schema(&mut self, schema: &Schema) -> Result<(), Fault> {
        match self.name {
            "get-schema-version" => print(&format!("{}\n", schema.version().unwrap_or_default())),
            "get-schema-cksum" => print(&format!("{}\n", schema.cksum().unwrap_or_default())),
            "list-tables" => {
                let mut table = Table::new(["Table"]);
                schema.tables().for_each(|(_, t)| table.row([Cell::text(t.name.as_str())]));
                self.printer.table(&table)
            }
            "list-columns" => {
                let table = list_columns(schema, self.args.first());
                self.printer.table(&table)
            }
            "dump" => {
                let tables = rows::dump(&mut self.server, schema, self.args)?;
                tables.iter().try_for_each(|table| self.printer.table(table))
            }
            _ => self.monitor(schema),
        }
    }

    fn monitor(&mut self, schema: &Schema) -> Result<(), Fault> {
        let mut args = self.args;
        let mut method = match self.name {
            "monitor" => Method::Plain,
            "monitor-cond" => Method::Cond,
            _ => Method::Since(Uuid::ZERO),
        };
        if method == Method::Since(Uuid::ZERO)
            && let Some((first, rest)) = args.split_first()
            && let Ok(last) = first.parse()
        {
            (method, args) = (Method::Since(last), rest);
        }
        let mut condition = None;
        if method != Method::Plain {
            let (text, rest) = args.split_first().ok_or_else(|| Fault::Syntax(self.name.to_owned()))?;
            condition = Some(parse(text)?);
            args = rest;
        }
        if args.is_empty() {
            return Err(Fault::Syntax(self.name.to_owned()));
        }
        let mut daemon = self.cli.daemon.start(self.program, self.vlog)?;
        let ready = || daemon.ready().map_err(Fault::from);
        monitor::run(&mut self.server, schema, args, (method, condition), &mut self.printer, ready)
    }

    fn transact(&mut self, text: &str) -> Result<(), Fault> {
        let Json::Array(mut params) = parse(text)? else { return Err(Fault::NotQuery) };
        if !matches!(params.first(), Some(Json::String(_))) {
            return Err(Fault::NotQuery);
        }
        let query = self.name == "query";
        if query {
            params.push(Json::object([("op", Json::from("abort"))]));
        }
        let mut answer = self.server.call("transact", params, "transaction")?;
        if query {
            answer = without_abort(answer);
        }
        self.printer.json(&answer)
    }

    fn convert(&mut self, path: &str) -> Result<(), Fault> {
        let io = |source| Fault::Io { path: path.to_owned(), what: "open", source };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let json = parse(&text).map_err(|error| match error {
            Fault::Json { error, .. } => Fault::Json { text: path.to_owned(), error },
            other => other,
        })?;
        let schema = Schema::from_json(&json)?;
        if self.name == "needs-conversion" {
            let same = self.server.schema(schema.name())?.to_json() == schema.to_json();
            return print(if same { "no\n" } else { "yes\n" });
        }
        // A server closes the connections of those that do not say that they know of conversions.
        self.server.call("set_db_change_aware", vec![Json::from(true)], "set_db_change_aware").map(|_| ())?;
        self.server.call("convert", vec![Json::from(schema.name()), json], "convert").map(|_| ())
    }

    fn lock(&mut self, lock: &str) -> Result<(), Fault> {
        let answer = self.server.call(self.name, vec![Json::from(lock)], self.name)?;
        if self.name != "unlock" {
            self.printer.json(&answer)?;
        }
        loop {
            let (method, params) = self.server.notice()?;
            let notice = ovs_db::jsonrpc::Message::Notify { method, params };
            self.printer.json(&notice.to_json())?;
        }
    }
}

fn parse(text: &str) -> Result<Json, Fault> {
    text.parse().map_err(|error| Fault::Json { text: text.to_owned(), error })
}

/// The results of a transaction that was undone, without that of the undoing.
fn without_abort(answer: Json) -> Json {
    let Json::Array(mut results) = answer else { return answer };
    let aborted = |result: &Json| result.get("error").and_then(Json::as_str) == Some("aborted");
    if results.last().is_some_and(aborted) {
        results.pop();
    }
    Json::Array(results)
}

fn list_columns(schema: &Schema, wanted: Option<&String>) -> Table {
    let mut table = if wanted.is_some() {
        Table::new(["Column", "Type"])
    } else {
        Table::new(["Table", "Column", "Type"])
    };
    for (_, found) in schema.tables().filter(|(_, t)| wanted.is_none_or(|name| *name == t.name)) {
        let own = found.columns.iter().map(|column| (column.name.as_str(), column.kind.to_json()));
        let implied = ["_uuid", "_version"].map(|name| (name, Json::from("uuid")));
        for (name, kind) in implied.into_iter().chain(own) {
            let cells = [Cell::text(name), Cell::Json(kind)];
            let first = wanted.is_none().then(|| Cell::text(found.name.as_str()));
            table.row(first.into_iter().chain(cells));
        }
    }
    table
}

/// Waits for a state of a database, reconnecting as needed.
fn wait(program: &Program, cli: &Cli, address: ovs_stream::Address, args: &[String]) -> Result<(), Fault> {
    let [database, state] = args else { return Err(Fault::Syntax("wait".to_owned())) };
    if !matches!(state.as_str(), "added" | "connected" | "removed") {
        return Err(Fault::State(state.clone()));
    }
    let config = SessionConfig::new("_Server").table("Database", ["name", "connected", "model"]);
    let tls = Tls::new(cli.tls.config()?);
    let streams = streams(program, &tls);
    let mut client = BlockingClient::new(config, vec![address], &streams);
    client.wait_for(cli.limit(), |session| {
        if !session.is_synced() {
            return None;
        }
        let row = session.rows("Database").values().find(|row| row.get_string("name") == database);
        let there = match state.as_str() {
            "added" => row.is_some(),
            "connected" => row.is_some_and(|row| row.get_bool("connected")),
            _ => row.is_none(),
        };
        there.then_some(())
    })?;
    Ok(())
}
