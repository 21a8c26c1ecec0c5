//! Cutting a packet into fragments.

use super::{
    Family, Pieces, Refusal,
    header::{FRAGMENT_HEADER, Header, LONGEST},
};
use crate::{
    Offload, Packet, Pool,
    checksum::internet,
    edit::{FinishError, complete_checksum, complete_outer_checksum},
    wire::{
        IpProtocol,
        bytes::{array_at, put, u8_at},
    },
};

/// Where to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// Into as few fragments as possible of at most so many bytes each, from the network header on.
    Mtu(usize),
    /// As the datagram came. If its payload has become longer, the last fragment grows up to the size of the largest, and
    /// then more are made of that size; if it has become shorter, the last ones shrink and go.
    Pieces(&'a Pieces),
}

/// Why a packet cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// Neither IPv4 nor IPv6.
    #[error("not an IP packet")]
    NotIp,
    /// The headers are cut off, or their lengths contradict each other.
    #[error("the packet's headers are malformed")]
    Malformed,
    /// IPv4 with the "do not fragment" bit; or an IPv6 packet that is a fragment itself, which only its source may cut.
    #[error("the packet is longer than {mtu} bytes, and must not be fragmented")]
    DontFragment {
        /// Bytes that would have been allowed: what the sender is to be told.
        mtu: usize,
    },
    /// The headers leave no room for eight bytes of payload.
    #[error("{mtu} bytes have no room for headers and payload")]
    MtuTooSmall {
        /// Bytes allowed.
        mtu: usize,
    },
    /// The packet is still to be segmented.
    #[error("the packet is still to be segmented")]
    Unsegmented,
    /// A partial checksum could not be completed.
    #[error(transparent)]
    Checksum(#[from] FinishError),
    /// The pool had no frame for a fragment; those before it were made.
    #[error("no frame for a fragment")]
    NoFrame,
}

/// Cuts `packet` into fragments and emits them in order; a packet that fits, or came in one piece, is emitted as it is.
/// Returns how many were emitted. `id` identifies an IPv6 packet's fragments if it is cut by [`Cut::Mtu`]; it should be
/// unpredictable (RFC 7739). An IPv4 packet has its own.
///
/// Partial checksums are completed first. A fragment of an IPv4 packet can be cut further. Later fragments of an IPv4
/// packet have those of its options that say so (RFC 791 section 3.1).
///
/// On an error the packet is dropped, the fragments made until then have been emitted, and the caller counts it.
pub fn fragment(
    mut packet: Packet,
    cut: Cut<'_>,
    id: u32,
    pool: &mut Pool,
    emit: &mut dyn FnMut(Packet),
) -> Result<usize, FragmentError> {
    let header = match Header::of(&packet) {
        None => return Err(FragmentError::NotIp),
        Some(header) => header.map_err(|_: Refusal| FragmentError::Malformed)?,
    };
    if packet.facts().offload.intersects(Offload::SEGMENT) {
        return Err(FragmentError::Unsegmented);
    }
    let fits = match cut {
        Cut::Mtu(mtu) => header.packet_len() <= mtu,
        Cut::Pieces(pieces) => pieces.sizes().len() <= 1,
    };
    if fits {
        emit(packet);
        return Ok(1);
    }
    complete_checksum(&mut packet)?;
    complete_outer_checksum(&mut packet)?;
    let plan = Plan::of(&packet, header, cut, id)?;
    let (mut from, mut count) = (0, 0);
    while from < header.len() {
        let size = plan.size(count).min(header.len() - from);
        emit(plan.make(&packet, from, size, pool).ok_or(FragmentError::NoFrame)?);
        from += size;
        count += 1;
    }
    Ok(count)
}

struct Plan<'a> {
    header: Header,
    id: u32,
    pieces: &'a [u16],
    /// Payload bytes of the fragments that `pieces` does not name; a multiple of eight, not zero.
    size: usize,
    /// IPv4: the headers of fragments behind the first, as far as options go.
    later: LaterOptions,
}

impl<'a> Plan<'a> {
    fn of(packet: &Packet, header: Header, cut: Cut<'a>, id: u32) -> Result<Self, FragmentError> {
        let later = LaterOptions::of(packet, &header);
        let (id, pieces, size) = match cut {
            Cut::Pieces(pieces) => {
                let largest = (usize::from(pieces.largest()) & !7).max(8);
                let last = pieces.sizes().len().saturating_sub(1);
                (pieces.id(), &pieces.sizes()[..last], largest)
            }
            Cut::Mtu(mtu) => {
                if header.dont_fragment || (header.family == Family::V6 && header.is_fragment) {
                    return Err(FragmentError::DontFragment { mtu });
                }
                let headers = match header.family {
                    Family::V4 => header.unfragmentable - header.l3,
                    Family::V6 => header.unfragmentable - header.l3 + FRAGMENT_HEADER,
                };
                let size = mtu.saturating_sub(headers).min(LONGEST) & !7;
                (id, &[][..], size)
            }
        };
        match (size, cut) {
            (0, Cut::Mtu(mtu)) => Err(FragmentError::MtuTooSmall { mtu }),
            _ => Ok(Self { header, id, pieces, size, later }),
        }
    }

    /// Payload bytes of a fragment, if it is not the last.
    fn size(&self, index: usize) -> usize {
        // Sizes that are not whole units of eight bytes cannot be offsets.
        self.pieces
            .get(index)
            .map(|size| usize::from(*size) & !7)
            .filter(|size| *size > 0)
            .unwrap_or(self.size)
    }

    /// The fragment with `size` bytes of payload from `from` on.
    fn make(&self, whole: &Packet, from: usize, size: usize, pool: &mut Pool) -> Option<Packet> {
        let header = &self.header;
        let data = whole.data();
        let front = data.get(..header.unfragmentable)?;
        let payload = data.get(header.payload + from..header.payload + from + size)?;
        let more = header.more || from + size < header.len();
        let mut part = pool.get(front.len() + FRAGMENT_HEADER + size)?;
        match header.family {
            Family::V4 => {
                let base = header.l3 + 20;
                let options = if from == 0 { &front[base..] } else { self.later.bytes() };
                part.push_back(base).ok()?.copy_from_slice(&front[..base]);
                part.push_back(options.len()).ok()?.copy_from_slice(options);
                part.push_back(size).ok()?.copy_from_slice(payload);
                self.finish_v4(part.data_mut(), 20 + options.len(), header.offset + from, more)?;
            }
            Family::V6 => {
                part.push_back(front.len()).ok()?.copy_from_slice(front);
                let word = (from as u16 & 0xfff8) | u16::from(more);
                let place = part.push_back(FRAGMENT_HEADER).ok()?;
                put(place, 0, &[header.protocol.0, 0]);
                put(place, 2, &word.to_be_bytes());
                put(place, 4, &self.id.to_be_bytes());
                part.push_back(size).ok()?.copy_from_slice(payload);
                let data = part.data_mut();
                put(data, header.next_at, &[IpProtocol::FRAGMENT.0]);
                let len = (data.len() - header.l3 - 40) as u16;
                put(data, header.l3 + 4, &len.to_be_bytes());
            }
        }
        *part.facts_mut() = *whole.facts();
        part.facts_mut().offload = Offload::empty();
        *part.layers_mut() = *whole.layers();
        Some(part)
    }

    /// Lengths, flags, offset and checksum of an IPv4 fragment.
    fn finish_v4(&self, data: &mut [u8], header_len: usize, offset: usize, more: bool) -> Option<()> {
        let l3 = self.header.l3;
        let len = (data.len() - l3) as u16;
        let word =
            (offset / 8) as u16 & 0x1fff | u16::from(more) << 13 | u16::from(self.header.dont_fragment) << 14;
        put(data, l3, &[0x40 | (header_len / 4) as u8]);
        put(data, l3 + 2, &len.to_be_bytes());
        put(data, l3 + 6, &word.to_be_bytes());
        put(data, l3 + 10, &[0, 0]);
        let checksum = internet(data.get(l3..l3 + header_len)?);
        put(data, l3 + 10, &checksum.to_be_bytes());
        Some(())
    }
}

/// The options that every IPv4 fragment has: those with the copied flag, padded to whole words.
struct LaterOptions {
    bytes: [u8; 40],
    len: usize,
}

impl LaterOptions {
    fn of(packet: &Packet, header: &Header) -> Self {
        let mut later = Self { bytes: [0; 40], len: 0 };
        let options = packet.data().get(header.l3 + 20..header.unfragmentable).unwrap_or_default();
        if header.family == Family::V6 {
            return later;
        }
        let mut at = 0;
        while let Some(kind) = u8_at(options, at).filter(|kind| *kind != 0) {
            let len = match (kind, array_at::<2>(options, at)) {
                (1, _) => 1,
                (_, Some([_, len])) if len >= 2 && at + usize::from(len) <= options.len() => usize::from(len),
                // Malformed: what it means nobody knows, so no other fragment gets it.
                _ => break,
            };
            if kind & 0x80 != 0 && put(&mut later.bytes, later.len, &options[at..at + len]) {
                later.len += len;
            }
            at += len;
        }
        later.len = later.len.next_multiple_of(4);
        later
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(self.bytes.len())]
    }
}
