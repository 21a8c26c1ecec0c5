//! Thousands of random packets, built and described by scapy, read by our views.

use std::collections::BTreeMap;
use std::process::Command;

use ovs_packet::pcap::Reader;
use ovs_packet::wire::{FieldValue, Protocol, walk};

use crate::dissect::hex;

/// Packets that scapy builds.
const COUNT: usize = 2000;

/// The packets and scapy's description of each; none if there is no scapy.
fn built(seed: u32) -> Option<(Vec<u8>, String)> {
    let folder = std::env::temp_dir();
    let path = |what: &str| folder.join(format!("ovs-packet-scapy-{}-{seed}.{what}", std::process::id()));
    let (pcap, fields) = (path("pcap"), path("txt"));
    // The distribution's Python, for which its scapy is installed.
    let output = Command::new("/usr/bin/python3")
        .args(["-W", "ignore", "-c", include_str!("packets.py")])
        .args([seed.to_string(), COUNT.to_string()])
        .args([&pcap, &fields])
        .output();
    let made = output.as_ref().is_ok_and(|output| output.status.success());
    let files = (std::fs::read(&pcap), std::fs::read_to_string(&fields));
    let _ = (std::fs::remove_file(&pcap), std::fs::remove_file(&fields));
    if let (true, (Ok(packets), Ok(text))) = (made, files) {
        return Some((packets, text));
    }
    let error = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    assert!(error.is_empty() || error.contains("No module named 'scapy'"), "{error}");
    eprintln!("SKIPPED scapy: needs python3 and scapy");
    assert!(std::env::var_os("CI").is_none(), "tests may not be skipped under CI");
    None
}

#[test]
fn what_scapy_builds_our_views_read() {
    let Some((packets, text)) = built(11) else { return };
    let packets: Vec<_> =
        Reader::new(&packets).unwrap().map(|record| record.unwrap().data.to_vec()).collect();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((packets.len(), lines.len()), (COUNT, COUNT));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut fields = 0;
    for (packet, line) in packets.iter().zip(&lines) {
        let mut layers = walk(Protocol::Ethernet, packet);
        for told in line.split('|') {
            let mut words = told.split_whitespace();
            let name = words.next().unwrap();
            let layer = layers.next().unwrap_or_else(|| panic!("no {name}: {line}\n{}", hex(packet)));
            let layer = layer.unwrap_or_else(|error| panic!("{error}: {line}\n{}", hex(packet)));
            assert_eq!(layer.protocol.name(), name, "{line}\n{}", hex(packet));
            layer.protocol.check_lists(layer.bytes(packet)).unwrap_or_else(|error| panic!("{error}: {line}"));
            *seen.entry(layer.protocol.name()).or_default() += 1;
            for (field, value) in words.map(|word| word.split_once('=').unwrap()) {
                let own = match layer.get(field).unwrap_or_else(|| panic!("{name} {field}")) {
                    FieldValue::Number(number) => number.to_string(),
                    FieldValue::Bytes(bytes) => format!("x{}", hex(bytes)),
                };
                assert_eq!(own, value, "{name} {field}: {line}\n{}", hex(packet));
                fields += 1;
            }
        }
    }
    eprintln!("scapy and our views agree on {fields} fields of {COUNT} packets: {seen:?}");
    assert!(seen.len() >= 37, "only {} protocols: {seen:?}", seen.len());
}
