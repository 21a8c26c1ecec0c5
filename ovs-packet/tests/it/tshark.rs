//! A second opinion: what tshark says of packets that we made, changed and cut.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use ovs_packet::fragment::{Cut, fragment};
use ovs_packet::pcap::Writer;
use ovs_packet::{Offload, Packet, Pool, PoolConfig, build, edit};

use crate::frames::{tcp, udp};
use crate::tunnel::{TUNNELS, super_packet};

/// What tshark says of one field of each packet, or nothing if it is not there.
fn tshark(packets: &[Packet], fields: &[&str]) -> Option<Vec<String>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("ovs-packet-{}-{count}.pcap", std::process::id()));
    let mut writer = Writer::new(Vec::new()).unwrap();
    for packet in packets {
        writer.write(0, packet.data()).unwrap();
    }
    std::fs::write(&path, writer.into_inner()).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-n", "-T", "fields"]);
    for protocol in ["ip", "tcp", "udp", "sctp"] {
        let checksum = if protocol == "sctp" {
            "sctp.checksum:crc-32c".into()
        } else {
            format!("{protocol}.check_checksum:TRUE")
        };
        command.arg("-o").arg(checksum);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output();
    let _ = std::fs::remove_file(&path);
    match output {
        Ok(output) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
        }
        _ => {
            eprintln!("SKIPPED tshark: needs tshark");
            assert!(std::env::var_os("CI").is_none(), "tests may not be skipped under CI");
            None
        }
    }
}

const STATUS: [&str; 5] = [
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "sctp.checksum.status",
    "icmpv6.checksum.status",
];

#[test]
fn tshark_finds_every_checksum_good() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut packets = Vec::new();
    for ip in ["ipv4 1.2.3.4 > 5.6.7.8", "ipv6 fd00::5 > fd00::6"] {
        for l4 in ["tcp 1000 > 80", "udp 1000 > 5353", "sctp 1000 > 36412"] {
            let frame = build::frame(&format!("eth / vlan 7 / {ip} / {l4} / 99")).unwrap();
            let mut changed = Packet::detached(&frame).unwrap();
            if let Some(mut ip) = edit::Ipv4::of(&mut changed) {
                ip.set_dst([9, 8, 7, 6]);
                ip.set_ttl(1);
            }
            if let Some(mut ip) = edit::Ipv6::of(&mut changed) {
                ip.set_src([0xfd; 16]);
            }
            edit::Ports::of(&mut changed).unwrap().set(4242, 2424);
            packets.push(Packet::detached(&frame).unwrap());
            packets.push(changed);
        }
        let frame = build::frame(&format!("eth / {ip} / tcp 1 > 2 flags=0x19 / 9000")).unwrap();
        let mut whole = pool.packet_from(&frame).unwrap();
        whole.facts_mut().offload = Offload::TSO4 | Offload::TSO6;
        whole.facts_mut().segment_size = 1400;
        edit::finish(whole, Offload::empty(), &mut pool, &mut |segment| packets.push(segment)).unwrap();
    }
    all_good(&packets, 1);
}

/// Wants every checksum that tshark finds to be good (or, in tunnels over UDP, absent), at least so many a packet.
fn all_good(packets: &[Packet], least: usize) {
    let Some(lines) = tshark(packets, &STATUS) else { return };
    assert_eq!(lines.len(), packets.len());
    for (line, packet) in lines.iter().zip(packets) {
        // Where layers repeat, tshark lists their values with commas between.
        let statuses: Vec<&str> = line.split(['\t', ',']).filter(|status| !status.is_empty()).collect();
        let good = statuses.iter().filter(|status| matches!(**status, "1" | "Good")).count();
        let absent = statuses.iter().filter(|status| matches!(**status, "3" | "Not present")).count();
        assert!(good >= least && good + absent == statuses.len(), "{line:?} of {packet:x?}");
    }
}

#[test]
fn tshark_finds_every_checksum_in_tunnels_good() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut packets = Vec::new();
    for tunnel in &TUNNELS {
        for versions in [(false, false), (true, false), (false, true), (true, true)] {
            for (partial, summed) in [((false, false), false), ((true, true), true)] {
                if versions.0 && !summed {
                    continue; // allowed in tunnels (RFC 6935), but tshark says "illegal"
                }
                for (protocol, l4) in [(6, tcp(0x99, &[7; 3001])), (17, udp(&[9; 3001]))] {
                    let (mut packet, _) = super_packet(tunnel, versions, &l4, protocol, partial, summed);
                    packet.facts_mut().offload |= Offload::SEGMENT;
                    packet.facts_mut().segment_size = 1400;
                    let emit = &mut |segment| packets.push(segment);
                    edit::finish(packet, Offload::empty(), &mut pool, emit).unwrap();
                }
            }
        }
    }
    all_good(&packets, 1);
}

#[test]
fn tshark_puts_our_fragments_together() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut packets = Vec::new();
    for ip in ["ipv4 id=77", "ipv6"] {
        let frame = build::frame(&format!("eth / {ip} / udp 1000 > 2000 / 5000")).unwrap();
        let packet = pool.packet_from(&frame).unwrap();
        fragment(packet, Cut::Mtu(1500), 7, &mut pool, &mut |part| packets.push(part)).unwrap();
    }
    let Some(lines) = tshark(&packets, &["udp.length", "udp.checksum.status", "ip.checksum.status"]) else {
        return;
    };
    let whole: Vec<&str> = lines.iter().map(String::as_str).filter(|line| line.starts_with("5008")).collect();
    assert_eq!(whole.len(), 2, "{lines:?}");
    assert!(
        whole.iter().all(|line| line.starts_with("5008\t1") || line.starts_with("5008\tGood")),
        "{whole:?}"
    );
}

#[test]
fn tshark_reads_the_fields_that_we_wrote() {
    let frame =
        build::frame("eth / svlan 9 / mpls 77 tc=3 ttl=5 / ipv4 ttl=33 tos=0xb8 / udp 7 > 9 / 4").unwrap();
    let packets = [Packet::detached(&frame).unwrap()];
    let fields = [
        "vlan.id",
        "ieee8021ad.id",
        "mpls.label",
        "mpls.exp",
        "mpls.ttl",
        "ip.ttl",
        "ip.dsfield.dscp",
        "udp.length",
    ];
    let Some(lines) = tshark(&packets, &fields) else { return };
    let words: Vec<&str> = lines[0].split('\t').filter(|word| !word.is_empty()).collect();
    assert_eq!(words, ["9", "77", "3", "5", "33", "46", "12"]);
}
