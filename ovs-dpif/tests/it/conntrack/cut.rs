//! Datagrams in pieces, in good and in bad order.

use ovs_dpif::ovs_packet::checksum::internet;

use super::generate::Dice;

/// How the pieces of a datagram come. None comes twice: whether the original of 3.1 drops a copy or sends it on, and what it says
/// of the others then, differs with the batch that the copy comes in. Overlaps condemn a datagram here (RFC 5722), and there they do
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// One after the other.
    Straight,
    /// Last first.
    Backwards,
    /// Some other way.
    Mixed,
    /// One of them does not come.
    Missing,
}

impl Order {
    const ALL: [Self; 4] = [Self::Straight, Self::Backwards, Self::Mixed, Self::Missing];

    pub fn any(dice: &mut Dice) -> Self {
        Self::ALL[dice.roll(Self::ALL.len() as u64) as usize]
    }
}

/// Bytes of payload in each piece but the last: enough for both versions' least.
const PIECE: usize = 1280;

/// Cuts a frame with an IP packet that is long enough; `None` if it is not, or lies about its length.
pub fn cut(frame: &[u8], id: u32, order: Order, dice: &mut Dice) -> Option<Vec<Vec<u8>>> {
    let v6 = frame[12..14] == [0x86, 0xdd];
    let header = if v6 { 40 } else { 20 };
    let ip = frame.get(14..)?;
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*ip.get(at)?, *ip.get(at + 1)?])));
    let (len, version) = if v6 { (word(4)? + 40, 0x60) } else { (word(2)?, 0x45) };
    if len != ip.len() || ip[0] != version || len < header + PIECE + 8 {
        return None;
    }
    let payload = &ip[header..];
    let mut pieces: Vec<Vec<u8>> = payload
        .chunks(PIECE)
        .enumerate()
        .map(|(number, piece)| {
            let (offset, more) = (number * PIECE, number * PIECE + piece.len() < payload.len());
            let mut frame = frame[..14 + header].to_vec();
            wrap(&mut frame, v6, id, offset as u16, more, piece.len() as u16);
            frame.extend(piece);
            frame
        })
        .collect();
    let some = dice.roll(pieces.len() as u64) as usize;
    match order {
        Order::Straight => {}
        Order::Backwards => pieces.reverse(),
        Order::Mixed => pieces.rotate_left(some),
        Order::Missing => drop(pieces.remove(some)),
    }
    Some(pieces)
}

/// Makes a header that of a piece.
fn wrap(frame: &mut Vec<u8>, v6: bool, id: u32, offset: u16, more: bool, len: u16) {
    let ip = &mut frame[14..];
    if v6 {
        let next = std::mem::replace(&mut ip[6], 44);
        ip[4..6].copy_from_slice(&(len + 8).to_be_bytes());
        frame.extend([next, 0]);
        frame.extend((offset | u16::from(more)).to_be_bytes());
        frame.extend(id.to_be_bytes());
        return;
    }
    ip[2..4].copy_from_slice(&(len + 20).to_be_bytes());
    ip[4..6].copy_from_slice(&(id as u16).to_be_bytes());
    ip[6..8].copy_from_slice(&((u16::from(more) << 13) | (offset / 8)).to_be_bytes());
    ip[10..12].fill(0);
    let sum = internet(&ip[..20]).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
}

/// Whether a frame is a piece other than the first of a datagram.
pub fn is_later(frame: &[u8]) -> bool {
    match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.get(20..22).is_some_and(|word| word[0] & 0x1f != 0 || word[1] != 0),
        Some([0x86, 0xdd]) => {
            frame.get(20) == Some(&44)
                && frame.get(56..58).is_some_and(|word| word[0] != 0 || word[1] & 0xf8 != 0)
        }
        _ => false,
    }
}
