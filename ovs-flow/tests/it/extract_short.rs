//! The short way of extraction against the general parse.

use ovs_flow::extract::extract_general;
use ovs_flow::{CtMetadata, DpPort, FlowMask, Glance, Metadata, SparseKey, TunnelKey, extract_bytes};
use proptest::prelude::*;

use crate::generate::{Rng, damage, packet, plain_packet};

/// Metadata of all kinds, and often none.
fn metadata(rng: &mut Rng) -> Metadata {
    let mut md = Metadata::of_port(DpPort(rng.pick(&[0, 1, 1, 1, 7])));
    md.dp_hash = rng.pick(&[0, 0, 0, 9]);
    md.recirc_id = rng.pick(&[0, 0, 0, 5]);
    md.mark = rng.pick(&[0, 0, 0, 3]);
    if rng.chance(4) {
        let mut tunnel = TunnelKey::default();
        tunnel.dst.set(rng.next() as u32);
        tunnel.id.set(rng.next());
        md.tunnel = Some(Box::new(tunnel));
    }
    if rng.chance(4) {
        let mut orig_addr = [[0; 16]; 2];
        orig_addr[0][..4].copy_from_slice(&[10, 0, 0, 1]);
        md.ct = CtMetadata {
            state: rng.pick(&[0, 0x21]),
            orig_proto: rng.pick(&[0, 6]),
            orig_ipv6: rng.chance(2),
            orig_addr,
            orig_ports: [1, 2],
            ..CtMetadata::default()
        };
    }
    md
}

fn compare(packet: &[u8], md: &Metadata, tags: usize) -> Result<(), TestCaseError> {
    // What was in the keys before must not matter.
    let mut dirty = SparseKey::new();
    (0..ovs_flow::WORDS).for_each(|i| dirty.push(i, u64::MAX));
    let (mut short, mut general) = (dirty.clone(), dirty);
    let layers = extract_bytes(packet, 0, md, tags, &mut short);
    let expected = extract_general(packet, 0, md, tags, &mut general);
    prop_assert_eq!(&short, &general, "{:02x?}", packet);
    prop_assert_eq!(layers, expected, "{:02x?}", packet);
    let key = short.expand();
    prop_assert_eq!(&SparseKey::from(&key), &short);
    if let Some(Glance { dl_type, tcp_flags }) = Glance::of(packet) {
        prop_assert_eq!((key.dl_type.get(), key.tcp_flags.get()), (dl_type, tcp_flags), "{:02x?}", packet);
        prop_assert_eq!((key.nw_frag, key.vlans), (0, Default::default()), "{:02x?}", packet);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_short_way_leads_to_the_same_key(seed in any::<u64>()) {
        let mut rng = Rng(seed | 1);
        let mut p = if rng.chance(2) { packet(&mut rng) } else { plain_packet(&mut rng) };
        let md = metadata(&mut rng);
        for tags in 0..=2 {
            compare(&p, &md, tags)?;
        }
        for _ in 0..4 {
            damage(&mut rng, &mut p);
            if p.len() < 14 {
                break;
            }
            compare(&p, &md, 2)?;
        }
    }
}

#[test]
fn every_length_of_a_packet_leads_to_the_same_key() {
    let mut rng = Rng(11);
    for _ in 0..64 {
        let whole = plain_packet(&mut rng);
        for len in 0..=whole.len() {
            compare(&whole[..len], &Metadata::of_port(DpPort(1)), 2).expect("equal");
        }
    }
}

#[test]
fn a_glance_shows_what_is_usual() {
    let glance = |text: &str| Glance::of(&ovs_packet::build::frame(text).expect("a frame"));
    let shown = |dl_type, tcp_flags| Some(Glance { dl_type, tcp_flags });
    assert_eq!(glance("eth / ipv4 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / 20"), shown(0x0800, 0));
    assert_eq!(glance("eth / ipv4 10.0.0.1 > 10.0.0.2 / tcp 1 > 2 flags=0x12"), shown(0x0800, 0x12));
    assert_eq!(glance("eth / ipv6 fd00::1 > fd00::2 / tcp 1 > 2 flags=0x12"), shown(0x86dd, 0x12));
    assert_eq!(glance("eth / ipv4 10.0.0.1 > 10.0.0.2 mf=1 / udp 1 > 2 / 20"), None);
    assert_eq!(glance("eth / vlan 5 / ipv4 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / 20"), None);
}

#[test]
fn a_glance_decides_where_nothing_else_is_looked_at() {
    let mut mask = FlowMask::default();
    mask.fields.in_port = u32::MAX;
    mask.fields.dl_type.set(u16::MAX);
    mask.fields.nw_frag = 3;
    mask.fields.vlans[0].tci.set(u16::MAX);
    assert!(Glance::decides(&mask));
    let looks_at = [
        |mask: &mut FlowMask| mask.fields.pkt_mark = 1,
        |mask: &mut FlowMask| mask.fields.dl_dst[0] = 1,
        |mask: &mut FlowMask| mask.fields.nw_ttl = 1,
        |mask: &mut FlowMask| mask.fields.tp_dst.set(1),
    ];
    for look in looks_at {
        let mut more = mask;
        look(&mut more);
        assert!(!Glance::decides(&more));
    }
}
