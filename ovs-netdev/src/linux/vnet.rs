//! The virtio network header (virtio 1.1 section 5.1.6), in the machine's byte order as the kernel's sockets and TAP
//! devices have it, and [`DeviceFacts`]: what is unfinished about a packet, both ways.
//!
//! ```text
//! flags 1 │ gso type 1 │ header length 2 │ segment size 2 │ checksum start 2 │ checksum offset 2
//! ```

use ovs_packet::{DeviceFacts, Offload, Packet};

/// Bytes of the header.
pub(crate) const VNET_LEN: usize = 10;

/// What these devices can be left to do.
pub(crate) const OFFLOADS: Offload =
    Offload::NEEDS_L4_CSUM.union(Offload::TSO4).union(Offload::TSO6).union(Offload::USO).union(Offload::ECN);

const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;

const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// Reads a header into facts. False if it asks for something unknown, without which the packet cannot be used.
pub(crate) fn decode(header: &[u8; VNET_LEN], facts: &mut DeviceFacts) -> bool {
    let number = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
    let mut offload = match header[1] & !GSO_ECN {
        GSO_NONE => Offload::empty(),
        GSO_TCPV4 => Offload::TSO4,
        GSO_TCPV6 => Offload::TSO6,
        GSO_UDP_L4 => Offload::USO,
        _ => return false,
    };
    if header[1] & GSO_ECN != 0 {
        offload |= Offload::ECN;
    }
    if header[0] & NEEDS_CSUM != 0 {
        // A sender on this host has not computed it, which is as good as a right one.
        offload |= Offload::NEEDS_L4_CSUM | Offload::CSUM_VALID;
        (facts.csum_start, facts.csum_offset) = (number(6), number(8));
    }
    if header[0] & DATA_VALID != 0 {
        offload |= Offload::CSUM_VALID;
    }
    facts.offload = offload;
    facts.segment_size = number(4);
    true
}

/// Writes the header of a packet that leaves.
pub(crate) fn encode(packet: &Packet) -> [u8; VNET_LEN] {
    let facts = packet.facts();
    let mut header = [0; VNET_LEN];
    if !facts.is_unfinished() {
        return header;
    }
    let mut put = |at: usize, number: u16| header[at..at + 2].copy_from_slice(&number.to_ne_bytes());
    let (mut flags, mut gso) = (0, GSO_NONE);
    if facts.offload.contains(Offload::NEEDS_L4_CSUM) {
        flags = NEEDS_CSUM;
        put(6, facts.csum_start);
        put(8, facts.csum_offset);
    }
    for (offload, kind) in
        [(Offload::TSO4, GSO_TCPV4), (Offload::TSO6, GSO_TCPV6), (Offload::USO, GSO_UDP_L4)]
    {
        if facts.offload.contains(offload) {
            gso = kind;
        }
    }
    if gso != GSO_NONE {
        put(2, header_len(packet));
        put(4, facts.segment_size);
        if facts.offload.contains(Offload::ECN) {
            gso |= GSO_ECN;
        }
    }
    (header[0], header[1]) = (flags, gso);
    header
}

/// Bytes up to the end of the L4 header: a hint how much the kernel shall keep in one piece.
fn header_len(packet: &Packet) -> u16 {
    let facts = packet.facts();
    let start = usize::from(facts.csum_start);
    let l4 = match packet.data().get(start + 12) {
        Some(byte) if !facts.offload.contains(Offload::USO) => u16::from(byte >> 4) * 4,
        _ => 8,
    };
    facts.csum_start.saturating_add(l4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded_is_encoded() {
        for (gso, flag) in [
            (0, Offload::empty()),
            (1, Offload::TSO4),
            (0x84, Offload::TSO6 | Offload::ECN),
            (5, Offload::USO),
        ] {
            let mut header = [0; VNET_LEN];
            header[0] = NEEDS_CSUM;
            header[1] = gso;
            header[6] = 34;
            header[8] = 16;
            if gso != 0 {
                header[4..6].copy_from_slice(&1448u16.to_ne_bytes());
                header[2..4].copy_from_slice(&if gso == 5 { 42u16 } else { 66u16 }.to_ne_bytes());
            }
            let mut packet = Packet::detached(&[0x80; 100]).unwrap();
            assert!(decode(&header, packet.facts_mut()));
            assert_eq!(packet.facts().offload, flag | Offload::NEEDS_L4_CSUM | Offload::CSUM_VALID);
            assert_eq!(encode(&packet), header);
        }
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        let mut facts = DeviceFacts::default();
        assert!(!decode(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0], &mut facts));
        assert!(decode(&[DATA_VALID, 0, 0, 0, 0, 0, 0, 0, 0, 0], &mut facts));
        assert_eq!(facts.offload, Offload::CSUM_VALID);
    }
}
