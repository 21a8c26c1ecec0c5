//! The number that tells flows inside of a tunnel apart by the outer source port (RFC 7348 section 5, RFC 6438).

use ovs_packet::{ABSENT, LayerOffsets, Packet};

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
#[inline]
pub(super) fn flow_hash(packet: &Packet) -> u32 {
    if let Some(hash) = packet.facts().rss_hash {
        return hash;
    }
    let (data, layers) = (packet.data(), packet.layers());
    // Where most packets have them.
    if (layers.l3, layers.l4) == (14, 34)
        && let Some(start) = data.first_chunk::<38>()
        && start[14] >> 4 == 4
    {
        return of_ip(start[23], &start[26..34], start.last_chunk());
    }
    any(data, layers)
}

/// Wherever the headers are.
fn any(data: &[u8], layers: &LayerOffsets) -> u32 {
    let l4 = data.get(usize::from(layers.l4)..).filter(|_| layers.l4 != ABSENT);
    let ports = l4.and_then(|l4| l4.first_chunk::<4>());
    match data.get(usize::from(layers.l3)..).filter(|_| layers.l3 != ABSENT) {
        Some(ip) if ip.first().is_some_and(|first| first >> 4 == 4) => {
            let header = ip.first_chunk::<20>();
            header.map_or_else(|| of_ethernet(data), |header| of_ip(header[9], &header[12..], ports))
        }
        Some(ip) if ip.first().is_some_and(|first| first >> 4 == 6) => {
            let header = ip.first_chunk::<40>();
            header.map_or_else(|| of_ethernet(data), |header| of_ip(header[6], &header[8..], ports))
        }
        _ => of_ethernet(data),
    }
}

#[inline]
fn of_ip(protocol: u8, addresses: &[u8], ports: Option<&[u8; 4]>) -> u32 {
    let (words, _) = addresses.as_chunks::<8>();
    let hash =
        words.iter().fold(u64::from(protocol).to_le(), |hash, part| fold(hash, u64::from_ne_bytes(*part)));
    let ports = ports.map(|ports| u64::from(u32::from_le_bytes(*ports)).to_le());
    (ports.map_or(hash, |ports| fold(hash, ports)) >> 32) as u32
}

#[cold]
fn of_ethernet(data: &[u8]) -> u32 {
    let header = data.get(..14).unwrap_or(data);
    (header.chunks(8).fold(0, |hash, part| fold(hash, word(part))) >> 32) as u32
}
