use ovs_flow::{DpPort, Metadata, SparseKey, TunnelFlags, extract};
use ovs_packet::{Packet, Pool, PoolConfig};

use super::*;
use crate::DropReason;

/// Headers of a kind, over IPv4 or IPv6.
fn header(kind: TunnelKind, v6: bool, csum: bool) -> TnlPush {
    let mut header = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    if v6 {
        header.extend([0x86, 0xdd, 0x60, 0x20, 0, 0, 0, 0, 17, 64]);
        header.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        header.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    } else {
        header.extend([0x08, 0, 0x45, 2, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    let csum = if csum { 0xff } else { 0 };
    header.extend([0, 0]);
    header.extend(kind.default_port().to_be_bytes());
    header.extend([0, 0, csum, csum]);
    header.extend(match kind {
        TunnelKind::Vxlan => vec![8, 0, 0, 0, 0, 0, 7, 0],
        TunnelKind::Geneve => vec![2, 0x80, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 1, 0xa, 0xb, 0xc, 0xd],
    });
    TnlPush {
        port: DpPort(1),
        out_port: DpPort(2),
        kind,
        header: header.into(),
        source_ports: (32768, 61000),
    }
}

/// A UDP packet with its layers known.
fn packet(pool: &mut Pool) -> Packet {
    let mut bytes = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0];
    bytes.extend([0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 5, 0, 6, 0, 16, 0, 0]);
    bytes.extend(*b"payload!");
    let mut packet = pool.get(bytes.len()).unwrap();
    packet.push_back(bytes.len()).unwrap().copy_from_slice(&bytes);
    look(&mut packet);
    packet
}

fn look(packet: &mut Packet) {
    extract(packet, &Metadata::of_port(DpPort(1)), &mut SparseKey::new());
}

#[test]
fn what_went_in_comes_out() {
    let mut pool = Pool::new(PoolConfig::default());
    for (kind, v6, csum) in TunnelKind::ALL
        .into_iter()
        .flat_map(|kind| [(false, false), (false, true), (true, true)].map(|(v6, csum)| (kind, v6, csum)))
    {
        let mut wrapped = packet(&mut pool);
        let inside = wrapped.data().to_vec();
        push(&mut wrapped, &header(kind, v6, csum)).unwrap();
        ovs_packet::edit::complete_outer_checksum(&mut wrapped).unwrap();
        // Padding of the frame is not part of what is inside.
        wrapped.push_back(3).unwrap().fill(0xee);
        look(&mut wrapped);
        let port = u16::from_be_bytes([wrapped.data()[if v6 { 54 } else { 34 }], 0]);
        assert!(port >= 0x8000, "{port:#x}");
        let key = pop(&mut wrapped, kind).unwrap();
        assert_eq!(wrapped.data(), inside, "{kind:?} v6={v6}");
        let flags = TunnelFlags::from_bits_retain(key.flags);
        assert_eq!((key.id.get(), key.tos, key.ttl, key.dst.get() == 0), (7, 2, 64, v6));
        assert_eq!(flags.contains(TunnelFlags::CSUM), csum);
        assert_eq!(flags.contains(TunnelFlags::DONT_FRAGMENT), !v6);
        assert_eq!(flags.contains(TunnelFlags::OAM), kind == TunnelKind::Geneve);
        let options = (kind == TunnelKind::Geneve).then_some(&[1, 2, 3, 1, 0xa, 0xb, 0xc, 0xd][..]);
        assert_eq!(key.options(), options);
    }
}

#[test]
fn a_wrong_checksum_is_told() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut wrapped = packet(&mut pool);
    push(&mut wrapped, &header(TunnelKind::Vxlan, true, true)).unwrap();
    ovs_packet::edit::complete_outer_checksum(&mut wrapped).unwrap();
    let last = wrapped.len() - 1;
    wrapped.data_mut()[last] ^= 1;
    assert_eq!(pop(&mut wrapped, TunnelKind::Vxlan).map(drop), Err(DropReason::TunnelPop));
}

#[test]
fn headers_that_lie_are_refused() {
    let mut pool = Pool::new(PoolConfig::default());
    for kind in TunnelKind::ALL {
        let mut wrapped = packet(&mut pool);
        push(&mut wrapped, &header(kind, false, false)).unwrap();
        let good = wrapped.data().to_vec();
        for len in 0..good.len() {
            let mut cut = Packet::detached(&good[..len]).unwrap();
            assert!(pop(&mut cut, kind).is_err(), "{kind:?} cut to {len}");
        }
        // The version, the length of the datagram, and of options.
        for (at, value) in [
            (14, 0x65),
            (38, 0xff),
            (39, 7),
            (23, 6),
            (42, if kind == TunnelKind::Geneve { 0x3f } else { 0 }),
        ] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let mut lying = Packet::detached(&bytes).unwrap();
            assert!(pop(&mut lying, kind).is_err(), "{kind:?} byte {at}");
        }
    }
}

#[test]
fn any_bytes_give_an_answer() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as usize
    };
    for kind in TunnelKind::ALL {
        let mut wrapped = packet(&mut pool);
        push(&mut wrapped, &header(kind, next() % 2 == 0, false)).unwrap();
        let good = wrapped.data().to_vec();
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..=next() % 4 {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }
            let mut packet = Packet::detached(&bytes).unwrap();
            if pop(&mut packet, kind).is_ok() {
                assert!(packet.len() < good.len());
            }
        }
    }
}

#[test]
fn what_cannot_be_wrapped_is_told() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut short = header(TunnelKind::Vxlan, false, false);
    short.header = short.header[..20].into();
    let mut inner = packet(&mut pool);
    assert_eq!(push(&mut inner, &short), Err(DropReason::TunnelPush));
    let mut long = pool.get(65_500).unwrap();
    long.push_back(65_500).unwrap().fill(0);
    assert_eq!(push(&mut long, &header(TunnelKind::Geneve, false, false)), Err(DropReason::TunnelPush));
}
