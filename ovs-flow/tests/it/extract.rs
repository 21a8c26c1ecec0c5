//! Extraction against `ovs-ofctl parse-pcap`.

use std::collections::BTreeSet;

use ovs_flow::text::{FlowDisplay, NoNames};
use ovs_flow::{CtMetadata, DpPort, Field, FlowKey, Metadata, SparseKey, TunnelKey, compose, extract_bytes};
use zerocopy::FromBytes as _;

use crate::generate::{Rng, damage, lie, packet, plain_packet};
use crate::peer;

/// A classic pcap file of these packets, microseconds, native byte order.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_ne_bytes());
    }
    for packet in packets {
        for word in [0, 0, packet.len() as u32, packet.len() as u32] {
            file.extend(word.to_ne_bytes());
        }
        file.extend(packet);
    }
    file
}

pub fn key_of(packet: &[u8]) -> FlowKey {
    let mut sparse = SparseKey::new();
    extract_bytes(packet, 0, &Metadata::of_port(DpPort(0)), 2, &mut sparse);
    let mut key = sparse.expand();
    // In the tool's world a packet without a port of entry has none, which is number 0xffff.
    key.in_port = 0xffff;
    key
}

/// Fields that a packet's bytes alone can fill.
fn is_extractable(field: Field) -> bool {
    let name = field.name();
    let elsewhere = ["tun_", "ct_", "reg", "xreg", "xxreg", "in_port", "gtpu", "tunnel"];
    let assigned = [
        "metadata",
        "skb_priority",
        "pkt_mark",
        "dp_hash",
        "recirc_id",
        "packet_type",
        "conj_id",
        "actset_output",
    ];
    !elsewhere.iter().any(|start| name.starts_with(start)) && !assigned.contains(&name)
}

/// Which fields are anything but zero in some key.
#[derive(Default)]
struct Coverage(BTreeSet<&'static str>);

impl Coverage {
    fn add(&mut self, key: &FlowKey) {
        self.0.extend(Field::all().filter(|f| f.get(key) != 0).map(Field::name));
    }

    /// Prints how many of these fields there were, and insists on all.
    fn expect(&self, what: &str, fields: impl Fn(Field) -> bool) {
        let (seen, unseen): (Vec<_>, Vec<_>) =
            Field::all().filter(|f| fields(*f)).map(Field::name).partition(|name| self.0.contains(name));
        println!("{what}: {} of {} fields", seen.len(), seen.len() + unseen.len());
        assert!(unseen.is_empty(), "{unseen:?}");
    }
}

/// Valid packets, damaged ones, ones whose lengths lie, and some cut off at each byte.
fn packets(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for i in 0..24_000 {
        let mut p = if i % 6 == 5 { plain_packet(rng) } else { packet(rng) };
        match i % 4 {
            0 => {}
            1 => damage(rng, &mut p),
            2 => lie(rng, &mut p),
            _ => {
                lie(rng, &mut p);
                damage(rng, &mut p);
            }
        }
        packets.push(p);
    }
    for i in 0..160 {
        let whole = if i % 6 == 5 { plain_packet(rng) } else { packet(rng) };
        packets.extend((1..=whole.len()).map(|n| whole[..n].to_vec()));
    }
    packets
}

#[test]
fn extracts_what_the_original_extracts() {
    let Some(ofctl) = peer::ofctl("extracts_what_the_original_extracts") else { return };
    let packets = packets(&mut Rng(0x0123_4567_89ab_cdef));
    let path = std::env::temp_dir().join(format!("ovs-flow-{}.pcap", std::process::id()));
    std::fs::write(&path, pcap(&packets)).expect("temporary file");
    let output = peer::run(&ofctl, &["parse-pcap", &path.display().to_string()], "");
    let _ = std::fs::remove_file(&path);
    let theirs: Vec<_> = output.lines().filter(|l| !l.contains("|WARN|")).collect();
    assert_eq!(theirs.len(), packets.len(), "{:?}", theirs.last());
    let (mut wrong, mut coverage) = (0, Coverage::default());
    for (packet, theirs) in packets.iter().zip(theirs) {
        let key = key_of(packet);
        coverage.add(&key);
        let ours = FlowDisplay { key: &key, ports: &NoNames }.to_string();
        if ours != theirs {
            wrong += 1;
            if wrong < 12 {
                eprintln!("ours   {ours}\ntheirs {theirs}\n       {packet:02x?}");
            }
        }
    }
    println!("{} packets, {wrong} extracted otherwise", packets.len());
    coverage.expect("extracted from bytes", is_extractable);
    assert_eq!(wrong, 0, "of {}", packets.len());
}

/// What is known of a packet beside its bytes comes into the key as it is.
#[test]
fn metadata_is_extracted() {
    let mut rng = Rng(5);
    let mut coverage = Coverage::default();
    for _ in 0..200 {
        let mut expected = FlowKey::default();
        let v6 = rng.chance(2);
        let bytes = rng.bytes(size_of::<TunnelKey>());
        expected.tunnel = TunnelKey::read_from_bytes(&bytes).expect("all of it");
        expected.in_port = rng.next() as u32;
        (expected.recirc_id, expected.dp_hash) = (rng.next() as u32, rng.next() as u32);
        (expected.skb_priority, expected.pkt_mark) = (rng.next() as u32, rng.next() as u32);
        (expected.ct_state, expected.ct_zone, expected.ct_mark) =
            (0x21, rng.next() as u16, rng.next() as u32);
        expected.ct_label[..8].copy_from_slice(&rng.next().to_ne_bytes());
        let addrs = [rng.next(), rng.next()].map(|a| (u128::from(a) << 64 | u128::from(a)).to_be_bytes());
        if v6 {
            (expected.ct_ipv6_src, expected.ct_ipv6_dst) = (addrs[0], addrs[1]);
        } else {
            expected.ct_nw_src.set(u32::from_be_bytes(*addrs[0].first_chunk().expect("16 bytes")));
            expected.ct_nw_dst.set(u32::from_be_bytes(*addrs[1].first_chunk().expect("16 bytes")));
        }
        expected.ct_nw_proto = 17;
        expected.ct_tp_src.set(rng.next() as u16);
        expected.ct_tp_dst.set(rng.next() as u16);
        let md = Metadata {
            in_port: DpPort(expected.in_port),
            recirc_id: expected.recirc_id,
            dp_hash: expected.dp_hash,
            priority: expected.skb_priority,
            mark: expected.pkt_mark,
            ct: CtMetadata {
                state: expected.ct_state,
                zone: expected.ct_zone,
                mark: expected.ct_mark,
                label: expected.ct_label,
                orig_proto: 17,
                orig_ipv6: v6,
                orig_addr: addrs,
                orig_ports: [expected.ct_tp_src.get(), expected.ct_tp_dst.get()],
                connection: 0,
            },
            tunnel: Some(Box::new(expected.tunnel)),
        };
        let mut packet = compose(&udp(v6), 8);
        let plain = key_of(&packet);
        let mut sparse = SparseKey::new();
        extract_bytes(&packet, 0, &md, 2, &mut sparse);
        let mut headers = plain;
        headers.in_port = 0;
        for (word, header) in expected.words_mut().iter_mut().zip(headers.words()) {
            *word |= header;
        }
        assert_eq!(sparse.expand(), expected);
        coverage.add(&expected);
        // Without its Ethernet header the packet has a type instead.
        packet.drain(..14);
        let packet_type = 1 << 16 | u32::from(plain.dl_type.get());
        let layers = extract_bytes(&packet, packet_type, &md, 2, &mut sparse);
        expected.packet_type.set(packet_type);
        (expected.dl_src, expected.dl_dst) = ([0; 6], [0; 6]);
        assert_eq!((sparse.expand(), layers.l3), (expected, 0));
        coverage.add(&expected);
    }
    let assigned = |field: Field| {
        let name = field.name();
        let known = name.starts_with("tun_") || name.starts_with("ct_");
        known
            || ["in_port", "recirc_id", "dp_hash", "skb_priority", "pkt_mark", "packet_type"].contains(&name)
    };
    coverage.expect("taken from metadata", assigned);
}

/// A datagram's key.
fn udp(v6: bool) -> FlowKey {
    let mut key = FlowKey::default();
    key.dl_type.set(if v6 { 0x86dd } else { 0x0800 });
    key.dl_src = [2; 6];
    key.nw_proto = 17;
    key.tp_src.set(1);
    key
}

#[test]
fn no_bytes_make_it_panic() {
    let mut rng = Rng(7);
    for _ in 0..50_000 {
        let mut p = packet(&mut rng);
        for _ in 0..rng.below(4) {
            damage(&mut rng, &mut p);
            if p.len() < 14 {
                break;
            }
        }
        let _ = key_of(&p);
    }
}
