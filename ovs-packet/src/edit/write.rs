//! Overwriting bytes while the checksums over them stay right.

use crate::{
    Offload, Packet,
    checksum::Sum,
    wire::{
        IpProtocol,
        bytes::{array_at, put, u16_at},
    },
};

use super::Transport;

/// Which bytes an L4 checksum covers, as seen from the field that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covered {
    /// By the pseudo header: addresses.
    Pseudo,
    /// By the L4 header: ports, types.
    Header,
}

/// Overwrites bytes of an IPv4 header at `at` and corrects the header checksum. False if they are cut off.
#[inline]
pub(super) fn ipv4_header<const N: usize>(data: &mut [u8], l3: usize, at: usize, new: &[u8; N]) -> bool {
    let Some(header) = data.get_mut(l3..).and_then(|rest| rest.first_chunk_mut::<20>()) else { return false };
    let (Some(old), Some(checksum)) = (array_at::<N>(header, at), u16_at(header, 10)) else { return false };
    let change = Sum::change(&old, new);
    let change = if at % 2 == 1 { change.swapped() } else { change };
    put(header, at, new) && put(header, 10, &Sum::word(!checksum).and(change).checksum().to_be_bytes())
}

/// Corrects the L4 checksum for bytes at an even offset that are about to change what they add up to.
#[inline]
pub(super) fn l4_checksum(packet: &mut Packet, transport: Transport, covered: Covered, change: Sum) {
    let Some(field) = checksum_field(transport, covered) else { return };
    let partial = is_partial(packet, transport);
    if partial && covered == Covered::Header {
        return; // whoever completes the checksum will sum the new bytes
    }
    let data = packet.data_mut();
    if field + 2 > transport.end {
        return;
    }
    let Some(checksum) = u16_at(data, field) else { return };
    let value = match transport.protocol {
        _ if partial => Sum::word(checksum).and(change).value(),
        IpProtocol::UDP if checksum == 0 => return, // the sender computed none (RFC 768)
        IpProtocol::UDP | UDP_LITE => nonzero(Sum::word(!checksum).and(change).checksum()),
        _ => Sum::word(!checksum).and(change).checksum(),
    };
    put(data, field, &value.to_be_bytes());
}

/// Overwrites bytes of an L4 header (`at` even, from its start) and corrects its checksum. False if cut off.
#[inline]
pub(super) fn l4_header<const N: usize>(
    packet: &mut Packet,
    transport: Transport,
    at: usize,
    new: &[u8; N],
) -> bool {
    let from = transport.at + at;
    if from + N > transport.end {
        return false;
    }
    let Some(old) = array_at(packet.data(), from) else { return false };
    l4_checksum(packet, transport, Covered::Header, Sum::change(&old, new));
    let done = put(packet.data_mut(), from, new);
    if pseudo_headed(transport.protocol, transport.v6).is_none() {
        other_zero(packet, transport);
    }
    done
}

/// One's complement has two zeros, and a change cannot tell which of them a sum has become: all ones, unless there is
/// nothing but zeros to be summed. Without a pseudo header that can be, and its checksum is all ones.
fn other_zero(packet: &mut Packet, transport: Transport) {
    let message = packet.data().get(transport.at..transport.end);
    if !transport.fragment && message.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0)) {
        put(packet.data_mut(), transport.at + 2, &[0xff, 0xff]);
    }
}

/// UDP sends 0 as its other zero, for 0 means that there is no checksum.
pub(super) fn nonzero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// True if the L4 checksum at hand is still to be completed: the one that the packet's facts point at, or the outer
/// one of a tunnel.
#[inline]
pub(super) fn is_partial(packet: &Packet, transport: Transport) -> bool {
    let facts = packet.facts();
    let inner = facts.offload.contains(Offload::NEEDS_L4_CSUM);
    let here = inner && usize::from(facts.csum_start) == transport.at;
    here || facts.offload.contains(Offload::NEEDS_OUTER_L4_CSUM)
}

/// Where the Internet checksum that covers such a field is; None if none does.
#[inline]
fn checksum_field(transport: Transport, covered: Covered) -> Option<usize> {
    pseudo_headed(transport.protocol, transport.v6)
        .or_else(|| match transport.protocol {
            IpProtocol::ICMP | IpProtocol::IGMP if covered == Covered::Header => Some(2),
            _ => None,
        })
        .map(|offset| transport.at + offset)
}

/// Where the header of a protocol has its checksum, if that is an Internet checksum over a pseudo header too.
#[inline]
fn pseudo_headed(protocol: IpProtocol, v6: bool) -> Option<usize> {
    match protocol {
        IpProtocol::TCP => Some(16),
        IpProtocol::UDP | UDP_LITE | DCCP => Some(6),
        IpProtocol::ICMPV6 | PIM if v6 => Some(2),
        IpProtocol::MOBILITY if v6 => Some(4),
        OSPF if v6 => Some(12),
        _ => None,
    }
}

/// RFC 4340 section 9.1.
const DCCP: IpProtocol = IpProtocol(33);
/// Over IPv6: RFC 5340 section 4.6.
const OSPF: IpProtocol = IpProtocol(89);
/// Over IPv6: RFC 7761 section 4.9.
const PIM: IpProtocol = IpProtocol(103);
/// RFC 3828 section 3.1.
const UDP_LITE: IpProtocol = IpProtocol(136);

/// `N` bytes at `at` of a header that was checked to be there; zeros if it is not after all.
#[inline]
pub(super) fn read<const N: usize>(packet: &Packet, at: usize) -> [u8; N] {
    array_at(packet.data(), at).unwrap_or([0; N])
}
