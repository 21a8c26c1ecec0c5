use std::time::Duration;

use ovs_flow::{DpPort, Metadata, SparseKey, TunnelFlags, TunnelKey, extract};
use ovs_packet::{Packet, Pool, PoolConfig};

use super::*;
use crate::DropReason;

/// What stands behind the IP header of such a tunnel, and whether a bare IP packet is inside.
fn behind_ip(kind: TunnelKind, csum: bool) -> (Vec<u8>, bool) {
    let flag = if csum { 0xff } else { 0 };
    let gre = if csum { 0xb0 } else { 0x30 };
    let (own, l3) = match kind {
        TunnelKind::Vxlan => (vec![8, 0, 0, 0, 0, 0, 7, 0], false),
        TunnelKind::Geneve => (vec![2, 0x80, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 1, 0xa, 0xb, 0xc, 0xd], false),
        TunnelKind::Lisp => (vec![8, 0, 0, 0, 0, 0, 7, 0], true),
        TunnelKind::Gtpu => (vec![0x30, 255, 0, 0, 0, 0, 0, 7], true),
        TunnelKind::Bareudp | TunnelKind::Srv6 => (vec![], true),
        TunnelKind::Gre => {
            ([&[gre, 0, 8, 0][..], &vec![0; if csum { 4 } else { 0 }], &[0, 0, 0, 7], &[0; 4]].concat(), true)
        }
        TunnelKind::Ip6Gre => (
            [&[gre, 0, 0x65, 0x58][..], &vec![0; if csum { 4 } else { 0 }], &[0, 0, 0, 7], &[0; 4]].concat(),
            false,
        ),
        TunnelKind::Erspan => (vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x10, 0, 0, 7, 0, 0, 0, 5], false),
        TunnelKind::Ip6Erspan => {
            (vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 0, 0x20, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0x80, 0x38], false)
        }
    };
    let Some(port) = kind.default_port() else { return (own, l3) };
    let [high, low] = port.to_be_bytes();
    ([&[0, 0, high, low, 0, 0, flag, flag][..], &own].concat(), l3)
}

/// Headers of a kind, over IPv4 or IPv6.
fn header(kind: TunnelKind, v6: bool, csum: bool) -> TnlPush {
    let mut header = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let protocol = kind.protocols().first().copied().unwrap_or(17);
    if v6 {
        header.extend([0x86, 0xdd, 0x60, 0x20, 0, 0, 0, 0, protocol, 64]);
        header.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        header.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    } else {
        header.extend([0x08, 0, 0x45, 2, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    header.extend(behind_ip(kind, csum).0);
    TnlPush { sequence: Some(Sequence::default()), ..TnlPush::new(kind, header) }
}

/// What a tunnel of this kind carries.
fn inner(pool: &mut Pool, kind: TunnelKind) -> Packet {
    let mut packet = packet(pool);
    if behind_ip(kind, false).1 {
        packet.pull_front(14).unwrap();
        packet.facts_mut().packet_type = 1 << 16 | 0x0800;
        look(&mut packet);
    }
    packet
}

/// Whether it can run over that network with that checksum.
fn is_there(kind: TunnelKind, v6: bool, csum: bool) -> bool {
    match kind {
        TunnelKind::Srv6 => v6 && !csum,
        TunnelKind::Erspan | TunnelKind::Ip6Erspan => !csum,
        TunnelKind::Gre | TunnelKind::Ip6Gre => true,
        _ => csum || !v6,
    }
}

/// Takes headers off, as the datapath does.
fn unwrap(packet: &mut Packet, kind: TunnelKind) -> Result<TunnelKey, DropReason> {
    let mut key = TunnelKey::default();
    pop(packet, kind.into(), &mut key).map(|_| key)
}

const NOW: Duration = Duration::from_secs(1);

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
    let variants = [(false, false), (false, true), (true, true), (true, false)];
    let cases = TunnelKind::ALL.into_iter().flat_map(|kind| variants.map(|(v6, csum)| (kind, v6, csum)));
    for (kind, v6, csum) in cases.filter(|(kind, v6, csum)| is_there(*kind, *v6, *csum)) {
        let case = format!("{kind:?} v6={v6} csum={csum}");
        let mut wrapped = inner(&mut pool, kind);
        let (inside, packet_type) = (wrapped.data().to_vec(), wrapped.facts().packet_type);
        push(&mut wrapped, &header(kind, v6, csum), NOW).unwrap();
        ovs_packet::edit::complete_checksum(&mut wrapped).unwrap();
        ovs_packet::edit::complete_outer_checksum(&mut wrapped).unwrap();
        wrapped.facts_mut().offload = ovs_packet::Offload::empty();
        // Padding of the frame is not part of what is inside.
        wrapped.push_back(3).unwrap().fill(0xee);
        look(&mut wrapped);
        let port = u16::from_be_bytes([wrapped.data()[if v6 { 54 } else { 34 }], 0]);
        assert!(kind.default_port().is_none() || port >= 0x8000, "{case}: {port:#x}");
        let key = unwrap(&mut wrapped, kind).expect(&case);
        assert_eq!((wrapped.data(), wrapped.facts().packet_type), (&inside[..], packet_type), "{case}");
        let flags = TunnelFlags::from_bits_retain(key.flags);
        let id = if matches!(kind, TunnelKind::Bareudp | TunnelKind::Srv6) { 0 } else { 7 };
        let tos = 2;
        assert_eq!((key.id.get(), key.tos, key.ttl, key.dst.get() == 0), (id, tos, 64, v6), "{case}");
        assert_eq!(flags.contains(TunnelFlags::KEY), id != 0, "{case}");
        assert_eq!(flags.contains(TunnelFlags::CSUM), csum, "{case}");
        assert_eq!(flags.contains(TunnelFlags::DONT_FRAGMENT), !v6);
        assert_eq!(flags.contains(TunnelFlags::OAM), kind == TunnelKind::Geneve);
        let options = (kind == TunnelKind::Geneve).then_some(&[1, 2, 3, 1, 0xa, 0xb, 0xc, 0xd][..]);
        assert_eq!(key.options(), options);
        let erspan = (key.erspan_ver, key.erspan_idx.get(), key.erspan_dir, key.erspan_hwid);
        assert_eq!(
            erspan,
            match kind {
                TunnelKind::Erspan => (1, 5, 0, 0),
                TunnelKind::Ip6Erspan => (2, 0, 1, 3),
                _ => (0, 0, 0, 0),
            }
        );
        let gtpu = if kind == TunnelKind::Gtpu { (0x30, 255) } else { (0, 0) };
        assert_eq!((key.gtpu_flags, key.gtpu_msgtype), gtpu);
    }
}

#[test]
fn numbers_count_up_and_mirrored_frames_have_a_time() {
    let mut pool = Pool::new(PoolConfig::default());
    let gre = header(TunnelKind::Gre, false, true);
    for number in 0..3_u8 {
        let mut wrapped = inner(&mut pool, TunnelKind::Gre);
        push(&mut wrapped, &gre, NOW).unwrap();
        assert_eq!(wrapped.data()[46..50], [0, 0, 0, number]);
    }
    let mut wrapped = inner(&mut pool, TunnelKind::Ip6Erspan);
    push(&mut wrapped, &header(TunnelKind::Ip6Erspan, true, false), NOW).unwrap();
    assert_eq!(wrapped.data()[66..70], 10_000_u32.to_be_bytes());
}

#[test]
fn extensions_are_only_for_tunnels_that_have_them() {
    let mut pool = Pool::new(PoolConfig::default());
    let plain = TunnelFormat::from(TunnelKind::Vxlan);
    for (header_bytes, format, said) in [
        ([0x88, 0x48, 0, 5, 0, 0, 7, 0], plain.policy(true), (0x48, 5, 0)),
        ([0x0c, 0, 0, 1, 0, 0, 7, 0], plain.generic(true), (0, 0, 1 << 16 | 0x0800)),
        ([0x0c, 0, 0, 3, 0, 0, 7, 0], plain.generic(true), (0, 0, 0)),
    ] {
        let mut wanted = header(TunnelKind::Vxlan, false, false);
        wanted.header[42..50].copy_from_slice(&header_bytes);
        let kind = if said.2 == 0 { TunnelKind::Vxlan } else { TunnelKind::Lisp };
        let mut wrapped = inner(&mut pool, kind);
        push(&mut wrapped, &wanted, NOW).unwrap();
        let mut again = Packet::detached(wrapped.data()).unwrap();
        assert!(unwrap(&mut again, TunnelKind::Vxlan).is_err());
        let mut key = TunnelKey::default();
        assert_eq!(pop(&mut wrapped, format, &mut key), Ok(false));
        assert_eq!((key.gbp_flags, key.gbp_id.get(), wrapped.facts().packet_type), said);
    }
}

#[test]
fn a_gtp_message_without_a_packet_stays_as_it_is() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut echo = header(TunnelKind::Gtpu, false, false);
    echo.header[43] = 1;
    let mut wrapped = inner(&mut pool, TunnelKind::Gtpu);
    push(&mut wrapped, &echo, NOW).unwrap();
    let whole = wrapped.data().to_vec();
    let key = unwrap(&mut wrapped, TunnelKind::Gtpu).unwrap();
    assert_eq!((wrapped.data(), key.gtpu_msgtype, key.id.get()), (&whole[..], 1, 7));
}

#[test]
fn segments_are_walked_and_flow_labels_made() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut wanted = header(TunnelKind::Srv6, true, false);
    let mut bytes = wanted.header.to_vec();
    bytes[20] = 43;
    bytes.extend([4, 4, 4, 0, 1, 0, 0, 0]);
    bytes.extend([0xfd; 32]);
    wanted.header = bytes.into();
    wanted.label = FlowLabel::Hash;
    let mut wrapped = inner(&mut pool, TunnelKind::Srv6);
    let inside = wrapped.data().to_vec();
    push(&mut wrapped, &wanted, NOW).unwrap();
    assert_ne!(wrapped.data()[16..18], [0, 0], "a label");
    let mut waiting = Packet::detached(wrapped.data()).unwrap();
    waiting.data_mut()[57] = 1;
    assert!(unwrap(&mut waiting, TunnelKind::Srv6).is_err(), "a segment is left");
    assert!(unwrap(&mut wrapped, TunnelKind::Srv6).is_ok());
    assert_eq!(wrapped.data(), inside);
}

#[test]
fn a_wrong_checksum_is_told() {
    let mut pool = Pool::new(PoolConfig::default());
    for (kind, v6) in [(TunnelKind::Vxlan, true), (TunnelKind::Gre, false), (TunnelKind::Gtpu, false)] {
        let mut wrapped = inner(&mut pool, kind);
        push(&mut wrapped, &header(kind, v6, true), NOW).unwrap();
        ovs_packet::edit::complete_checksum(&mut wrapped).unwrap();
        ovs_packet::edit::complete_outer_checksum(&mut wrapped).unwrap();
        let last = wrapped.len() - 1;
        wrapped.data_mut()[last] ^= 1;
        let mut wrong = Packet::detached(wrapped.data()).unwrap();
        assert_eq!(unwrap(&mut wrong, kind).map(drop), Err(DropReason::TunnelPop), "{kind:?}");
    }
}

#[test]
fn gtp_of_the_original_is_understood() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut wrapped = inner(&mut pool, TunnelKind::Gtpu);
    push(&mut wrapped, &header(TunnelKind::Gtpu, false, true), NOW).unwrap();
    // Its sum is that of a header whose length is still zero.
    let length: [u8; 2] = wrapped.data()[44..46].try_into().unwrap();
    wrapped.data_mut()[44..46].fill(0);
    ovs_packet::edit::complete_outer_checksum(&mut wrapped).unwrap();
    wrapped.data_mut()[44..46].copy_from_slice(&length);
    let mut theirs = Packet::detached(wrapped.data()).unwrap();
    assert!(unwrap(&mut theirs, TunnelKind::Gtpu).is_ok());
}

#[test]
fn headers_that_lie_are_refused() {
    let mut pool = Pool::new(PoolConfig::default());
    for kind in TunnelKind::ALL {
        let v6 = kind == TunnelKind::Srv6;
        let mut wrapped = inner(&mut pool, kind);
        push(&mut wrapped, &header(kind, v6, false), NOW).unwrap();
        let good = wrapped.data().to_vec();
        let least = good.len() - wrapped_len(kind);
        for len in 0..least {
            let mut cut = Packet::detached(&good[..len]).unwrap();
            assert!(unwrap(&mut cut, kind).is_err(), "{kind:?} cut to {len}");
        }
        // The version and the protocol; of UDP its length, and of options.
        let lies = if v6 { vec![(14, 0x40), (20, 6)] } else { vec![(14, 0x65), (23, 6)] };
        let udp = [(38, 0xff), (39, 7)];
        let own = match kind {
            TunnelKind::Geneve => vec![(42, 0x3f)],
            TunnelKind::Vxlan => vec![(42, 0)],
            TunnelKind::Gtpu => vec![(42, 0x50), (44, 0xff)],
            TunnelKind::Lisp => vec![(42, 1)],
            TunnelKind::Gre | TunnelKind::Ip6Gre => vec![(34, 0x40), (35, 1)],
            TunnelKind::Erspan => vec![(34, 0), (42, 0x20)],
            TunnelKind::Ip6Erspan => vec![(34, 0), (42, 0x10)],
            TunnelKind::Bareudp | TunnelKind::Srv6 => vec![],
        };
        let udp = udp.iter().filter(|_| kind.default_port().is_some());
        for (at, value) in lies.iter().chain(udp).chain(&own) {
            let mut bytes = good.clone();
            bytes[*at] = *value;
            let mut lying = Packet::detached(&bytes).unwrap();
            assert!(unwrap(&mut lying, kind).is_err(), "{kind:?} byte {at}");
        }
    }
}

/// Bytes at the end of a frame of [`inner`] without which it is one all the same, to whoever looks at nothing but outer headers:
/// none of UDP has its length.
fn wrapped_len(kind: TunnelKind) -> usize {
    match kind {
        // What is missing behind the IP header's length nobody can tell but by reading on.
        _ if kind.default_port().is_some() => 0,
        TunnelKind::Gre | TunnelKind::Srv6 => 35,
        _ => 36,
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
        let mut wrapped = inner(&mut pool, kind);
        push(&mut wrapped, &header(kind, next() % 2 == 0 || kind == TunnelKind::Srv6, false), NOW).unwrap();
        let good = wrapped.data().to_vec();
        for _ in 0..5_000 {
            let mut bytes = good.clone();
            for _ in 0..=next() % 4 {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }
            let mut packet = Packet::detached(&bytes).unwrap();
            if unwrap(&mut packet, kind).is_ok() {
                assert!(packet.len() <= good.len());
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
    assert_eq!(push(&mut inner, &short, NOW), Err(DropReason::TunnelPush));
    let mut long = pool.get(65_500).unwrap();
    long.push_back(65_500).unwrap().fill(0);
    assert_eq!(push(&mut long, &header(TunnelKind::Geneve, false, false), NOW), Err(DropReason::TunnelPush));
}
