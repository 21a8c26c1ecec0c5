//! Prints one line for each packet of a pcap file, header by header: `parse_pcap FILE`; without a file, of some made-up
//! packets.

#![allow(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use ovs_packet::build;
use ovs_packet::pcap::{FileHeader, Reader, record_header};
use ovs_packet::wire::{
    FieldValue, Items, Layer, LldpTlv, NeighborOption, Protocol, TcpOption, TcpView, walk,
};

fn main() -> Result<(), Box<dyn Error>> {
    let file = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => made_up()?,
    };
    for record in Reader::new(&file)? {
        let record = record?;
        let seconds = record.timestamp as f64 / 1e9;
        println!("{seconds:.6} {} bytes: {}", record.original_len, describe(record.data));
    }
    Ok(())
}

/// One line about a frame, as far as it can be understood.
fn describe(frame: &[u8]) -> String {
    let mut line = String::new();
    for layer in walk(Protocol::Ethernet, frame) {
        let separator = if line.is_empty() { "" } else { " / " };
        let _ = match layer {
            Ok(layer) => write!(line, "{separator}{}", header(&layer, layer.bytes(frame))),
            Err(error) => write!(line, "{separator}[{error}]"),
        };
    }
    line
}

/// A header: its name, the fields that tell most, and its list.
fn header(layer: &Layer<'_>, bytes: &[u8]) -> String {
    let mut text = layer.protocol.name().to_owned();
    let shown: &[&str] = match layer.protocol {
        Protocol::Ethernet | Protocol::Ipv4 | Protocol::Ipv6 => &["src", "dst"],
        Protocol::Vlan => &["vid", "pcp"],
        Protocol::Mpls => &["label", "ttl"],
        Protocol::Arp => &["operation", "sender_ip", "target_ip"],
        Protocol::Tcp | Protocol::Udp | Protocol::Sctp => &["src_port", "dst_port"],
        Protocol::SegmentRouting => &["segments_left", "last_entry"],
        Protocol::Fragment => &["offset_units", "more_fragments", "id"],
        Protocol::Icmp | Protocol::Icmpv6 | Protocol::Igmp | Protocol::Mld => &["kind", "code"],
        Protocol::Neighbor => &["kind", "target"],
        Protocol::IgmpReport | Protocol::MldReport => &["record_count"],
        Protocol::Vxlan | Protocol::Geneve => &["vni"],
        Protocol::Gre => &["protocol"],
        Protocol::Erspan2 | Protocol::Erspan3 => &["session", "vlan"],
        Protocol::Gtpu => &["message", "teid"],
        Protocol::Lisp => &["instance"],
        Protocol::Nsh => &["spi", "service_index"],
        Protocol::Bfd => &["state", "my_discriminator", "your_discriminator"],
        Protocol::Ccm => &["level", "endpoint", "sequence"],
        Protocol::Lacp => &["actor_system", "actor_state", "partner_system", "partner_state"],
        Protocol::BridgeUnit => &["version", "root_address", "root_path_cost"],
        _ => &[],
    };
    for name in shown {
        if let Some(value) = layer.get(name) {
            let _ = write!(text, " {name} {}", value_text(value));
        }
    }
    text + &list(layer, bytes)
}

fn value_text(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Bytes(bytes) => {
            match bytes.len() {
                4 => <[u8; 4]>::try_from(bytes)
                    .map_or(String::new(), |octets| Ipv4Addr::from(octets).to_string()),
                16 => <[u8; 16]>::try_from(bytes)
                    .map_or(String::new(), |octets| Ipv6Addr::from(octets).to_string()),
                _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
            }
        }
    }
}

/// Options and TLVs, each as it is or with what is wrong with it.
fn list(layer: &Layer<'_>, bytes: &[u8]) -> String {
    fn debug<T: std::fmt::Debug, E: std::fmt::Display>(item: Result<T, E>) -> String {
        item.map_or_else(|error| format!(" [{error}]"), |item| format!(" {item:?}"))
    }
    match layer.protocol {
        Protocol::Tcp => match TcpView::new_checked(layer.header) {
            Ok(tcp) => tcp.options().map(debug::<TcpOption<'_>, _>).collect(),
            Err(_) => String::new(),
        },
        Protocol::Neighbor => NeighborOption::list(layer.payload).map(debug).collect(),
        Protocol::Lldp => Items::<LldpTlv<'_>>::new(layer.header, 0).map(debug).collect(),
        // Every entry of the stack is a header of its own here.
        Protocol::Mpls => String::new(),
        protocol => match protocol.check_lists(bytes) {
            Ok(0) => String::new(),
            Ok(count) => format!(" ({count} in its list)"),
            Err(error) => format!(" [{error}]"),
        },
    }
}

/// Some packets, and one that is cut off.
fn made_up() -> Result<Vec<u8>, build::BuildError> {
    let mut packets = Vec::new();
    for text in [
        "eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / arp 10.0.0.1 > 10.0.0.2",
        "eth / vlan 7 / ipv4 / tcp 4000 > 80 flags=2 mss=1460 ws=7 sackok=1",
        "eth / ipv6 / hopopts ra=0 / mldreport record=4,ff02::9",
        "eth / ipv6 / ns fd00::2 slla=02:00:00:00:00:01",
        "eth / ipv4 / udp / vxlan 5001 / eth / mpls 16 / ipv4 / udp 1 > 53 / payload hello",
        "eth / ipv4 / gre seq=1 / erspan2 9 vlan=5 / eth / ipv4 / icmp",
        "eth / ipv4 / udp / bfd 1 > 2 state=3",
        "eth / lacp actor_system=02:00:00:00:00:01 actor_state=0x3d",
        "eth / lldp chassis=4:020000000001 port=7:31 ttl=120 name=sw1",
        "eth / llc / rstp root_address=02:00:00:00:00:01",
    ] {
        packets.push(build::frame(text)?);
    }
    packets.push(build::frame("eth / ipv6 / tcp")?[..30].to_vec());
    let mut file = FileHeader::ethernet().to_bytes().to_vec();
    for (i, packet) in packets.iter().enumerate() {
        file.extend(record_header(i as u64 * 1_000_000, packet.len() as u32, packet.len() as u32));
        file.extend(packet);
    }
    Ok(file)
}
