//! Unfinished work inside tunnels.

use ovs_packet::checksum::{self, Sum};
use ovs_packet::{Offload, Packet, Pool, PoolConfig, edit};

use crate::frames::{assert_checksums, ip, tcp, udp};

/// A kind of tunnel: its flag, the protocol number and bytes between the outer IP header and the inner packet.
#[derive(Debug, Clone, Copy)]
pub struct Tunnel {
    pub flag: Offload,
    protocol: u8,
    /// UDP destination port, if there is UDP.
    port: Option<u16>,
    header: &'static [u8],
    /// The inner packet has an Ethernet header.
    ethernet: bool,
}

/// Every kind, and what it can look like.
pub const TUNNELS: [Tunnel; 7] = [
    udp_tunnel(Offload::IN_VXLAN, 4789, &[8, 0, 0, 0, 0, 0, 7, 0], true),
    udp_tunnel(Offload::IN_VXLAN, 4790, &[0x0c, 0, 0, 3, 0, 0, 7, 0], true),
    udp_tunnel(Offload::IN_GENEVE, 6081, &[2, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 1, 4, 5, 6, 7], true),
    Tunnel { flag: Offload::IN_GRE, protocol: 47, port: None, header: &[0, 0, 0x65, 0x58], ethernet: true },
    Tunnel {
        flag: Offload::IN_GRE,
        protocol: 47,
        port: None,
        header: &[0xa0, 0, 0x65, 0x58, 0, 0, 0, 0, 0, 0, 0, 5],
        ethernet: true,
    },
    Tunnel { flag: Offload::IN_GRE, protocol: 47, port: None, header: &[0, 0, 0, 0], ethernet: false },
    Tunnel { flag: Offload::IN_IP, protocol: 4, port: None, header: &[], ethernet: false },
];

const fn udp_tunnel(flag: Offload, port: u16, header: &'static [u8], ethernet: bool) -> Tunnel {
    Tunnel { flag, protocol: 17, port: Some(port), header, ethernet }
}

impl Tunnel {
    /// The inner frame in this tunnel, its outer checksums right (the UDP one absent if not `summed`); and where the
    /// inner packet begins.
    pub fn around(&self, outer_v6: bool, inner_v6: bool, inner: &[u8], summed: bool) -> (Vec<u8>, usize) {
        let inner = if self.ethernet { inner } else { &inner[14..] };
        let mut header = self.header.to_vec();
        let protocol = match self.protocol {
            4 if inner_v6 => 41,
            protocol => protocol,
        };
        if protocol == 47 {
            if !self.ethernet {
                header[2..4].copy_from_slice(if inner_v6 { &[0x86, 0xdd] } else { &[8, 0] });
            }
            if header[0] & 0x80 != 0 {
                let sum = checksum::internet(&[&header[..], inner].concat());
                header[4..6].copy_from_slice(&sum.to_be_bytes());
            }
        }
        let mut l4 = Vec::new();
        if let Some(port) = self.port {
            let len = (8 + header.len() + inner.len()) as u16;
            l4.extend(40_000u16.to_be_bytes());
            l4.extend(port.to_be_bytes());
            l4.extend(len.to_be_bytes());
            l4.extend([0, 0]);
        }
        l4.extend(&header);
        let at = l4.len();
        l4.extend(inner);
        let field = (self.port.is_some() && summed).then_some(6);
        let frame = ip(outer_v6, &[], protocol, l4, field);
        (frame, 14 + if outer_v6 { 40 } else { 20 } + at)
    }

    /// Checks every checksum of such a frame by the definition.
    pub fn assert_checksums(&self, frame: &[u8], at: usize, inner_v6: bool) {
        let outer = &frame[14..at];
        if frame[12] == 8 {
            assert_eq!(checksum::internet(&outer[..20]), 0, "outer IPv4 header checksum");
        }
        let l4 = 14 + if frame[12] == 8 { 20 } else { 40 };
        if self.port.is_some() {
            let len = usize::from(u16::from_be_bytes([frame[l4 + 4], frame[l4 + 5]]));
            assert_eq!(len, frame.len() - l4, "outer UDP length");
            if frame[l4 + 6..l4 + 8] != [0, 0] {
                assert_checksums(frame);
            }
        }
        if self.protocol == 47 && frame[l4] & 0x80 != 0 {
            assert_eq!(checksum::internet(&frame[l4..]), 0, "GRE checksum");
        }
        if self.ethernet {
            assert_checksums(&frame[at..]);
        } else {
            let mut inner = vec![0; 12];
            inner.extend(if inner_v6 { [0x86, 0xdd] } else { [8, 0] });
            inner.extend(&frame[at..]);
            assert_checksums(&inner);
        }
    }
}

/// A packet to be cut, with partial checksums if asked for: the inner L4 one, the outer UDP one.
pub fn super_packet(
    tunnel: &Tunnel,
    (outer_v6, inner_v6): (bool, bool),
    l4: &[u8],
    protocol: u8,
    partial: (bool, bool),
    summed: bool,
) -> (Packet, usize) {
    let field = if protocol == 6 { 16 } else { 6 };
    let mut inner = ip(inner_v6, &[], protocol, l4.to_vec(), Some(field));
    let ip_len = if inner_v6 { 40 } else { 20 };
    if partial.0 {
        let sum = Sum::of(&l4[..field]).and(Sum::of(&l4[field + 2..]));
        let full = u16::from_be_bytes([inner[14 + ip_len + field], inner[14 + ip_len + field + 1]]);
        let pseudo = Sum::word(!full).without(sum);
        inner[14 + ip_len + field..][..2].copy_from_slice(&pseudo.value().to_be_bytes());
    }
    let (mut frame, at) = tunnel.around(outer_v6, inner_v6, &inner, summed);
    let outer_l4 = 14 + if outer_v6 { 40 } else { 20 };
    let outer_partial = partial.1 && tunnel.port.is_some();
    if outer_partial {
        let full = u16::from_be_bytes([frame[outer_l4 + 6], frame[outer_l4 + 7]]);
        let sum = Sum::of(&frame[outer_l4..outer_l4 + 6]).and(Sum::of(&frame[outer_l4 + 8..]));
        let pseudo = Sum::word(!full).without(sum);
        frame[outer_l4 + 6..][..2].copy_from_slice(&pseudo.value().to_be_bytes());
    }
    let mut packet = Packet::detached(&frame).unwrap();
    let facts = packet.facts_mut();
    if partial.0 {
        facts.offload |= Offload::NEEDS_L4_CSUM;
        facts.csum_start = (at + if tunnel.ethernet { 14 } else { 0 } + ip_len) as u16;
        facts.csum_offset = field as u16;
    }
    assert!(facts.encapsulated(tunnel.flag, outer_partial));
    (packet, at)
}

const BOTH: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

#[test]
fn segments_inside_tunnels_are_whole_packets() {
    let mut pool = Pool::new(PoolConfig::default());
    let payload: Vec<u8> = (0..7001u32).map(|i| (i * 11) as u8).collect();
    for tunnel in &TUNNELS {
        for versions in BOTH {
            for (partial, summed) in [((false, false), false), ((false, false), true), ((true, true), true)] {
                for (protocol, l4) in [(6, tcp(0x99, &payload)), (17, udp(&payload))] {
                    let (mut packet, at) = super_packet(tunnel, versions, &l4, protocol, partial, summed);
                    packet.facts_mut().offload |= Offload::SEGMENT;
                    packet.facts_mut().segment_size = 1000;
                    let whole = packet.data().to_vec();
                    let mut out = Vec::new();
                    edit::finish(packet, Offload::empty(), &mut pool, &mut |segment| out.push(segment))
                        .unwrap();
                    assert_eq!(out.len(), 8);
                    for (index, segment) in out.iter().enumerate() {
                        let data = segment.data();
                        tunnel.assert_checksums(data, at, versions.1);
                        assert_eq!(segment.facts().offload, Offload::CSUM_VALID);
                        if !versions.0 {
                            let id = u16::from_be_bytes([whole[18], whole[19]]) + index as u16;
                            assert_eq!(data[18..20], id.to_be_bytes());
                        }
                    }
                }
            }
        }
    }
    assert_eq!(pool.frames_out(), 0);
}

#[test]
fn outer_checksums_are_completed_over_inner_ones_that_are_not() {
    for tunnel in &TUNNELS {
        for versions in BOTH {
            for payload in [&b"odd"[..], b"even"] {
                for (protocol, l4) in [(6, tcp(0x10, payload)), (17, udp(payload))] {
                    let (mut packet, at) = super_packet(tunnel, versions, &l4, protocol, (true, true), true);
                    // The outer one first: it must be right about the inner one's future.
                    edit::complete_outer_checksum(&mut packet).unwrap();
                    edit::complete_checksum(&mut packet).unwrap();
                    assert!(!packet.facts().is_unfinished());
                    // A GRE checksum was made over the partial one.
                    if tunnel.header.first() != Some(&0xa0) {
                        tunnel.assert_checksums(packet.data(), at, versions.1);
                    }
                    let (packet, at) = super_packet(tunnel, versions, &l4, protocol, (true, true), true);
                    let mut pool = Pool::new(PoolConfig::default());
                    let mut out = Vec::new();
                    edit::finish(packet, Offload::TUNNEL, &mut pool, &mut |packet| out.push(packet)).unwrap();
                    if tunnel.header.first() != Some(&0xa0) {
                        tunnel.assert_checksums(out[0].data(), at, versions.1);
                    }
                }
            }
        }
    }
}

#[test]
fn edits_of_a_partial_outer_header_stay_completable() {
    for versions in BOTH {
        let (mut packet, at) = super_packet(&TUNNELS[0], versions, &udp(b"hello"), 17, (true, true), true);
        match edit::Ipv4::of(&mut packet) {
            Some(mut ip) => ip.set_dst([9, 9, 9, 9]),
            None => edit::Ipv6::of(&mut packet).unwrap().set_src([9; 16]),
        }
        edit::Ports::of(&mut packet).unwrap().set_src(1);
        edit::complete_outer_checksum(&mut packet).unwrap();
        edit::complete_checksum(&mut packet).unwrap();
        TUNNELS[0].assert_checksums(packet.data(), at, versions.1);
    }
}

#[test]
fn a_device_that_knows_tunnels_gets_the_whole() {
    let mut pool = Pool::new(PoolConfig::default());
    let all = Offload::TSO4 | Offload::NEEDS_L4_CSUM | Offload::NEEDS_OUTER_L4_CSUM | Offload::IN_VXLAN;
    for (can, count, left) in [
        (all, 1, all),
        (all - Offload::IN_VXLAN, 3, all - Offload::TSO4),
        (all - Offload::TSO4, 3, all - Offload::TSO4),
        (all - Offload::NEEDS_OUTER_L4_CSUM, 1, all - Offload::NEEDS_OUTER_L4_CSUM),
        (Offload::TSO4 | Offload::NEEDS_L4_CSUM, 3, Offload::NEEDS_L4_CSUM | Offload::IN_VXLAN),
    ] {
        let (mut packet, _) =
            super_packet(&TUNNELS[0], (false, false), &tcp(0x10, &[1; 3000]), 6, (true, true), true);
        packet.facts_mut().offload |= Offload::TSO4;
        packet.facts_mut().segment_size = 1000;
        let mut out = Vec::new();
        edit::finish(packet, can, &mut pool, &mut |packet| out.push(packet)).unwrap();
        assert_eq!((out.len(), out[0].facts().offload - Offload::CSUM_VALID), (count, left), "{can:?}");
        for mut packet in
            out.into_iter().filter(|packet| !packet.facts().offload.intersects(Offload::SEGMENT))
        {
            edit::complete_outer_checksum(&mut packet).unwrap();
            edit::complete_checksum(&mut packet).unwrap();
            TUNNELS[0].assert_checksums(packet.data(), 50, false);
        }
    }
}

#[test]
fn sequence_numbers_and_other_tunnels_are_refused_by_name() {
    let mut pool = Pool::new(PoolConfig::default());
    let (mut packet, _) =
        super_packet(&TUNNELS[3], (false, false), &tcp(0x10, &[1; 3000]), 6, (false, false), true);
    packet.data_mut()[34] = 0x10;
    packet.facts_mut().offload |= Offload::TSO4;
    packet.facts_mut().segment_size = 1000;
    let mut refuse = |packet: &Packet| {
        edit::finish(packet.try_clone_into(&mut pool_of()).unwrap(), Offload::empty(), &mut pool, &mut |_| ())
    };
    assert_eq!(refuse(&packet), Err(edit::FinishError::Sequenced));
    packet.facts_mut().decapsulated();
    packet.facts_mut().encapsulated(Offload::IN_VXLAN, false);
    assert_eq!(refuse(&packet), Err(edit::FinishError::WrongHeaders));
    assert!(!packet.facts_mut().encapsulated(Offload::IN_GRE, false), "it must be finished first");
}

fn pool_of() -> Pool {
    Pool::new(PoolConfig::default())
}

#[test]
fn a_route_that_is_not_over_keeps_its_pseudo_header() {
    // Loose source route to 10.9.9.9, not yet walked: TCP was summed with that address.
    let payload = vec![3; 3000];
    let mut l4 = tcp(0x10, &payload);
    let last = [10, 9, 9, 9];
    let pseudo = checksum::pseudo_v4([10, 0, 0, 1], last, ovs_packet::wire::IpProtocol(6), l4.len() as u16);
    let sum = pseudo.and(Sum::of(&l4)).checksum();
    l4[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x47, 0]);
    frame.extend((28 + l4.len() as u16).to_be_bytes());
    frame.extend([0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 131, 7, 4]);
    frame.extend(last);
    frame.extend([0]);
    let ip_sum = checksum::internet(&frame[14..42]);
    frame[24..26].copy_from_slice(&ip_sum.to_be_bytes());
    frame.extend(&l4);
    let mut packet = Packet::detached(&frame).unwrap();
    edit::Ipv4::of(&mut packet).unwrap().set_dst([10, 0, 0, 7]);
    packet.facts_mut().offload = Offload::TSO4;
    packet.facts_mut().segment_size = 1000;
    let mut pool = Pool::new(PoolConfig::default());
    let mut count = 0;
    edit::finish(packet, Offload::empty(), &mut pool, &mut |segment| {
        let l4 = &segment.data()[42..];
        let pseudo =
            checksum::pseudo_v4([10, 0, 0, 1], last, ovs_packet::wire::IpProtocol(6), l4.len() as u16);
        assert_eq!(pseudo.and(Sum::of(l4)).checksum(), 0);
        assert_eq!(checksum::internet(&segment.data()[14..42]), 0);
        count += 1;
    })
    .unwrap();
    assert_eq!(count, 3);
}
