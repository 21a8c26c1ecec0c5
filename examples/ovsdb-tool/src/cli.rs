//! The command line.

use clap::Parser;
use ovs_db::value::Uuid;
use vswitchd::daemon::LogOptions;

/// What `--help` says of the commands.
const COMMANDS: &str = "\
Commands:
  create [DB [SCHEMA]]            create DB with the given SCHEMA
  compact [DB [DST]]              write DB without its history, in place or to DST
  convert [DB [SCHEMA [DST]]]     convert DB to SCHEMA, in place or to DST
  needs-conversion [DB [SCHEMA]]  tell whether DB has another schema than SCHEMA
  db-name [DB]                    print the name of DB's schema
  db-version [DB]                 print the version of DB's schema
  db-cksum [DB]                   print the checksum of DB's schema
  db-cid DB                       print the cluster that DB belongs to
  db-sid DB                       print which server of its cluster DB is of
  db-local-address DB             print the address of that server
  db-is-clustered DB              exit with 0 if DB is of a cluster, else with 2
  db-is-standalone DB             exit with 0 if DB is of no cluster, else with 2
  schema-name [SCHEMA]            print SCHEMA's name
  schema-version [SCHEMA]         print SCHEMA's version
  schema-cksum [SCHEMA]           print SCHEMA's checksum
  compare-versions A OP B         exit with 0 if the versions compare so, else with 2
  query [DB] TRANSACTION          execute a transaction and forget what it changes
  transact [DB] TRANSACTION       execute a transaction
  [-m]... show-log [DB]           print DB's records; -m what they change, -mm how
  list-commands                   print the commands
Clustered databases are made, joined and checked by the distribution's ovsdb-tool:
create-cluster, join-cluster, check-cluster and cluster-to-standalone are refused here.

The default DB is conf.db in the database directory; the default SCHEMA is that of Open_vSwitch.";

/// The options of `ovsdb-tool`.
#[derive(Clone, Debug, Parser)]
#[command(about = "Open vSwitch database management utility", infer_long_args = true, after_help = COMMANDS)]
pub struct Cli {
    /// What to do, and on what
    #[arg(value_name = "COMMAND")]
    pub words: Vec<String>,
    /// Say more in show-log; may be given twice
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub more: u8,
    /// Role for transact and query
    #[arg(long, value_name = "ROLE")]
    pub rbac_role: Option<String>,
    /// Concerns clustered databases only
    #[arg(long, value_name = "UUID", hide = true)]
    pub cid: Option<Uuid>,
    /// Concerns clustered databases only
    #[arg(long, value_name = "MS", hide = true)]
    pub election_timer: Option<u64>,
    /// Where messages go
    #[command(flatten)]
    pub log: LogOptions,
}
