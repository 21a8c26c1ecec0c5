//! The commands of `ovs-appctl`.

use std::fmt::Write as _;

use ovs_db::server::{Counters, RemoteOptions};
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
    ConnectActive,
    DisconnectActive,
    SetActive,
    GetActive,
    SetActiveProbe,
    SetExcluded,
    GetExcluded,
    CountersShow,
    CountersClear,
    CoverageShow,
    CoverageRead,
    DisableConditions,
    Reconnect,
    Reload,
    TrimOnCompaction,
    LogSet,
    LogList,
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
    add("coverage/show", "", 0, 0, Command::CoverageShow);
    add("coverage/read-counter", "COUNTER", 1, 1, Command::CoverageRead);
    add("ovsdb-server/disable-monitor-cond", "", 0, 0, Command::DisableConditions);
    add("ovsdb-server/compact", "", 0, 1, Command::Compact);
    add("ovsdb-server/list-dbs", "", 0, 0, Command::ListDbs);
    add("ovsdb-server/add-db", "DB", 1, 1, Command::AddDb);
    add("ovsdb-server/remove-db", "DB", 1, 1, Command::RemoveDb);
    add("ovsdb-server/list-remotes", "", 0, 0, Command::ListRemotes);
    add("ovsdb-server/add-remote", "REMOTE", 1, 1, Command::AddRemote);
    add("ovsdb-server/remove-remote", "REMOTE", 1, 1, Command::RemoveRemote);
    add("ovsdb-server/sync-status", "", 0, 0, Command::SyncStatus);
    add("ovsdb-server/connect-active-ovsdb-server", "", 0, 0, Command::ConnectActive);
    add("ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0, Command::DisconnectActive);
    add("ovsdb-server/set-active-ovsdb-server", "", 1, 1, Command::SetActive);
    add("ovsdb-server/get-active-ovsdb-server", "", 0, 0, Command::GetActive);
    add("ovsdb-server/set-active-ovsdb-server-probe-interval", "", 1, 1, Command::SetActiveProbe);
    add("ovsdb-server/set-sync-exclude-tables", "", 0, 1, Command::SetExcluded);
    add("ovsdb-server/get-sync-exclude-tables", "", 0, 0, Command::GetExcluded);
    add("ovsdb-server/perf-counters-show", "", 0, 0, Command::CountersShow);
    add("ovsdb-server/perf-counters-clear", "", 0, 0, Command::CountersClear);
    add("ovsdb-server/reconnect", "", 0, 0, Command::Reconnect);
    add("ovsdb-server/reload", "", 0, 0, Command::Reload);
    add("ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1, Command::TrimOnCompaction);
    add("ovsdb-server/tlog-set", "DB:TABLE on|off", 2, 2, Command::LogSet);
    add("ovsdb-server/tlog-list", "", 0, 0, Command::LogList);
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
            Command::AddDb => {
                self.by_arguments()?;
                self.add_db(first.as_ref()).map_err(|e| e.to_string())?;
                self.remotes_changed();
            }
            Command::RemoveDb => self.remove_db(first)?,
            Command::ListRemotes => return Ok(lines(self.remotes.keys().map(String::as_str))),
            Command::AddRemote => {
                self.by_arguments()?;
                self.add_remote(first, RemoteOptions::default()).map_err(|e| e.to_string())?;
            }
            Command::RemoveRemote => {
                self.by_arguments()?;
                self.remotes.remove(first).ok_or("no such remote")?;
                self.remotes_changed();
            }
            Command::CountersClear => self.counters_base = self.listener.server().counters(),
            Command::CoverageShow => return Ok(self.coverage()),
            Command::CoverageRead => {
                let counters = named(self.listener.server().counters());
                let known = counters.into_iter().find(|(name, _)| *name == first);
                return known.map(|(_, value)| format!("{value}\n")).ok_or("No such counter".to_owned());
            }
            Command::Reconnect => {
                let now = self.clock.now();
                self.listener.reconnect(now);
            }
            Command::DisableConditions => {
                let now = self.clock.now();
                self.listener.disable_monitor_cond(now);
            }
            Command::Reload => {
                if self.config_file.is_none() {
                    return Err("there is no --config-file to read again".to_owned());
                }
                self.reload().map_err(|e| e.to_string())?;
            }
            // The allocator gives memory back by itself: there is nothing to switch, but the word is checked.
            Command::TrimOnCompaction => drop(on_or_off(first)?),
            Command::LogSet => self.log_set(first, args.get(1).map_or("", String::as_str))?,
            Command::LogList => return Ok(self.log_list()),
            Command::SyncStatus => return Ok(self.sync_status()),
            Command::ConnectActive => self.connect_active()?,
            Command::DisconnectActive => self.disconnect_active()?,
            Command::SetActive => self.set_active(first)?,
            Command::GetActive => return Ok(self.get_active()),
            Command::SetActiveProbe => self.set_active_probe(first)?,
            Command::SetExcluded => self.set_excluded(first)?,
            Command::GetExcluded => return Ok(self.get_excluded()),
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
            Some("_Server") => return Err("cannot compact built-in databases".to_owned()),
            Some(name) if !self.files.contains_key(name) => return Err("no database by that name".to_owned()),
            Some(name) => vec![name.to_owned()],
            None => {
                let stored = |name: &&String| self.listener.relay_status(name).is_none();
                self.files.keys().filter(stored).cloned().collect()
            }
        };
        let now = self.clock.now();
        for name in names {
            tracing::info!(target: "ovsdb_server", "compacting {name} database by user request");
            self.listener.compact(&name, now).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// What the file of `--config-file` says is changed there.
    fn by_arguments(&self) -> Result<(), String> {
        match &self.config_file {
            None => Ok(()),
            Some(file) => {
                Err(format!("{} says what is served; change it and use ovsdb-server/reload", file.display()))
            }
        }
    }

    fn remove_db(&mut self, name: &str) -> Result<(), String> {
        self.by_arguments()?;
        if name == "_Server" {
            return Err("Cannot remove reserved database.".to_owned());
        }
        if !self.files.contains_key(name) {
            return Err("Failed to find the database.".to_owned());
        }
        let now = self.clock.now();
        self.listener.remove_database(name, now).map_err(|e| e.to_string())?;
        self.files.remove(name);
        self.remotes_changed();
        Ok(())
    }

    fn log_set(&mut self, what: &str, how: &str) -> Result<(), String> {
        let on = on_or_off(how)?;
        let (name, table) = what.split_once(':').ok_or("invalid argument")?;
        let server = self.listener.server();
        let db = server.find(name).and_then(|id| server.database(id)).ok_or("invalid argument")?;
        db.schema().table_id(table).ok_or("invalid argument")?;
        let key = (name.to_owned(), table.to_owned());
        if on {
            self.logged.insert(key);
        } else {
            self.logged.remove(&key);
        }
        self.listener.log_tables(self.logged.clone());
        Ok(())
    }

    fn log_list(&self) -> String {
        let mut text = String::from(
            "database        table                       logging\n--------        -----                       -------\n",
        );
        let server = self.listener.server();
        for name in server.database_names() {
            let Some(db) = server.find(name).and_then(|id| server.database(id)) else { continue };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<16} ");
            for (_, table) in db.schema().tables() {
                let on = self.logged.contains(&(name.to_owned(), table.name.clone()));
                let _ =
                    writeln!(text, "                {:<27} {}", table.name, if on { "ON" } else { "OFF" });
            }
        }
        text
    }

    fn storage_status(&self, name: &str) -> Result<String, String> {
        let server = self.listener.server();
        let id = server.find(name).ok_or("Failed to find the database.")?;
        Ok(match server.read_only(id) {
            Some(why) if name != "_Server" => format!("status: {why}\n"),
            _ => "status: ok\n".to_owned(),
        })
    }

    fn counters(&self) -> String {
        let base = named(self.counters_base);
        let mut text = String::new();
        for ((name, value), (_, base)) in named(self.listener.server().counters()).into_iter().zip(base) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<24}{:>12}", value - base);
        }
        text
    }

    /// Every counter that has counted. There are no averages, as no history is kept; totals are exact.
    fn coverage(&self) -> String {
        let counters = named(self.listener.server().counters());
        let mut text = String::from("Event coverage, totals since the start:\n");
        for (name, value) in counters.iter().filter(|(_, value)| *value > 0) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<32} total: {value}");
        }
        let never = counters.iter().filter(|(_, value)| *value == 0).count();
        let _ = writeln!(text, "{never} events never hit");
        text
    }

    fn memory(&self) -> String {
        let server = self.listener.server();
        let (mut atoms, mut cells, mut weak) = (0, 0, 0);
        for db in server.database_names().into_iter().filter_map(|n| server.database(server.find(n)?)) {
            for (id, table) in db.schema().tables() {
                cells += db.row_count(id) * (table.columns.len() + 2);
                weak += db.weak_reference_count(id);
                for (_, row) in db.rows(id) {
                    atoms +=
                        2 + table.ids().map(|(column, _)| row.get(column).atoms().count()).sum::<usize>();
                }
            }
        }
        let (monitors, sessions) = (server.monitor_count(), server.session_count());
        let sessions = if sessions > 0 { format!(" sessions:{sessions}") } else { String::new() };
        format!("atoms:{atoms} cells:{cells} monitors:{monitors} n-weak-refs:{weak}{sessions}\n")
    }

    /// Adds a remote of any kind.
    pub fn add_remote(&mut self, remote: &str, options: RemoteOptions) -> Result<(), crate::fault::Fault> {
        if let Some(source) = DbRemote::parse(remote)? {
            source.check(self.listener.server(), remote)?;
        } else {
            self.set_remote(remote, options.clone())?;
        }
        self.remotes.insert(remote.to_owned(), options);
        self.remotes_changed();
        Ok(())
    }
}

/// What is counted, by name.
fn named(counters: Counters) -> [(&'static str, u64); 4] {
    [
        ("messages", counters.messages),
        ("commits", counters.commits),
        ("failures", counters.failures),
        ("updates", counters.updates),
    ]
}

fn on_or_off(word: &str) -> Result<bool, String> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("invalid argument".to_owned()),
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
