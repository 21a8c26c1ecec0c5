//! Being another server's backup, and relays: the options `--sync-from`, `--sync-exclude-tables` and `--active`, the
//! commands that change them at run time, and databases called `relay:DB:REMOTE,...`.

use std::fmt::Write as _;
use std::time::Duration;

use ovs_db::server::{BackupConfig, Excluded, RelayConfig, UpstreamStatus};
use ovs_stream::{Address, Role};

use crate::app::State;
use crate::fault::Fault;

/// Whose backup to be.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Active-backup options")]
pub struct SyncOptions {
    /// Be the backup of SERVER: follow its databases, and let nobody write
    #[arg(long, value_name = "SERVER")]
    sync_from: Option<String>,
    /// Tables not to follow
    #[arg(long, value_name = "DB:TABLE,...")]
    sync_exclude_tables: Option<String>,
    /// Start as an active server; ovs-appctl makes it a backup
    #[arg(long)]
    active: bool,
}

/// The role that the user gave the server.
#[derive(Debug)]
pub struct Sync {
    source: Option<String>,
    excluded: Excluded,
    probe: Option<Duration>,
    backup: bool,
}

impl Sync {
    /// Reads the options.
    pub fn new(options: &SyncOptions) -> Result<Sync, Fault> {
        let excluded = options.sync_exclude_tables.as_deref().map(read_tables).transpose();
        Ok(Sync {
            source: options.sync_from.clone(),
            excluded: excluded.map_err(Fault::Sync)?.unwrap_or_default(),
            probe: Some(Duration::from_mins(1)),
            backup: options.sync_from.is_some() && !options.active,
        })
    }

    fn config(&self) -> Result<BackupConfig, String> {
        let source = self.source.as_deref().ok_or("Unable to connect: active server is not specified.")?;
        let address = Address::parse(source, Role::Ovsdb).map_err(|error| error.to_string())?;
        Ok(BackupConfig::new(address).excluded(self.excluded.clone()).probe_interval(self.probe))
    }
}

/// Reads `DB:TABLE,...`.
fn read_tables(text: &str) -> Result<Excluded, String> {
    let one = |word: &str| match word.split_once(':') {
        Some((db, table)) if !db.is_empty() && !table.is_empty() => Ok((db.to_owned(), table.to_owned())),
        _ => Err(format!("{word}: not of the form DB:TABLE")),
    };
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(one).collect()
}

fn write_tables(tables: &Excluded) -> String {
    let tables: Vec<String> = tables.iter().map(|(db, table)| format!("{db}:{table}")).collect();
    tables.join(",")
}

fn write_following(text: &mut String, status: &UpstreamStatus, source: &str) {
    text.push_str("state: backup\n");
    // Writing to a String cannot fail.
    let _ = if !status.following.is_empty() {
        writeln!(text, "replicating: {source}\ndatabase: {}", status.following.join(","))
    } else if let Some(error) = &status.error {
        writeln!(text, "error: {error}")
    } else {
        writeln!(text, "connecting: {source}")
    };
}

impl State {
    /// Takes the role that was last chosen.
    pub fn apply_role(&mut self) -> Result<(), Fault> {
        let config = self.sync.backup.then(|| self.sync.config()).transpose().map_err(Fault::Sync)?;
        let now = self.clock.now();
        self.listener.set_backup(config, now);
        Ok(())
    }

    /// Follows the active server from now on.
    pub fn connect_active(&mut self) -> Result<(), String> {
        self.sync.config()?;
        self.sync.backup = true;
        self.apply_role().map_err(|error| error.to_string())
    }

    /// Follows nobody from now on.
    pub fn disconnect_active(&mut self) -> Result<(), String> {
        self.sync.backup = false;
        self.apply_role().map_err(|error| error.to_string())
    }

    /// Chooses the active server, for the next time that it is connected to.
    pub fn set_active(&mut self, server: &str) -> Result<(), String> {
        Address::parse(server, Role::Ovsdb).map_err(|error| error.to_string())?;
        self.sync.source = Some(server.to_owned());
        Ok(())
    }

    /// The active server.
    pub fn get_active(&self) -> String {
        self.sync.source.clone().unwrap_or_default()
    }

    /// Sets after how many milliseconds of silence the active server is probed; 0 never does.
    pub fn set_active_probe(&mut self, text: &str) -> Result<(), String> {
        let milliseconds: u64 = text.parse().map_err(|_| "Invalid probe interval, integer value expected")?;
        self.sync.probe = Some(Duration::from_millis(milliseconds)).filter(|time| !time.is_zero());
        if self.sync.backup { self.apply_role().map_err(|error| error.to_string()) } else { Ok(()) }
    }

    /// Chooses the tables that are not followed.
    pub fn set_excluded(&mut self, text: &str) -> Result<(), String> {
        self.sync.excluded = read_tables(text)?;
        if self.sync.backup { self.apply_role().map_err(|error| error.to_string()) } else { Ok(()) }
    }

    /// The tables that are not followed.
    pub fn get_excluded(&self) -> String {
        write_tables(&self.sync.excluded)
    }

    /// The role, and how it goes; behind it the databases that are backups by themselves.
    pub fn sync_status(&self) -> String {
        let mut text = String::new();
        match self.listener.backup_status() {
            None => text.push_str("state: active\n"),
            Some(status) => {
                write_following(&mut text, &status, &self.get_active());
                if !status.following.is_empty() && !status.excluded.is_empty() {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "exclude: {}", write_tables(&status.excluded));
                }
            }
        }
        for name in self.files.keys() {
            if let Some(status) = self.listener.database_backup_status(name) {
                let _ = writeln!(text, "\n{name}:");
                write_following(&mut text, &status, &status.source);
            }
        }
        text
    }

    /// Serves `relay:DB:REMOTE,...`; false if `name` is of another form.
    pub fn add_relay(&mut self, name: &str) -> Result<bool, Fault> {
        let Some(rest) = name.strip_prefix("relay:") else { return Ok(false) };
        let wrong = |what: String| Fault::Relay { name: name.to_owned(), what };
        let (database, remotes) =
            rest.split_once(':').ok_or_else(|| wrong("not of the form relay:DB:REMOTE,...".to_owned()))?;
        let remotes: Result<Vec<Address>, _> =
            remotes.split(',').map(|remote| Address::parse(remote.trim(), Role::Ovsdb)).collect();
        let remotes = remotes.map_err(|error| wrong(error.to_string()))?;
        if database.is_empty() {
            return Err(wrong("the database's name is missing".to_owned()));
        }
        let now = self.clock.now();
        self.listener.add_relay(database, RelayConfig::new(remotes), now)?;
        self.files.insert(database.to_owned(), name.into());
        Ok(true)
    }
}
