//! Extraction of any bytes, and the packet that is composed of what was extracted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::text::{DpDisplay, FlowDisplay, NoNames};
use ovs_flow::{DpPort, Metadata, SparseKey, compose, extract_bytes};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let packet_type = match first & 7 {
        0 => 0x1_0800,
        1 => 0x1_86dd,
        2 => 0x1_894f,
        3 => 0x2_0001,
        _ => 0,
    };
    let md = Metadata::of_port(DpPort(u32::from(*first)));
    let mut key = SparseKey::new();
    let layers = extract_bytes(rest, packet_type, &md, usize::from(first >> 5), &mut key);
    for offset in [layers.l2_5, layers.l3, layers.l4] {
        assert!(offset == u16::MAX || usize::from(offset) <= rest.len());
    }
    let whole = key.expand();
    assert_eq!(SparseKey::from(&whole), key);
    let _ = DpDisplay::key(&whole, &NoNames).to_string();
    let _ = FlowDisplay { key: &whole, ports: &NoNames }.to_string();
    let packet = compose(&whole, 8);
    extract_bytes(&packet, packet_type, &md, 2, &mut key);
});
