//! What senders are told of packets that are too long for a tunnel: ICMP's "fragmentation needed" (RFC 1191) and ICMPv6's
//! "packet too big" (RFC 4443 section 3.2).
//!
//! A switch has no address of its own. As the Linux kernel's tunnels do, the answer comes from the address that the packet was
//! for, and takes the way back that any answer of that host would take.

use ovs_packet::checksum::{Sum, internet, pseudo_v6};
use ovs_packet::wire::{EtherType, IpProtocol};

/// Bytes of a packet that an answer can need: the headers, and as much of the packet as ICMPv6 repeats.
pub(crate) const KEPT: usize = 14 + 8 + 1280;

const ETHERNET: usize = 12;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const DONT_FRAGMENT: u16 = 0x4000;
const OFFSET: u16 = 0x1fff;
/// The longest answer over IPv4 (RFC 1812 section 4.3.2.3), and over IPv6 (RFC 4443 section 2.4), in bytes.
const LONGEST: (usize, usize) = (576, 1280);

/// The frame that tells the sender of `frame` that no longer frame than `most` bytes, from the Ethernet header on, gets
/// through. `None` for packets that nobody may answer: those that may be fragmented on the way, later fragments, errors, and those
/// from or to groups.
pub(crate) fn answer(frame: &[u8], most: u16) -> Option<Vec<u8>> {
    let (addresses, _) = frame.split_first_chunk::<ETHERNET>()?;
    let (dst, src) = addresses.split_at(6);
    if dst[0] & 1 != 0 || src[0] & 1 != 0 {
        return None;
    }
    let mut at = ETHERNET;
    let mut kind = word(frame, at)?;
    while EtherType(kind).is_vlan() && at < ETHERNET + 8 {
        at += 4;
        kind = word(frame, at)?;
    }
    let packet = frame.get(at + 2..)?;
    let mtu = usize::from(most).checked_sub(at + 2)?;
    let body = match EtherType(kind) {
        EtherType::IPV4 => v4(packet, u16::try_from(mtu).ok()?)?,
        EtherType::IPV6 => v6(packet, mtu as u32)?,
        _ => return None,
    };
    Some([src, dst, &frame[ETHERNET..at + 2], &body].concat())
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Whether an IPv4 address is one host's.
fn is_host(address: &[u8]) -> bool {
    !matches!(address[0], 0 | 127 | 224..)
}

fn v4(packet: &[u8], mtu: u16) -> Option<Vec<u8>> {
    let header: &[u8; 20] = packet.first_chunk()?;
    let len = usize::from(header[0] & 0x0f) * 4;
    let fragment = word(header, 6)?;
    let (src, dst) = (&header[12..16], &header[16..20]);
    let may_answer = header[0] >> 4 == 4 && len >= 20 && is_host(src) && is_host(dst);
    if !may_answer || fragment & DONT_FRAGMENT == 0 || fragment & OFFSET != 0 {
        return None;
    }
    // Errors are not answered (RFC 1812 section 4.3.2.7); what asks and what answers may be.
    if header[9] == ICMP && !matches!(packet.get(len)?, 0 | 8..=10 | 13..=18) {
        return None;
    }
    let told = &packet[..packet.len().min(LONGEST.0 - 28)];
    let mut out = vec![0x45, 0xc0];
    out.extend(((28 + told.len()) as u16).to_be_bytes());
    out.extend([0, 0, 0x40, 0, 64, ICMP, 0, 0]);
    out.extend([dst, src].concat());
    let sum = internet(&out);
    out[10..12].copy_from_slice(&sum.to_be_bytes());
    out.extend([3, 4, 0, 0, 0, 0]);
    out.extend(mtu.to_be_bytes());
    out.extend_from_slice(told);
    let sum = internet(&out[20..]);
    out[22..24].copy_from_slice(&sum.to_be_bytes());
    Some(out)
}

fn v6(packet: &[u8], mtu: u32) -> Option<Vec<u8>> {
    let header: &[u8; 40] = packet.first_chunk()?;
    let (src, dst): (&[u8; 16], &[u8; 16]) = (header[8..].first_chunk()?, header[24..].first_chunk()?);
    if header[0] >> 4 != 6 || *src == [0; 16] || src[0] == 0xff || dst[0] == 0xff {
        return None;
    }
    if header[6] == ICMPV6 && *packet.get(40)? < 128 {
        return None;
    }
    let told = &packet[..packet.len().min(LONGEST.1 - 48)];
    let len = 8 + told.len();
    let mut out = vec![0x60, 0, 0, 0];
    out.extend((len as u16).to_be_bytes());
    out.extend([ICMPV6, 64]);
    out.extend([*dst, *src].concat());
    out.extend([2, 0, 0, 0]);
    out.extend(mtu.to_be_bytes());
    out.extend_from_slice(told);
    let sum = Sum::of(&out[40..]).and(pseudo_v6(*dst, *src, IpProtocol(ICMPV6), len as u32)).checksum();
    out[42..44].copy_from_slice(&sum.to_be_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACS: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

    fn ipv4(fragment: u16, protocol: u8, kind: u8) -> Vec<u8> {
        let [f0, f1] = fragment.to_be_bytes();
        let header = [0x45, 0, 5, 0xdc, 0, 1, f0, f1, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&MACS[..], &[8, 0], &header, &[kind], &[7; 1479]].concat()
    }

    fn ipv6(protocol: u8, kind: u8) -> Vec<u8> {
        let mut header = vec![0x60, 0, 0, 0, 5, 0xb4, protocol, 64];
        header.extend([&[0xfd; 16][..], &[0xfc; 16], &[kind], &[7; 1459]].concat());
        [&MACS[..], &[0x81, 0, 0, 5, 0x86, 0xdd], &header].concat()
    }

    #[test]
    fn senders_are_told_what_fits() {
        let frame = answer(&ipv4(0x4000, 17, 0), 1464).unwrap();
        assert_eq!(frame[..14], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        assert_eq!((frame.len(), word(&frame, 16)), (14 + 576, Some(576)));
        assert_eq!(frame[26..34], [10, 0, 0, 2, 10, 0, 0, 1]);
        assert_eq!((&frame[34..36], word(&frame, 40)), (&[3, 4][..], Some(1450)));
        assert_eq!((internet(&frame[14..34]), internet(&frame[34..])), (0, 0));
        assert_eq!(frame[42..], ipv4(0x4000, 17, 0)[14..14 + 548]);
        // A tag is of the frame, not of the packet.
        let frame = answer(&ipv6(6, 0), 1464).unwrap();
        assert_eq!(frame[..18], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 0x86, 0xdd]);
        assert_eq!((frame.len(), &frame[58..60], word(&frame, 64)), (18 + 1280, &[2, 0][..], Some(1446)));
        let pseudo = pseudo_v6([0xfc; 16], [0xfd; 16], IpProtocol(ICMPV6), 1240);
        assert_eq!(Sum::of(&frame[58..]).and(pseudo).checksum(), 0);
    }

    #[test]
    fn what_nobody_may_answer_is_not_answered() {
        assert!(answer(&ipv4(0x4000, 1, 8), 1464).is_some() && answer(&ipv6(58, 128), 1464).is_some());
        for frame in [ipv4(0, 17, 0), ipv4(0x4001, 17, 0), ipv4(0x4000, 1, 3), ipv6(58, 2)] {
            assert_eq!(answer(&frame, 1464), None);
        }
        let changed = |at: usize, to: u8| {
            let mut frame = ipv4(0x4000, 17, 0);
            frame[at] = to;
            answer(&frame, 1464)
        };
        for (at, to) in [(0, 3), (6, 3), (12, 9), (14, 0x65), (14, 0x44), (26, 0), (26, 224), (30, 255)] {
            assert_eq!(changed(at, to), None, "{at}");
        }
        for len in 0..60 {
            let _ = (answer(&ipv4(0x4000, 1, 8)[..len], 1464), answer(&ipv6(58, 128)[..len], 9));
        }
    }
}
