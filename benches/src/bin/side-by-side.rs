//! `cargo run --release -p ovs-benches --bin side-by-side`: see `ovs_benches::side_by_side`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use ovs_benches::side_by_side::{Options, Record, WORKLOADS, compare};
use ovs_benches::{BenchError, Programs, Who, machine};

/// Runs the same work on our switch and on the distribution's in turn, and compares
#[derive(Debug, Parser)]
struct Cli {
    /// What to run (default: everything)
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(WORKLOADS.iter().map(|w| w.name)))]
    workloads: Vec<String>,
    /// Show what there is
    #[arg(long)]
    list: bool,
    /// How often each is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many seconds of traffic a measurement takes
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Measure one of the two alone
    #[arg(long)]
    only: Option<Only>,
    /// Write the record to another file
    #[arg(long, value_name = "PATH")]
    record: Option<PathBuf>,
    /// Write no record
    #[arg(long, conflicts_with = "record")]
    no_record: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    Ours,
    Peer,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.list {
        for workload in WORKLOADS {
            println!("{:<12} {:<12} {}", workload.name, workload.unit, workload.what);
        }
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        eprintln!("side-by-side: this is a debug build: cargo run --release …");
        return ExitCode::FAILURE;
    }
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("side-by-side: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, shows and records; whether everything could be measured.
fn run(cli: &Cli) -> Result<bool, BenchError> {
    let wanted = |name: &str| cli.workloads.is_empty() || cli.workloads.iter().any(|w| w == name);
    let workloads = || WORKLOADS.iter().filter(|workload| wanted(workload.name));
    let features = if workloads().any(|workload| workload.dpdk) { &["vswitchd/dpdk"][..] } else { &[] };
    let programs = Programs::build(&["vswitchd", "ovsdb-server"], features)?;
    let mut options = Options::default();
    (options.rounds, options.seconds) = (cli.rounds.max(1), cli.seconds.max(1));
    if let Some(only) = cli.only {
        options.who = vec![if only == Only::Ours { Who::Ours } else { Who::Peer }];
    }
    println!("{}, commit {}", machine::description(), machine::commit());
    let (mut comparisons, mut well) = (Vec::new(), true);
    for workload in workloads() {
        let one = compare(&programs, workload, &options, &|line| eprintln!("  {line}"))?;
        for failure in &one.failures {
            eprintln!("  {failure}");
            well = false;
        }
        comparisons.push(one);
    }
    println!("{:<24} {:>30} {:>30} {:>20}", "", "ours", "peer", "ratio (>1: ours)");
    for one in &comparisons {
        println!("{one}");
    }
    // Half a comparison would take the place of a whole one.
    if !cli.no_record && cli.only.is_none() && well {
        let record = cli.record.clone().map_or_else(Record::usual, Record::at);
        record.write(&comparisons)?;
        println!("recorded in {}", record.path().display());
    }
    Ok(well)
}
