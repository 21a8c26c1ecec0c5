//! Step 2, a classifier in 30 lines: rules go in, packets find the best one, and the mask tells which bits decided.
//!
//! `cargo run -p ladder --example 02_classifier`
#![expect(clippy::print_stdout, reason = "a command-line program")]

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Version};
use ovs_flow::text::{MatchDisplay, NoNames, parse_match};
use ovs_flow::{FlowMask, Match};

/// Of several rules that match, the one of highest priority counts.
const RULES: [(i32, &str, &str); 3] = [
    (30, "tcp,nw_dst=10.1.0.0/16,tp_dst=80", "to the web servers"),
    (20, "ip,nw_dst=10.0.0.0/8", "inside"),
    (10, "ip", "out to the internet"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    for (priority, matching, verdict) in RULES {
        rules.insert(&parse_match(matching, &NoNames)?, priority, verdict, Version(1))?;
    }
    // Any number of readers look up at the same time, on any thread, without waiting for the writer.
    let (lookups, mut reader) = (rules.reader(), domain.reader());
    for packet in [
        "tcp,nw_dst=10.1.2.3,tp_dst=80",
        "tcp,nw_dst=10.1.2.3,tp_dst=22",
        "udp,nw_dst=192.0.2.1,tp_dst=53",
        "arp",
    ] {
        let key = parse_match(packet, &NoNames)?.key;
        let mut mask = FlowMask::default();
        let guard = reader.enter();
        let rule = lookups.lookup(Version(1), &key, Some(&mut mask), &guard);
        let verdict = rule.map_or("no rule", |rule| *rule.value());
        println!("{packet}: {verdict}");
        println!("    as is all of: {}", MatchDisplay { m: &Match::new(&key, mask), ports: &NoNames });
    }
    Ok(())
}
