//! The number that tells flows inside of a tunnel apart by the outer source port (RFC 7348 section 5, RFC 6438).

use ovs_packet::{ABSENT, Packet};

/// An odd number without pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn fold(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * u128::from(FACTOR);
    product as u64 ^ (product >> 64) as u64
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let len = bytes.len().min(8);
    word[..len].copy_from_slice(&bytes[..len]);
    u64::from_ne_bytes(word)
}

/// Of addresses, protocol and ports, or of the Ethernet header if there are none.
pub(super) fn flow_hash(packet: &Packet) -> u32 {
    if let Some(hash) = packet.facts().rss_hash {
        return hash;
    }
    let (data, layers) = (packet.data(), packet.layers());
    let at = |offset: u16, from: usize, len: usize| {
        let from = usize::from(offset) + from;
        data.get(from..from + len).filter(|_| offset != ABSENT)
    };
    let addresses = match at(layers.l3, 0, 1) {
        Some([first]) if first >> 4 == 4 => at(layers.l3, 9, 1).zip(at(layers.l3, 12, 8)),
        Some([first]) if first >> 4 == 6 => at(layers.l3, 6, 1).zip(at(layers.l3, 8, 32)),
        _ => None,
    };
    let hash = match addresses {
        Some((protocol, addresses)) => {
            let hash = addresses.chunks(8).fold(word(protocol), |hash, part| fold(hash, word(part)));
            at(layers.l4, 0, 4).map_or(hash, |ports| fold(hash, word(ports)))
        }
        None => data.get(..14).unwrap_or(data).chunks(8).fold(0, |hash, part| fold(hash, word(part))),
    };
    (hash >> 32) as u32
}
