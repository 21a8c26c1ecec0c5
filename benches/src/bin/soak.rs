//! `cargo run --release -p ovs-benches --bin soak -- --minutes 10`: see `ovs_benches::soak`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use ovs_benches::soak::{Options, Report, part_names, soak};
use ovs_benches::{BenchError, Programs, machine};

/// Loads our switch with traffic and changes, and checks that nothing of it stays
#[derive(Debug, Parser)]
struct Cli {
    /// How long the load lasts
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How long it lasts before the first look, in minutes
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// What each TCP connection may send, as iperf3 reads it; 0 is as much as it can
    #[arg(long, default_value = "200M")]
    rate: String,
    /// A switch with the feature count-allocations (default: it is built)
    #[arg(long, value_name = "PATH")]
    vswitchd: Option<PathBuf>,
    /// Only these parts of the load, to find out which of them leaves something
    #[arg(value_name = "PART", value_parser = PossibleValuesParser::new(part_names()))]
    parts: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(report) => {
            println!("{report}");
            let faults = report.faults();
            for fault in &faults {
                println!("FAILED: {fault}");
            }
            if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<Report, BenchError> {
    let programs = match &cli.vswitchd {
        Some(path) => Programs::with_switch(path),
        None => Programs::build(&["vswitchd"], &["count-allocations"])?,
    };
    let minutes = |minutes: f64| Duration::from_secs_f64(minutes.clamp(0.0, 10_000.0) * 60.0);
    let options = Options::default()
        .time(minutes(cli.minutes))
        .warm_up(minutes(cli.warm_up))
        .rate(cli.rate.as_str())
        .parts(cli.parts.clone());
    println!("soak of {} minutes, {}, commit {}", cli.minutes, machine::description(), machine::commit());
    soak(&programs, &options, &|line| println!("{line}"))
}
