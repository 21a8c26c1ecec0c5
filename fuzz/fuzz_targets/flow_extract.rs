//! Extraction of any bytes with any metadata, by the short way and by the general one, and the packet that is composed of
//! what was extracted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::extract::extract_general;
use ovs_flow::text::{DpDisplay, FlowDisplay, NoNames};
use ovs_flow::{CtMetadata, DpPort, FlowMask, Glance, Metadata, SparseKey, TunnelKey, compose, extract_bytes};

fuzz_target!(|data: &[u8]| {
    let Some((&[first, second], rest)) = data.split_first_chunk::<2>() else { return };
    let packet_type = match first & 7 {
        0 => 0x1_0800,
        1 => 0x1_86dd,
        2 => 0x1_894f,
        3 => 0x2_0001,
        _ => 0,
    };
    let mut md = Metadata::of_port(DpPort(u32::from(second & 3)));
    md.recirc_id = u32::from(second >> 2 & 1);
    if second & 8 != 0 {
        let state = second >> 4;
        md.ct = CtMetadata { state, orig_proto: second >> 5, orig_ipv6: second & 16 != 0, ..md.ct };
        md.ct.orig_addr = [[first; 16]; 2];
    }
    if second & 128 != 0 {
        let mut tunnel = TunnelKey::default();
        tunnel.dst.set(u32::from(first));
        tunnel.set_options(&rest[..rest.len().min(16)]);
        md.tunnel = Some(Box::new(tunnel));
    }
    let tags = usize::from(first >> 5);
    let (mut key, mut general) = (SparseKey::new(), SparseKey::new());
    let layers = extract_bytes(rest, packet_type, &md, tags, &mut key);
    assert_eq!(layers, extract_general(rest, packet_type, &md, tags, &mut general));
    assert_eq!(key, general);
    for offset in [layers.l2_5, layers.l3, layers.l4] {
        assert!(offset == u16::MAX || usize::from(offset) <= rest.len());
    }
    let whole = key.expand();
    if let Some(glance) = Glance::of(rest).filter(|_| packet_type == 0) {
        assert_eq!((whole.dl_type.get(), whole.tcp_flags.get()), (glance.dl_type, glance.tcp_flags));
        assert_eq!((whole.nw_frag, whole.vlans), (0, Default::default()));
    }
    assert_eq!(SparseKey::from(&whole), key);
    // A text costs more than all the rest: one of them each time.
    match rest.len() % 3 {
        0 => drop(DpDisplay::key(&whole, &NoNames).to_string()),
        1 => drop(DpDisplay::masked(&whole, &FlowMask::for_packet(&whole), &NoNames).to_string()),
        _ => drop(FlowDisplay { key: &whole, ports: &NoNames }.to_string()),
    }
    let packet = compose(&whole, 8);
    extract_bytes(&packet, packet_type, &md, 2, &mut key);
});
