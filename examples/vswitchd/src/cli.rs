//! The command line of the switch.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::daemon::{DaemonOptions, Program, VERSION, fatal};
pub use crate::tls::TlsOptions;

/// What `--enable-dummy` replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum DummyLevel {
    /// Nothing: the dummy types stand beside the others.
    #[value(name = "")]
    Beside,
    /// Every type of datapath, and every type of port but `patch`.
    Override,
    /// The `system` types only.
    System,
}

/// The options of `vswitchd`.
#[derive(Clone, Debug, Parser)]
#[command(
    about = "Open vSwitch daemon",
    infer_long_args = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
#[non_exhaustive]
pub struct Cli {
    /// Where the database server listens (default: unix:db.sock in the run directory)
    #[arg(value_name = "DATABASE")]
    databases: Vec<String>,
    /// Other modes of the program
    #[command(subcommand)]
    pub mode: Option<Mode>,
    /// Options shared by all daemons
    #[command(flatten)]
    pub daemon: DaemonOptions,
    /// Options of the switch
    #[command(flatten)]
    pub switch: SwitchOptions,
    /// Keys
    #[command(flatten)]
    pub tls: TlsOptions,
}

/// The options that only the switch has.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Switch options")]
#[non_exhaustive]
pub struct SwitchOptions {
    /// Make dummy datapaths and ports available, or put them in place of others
    #[arg(
        long,
        value_name = "override|system",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        hide_possible_values = true
    )]
    pub enable_dummy: Option<DummyLevel>,
    /// Remove the system datapath type
    #[arg(long)]
    pub disable_system: bool,
    /// Do not import the kernel's routes
    #[arg(long)]
    pub disable_system_route: bool,
    /// Take the machine for one whose cores are on these NUMA nodes
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub dummy_numa: Vec<u32>,
    /// Accepted for compatibility, without effect here
    #[arg(long)]
    pub mlockall: bool,
    /// Serve an own database from FILE (default: conf.db in the database directory)
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub embedded_db: Option<Option<PathBuf>>,
    /// Derive all randomness from this number
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Other modes of the program.
#[derive(Clone, Debug, Subcommand)]
pub enum Mode {
    /// Try the switch out, without root and without touching the system
    Lab(LabOptions),
    /// A host of the lab, started by it
    #[command(hide = true)]
    LabHost,
}

/// The options of the lab.
#[derive(Clone, Debug, Default, Args)]
#[non_exhaustive]
pub struct LabOptions {
    /// End after the demonstration instead of serving until Ctrl-C
    #[arg(long)]
    pub once: bool,
    /// How long the TCP transfer lasts
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub seconds: u32,
}

/// A command line that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// More than one database.
    #[error("at most one non-option argument accepted; use --help for usage")]
    ManyDatabases,
    /// An embedded database under a name whose users expect the database server's own.
    #[error("--embedded-db and lab are not available under the name ovs-vswitchd")]
    Impostor,
    /// An external database and an embedded one.
    #[error("--embedded-db and DATABASE exclude each other")]
    TwoDatabases,
}

impl Cli {
    /// Reads the command line of `program`. `Err` is the exit code after help, version or an error was printed.
    pub fn parse_args<I, T>(program: &Program, args: I) -> Result<Cli, ExitCode>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let cli: Cli = parse(program, args)?;
        cli.check(program).map_err(|e| fatal(&program.name, &e))?;
        Ok(cli)
    }

    /// The database that was named.
    pub fn database(&self) -> Option<&str> {
        self.databases.first().map(String::as_str)
    }

    fn check(&self, program: &Program) -> Result<(), CliError> {
        let embedded = self.switch.embedded_db.is_some();
        if self.databases.len() > 1 {
            Err(CliError::ManyDatabases)
        } else if program.name == "ovs-vswitchd" && (embedded || self.mode.is_some()) {
            Err(CliError::Impostor)
        } else if embedded && !self.databases.is_empty() {
            Err(CliError::TwoDatabases)
        } else {
            Ok(())
        }
    }
}

/// Reads any program's command line under the program's own name: `--version` prints
/// `NAME (Open vSwitch) 3.7.1`; errors print as `NAME: …` and give exit code 1.
pub fn parse<P, I, T>(program: &Program, args: I) -> Result<P, ExitCode>
where
    P: Parser,
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let command = P::command()
        .display_name(program.name.clone())
        .bin_name(program.name.clone())
        .version(const_version())
        .disable_version_flag(true)
        .arg(
            clap::Arg::new("version")
                .short('V')
                .long("version")
                .action(clap::ArgAction::Version)
                .help("Print the version"),
        );
    command
        .try_get_matches_from(args.into_iter().map(|a| long_verbose(a.into())))
        .and_then(|m| P::from_arg_matches(&m))
        .map_err(|e| report(program, &e))
}

/// Makes `-vSPEC` the same as `--verbose=SPEC`: its value never stands in an argument of its own, so that `-v` may
/// stand before a DATABASE.
fn long_verbose(arg: OsString) -> OsString {
    match arg.to_str().and_then(|a| a.strip_prefix("-v")) {
        Some("") => "--verbose".into(),
        Some(spec) => format!("--verbose={spec}").into(),
        None => arg,
    }
}

/// `clap` puts the program's name in front.
const fn const_version() -> &'static str {
    const TEXT: &str = "(Open vSwitch) 3.7.1";
    assert!(TEXT.len() == "(Open vSwitch) ".len() + VERSION.len());
    TEXT
}

fn report(program: &Program, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody reads the help if standard output is closed.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    fatal(&program.name, &format!("{}; use --help for usage", first.trim_start_matches("error: ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Dirs;

    fn parsed(name: &str, args: &[&str]) -> Result<Cli, ExitCode> {
        let program = Program { name: name.into(), dirs: Dirs::from_lookup(|_| None) };
        Cli::parse_args(&program, std::iter::once(name).chain(args.iter().copied()))
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn options_and_their_prefixes() {
        let cli = parsed(
            "ovs-vswitchd",
            &["--det", "--pidf", "--log-file=/x", "-vconsole:emer", "-v", "--enable-dummy", "unix:db.sock"],
        )
        .unwrap();
        assert!(cli.daemon.detach);
        assert_eq!(cli.daemon.pidfile, Some(None));
        assert_eq!(cli.daemon.log.log_file, Some(Some("/x".into())));
        assert_eq!(cli.daemon.log.verbose, ["console:emer", "any:any:dbg"]);
        assert_eq!(cli.switch.enable_dummy, Some(DummyLevel::Beside));
        assert_eq!(cli.database(), Some("unix:db.sock"));
        let cli = parsed("x", &["--enable-dummy=override", "--dummy-numa=0,1", "--seed=7", "--embedded-db"])
            .unwrap();
        assert_eq!(cli.switch.enable_dummy, Some(DummyLevel::Override));
        assert_eq!((cli.switch.dummy_numa, cli.switch.seed), (vec![0, 1], Some(7)));
        assert_eq!(cli.switch.embedded_db, Some(None));
        assert!(matches!(parsed("x", &["lab"]).unwrap().mode, Some(Mode::Lab(_))));
    }

    #[test]
    fn wrong_command_lines_are_refused() {
        for args in [&["--bogus"][..], &["a", "b"], &["--d"], &["--seed=x"], &["--enable-dummy=foo"]] {
            assert!(parsed("vswitchd", args).is_err(), "{args:?}");
        }
        assert!(parsed("ovs-vswitchd", &["lab"]).is_err());
        assert!(parsed("ovs-vswitchd", &["--embedded-db"]).is_err());
        assert!(parsed("vswitchd", &["--embedded-db", "tcp:1.2.3.4:5"]).is_err());
    }
}
