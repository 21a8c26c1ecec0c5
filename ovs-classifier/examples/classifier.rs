//! A classifier in 30 lines: two rules, a few packets, and which bits of each packet decided.
//!
//! `cargo run -p ovs-classifier --example classifier`
#![expect(clippy::print_stdout, reason = "a program that shows something")]

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierError, ClassifierWriter, Version};
use ovs_flow::text::{MatchDisplay, NoNames, parse_match};
use ovs_flow::{FlowMask, Match};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let domain = Domain::new();
    let rules = table(&domain)?;
    let (lookups, mut reader) = (rules.reader(), domain.reader());
    for packet in [
        "tcp,nw_src=10.0.0.1,nw_dst=192.168.1.7,tp_src=4000,tp_dst=22",
        "tcp,nw_src=10.0.0.1,nw_dst=192.168.1.7,tp_src=4000,tp_dst=80",
        "udp,nw_src=172.16.0.1,nw_dst=192.168.1.7,tp_src=4000,tp_dst=53",
    ] {
        let key = parse_match(packet, &NoNames)?.key;
        let mut mask = FlowMask::default();
        let guard = reader.enter();
        let rule = lookups.lookup(Version(1), &key, Some(&mut mask), &guard);
        let verdict = rule.map_or("no rule", |rule| *rule.value());
        let megaflow = Match::new(&key, mask);
        println!("{packet}\n  {verdict:8} {}", MatchDisplay { m: &megaflow, ports: &NoNames });
    }
    Ok(())
}

fn table(domain: &Domain) -> Result<ClassifierWriter<&'static str>, Box<dyn std::error::Error>> {
    let mut rules = ClassifierWriter::new(domain, ClassifierConfig::default());
    let mut add = |priority, text, verdict| -> Result<(), Box<dyn std::error::Error>> {
        let done: Result<_, ClassifierError> =
            rules.insert(&parse_match(text, &NoNames)?, priority, verdict, Version(1));
        done?;
        Ok(())
    };
    add(20, "tcp,nw_dst=192.168.0.0/16,tp_dst=22", "refuse")?;
    add(10, "ip,nw_src=10.0.0.0/8", "accept")?;
    Ok(rules)
}
