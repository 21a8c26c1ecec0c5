//! The command line.

use std::time::Duration;

use clap::Parser;
use ovs_db::output::{CellFormat, Format, Style};
use vswitchd::daemon::DaemonOptions;
use vswitchd::tls::TlsOptions;

use crate::fault::Fault;

/// What `--help` says of the commands.
const COMMANDS: &str = "\
Commands:
  list-dbs [SERVER]                                 print the databases of SERVER
  get-schema [SERVER] [DATABASE]                    print the schema of DATABASE
  get-schema-version [SERVER] [DATABASE]            print the schema's version
  get-schema-cksum [SERVER] [DATABASE]              print the schema's checksum
  get-server-id [SERVER]                            print the identity of the server's process
  list-tables [SERVER] [DATABASE]                   print the tables of DATABASE
  list-columns [SERVER] [DATABASE] [TABLE]          print the columns of TABLE, or of all tables
  dump [SERVER] [DATABASE] [TABLE [COLUMN]...]      print the rows of all tables, or of TABLE
  transact [SERVER] TRANSACTION                     execute TRANSACTION and print its results
  query [SERVER] TRANSACTION                        execute TRANSACTION and undo what it changes
  monitor [SERVER] [DATABASE] TABLE [COLUMN,...]... print the rows of TABLE and what changes in them;
                                                    COLUMN may be !initial, !insert, !delete, !modify
  monitor [SERVER] [DATABASE] ALL                   the same for all tables
  monitor-cond [SERVER] [DATABASE] CONDITION TABLE [COLUMN,...]...
                                                    the same for the rows that meet CONDITION
  monitor-cond-since [SERVER] [DATABASE] [LASTID] CONDITION TABLE [COLUMN,...]...
                                                    the same for what changed after LASTID
  wait [SERVER] DATABASE STATE                      wait until DATABASE is added, connected or removed
  backup [SERVER] [DATABASE] > SNAPSHOT             write a snapshot in the form of a database file
  [--force] restore [SERVER] [DATABASE] < SNAPSHOT  put a snapshot in the place of the contents
  convert [SERVER] SCHEMA                           change the schema of a database
  needs-conversion [SERVER] SCHEMA                  tell whether a database has another schema
  lock [SERVER] LOCK                                hold LOCK, or wait for it
  steal [SERVER] LOCK                               take LOCK from whoever holds it
  unlock [SERVER] LOCK                              give LOCK back
The default SERVER is unix:db.sock in the run directory, the default DATABASE Open_vSwitch.
SERVER may be tcp:HOST:PORT, ssl:HOST:PORT or unix:FILE.";

/// The options of `ovsdb-client`.
#[derive(Clone, Debug, Parser)]
#[command(about = "Open vSwitch database JSON-RPC client", infer_long_args = true, after_help = COMMANDS)]
pub struct Cli {
    /// What to do, and where
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,
    /// Print tables as table, list, html, csv or json
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<String>,
    /// Print values as string, bare or json
    #[arg(long, short, value_name = "FORMAT")]
    data: Option<String>,
    /// Leave out the row with the columns' names
    #[arg(long)]
    no_headings: bool,
    /// Print JSON over several lines
    #[arg(long)]
    pretty: bool,
    /// The same as --format=list --data=bare --no-headings
    #[arg(long)]
    bare: bool,
    /// Cut what stands in a column of a table off after N bytes
    #[arg(long, value_name = "N")]
    max_column_width: Option<usize>,
    /// Print when monitored changes came
    #[arg(long)]
    pub timestamp: bool,
    /// Restore although the snapshot has another schema
    #[arg(long)]
    pub force: bool,
    /// Give up after so many seconds
    #[arg(long, short, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Keys for ssl:
    #[command(flatten)]
    pub tls: TlsOptions,
    /// Options shared by all daemons
    #[command(flatten)]
    pub daemon: DaemonOptions,
}

impl Cli {
    /// How tables are printed.
    pub fn style(&self) -> Result<Style, Fault> {
        let (mut format, mut cells) = (Format::default(), CellFormat::default());
        if self.bare {
            (format, cells) = (Format::List, CellFormat::Bare);
        }
        if let Some(name) = &self.format {
            format = name.parse()?;
        }
        if let Some(name) = &self.data {
            cells = name.parse()?;
        }
        Ok(Style::default()
            .format(format)
            .cells(cells)
            .headings(!self.bare && !self.no_headings)
            .pretty(self.pretty)
            .max_column_width(self.max_column_width.unwrap_or(0)))
    }

    /// How long everything may take.
    pub fn limit(&self) -> Option<Duration> {
        self.timeout.filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }
}
