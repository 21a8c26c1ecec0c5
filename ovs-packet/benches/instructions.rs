//! Instructions per round, counted by valgrind's callgrind: unlike time they do not depend on what else the machine does.
//! `cargo bench -p ovs-packet --bench instructions` prints them and fails where one is above its limit, which stands a
//! little above what was counted when it was last set.
//!
//! Each case runs in a process of its own under callgrind, once with few rounds and once with many; the difference is
//! that of the rounds alone.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    dead_code,
    reason = "the other benchmark uses the rest of the cases; a program for the terminal; its own cases are well-formed"
)]

mod cases;

use std::hint::black_box;
use std::process::{Command, ExitCode};

use cases::Round;

/// What a round of each case may take: those of [`cases::CASES`], and the checksums by their size.
const LIMITS: [(&str, u64); 17] = [
    ("internet/20", 125),
    ("internet/64", 100),
    ("internet/1500", 750),
    ("internet/65536", 21_500),
    ("crc32c/20", 160),
    ("crc32c/64", 290),
    ("crc32c/1500", 5_400),
    ("crc32c/65536", 230_000),
    ("buffers/batch_dropped", 1_500),
    ("buffers/batch_recycled", 1_600),
    ("edit/ipv4_dst_ttl", 380),
    ("edit/ipv6_src_ports", 740),
    ("edit/vlan_push_pop", 125),
    ("segment/tcp_62k", 130_000),
    ("segment/vxlan_tcp_62k", 150_000),
    ("fragment/9000_to_1500", 15_000),
    ("reassemble/9000_of_1500", 11_500),
];

/// Makes a case ready.
fn ready(case: &str) -> Option<Round> {
    if let Some((_, ready)) = cases::CASES.iter().find(|(name, _)| *name == case) {
        return Some(ready());
    }
    let (sum, len) = case.split_once('/')?;
    let data = cases::bytes(len.parse().ok()?);
    match sum {
        "internet" => Some(Box::new(move || {
            black_box(cases::sum(&data));
        })),
        "crc32c" => Some(Box::new(move || {
            black_box(cases::crc(&data));
        })),
        _ => None,
    }
}

/// All instructions of this program when it runs a case.
fn count(case: &str, rounds: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--case", case, &rounds.to_string()])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, n)| n.trim().parse().ok()).ok_or_else(|| said.into_owned())
}

/// Instructions of one round.
fn each(case: &str) -> Result<u64, String> {
    const FEW: u64 = 10;
    const MANY: u64 = 110;
    Ok((count(case, MANY)? - count(case, FEW)?) / (MANY - FEW))
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--case") {
        let mut round = ready(&args[at + 1]).expect("a case");
        for _ in 0..args[at + 2].parse().expect("a number") {
            round();
        }
        return ExitCode::SUCCESS;
    }
    if !args.iter().any(|a| a == "--bench") {
        // `cargo test --benches`: that the cases run is enough.
        for (case, _) in LIMITS {
            ready(case).expect("a case")();
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    println!("{:26} {:>12} {:>8}", "case", "instructions", "limit");
    for (case, limit) in LIMITS {
        let each = match each(case) {
            Ok(each) => each,
            Err(why) => {
                println!("SKIPPED instruction counts: {why}");
                return if std::env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            }
        };
        let above = each > limit;
        failed |= above;
        println!("{case:26} {each:>12} {limit:>8}{}", if above { " ABOVE" } else { "" });
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
