//! Instructions per packet, or per text, counted by valgrind's callgrind: unlike time they do not depend on what else the
//! machine does. `cargo bench -p ovs-flow --bench instructions` prints them and fails where one is above its limit, which
//! stands a little above what was counted when it was last set.
//!
//! Each case runs in a process of its own under callgrind, once with few rounds and once with many; the difference is
//! that of the rounds alone.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    dead_code,
    reason = "a program for the terminal; the flows are constants; the other benchmark uses the rest of the cases"
)]

mod cases;

use std::hint::black_box;
use std::process::{Command, ExitCode};

use ovs_flow::hash::HashKey;
use ovs_flow::text::{DpDisplay, MatchDisplay, NoNames, parse_dp_key, parse_match};
use ovs_flow::{Metadata, SparseKey, extract_bytes};

/// A case, and the instructions that one packet or text may take.
struct Case {
    name: &'static str,
    limit: u64,
    /// Units in a round.
    units: u64,
    run: fn(rounds: u64),
}

const CASES: [Case; 11] = [
    Case { name: "bare_read_and_hash/udp4", limit: 55, units: 32, run: bare },
    Case {
        name: "extract/udp4",
        limit: 85,
        units: 32,
        run: |n| extract(cases::UDP4, &cases::from_port(), n),
    },
    Case {
        name: "extract/tcp4",
        limit: 105,
        units: 32,
        run: |n| extract(cases::TCP4, &cases::from_port(), n),
    },
    Case {
        name: "extract/tcp6_vlan",
        limit: 265,
        units: 32,
        run: |n| extract(cases::TCP6_VLAN, &cases::from_port(), n),
    },
    Case {
        name: "extract/vxlan_inner",
        limit: 370,
        units: 32,
        run: |n| extract(cases::UDP4, &cases::from_vxlan(), n),
    },
    Case { name: "hash/sparse", limit: 70, units: 1, run: hash },
    Case { name: "expand", limit: 360, units: 1, run: expand },
    Case { name: "text/parse_key", limit: 16_500, units: 1, run: parse_key },
    Case { name: "text/print_key", limit: 12_000, units: 1, run: print_key },
    Case { name: "text/parse_match", limit: 23_000, units: 1, run: match_from_text },
    Case { name: "text/print_match", limit: 7_500, units: 1, run: print_match },
];

fn extract(flow: &str, md: &Metadata, rounds: u64) {
    let packets = cases::batch(flow);
    let mut keys = vec![SparseKey::new(); 32];
    for _ in 0..rounds {
        for (packet, key) in packets.iter().zip(&mut keys) {
            black_box(extract_bytes(black_box(packet), 0, md, 2, key));
        }
        black_box(&keys);
    }
}

fn bare(rounds: u64) {
    let packets = cases::batch(cases::UDP4);
    let hash = HashKey::from_seed(1);
    for _ in 0..rounds {
        black_box(packets.iter().fold(0, |sum, packet| sum ^ cases::bare(black_box(packet), &hash)));
    }
}

fn udp_key() -> SparseKey {
    let mut key = SparseKey::new();
    extract_bytes(&cases::batch(cases::UDP4)[0], 0, &cases::from_port(), 2, &mut key);
    key
}

fn hash(rounds: u64) {
    let (hash, key) = (HashKey::from_seed(1), udp_key());
    for _ in 0..rounds {
        black_box(hash.sparse(black_box(&key)));
    }
}

fn expand(rounds: u64) {
    let key = udp_key();
    for _ in 0..rounds {
        black_box(black_box(&key).expand());
    }
}

fn parse_key(rounds: u64) {
    for _ in 0..rounds {
        let _ = black_box(parse_dp_key(black_box(cases::UDP4), &NoNames));
    }
}

fn print_key(rounds: u64) {
    let key = parse_dp_key(cases::UDP4, &NoNames).expect("a flow");
    for _ in 0..rounds {
        black_box(DpDisplay::key(black_box(&key), &NoNames).to_string());
    }
}

fn match_from_text(rounds: u64) {
    for _ in 0..rounds {
        let _ = black_box(parse_match(black_box(cases::MATCH), &NoNames));
    }
}

fn print_match(rounds: u64) {
    let m = parse_match(cases::MATCH, &NoNames).expect("a match");
    for _ in 0..rounds {
        black_box(MatchDisplay { m: black_box(&m), ports: &NoNames }.to_string());
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

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--case") {
        let case = CASES.iter().find(|c| c.name == args[at + 1]).expect("a case");
        (case.run)(args[at + 2].parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if !args.iter().any(|a| a == "--bench") {
        // `cargo test --benches`: a debug build's instructions say nothing, so each case is only tried.
        for case in &CASES {
            (case.run)(1);
        }
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    println!("{:26} {:>12} {:>8}", "case", "instructions", "limit");
    for case in &CASES {
        let counts = count(case.name, 100).and_then(|few| Ok((few, count(case.name, 1100)?)));
        let (few, many) = match counts {
            Ok(counts) => counts,
            Err(why) => {
                println!("SKIPPED instruction counts: {why}");
                return if std::env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            }
        };
        let each = (many - few) / (1000 * case.units);
        let above = each > case.limit;
        failed |= above;
        println!("{:26} {each:>12} {:>8}{}", case.name, case.limit, if above { " ABOVE" } else { "" });
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
