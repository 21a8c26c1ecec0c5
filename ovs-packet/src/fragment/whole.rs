//! One packet of many fragments.

use super::{
    Family, Pieces, Refusal,
    datagram::{Datagram, Node},
    header::{Header, LONGEST},
};
use crate::{
    Offload, Packet, Pool,
    checksum::internet,
    wire::bytes::{put, u8_at},
};

/// The whole of a datagram, in a frame of `pool`.
pub(super) fn assemble(
    datagram: &Datagram,
    nodes: &[Node],
    pieces: &mut Pieces,
    pool: &mut Pool,
) -> Result<Packet, Refusal> {
    let first = nodes.get(datagram.head as usize).and_then(|node| node.packet.as_ref());
    let first = first.ok_or(Refusal::Malformed)?;
    let header = Header::of(first).and_then(Result::ok).ok_or(Refusal::Malformed)?;
    let payload = datagram.held as usize;
    if header.whole_len(payload) > LONGEST {
        return Err(Refusal::TooLong);
    }
    let front = first.data().get(..header.unfragmentable).ok_or(Refusal::Malformed)?;
    let mut whole = pool.get(front.len() + payload).ok_or(Refusal::NoFrame)?;
    let mut append = |bytes: &[u8]| match whole.push_back(bytes.len()) {
        Ok(place) => {
            place.copy_from_slice(bytes);
            Ok(())
        }
        Err(_) => Err(Refusal::NoFrame),
    };
    append(front)?;
    let mut at = datagram.head;
    while let Some(node) = nodes.get(at as usize) {
        append(node.payload())?;
        pieces.push(node.len);
        at = node.next;
    }
    *whole.facts_mut() = *first.facts();
    whole.facts_mut().offload = Offload::empty();
    unfragmented(whole.data_mut(), &header, datagram).ok_or(Refusal::Malformed)?;
    Ok(whole)
}

/// Makes the headers of the first fragment those of the whole.
fn unfragmented(data: &mut [u8], header: &Header, datagram: &Datagram) -> Option<()> {
    let l3 = header.l3;
    let len = header.whole_len(datagram.held as usize) as u16;
    let ecn = datagram.congestion.whole(header.ecn);
    match header.family {
        Family::V4 => {
            let tos = u8_at(data, l3 + 1)?;
            put(data, l3 + 1, &[tos & !3 | ecn]);
            put(data, l3 + 2, &len.to_be_bytes());
            put(data, l3 + 6, &(u16::from(datagram.dont_fragment) << 14).to_be_bytes());
            put(data, l3 + 10, &[0, 0]);
            let checksum = internet(data.get(l3..header.unfragmentable)?);
            put(data, l3 + 10, &checksum.to_be_bytes());
        }
        Family::V6 => {
            let class = u8_at(data, l3 + 1)?;
            put(data, l3 + 1, &[class & !0x30 | ecn << 4]);
            put(data, l3 + 4, &len.to_be_bytes());
            put(data, header.next_at, &[header.protocol.0]);
        }
    }
    Some(())
}
