//! The smallest daemon: it has a log, a pidfile, a control socket, and commands `vlog/*`, `crash` and `exit`.
//!
//! Try `OVS_RUNDIR=/tmp cargo run -p vswitchd --example tiny_daemon -- --detach --pidfile --log-file=/tmp/tiny.log`,
//! then `OVS_RUNDIR=/tmp ovs-appctl -t tiny_daemon vlog/list`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ovs_db::unixctl::{Registry, Server};
use ovs_stream::{Interest, StreamConfig, Wait, sleep};
use vswitchd::cli::parse;
use vswitchd::daemon::{DaemonOptions, Program, fatal};
use vswitchd::vlog::{OVSDB_SERVER_MODULES, Vlog, VlogCommand};

/// A tiny daemon
#[derive(Parser)]
#[command(infer_long_args = true)]
struct Options {
    #[command(flatten)]
    daemon: DaemonOptions,
}

#[derive(Clone)]
enum Command {
    Vlog(VlogCommand),
    Crash,
    Exit,
}

fn main() -> ExitCode {
    let program = Program::from_env("tiny_daemon");
    let options: Options = match parse(&program, std::env::args_os()) {
        Ok(options) => options,
        Err(code) => return code,
    };
    run(&program, &options.daemon).unwrap_or_else(|e| fatal(&program.name, &*e))
}

fn run(program: &Program, options: &DaemonOptions) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let vlog = Vlog::new(&program.name, OVSDB_SERVER_MODULES);
    vlog.install()?;
    let mut daemon = options.start(program, &vlog)?;

    let mut registry = Registry::new(program.version_line());
    VlogCommand::register(&mut registry, Command::Vlog);
    registry.add("crash", "", 0, Some(0), Command::Crash);
    registry.add("exit", "", 0, Some(0), Command::Exit);
    let address = options.unixctl_address(program).ok_or("a control socket is needed")?;
    let mut server = Server::bind(&address, &StreamConfig::default(), registry)?;
    daemon.ready()?;
    tracing::info!(target: "daemon", "{}", program.version_line());

    while daemon.terminated().is_none() {
        for request in server.poll() {
            match request.command {
                Command::Vlog(command) => server.reply(request.id, vlog.command(command, &request.args)),
                Command::Crash => std::process::abort(),
                Command::Exit => {
                    server.reply(request.id, Ok(String::new()));
                    server.flush();
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        let signals = Wait::Fd(daemon.signal_fd(), Interest::Read);
        sleep(&server.waits().chain([signals]).collect::<Vec<_>>(), Duration::ZERO, None)?;
    }
    drop(server);
    let signal = daemon.terminated().unwrap_or_default();
    Ok(daemon.die(signal))
}
