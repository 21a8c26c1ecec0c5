//! Keys made out of old ones against those of the packet's bytes.

use ovs_flow::{CtMetadata, DpPort, Metadata, Rekey, SparseKey, TunnelKey, extract_bytes};

use crate::generate::{Rng, damage, lie, packet, plain_packet};

/// What may be known of a packet; more often than by chance nothing, or the same.
fn metadata(rng: &mut Rng) -> Metadata {
    let mut md = Metadata::of_port(DpPort(rng.below(3) as u32));
    md.recirc_id = rng.below(3) as u32;
    if rng.chance(4) {
        (md.dp_hash, md.priority, md.mark) = (rng.next() as u32, rng.below(2) as u32, rng.below(2) as u32);
    }
    if rng.chance(8) {
        let mut tunnel = TunnelKey::default();
        tunnel.id.set(rng.next());
        tunnel.dst.set(7);
        md.tunnel = Some(Box::new(tunnel));
    }
    if rng.chance(3) {
        return md;
    }
    let mut address = || (u128::from(rng.next()) << 64 | u128::from(rng.next())).to_be_bytes();
    md.ct = CtMetadata { orig_addr: [address(), address()], ..CtMetadata::default() };
    md.ct.state = rng.pick(&[0, 0x21, 0x22, 0x2a, 0x30]);
    (md.ct.zone, md.ct.mark) = (rng.below(3) as u16, rng.below(2) as u32);
    md.ct.label[rng.below(16)] = rng.below(2) as u8;
    (md.ct.orig_proto, md.ct.orig_ipv6) = (rng.pick(&[0, 6, 17]), rng.chance(2));
    md.ct.orig_ports = [rng.next() as u16, rng.pick(&[0, 80])];
    if rng.chance(6) {
        md.ct.orig_addr[0] = [0; 16];
        md.ct.orig_ports = [0; 2];
    }
    md
}

#[test]
fn keys_are_made_out_of_old_ones_as_out_of_bytes() {
    let mut rng = Rng(11);
    let (mut rekey, mut made) = (Rekey::default(), 0);
    let (mut old, mut new, mut expected) = (SparseKey::new(), SparseKey::new(), SparseKey::new());
    for i in 0..60_000 {
        let mut bytes = if i % 3 == 0 { packet(&mut rng) } else { plain_packet(&mut rng) };
        match i % 5 {
            0 => damage(&mut rng, &mut bytes),
            1 => lie(&mut rng, &mut bytes),
            _ => {}
        }
        let bare = rng.chance(10) && bytes.len() > 14;
        let packet_type = if bare { 1 << 16 | u32::from(bytes[12]) << 8 | u32::from(bytes[13]) } else { 0 };
        let data = if bare { &bytes[14..] } else { &bytes[..] };
        let tags = rng.below(3);
        extract_bytes(data, packet_type, &metadata(&mut rng), tags, &mut old);
        // Again and again, each out of the one before.
        for _ in 0..3 {
            let md = metadata(&mut rng);
            extract_bytes(data, packet_type, &md, tags, &mut expected);
            if rekey.rekey(&old, packet_type, &md, &mut new) {
                assert_eq!(new, expected, "{md:?} of {data:02x?}");
                made += 1;
            }
            old.clone_from(&expected);
        }
    }
    println!("{made} of 180000 keys were made out of old ones");
    assert!(made > 50_000);
}
