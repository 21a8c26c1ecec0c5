//! The OVSDB server as a program: databases in files, clients on sockets, commands by `ovs-appctl`.

mod ahead;
mod app;
mod brisk;
mod cli;
mod commands;
mod config;
mod fault;
mod reload;
mod remotes;
mod replication;
mod status;
mod storage;
mod tls;

use std::process::ExitCode;

use vswitchd::daemon::{Program, fatal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = Program::from_env("ovsdb-server");
    let cli: cli::Cli = match vswitchd::cli::parse(&program, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match app::App::start(&program, &cli) {
        Ok(app) => app.run(),
        Err(error) => fatal(&program.name, &error),
    }
}
