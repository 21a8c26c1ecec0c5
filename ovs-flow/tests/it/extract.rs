//! Extraction against `ovs-ofctl parse-pcap`.

use ovs_flow::text::{FlowDisplay, NoNames};
use ovs_flow::{DpPort, FlowKey, Metadata, SparseKey, extract_bytes};

use crate::generate::{Rng, damage, packet};
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

#[test]
fn extracts_what_the_original_extracts() {
    let Some(ofctl) = peer::ofctl("extracts_what_the_original_extracts") else { return };
    let mut rng = Rng(0x0123_4567_89ab_cdef);
    let mut packets = Vec::new();
    for i in 0..20_000 {
        let mut p = packet(&mut rng);
        if i % 2 == 1 {
            damage(&mut rng, &mut p);
        }
        packets.push(p);
    }
    for _ in 0..60 {
        let whole = packet(&mut rng);
        packets.extend((1..whole.len()).map(|n| whole[..n].to_vec()));
    }
    let path = std::env::temp_dir().join(format!("ovs-flow-{}.pcap", std::process::id()));
    std::fs::write(&path, pcap(&packets)).expect("temporary file");
    let output = peer::run(&ofctl, &["parse-pcap", &path.display().to_string()], "");
    let _ = std::fs::remove_file(&path);
    let theirs: Vec<_> = output.lines().filter(|l| !l.contains("|WARN|")).collect();
    assert_eq!(theirs.len(), packets.len(), "{:?}", theirs.last());
    let mut wrong = 0;
    for (packet, theirs) in packets.iter().zip(theirs) {
        let ours = FlowDisplay { key: &key_of(packet), ports: &NoNames }.to_string();
        if ours != theirs {
            wrong += 1;
            if wrong < 12 {
                eprintln!("ours   {ours}\ntheirs {theirs}\n       {packet:02x?}");
            }
        }
    }
    assert_eq!(wrong, 0, "of {}", packets.len());
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
