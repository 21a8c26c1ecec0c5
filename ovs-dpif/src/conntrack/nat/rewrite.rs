//! Writes translated addresses and ports into packets.

use ovs_flow::{CtMetadata, CtState};
use ovs_packet::Packet;
use ovs_packet::checksum::{Sum, internet, pseudo_v6};
use ovs_packet::edit::{Ipv4, Ipv6, Ports};
use ovs_packet::wire::IpProtocol;

use super::super::connection::{Connection, Translated};
use super::super::fields::{TRANSLATED, add, has};
use super::super::packet::Parsed;
use super::super::tuple::Tuple;

/// Translates a packet of a connection, unless it has been.
pub(in super::super) fn translate(
    packet: &mut Packet,
    ct: &mut CtMetadata,
    connection: &Connection,
    parsed: &Parsed,
    reply: bool,
) {
    let source = match connection.translated {
        Translated::No => return,
        Translated::Source => !reply,
        Translated::Destination => reply,
    };
    if has(ct, TRANSLATED) {
        return;
    }
    add(ct, if source { CtState::SNAT } else { CtState::DNAT });
    let new = connection.translation(reply);
    address(packet, &new, source);
    if parsed.related {
        inside(packet, parsed, &new.reversed());
    } else if new.has_ports()
        && let Some(mut ports) = Ports::of(packet)
        && (ports.src(), ports.dst()) != (new.src_port, new.dst_port)
    {
        ports.set(new.src_port, new.dst_port);
    }
}

/// Sets one of the outer addresses.
fn address(packet: &mut Packet, new: &Tuple, source: bool) {
    let address = if source { new.src } else { new.dst };
    if new.ipv6 {
        let Some(mut ip) = Ipv6::of(packet) else { return };
        if source { ip.set_src(address) } else { ip.set_dst(address) }
    } else {
        let Some(mut ip) = Ipv4::of(packet) else { return };
        let [a, b, c, d, ..] = address;
        if source { ip.set_src([a, b, c, d]) } else { ip.set_dst([a, b, c, d]) }
    }
}

/// Translates the packet that an ICMP error complains about, and computes the error's checksum again.
fn inside(packet: &mut Packet, parsed: &Parsed, new: &Tuple) {
    let Some(outer) = outer_addresses(packet, new.ipv6) else { return };
    let Some(icmp) = packet.data_mut().get_mut(parsed.l4..parsed.end) else { return };
    let Some((head, inner)) = icmp.split_at_mut_checked(8) else { return };
    let done = if new.ipv6 { inner_v6(inner, new) } else { inner_v4(inner, new) };
    if done.is_none() {
        return;
    }
    head[2..4].fill(0);
    let sum = if new.ipv6 {
        pseudo_v6(outer.0, outer.1, IpProtocol::ICMPV6, icmp.len() as u32).and(Sum::of(icmp)).checksum()
    } else {
        internet(icmp)
    };
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
}

/// The addresses of an IPv6 packet; of others whatever.
fn outer_addresses(packet: &mut Packet, ipv6: bool) -> Option<([u8; 16], [u8; 16])> {
    if !ipv6 {
        return Some(([0; 16], [0; 16]));
    }
    let ip = Ipv6::of(packet)?;
    Some((ip.src(), ip.dst()))
}

fn inner_v4(inner: &mut [u8], new: &Tuple) -> Option<()> {
    let header = usize::from(*inner.first()? & 0x0f) * 4;
    let (ip, l4) = inner.split_at_mut_checked(header.max(20))?;
    let old: [u8; 8] = *ip.get(12..)?.first_chunk()?;
    let mut addresses = [0; 8];
    addresses[..4].copy_from_slice(&new.src[..4]);
    addresses[4..].copy_from_slice(&new.dst[..4]);
    let change = Sum::change(&old, &addresses);
    ip[12..20].copy_from_slice(&addresses);
    correct(ip, 10, change);
    inner_l4(l4, new, change);
    Some(())
}

fn inner_v6(inner: &mut [u8], new: &Tuple) -> Option<()> {
    let (ip, l4) = inner.split_at_mut_checked(40)?;
    let old: [u8; 32] = *ip.get(8..)?.first_chunk()?;
    let mut addresses = [0; 32];
    addresses[..16].copy_from_slice(&new.src);
    addresses[16..].copy_from_slice(&new.dst);
    ip[8..40].copy_from_slice(&addresses);
    if ip[6] == new.proto {
        inner_l4(l4, new, Sum::change(&old, &addresses));
    }
    Some(())
}

/// Sets ports, and corrects the checksum as far as it was sent along.
fn inner_l4(l4: &mut [u8], new: &Tuple, change: Sum) {
    let Some(old) = l4.first_chunk::<4>().copied().filter(|_| new.has_ports()) else {
        if new.ipv6 && new.is_icmp() && l4.len() >= 8 {
            correct(l4, 2, change);
        }
        return;
    };
    let ([a, b], [c, d]) = (new.src_port.to_be_bytes(), new.dst_port.to_be_bytes());
    let ports = [a, b, c, d];
    l4[..4].copy_from_slice(&ports);
    let change = change.and(Sum::change(&old, &ports));
    match IpProtocol(new.proto) {
        IpProtocol::TCP if l4.len() >= 20 => correct(l4, 16, change),
        IpProtocol::UDP if l4.len() >= 8 && l4[6..8] != [0, 0] => {
            correct(l4, 6, change);
            if l4[6..8] == [0, 0] {
                l4[6..8].fill(0xff);
            }
        }
        _ => {}
    }
}

/// Corrects a checksum (RFC 1624) at `at` of a header that is that long.
fn correct(header: &mut [u8], at: usize, change: Sum) {
    let Some(field) = header.get_mut(at..at + 2) else { return };
    let old = u16::from_be_bytes([field[0], field[1]]);
    field.copy_from_slice(&Sum::word(!old).and(change).checksum().to_be_bytes());
}
