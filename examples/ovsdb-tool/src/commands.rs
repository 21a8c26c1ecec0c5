//! The commands.

use std::cmp::Ordering;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ovs_db::schema::Schema;
use ovs_db::storage::read_file;
use vswitchd::daemon::Program;

use crate::cli::Cli;
use crate::cluster::{Header, Kind, identify};
use crate::fault::Fault;
use crate::schema::Source;
use crate::{log, offline};

/// What `db-is-clustered` and its like exit with where the answer is no.
const NO: u8 = 2;

/// A command: its name, what its arguments are called, and how many there may be.
struct Command {
    name: &'static str,
    usage: &'static str,
    least: usize,
    most: usize,
}

const fn command(name: &'static str, usage: &'static str, least: usize, most: usize) -> Command {
    Command { name, usage, least, most }
}

const COMMANDS: &[Command] = &[
    command("create", "[db [schema]]", 0, 2),
    command("create-cluster", "db contents local", 3, 3),
    command("join-cluster", "db name local remote...", 4, usize::MAX),
    command("compact", "[db [dst]]", 0, 2),
    command("convert", "[db [schema [dst]]]", 0, 3),
    command("needs-conversion", "", 0, 2),
    command("db-name", "[db]", 0, 1),
    command("db-version", "[db]", 0, 1),
    command("db-cksum", "[db]", 0, 1),
    command("db-cid", "db", 1, 1),
    command("db-sid", "db", 1, 1),
    command("db-local-address", "db", 1, 1),
    command("db-is-clustered", "db", 1, 1),
    command("db-is-standalone", "db", 1, 1),
    command("schema-name", "[schema]", 0, 1),
    command("schema-version", "[schema]", 0, 1),
    command("schema-cksum", "[schema]", 0, 1),
    command("query", "[db] trns", 1, 2),
    command("transact", "[db] trns", 1, 2),
    command("show-log", "[db]", 0, 1),
    command("check-cluster", "db...", 1, usize::MAX),
    command("compare-versions", "a op b", 3, 3),
    command("help", "", 0, usize::MAX),
    command("list-commands", "", 0, usize::MAX),
    command("cluster-to-standalone", "db clusterdb", 2, 2),
];

/// Carries out what the command line says.
pub fn run(program: &Program, cli: &Cli) -> Result<ExitCode, Fault> {
    let (name, args) = cli.words.split_first().ok_or(Fault::NoCommand)?;
    let command = COMMANDS.iter().find(|command| command.name == name);
    let command = command.ok_or_else(|| Fault::UnknownCommand(name.clone()))?;
    check_count(command, args.len())?;
    let default = program.dirs.db.join("conf.db");
    let db = args.first().map_or(default.clone(), PathBuf::from);
    let schema = |at: usize| Source::new(program, args.get(at)).read();
    let mut code = ExitCode::SUCCESS;
    match command.name {
        "create" => offline::create(&db, &schema(1)?)?,
        "compact" => offline::rewrite(&db, args.get(1).map(Path::new), None, "compacted")?,
        "convert" => offline::rewrite(&db, args.get(2).map(Path::new), Some(&schema(1)?), "converted")?,
        "needs-conversion" => {
            let same = schema_of(&db)?.to_json() == schema(1)?.to_json();
            print(if same { "no\n" } else { "yes\n" })?;
        }
        "db-name" | "db-version" | "db-cksum" => print(&db_fact(command.name, &db)?)?,
        "db-cid" | "db-sid" | "db-local-address" => print(&cluster_fact(command.name, &db)?)?,
        "db-is-clustered" | "db-is-standalone" => {
            let clustered = matches!(identify(&db)?, Kind::Clustered(_));
            if clustered != (command.name == "db-is-clustered") {
                code = ExitCode::from(NO);
            }
        }
        "schema-name" | "schema-version" | "schema-cksum" => print(&fact(&schema(0)?, command.name))?,
        "query" | "transact" => {
            let (text, db) = match args {
                [db, text] => (text, PathBuf::from(db)),
                args => (&args[0], default),
            };
            let params = offline::parse(text)?;
            let role = cli.rbac_role.as_deref();
            let results = offline::transact(&db, &params, role, command.name == "transact")?;
            print(&format!("{results}\n"))?;
        }
        "show-log" => show_log(&db, cli.more)?,
        "compare-versions" => {
            if !compare(&args[0], &args[1], &args[2])? {
                code = ExitCode::from(NO);
            }
        }
        "help" | "list-commands" => print(&list())?,
        cluster => return Err(Fault::NoClusters(cluster.to_owned())),
    }
    Ok(code)
}

fn check_count(command: &Command, count: usize) -> Result<(), Fault> {
    let what = if count < command.least {
        format!("requires at least {} arguments", command.least)
    } else if count > command.most {
        format!("takes at most {} arguments", command.most)
    } else {
        return Ok(());
    };
    Err(Fault::Arguments { command: command.name.to_owned(), what })
}

/// A closed pipe is as good as any other reason to end, but is told.
fn print(text: &str) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Fault::Output)
}

fn list() -> String {
    let line = |command: &Command| format!("  {:<23} {}", command.name, command.usage);
    let lines: Vec<String> = COMMANDS.iter().map(line).collect();
    format!("The available commands are:\n{}\n", lines.join("\n"))
}

fn schema_of(db: &Path) -> Result<Schema, Fault> {
    identify(db)?;
    let contents = read_file(db, &mut offline::uuids()?)?;
    Ok(contents.database.schema().as_ref().clone())
}

fn db_fact(command: &str, db: &Path) -> Result<String, Fault> {
    if let (Kind::Clustered(header), "db-name") = (identify(db)?, command) {
        return Ok(line(header.text("name")));
    }
    Ok(fact(&schema_of(db)?, command))
}

fn fact(schema: &Schema, command: &str) -> String {
    line(match command {
        "db-version" | "schema-version" => schema.version(),
        "db-cksum" | "schema-cksum" => schema.cksum(),
        _ => Some(schema.name()),
    })
}

fn line(text: Option<&str>) -> String {
    format!("{}\n", text.unwrap_or_default())
}

fn cluster_fact(command: &str, db: &Path) -> Result<String, Fault> {
    let Kind::Clustered(header) = identify(db)? else {
        return Err(Fault::NotClustered(db.display().to_string()));
    };
    let get: fn(&Header) -> Option<&str> = match command {
        "db-cid" => |header| header.uuid("cluster_id"),
        "db-sid" => |header| header.uuid("server_id"),
        _ => |header| header.text("local_address"),
    };
    Ok(line(get(&header)))
}

fn show_log(db: &Path, more: u8) -> Result<(), Fault> {
    if matches!(identify(db)?, Kind::Clustered(_)) {
        return Err(Fault::Clustered(db.display().to_string()));
    }
    let io = |source| Fault::Io { path: db.display().to_string(), what: "open", source };
    let bytes = std::fs::read(db).map_err(io)?;
    print(&log::show(db, &bytes, more)?)
}

fn version(text: &str) -> Result<[u64; 3], Fault> {
    let parts: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
    let parts = parts.ok().and_then(|parts| parts.try_into().ok());
    parts.ok_or_else(|| Fault::Version(text.to_owned()))
}

fn compare(a: &str, operator: &str, b: &str) -> Result<bool, Fault> {
    let order = version(a)?.cmp(&version(b)?);
    Ok(match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        ">=" => order != Ordering::Less,
        ">" => order == Ordering::Greater,
        other => return Err(Fault::Operator(other.to_owned())),
    })
}
