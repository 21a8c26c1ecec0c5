//! The switch: `vswitchd [OPTIONS] [DATABASE]`, or `vswitchd lab` to see it work.
#![expect(clippy::print_stderr, reason = "a command-line program")]

use std::io::{BufReader, stdin, stdout};
use std::process::ExitCode;

use vswitchd::cli::{Cli, Mode};
use vswitchd::daemon::{Program, fatal};
use vswitchd::lab;
use vswitchd::switchd::Vswitchd;
use vswitchd::vlog::{VSWITCHD_MODULES, Vlog};

#[cfg(not(feature = "count-allocations"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "count-allocations")]
#[global_allocator]
static ALLOCATOR: vswitchd::memory::Counting<mimalloc::MiMalloc> =
    vswitchd::memory::Counting(mimalloc::MiMalloc);

fn main() -> ExitCode {
    let program = Program::from_env("vswitchd");
    let cli = match Cli::parse_args(&program, std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match &cli.mode {
        Some(Mode::Lab(options)) => run_lab(&lab::Options::from(options)),
        Some(Mode::LabHost) => run_host(),
        None => run_switch(&program, &cli),
    }
}

fn run_switch(program: &Program, cli: &Cli) -> ExitCode {
    let vlog = Vlog::new(&program.name, VSWITCHD_MODULES);
    let started = vlog.install().map_err(Into::into).and_then(|()| cli.daemon.start(program, &vlog));
    let daemon = match started {
        Ok(daemon) => daemon,
        Err(error) => return fatal(&program.name, &error),
    };
    if let Err(error) = ovs_netdev::vhost::guard_memory() {
        tracing::warn!("vhost-user memory that cannot be sealed will be refused: {error}");
    }
    match Vswitchd::new(program, cli, &vlog) {
        Ok(switch) => switch.run(daemon),
        Err(error) => fatal(&program.name, &error),
    }
}

fn run_lab(options: &lab::Options) -> ExitCode {
    match lab::run(options, &mut stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vswitchd lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_host() -> ExitCode {
    match lab::serve_host(&mut BufReader::new(stdin()), &mut stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab host: {error}");
            ExitCode::FAILURE
        }
    }
}
