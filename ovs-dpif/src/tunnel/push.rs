//! Putting headers around a packet.

use std::time::Duration;

use ovs_packet::checksum::{Sum, pseudo_v4, pseudo_v6};
use ovs_packet::edit::{complete_checksum, complete_outer_checksum};
use ovs_packet::wire::IpProtocol;
use ovs_packet::{ABSENT, LayerOffsets, Offload, Packet};

use super::flow_hash::flow_hash;
use super::{ETHERNET, FlowLabel, TnlPush, TunnelKind, gre};
use crate::DropReason;

/// Whether a packet that is still to be cut must be cut before the headers go around it: no device cuts inside of two
/// tunnels or of one that it does not know, and a checksum or number in the header is one packet's.
pub(crate) fn wants_segments(packet: &Packet, push: &TnlPush) -> bool {
    let offload = packet.facts().offload;
    offload.intersects(Offload::SEGMENT) && (offload.intersects(Offload::TUNNEL) || !leaves_work(push))
}

/// Whether work on the packet can be left to be done inside of the headers.
fn leaves_work(push: &TnlPush) -> bool {
    let gre = push.kind.protocols() == TunnelKind::Gre.protocols();
    let summed = || push.layout().is_some_and(|(l4, _)| gre::has_checksum(&push.header[l4..]));
    !push.kind.offload().is_empty() && push.sequence.is_none() && !(gre && summed())
}

/// Puts the headers around `packet`: see [`Template::wrap`].
pub(crate) fn push(packet: &mut Packet, push: &TnlPush, now: Duration) -> Result<(), DropReason> {
    Template::of(push).ok_or(DropReason::TunnelPush)?.wrap(packet, now)
}

/// Headers that are to go around one packet or many, with all worked out that is the same for each.
pub(crate) struct Template<'a> {
    push: &'a TnlPush,
    /// Where the transport header begins.
    l4: usize,
    network: Network,
    /// There is a UDP header, which has a port and a length.
    udp: bool,
    /// What the UDP checksum's field gets, but for the length, if a checksum is wanted.
    pseudo: Option<Sum>,
    /// What differs from flow to flow is written.
    hashed: bool,
    /// Work on the packet can be left to be done inside.
    leaves: bool,
    /// There is a GRE header.
    gre: bool,
    /// The headers are of the commonest kind.
    plain: Option<Plain>,
}

/// The network header.
enum Network {
    /// IPv4, and what its words add up to without length and checksum.
    V4(Sum),
    V6,
}

impl<'a> Template<'a> {
    /// `None` if the headers are not such that can be put around a packet.
    pub(crate) fn of(push: &'a TnlPush) -> Option<Self> {
        let (l4, v6) = push.layout()?;
        let header = &push.header;
        let network = if v6 { Network::V6 } else { Network::V4(unwritten(&header[ETHERNET..l4])) };
        let has_port = push.kind.default_port().is_some();
        let udp = has_port && header.len() >= l4 + 8;
        let wanted = udp && header[l4 + 6..l4 + 8] != [0; 2];
        let plain = match network {
            Network::V4(sum) if udp && !wanted => Plain::of(push, sum),
            _ => None,
        };
        Some(Self {
            push,
            l4,
            network,
            udp,
            plain,
            pseudo: wanted.then(|| pseudo(&header[ETHERNET..l4])),
            hashed: has_port || push.label == FlowLabel::Hash,
            leaves: leaves_work(push),
            gre: push.kind.is_gre() || push.kind.is_erspan(),
        })
    }

    /// Puts the headers around `packet`, whose layer offsets are those of its bytes; afterwards they are those of the outer
    /// packet. Unfinished work inside stays unfinished where that is possible, so that a device or the next output does it.
    #[inline]
    pub(crate) fn wrap(&self, packet: &mut Packet, now: Duration) -> Result<(), DropReason> {
        match &self.plain {
            Some(plain) if !packet.facts().offload.intersects(Plain::OTHERS) => plain.wrap(packet),
            _ => self.wrap_any(packet, now),
        }
    }

    /// [`Template::wrap`] for whatever headers and packets.
    fn wrap_any(&self, packet: &mut Packet, now: Duration) -> Result<(), DropReason> {
        let Self { push, l4, .. } = *self;
        let header = &*push.header;
        let payload = packet.len() + header.len() - l4;
        // What cannot be said in the length field of the outer header.
        let total = match self.network {
            Network::V4(_) => payload + l4 - ETHERNET,
            Network::V6 => payload,
        };
        let total = u16::try_from(total).map_err(|_| DropReason::TunnelPush)?;
        finish_inside(packet, self.leaves)?;
        let hash = if self.hashed { flow_hash(packet) } else { 0 };
        let label = label(packet, push.label, hash);
        let room = packet.push_front_as(header.len(), self.layers()).map_err(|_| DropReason::NoBuffer)?;
        room.copy_from_slice(header);
        match self.network {
            Network::V4(sum) => write_v4(room, total, sum),
            Network::V6 => write_v6(room, total, label),
        }
        if self.udp
            && let Some(udp) = room.get_mut(l4..).and_then(|udp| udp.first_chunk_mut())
        {
            write_udp(udp, source_port(push.source_ports, hash), payload as u16, self.pseudo);
        }
        if push.kind == TunnelKind::Gtpu
            && let Some(length) = room.get_mut(l4 + 10..l4 + 12)
        {
            // Of what follows the first eight bytes of its own header.
            length.copy_from_slice(&(payload.saturating_sub(16) as u16).to_be_bytes());
        }
        if self.gre {
            let number = push.sequence.as_ref().map(super::Sequence::next);
            gre::complete(packet.data_mut(), l4, push.kind, number, now);
        }
        self.mark(packet);
        Ok(())
    }

    /// Where the headers of a wrapped packet begin.
    #[inline]
    fn layers(&self) -> LayerOffsets {
        LayerOffsets { l2_5: ABSENT, l3: ETHERNET as u16, l4: self.l4 as u16, ..LayerOffsets::default() }
    }

    /// Says of a packet that was wrapped what it is now, and what is left to be done.
    #[inline]
    fn mark(&self, packet: &mut Packet) {
        let (facts, partial) = (packet.facts_mut(), self.pseudo.is_some());
        if !self.leaves {
            // Nothing is left inside.
            facts.offload.set(Offload::NEEDS_OUTER_L4_CSUM, partial);
        } else if facts.is_unfinished() || partial {
            facts.encapsulated(self.push.kind.offload(), partial);
        }
        facts.rss_hash = None;
        facts.packet_type = 0;
    }
}

/// Headers of VXLAN, or of Geneve without options, over IPv4 without a UDP checksum: a length, a sum and a port are all that
/// differs from packet to packet, at places that are known beforehand.
struct Plain {
    header: [u8; Self::LEN],
    /// What the IPv4 header adds up to without its length.
    sum: Sum,
    source_ports: (u16, u16),
}

impl Plain {
    const LEN: usize = ETHERNET + 20 + 8 + 8;
    /// Packets about which something is left to be done, or to be said.
    const OTHERS: Offload = Offload::UNFINISHED.union(Offload::TUNNEL);

    /// `None` for others.
    fn of(push: &TnlPush, sum: Sum) -> Option<Self> {
        let header = (push.kind != TunnelKind::Gtpu).then_some(&*push.header)?;
        Some(Self { header: header.try_into().ok()?, sum, source_ports: push.source_ports })
    }

    /// [`Template::wrap`].
    #[inline]
    fn wrap(&self, packet: &mut Packet) -> Result<(), DropReason> {
        const IP: usize = ETHERNET;
        const UDP: usize = ETHERNET + 20;
        let len = packet.len() + Self::LEN;
        let total = u16::try_from(len - IP).map_err(|_| DropReason::TunnelPush)?;
        let port = source_port(self.source_ports, flow_hash(packet));
        let layers =
            LayerOffsets { l2_5: ABSENT, l3: IP as u16, l4: UDP as u16, inner_l3: ABSENT, inner_l4: ABSENT };
        let room = packet.push_front_as(Self::LEN, layers).map_err(|_| DropReason::NoBuffer)?;
        let room = room.first_chunk_mut::<{ Self::LEN }>().ok_or(DropReason::NoBuffer)?;
        *room = self.header;
        room[IP + 2..IP + 4].copy_from_slice(&total.to_be_bytes());
        room[IP + 10..IP + 12].copy_from_slice(&self.sum.and(Sum::word(total)).checksum().to_be_bytes());
        room[UDP..UDP + 2].copy_from_slice(&port.to_be_bytes());
        room[UDP + 4..UDP + 6].copy_from_slice(&(total - 20).to_be_bytes());
        let facts = packet.facts_mut();
        facts.rss_hash = None;
        facts.packet_type = 0;
        Ok(())
    }
}

/// Work that is to be done inside of one tunnel already cannot be left to be done inside of two; nor can any if the headers
/// do not allow it.
fn finish_inside(packet: &mut Packet, leaves: bool) -> Result<(), DropReason> {
    let offload = packet.facts().offload;
    if leaves && !offload.intersects(Offload::TUNNEL | Offload::NEEDS_OUTER_L4_CSUM) {
        return Ok(());
    }
    if offload.intersects(Offload::SEGMENT) {
        return Err(DropReason::TunnelPush);
    }
    let done = complete_checksum(packet).and_then(|()| complete_outer_checksum(packet));
    packet.facts_mut().offload.remove(Offload::TUNNEL);
    done.map_err(|_| DropReason::TunnelPush)
}

/// The flow label, if it is not that of the header.
fn label(packet: &Packet, label: FlowLabel, hash: u32) -> Option<u32> {
    const BITS: u32 = 0x000f_ffff;
    match label {
        FlowLabel::Header => None,
        FlowLabel::Hash => Some(hash & BITS),
        FlowLabel::Copy => {
            let first: [u8; 4] = *packet.data().get(usize::from(packet.layers().l3)..)?.first_chunk()?;
            let first = u32::from_be_bytes(first);
            (first >> 28 == 6).then_some(first & BITS)
        }
    }
}

/// A port of the range, evenly spread.
fn source_port((least, most): (u16, u16), hash: u32) -> u16 {
    let width = u64::from(most.saturating_sub(least));
    // Less than the width, so the sum is at most the greatest.
    least.wrapping_add(((u64::from(hash) * width) >> 32) as u16)
}

/// What the words of an IPv4 header add up to whose length and checksum are still to be written.
fn unwritten(ip: &[u8]) -> Sum {
    let (before, behind) = ip.split_at(10);
    Sum::of(&before[..2]).and(Sum::of(&before[4..])).and(Sum::of(&behind[2..]))
}

/// Completes an IPv4 header, the rest of which adds up to `sum`.
#[inline]
fn write_v4(header: &mut [u8], total: u16, sum: Sum) {
    let ip = &mut header[ETHERNET..ETHERNET + 20];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip[10..12].copy_from_slice(&sum.and(Sum::word(total)).checksum().to_be_bytes());
}

/// Completes an IPv6 header.
#[inline]
fn write_v6(header: &mut [u8], payload: u16, label: Option<u32>) {
    let ip = &mut header[ETHERNET..ETHERNET + 40];
    if let Some(label) = label {
        let [_, a, b, c] = label.to_be_bytes();
        ip[1] = ip[1] & 0xf0 | a;
        (ip[2], ip[3]) = (b, c);
    }
    ip[4..6].copy_from_slice(&payload.to_be_bytes());
}

/// Completes a UDP header. Where a checksum is wanted, the field gets that of the pseudo header, which adds up to `pseudo`
/// without the length.
#[inline]
fn write_udp(udp: &mut [u8; 8], port: u16, len: u16, pseudo: Option<Sum>) {
    udp[..2].copy_from_slice(&port.to_be_bytes());
    udp[4..6].copy_from_slice(&len.to_be_bytes());
    if let Some(pseudo) = pseudo {
        udp[6..8].copy_from_slice(&pseudo.and(Sum::word(len)).value().to_be_bytes());
    }
}

/// What the pseudo header of a UDP packet adds up to behind an IP header, but for the length.
fn pseudo(ip: &[u8]) -> Sum {
    if ip.len() == 20 {
        let address = |at: usize| std::array::from_fn(|i| ip[at + i]);
        pseudo_v4(address(12), address(16), IpProtocol::UDP, 0)
    } else {
        let address = |at: usize| std::array::from_fn(|i| ip[at + i]);
        pseudo_v6(address(8), address(24), IpProtocol::UDP, 0)
    }
}

#[cfg(test)]
mod tests {
    use ovs_flow::{Metadata, SparseKey, extract};
    use proptest::prelude::*;

    use super::*;

    /// Headers of the commonest kind.
    fn plain(kind: TunnelKind) -> TnlPush {
        let mut header =
            vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 3, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0];
        header
            .extend([10, 9, 8, 7, 255, 255, 255, 254, 0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0]);
        TnlPush::new(kind, header)
    }

    proptest! {
        #[test]
        fn the_short_way_is_that_of_all_headers(
            start in prop::sample::select(vec![&[8, 0, 0x45, 0][..], &[0x86, 0xdd, 0x60, 0], &[8, 6, 0x45, 0], &[]]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
            rss_hash in any::<Option<u32>>(),
            geneve in any::<bool>(),
            // Too long for the outer header with the last.
            padding in prop::sample::select(vec![0, 1400, 65_400]),
        ) {
            let push = plain(if geneve { TunnelKind::Geneve } else { TunnelKind::Vxlan });
            let template = Template::of(&push).expect("a good header");
            prop_assert!(template.plain.is_some());
            let mut bytes = [&[2; 12], start, &rest].concat();
            bytes.resize(bytes.len() + padding, 0);
            let mut pool = ovs_packet::Pool::new(ovs_packet::PoolConfig::default());
            let mut both = [(); 2].map(|()| {
                let mut packet = pool.packet_from(&bytes).expect("room");
                extract(&mut packet, &Metadata::default(), &mut SparseKey::new());
                packet.facts_mut().rss_hash = rss_hash;
                packet
            });
            let [short, long] = &mut both;
            let results = [template.wrap(short, Duration::ZERO), template.wrap_any(long, Duration::ZERO)];
            prop_assert_eq!(results[0], results[1]);
            prop_assert_eq!(short.data(), long.data());
            prop_assert_eq!((short.facts(), short.layers()), (long.facts(), long.layers()));
        }
    }

    #[test]
    fn sums_of_headers_are_right() {
        let mut packet = Packet::detached(&[1; 60]).expect("memory");
        let room = packet.headroom();
        packet.push_front(room).expect("as much as there is");
        assert_eq!(push(&mut packet, &plain(TunnelKind::Vxlan), Duration::ZERO), Err(DropReason::NoBuffer));
        let mut pool = ovs_packet::Pool::new(ovs_packet::PoolConfig::default());
        for len in 14..2000 {
            let mut packet = pool.packet_from(&vec![1; len]).expect("room");
            assert_eq!(push(&mut packet, &plain(TunnelKind::Vxlan), Duration::ZERO), Ok(()));
            assert_eq!(ovs_packet::checksum::internet(&packet.data()[14..34]), 0);
            pool.recycle(packet);
        }
    }
}
