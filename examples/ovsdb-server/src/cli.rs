//! The command line.

use std::path::PathBuf;

use clap::Parser;
use vswitchd::daemon::{DaemonOptions, Program};
use vswitchd::tls::TlsOptions;

use crate::fault::Fault;
use crate::replication::SyncOptions;

/// The options of `ovsdb-server`.
#[derive(Clone, Debug, Parser)]
#[command(
    about = "Open vSwitch database server",
    infer_long_args = true,
    after_help = "The value of each TLS option may be db:DB,TABLE,COLUMN, for where it stands in a database."
)]
pub struct Cli {
    /// Database files (default: conf.db in the database directory), or relay:DB:REMOTE,...
    #[arg(value_name = "DATABASE")]
    databases: Vec<PathBuf>,
    /// Serve no database from a file at first
    #[arg(long)]
    no_dbs: bool,
    /// Listen on or connect to REMOTE: punix:FILE, ptcp:PORT:IP, pssl:PORT:IP, unix:FILE, tcp:IP:PORT,
    /// ssl:IP:PORT, db:DB,TABLE,COLUMN
    #[arg(long, value_name = "REMOTE")]
    pub remote: Vec<String>,
    /// File that says which databases to serve and which remotes to have, instead of the arguments
    #[arg(long, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Write whole columns where differences are usual; this server reads both and writes differences
    #[arg(long, hide = true)]
    disable_file_column_diff: bool,
    /// Concerns clustered databases only
    #[arg(long, hide = true)]
    disable_file_no_data_conversion: bool,
    /// Run COMMAND once the server is ready, and exit when it does
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// Whose backup to be
    #[command(flatten)]
    pub sync: SyncOptions,
    /// Keys
    #[command(flatten)]
    pub tls: TlsOptions,
    /// Options shared by all daemons
    #[command(flatten)]
    pub daemon: DaemonOptions,
}

impl Cli {
    /// The files to serve.
    pub fn databases(&self, program: &Program) -> Vec<PathBuf> {
        if self.databases.is_empty() && !self.no_dbs && self.config_file.is_none() {
            vec![program.dirs.db.join("conf.db")]
        } else {
            self.databases.clone()
        }
    }

    /// Refuses options that contradict each other.
    pub fn check(&self) -> Result<(), Fault> {
        if self.config_file.is_some() && !(self.databases.is_empty() && self.remote.is_empty()) {
            return Err(Fault::ConfigAndArguments);
        }
        Ok(())
    }
}
