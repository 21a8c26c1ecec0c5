//! Makes, changes and shows OVSDB database files, without a server.

mod cli;
mod cluster;
mod commands;
mod fault;
mod log;
mod offline;
mod schema;

use std::process::ExitCode;

use vswitchd::daemon::{Program, fatal};
use vswitchd::vlog::{OVSDB_SERVER_MODULES, Vlog};

fn main() -> ExitCode {
    let program = Program::from_env("ovsdb-tool");
    let cli: cli::Cli = match vswitchd::cli::parse(&program, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let vlog = Vlog::new(&program.name, OVSDB_SERVER_MODULES);
    let done =
        cli.log.set_up(&program, &vlog).map_err(Into::into).and_then(|()| commands::run(&program, &cli));
    match done {
        Ok(code) => code,
        Err(error) => fatal(&program.name, &error),
    }
}
