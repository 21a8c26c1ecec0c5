//! Asks and changes an OVSDB server from the command line.

mod backup;
mod cli;
mod commands;
mod fault;
mod monitor;
mod rows;
mod server;

use std::process::ExitCode;

use vswitchd::daemon::{Program, fatal};
use vswitchd::vlog::{OVSDB_SERVER_MODULES, Vlog};

fn main() -> ExitCode {
    let program = Program::from_env("ovsdb-client");
    let cli: cli::Cli = match vswitchd::cli::parse(&program, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let vlog = Vlog::new(&program.name, OVSDB_SERVER_MODULES);
    let done = vlog.install().map_err(Into::into).and_then(|()| commands::run(&program, &cli, &vlog));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fatal(&program.name, &error),
    }
}
