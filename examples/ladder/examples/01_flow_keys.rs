//! Step 1, packets and flow keys: what a switch sees in the packets of a capture.
//!
//! `cargo run -p ladder --example 01_flow_keys [FILE.pcap]`; without a file, a capture is made up in memory.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;

use ovs_flow::text::{FlowDisplay, NoNames, parse_match};
use ovs_flow::{DpPort, Metadata, SparseKey, compose, extract_bytes};
use ovs_packet::pcap::{Reader, Writer};

/// Frames begin with an Ethernet header.
const ETHERNET: u32 = 0;
/// 802.1Q tags that the key has room for.
const TAGS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let capture = match std::env::args().nth(1) {
        Some(file) => std::fs::read(file)?,
        None => made_up()?,
    };
    let port = Metadata::of_port(DpPort(1));
    let mut key = SparseKey::new();
    for record in Reader::new(&capture)? {
        let record = record?;
        // The key holds only the fields that the packet has; to print them, it is spread out.
        extract_bytes(record.data, ETHERNET, &port, TAGS, &mut key);
        println!("{} bytes: {}", record.data.len(), FlowDisplay { key: &key.expand(), ports: &NoNames });
    }
    Ok(())
}

/// A capture of packets that are composed of descriptions of their flows.
fn made_up() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = Writer::new(Vec::new())?;
    let flows = [
        "arp,dl_dst=ff:ff:ff:ff:ff:ff,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1",
        "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=40000,tp_dst=80",
        "udp6,dl_vlan=7,ipv6_src=fd00::1,ipv6_dst=fd00::2,tp_src=5353,tp_dst=5353",
    ];
    for (second, flow) in (1..).zip(flows) {
        let packet = compose(&parse_match(flow, &NoNames)?.key, 8);
        writer.write(second * 1_000_000_000, &packet)?;
    }
    Ok(writer.into_inner())
}
