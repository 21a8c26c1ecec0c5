//! The commands of `ovs-appctl`.

use std::fmt::Write as _;

use ovs_db::database::Database;
use ovs_db::unixctl::Registry;
use vswitchd::daemon::Program;
use vswitchd::vlog::VlogCommand;

use crate::app::State;
use crate::remotes::DbRemote;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Exit,
    Compact,
    ListDbs,
    AddDb,
    RemoveDb,
    ListRemotes,
    AddRemote,
    RemoveRemote,
    SyncStatus,
    CountersShow,
    StorageStatus,
    MemoryShow,
    Vlog(VlogCommand),
}

/// The table of commands.
pub fn registry(program: &Program) -> Registry<Command> {
    let mut registry = Registry::new(program.version_line());
    let mut add = |name: &str, usage: &str, min: usize, max: usize, command| {
        registry.add(name, usage, min, Some(max), command);
    };
    add("exit", "", 0, 0, Command::Exit);
    add("memory/show", "", 0, 0, Command::MemoryShow);
    add("ovsdb-server/compact", "", 0, 1, Command::Compact);
    add("ovsdb-server/list-dbs", "", 0, 0, Command::ListDbs);
    add("ovsdb-server/add-db", "DB", 1, 1, Command::AddDb);
    add("ovsdb-server/remove-db", "DB", 1, 1, Command::RemoveDb);
    add("ovsdb-server/list-remotes", "", 0, 0, Command::ListRemotes);
    add("ovsdb-server/add-remote", "REMOTE", 1, 1, Command::AddRemote);
    add("ovsdb-server/remove-remote", "REMOTE", 1, 1, Command::RemoveRemote);
    add("ovsdb-server/sync-status", "", 0, 0, Command::SyncStatus);
    add("ovsdb-server/perf-counters-show", "", 0, 0, Command::CountersShow);
    add("ovsdb-server/get-db-storage-status", "DB", 1, 1, Command::StorageStatus);
    VlogCommand::register(&mut registry, Command::Vlog);
    registry
}

impl State {
    /// Carries out a command; both texts are for the user.
    pub fn command(&mut self, command: Command, args: &[String]) -> Result<String, String> {
        let first = args.first().map_or("", String::as_str);
        match command {
            Command::Exit => self.exiting = true,
            Command::Compact => self.compact(args.first().map(String::as_str))?,
            Command::ListDbs => return Ok(self.list_dbs()),
            Command::AddDb => self.add_db(first.as_ref()).map_err(|e| e.to_string())?,
            Command::RemoveDb => self.remove_db(first)?,
            Command::ListRemotes => return Ok(lines(self.remotes.iter().map(String::as_str))),
            Command::AddRemote => self.add_remote(first).map_err(|e| e.to_string())?,
            Command::RemoveRemote => {
                if !self.remotes.remove(first) {
                    return Err("no such remote".to_owned());
                }
                self.reconcile_remotes();
            }
            Command::SyncStatus => return Ok("state: active\n".to_owned()),
            Command::CountersShow => return Ok(self.counters()),
            Command::StorageStatus => return self.storage_status(first),
            Command::MemoryShow => return Ok(self.memory()),
            Command::Vlog(command) => return self.vlog.command(command, args),
        }
        Ok(String::new())
    }

    fn list_dbs(&self) -> String {
        lines(self.listener.server().database_names().into_iter())
    }

    fn compact(&mut self, name: Option<&str>) -> Result<(), String> {
        let names: Vec<String> = match name {
            Some(name) => vec![name.to_owned()],
            None => self.files.keys().cloned().collect(),
        };
        let now = self.clock.now();
        for name in names {
            tracing::info!(target: "ovsdb_server", "compacting {name} database by user request");
            self.listener.compact(&name, now).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn remove_db(&mut self, name: &str) -> Result<(), String> {
        let now = self.clock.now();
        self.listener.remove_database(name, now).map_err(|e| e.to_string())?;
        self.files.remove(name);
        self.reconcile_remotes();
        Ok(())
    }

    fn storage_status(&self, name: &str) -> Result<String, String> {
        let server = self.listener.server();
        let id = server.find(name).ok_or("no such database")?;
        Ok(match server.read_only(id) {
            Some(why) if name != "_Server" => format!("status: {why}\n"),
            _ => "status: ok\n".to_owned(),
        })
    }

    fn counters(&self) -> String {
        let counters = self.listener.server().counters();
        let mut text = String::new();
        for (name, value) in [
            ("messages", counters.messages),
            ("commits", counters.commits),
            ("failures", counters.failures),
            ("updates", counters.updates),
        ] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<24}{value:>12}");
        }
        text
    }

    fn memory(&self) -> String {
        let server = self.listener.server();
        let databases = server.database_names().into_iter().filter_map(|name| server.find(name));
        let rows: usize = databases.filter_map(|id| server.database(id)).map(Database::total_rows).sum();
        format!("monitors:{} rows:{rows} sessions:{}\n", server.monitor_count(), server.session_count())
    }

    /// Adds a remote of any kind.
    pub fn add_remote(&mut self, remote: &str) -> Result<(), crate::fault::Fault> {
        if let Some(source) = DbRemote::parse(remote)? {
            source.check(self.listener.server(), remote)?;
        } else {
            let now = self.clock.now();
            self.listener.add_remote(remote, now)?;
        }
        self.remotes.insert(remote.to_owned());
        self.reconcile_remotes();
        Ok(())
    }
}

/// One line for each text.
fn lines<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for text in texts {
        out.push_str(text);
        out.push('\n');
    }
    out
}
