//! GRE (RFC 2784, RFC 2890), and ERSPAN in it (draft-foschiano-erspan).

use std::time::Duration;

use ovs_flow::{TunnelFlags, TunnelKey, U32, U64};
use ovs_packet::Offload;
use ovs_packet::checksum::{Sum, internet};
use ovs_packet::wire::{Erspan2View, Erspan3View};

use super::TunnelKind;
use super::pop::{Inside, packet_type};

const CHECKSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Source routes, other versions, and bits that nobody has given a meaning.
const STRANGE: u16 = !(CHECKSUM | KEY | SEQUENCE);
/// The types of ERSPAN II and III as payloads.
const ERSPAN2: u16 = 0x88be;
const ERSPAN3: u16 = 0x22eb;
/// Where ERSPAN III has its time.
const TIME: usize = 4;

/// The fixed word and where the optional ones lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    flags: u16,
    pub protocol: u16,
    key: usize,
    sequence: usize,
    end: usize,
}

impl Words {
    /// Reads the fixed word at `at`; `None` if it says something that is not understood.
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let [f0, f1, p0, p1] = *data.get(at..)?.first_chunk()?;
        let flags = u16::from_be_bytes([f0, f1]);
        let len = |flag: u16| if flags & flag != 0 { 4 } else { 0 };
        let key = at + 4 + len(CHECKSUM);
        let sequence = key + len(KEY);
        let words = Self {
            flags,
            protocol: u16::from_be_bytes([p0, p1]),
            key,
            sequence,
            end: sequence + len(SEQUENCE),
        };
        (flags & STRANGE == 0 && words.end <= data.len()).then_some(words)
    }

    fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Whether a GRE header is ERSPAN's.
pub(super) fn is_mirrored(data: &[u8], at: usize) -> bool {
    Words::read(data, at).is_some_and(|words| matches!(words.protocol, ERSPAN2 | ERSPAN3))
}

/// Reads the header at `at` of a packet that ends with `data`.
pub(super) fn read(data: &[u8], at: usize, offload: Offload, key: &mut TunnelKey) -> Option<Inside> {
    let words = Words::read(data, at)?;
    if words.has(CHECKSUM) {
        key.flags |= TunnelFlags::CSUM.bits();
        // What a device or a sender of this host is still to write is not in the sum yet.
        let unfinished = offload.intersects(Offload::UNFINISHED);
        (unfinished || internet(&data[at..]) == 0).then_some(())?;
    }
    if words.has(KEY) {
        key.flags |= TunnelFlags::KEY.bits();
        let bytes: [u8; 4] = *data.get(words.key..)?.first_chunk()?;
        key.id = U64::new(u32::from_be_bytes(bytes).into());
    }
    match words.protocol {
        ERSPAN2 if words.has(SEQUENCE) => erspan2(data, words.end, key),
        ERSPAN3 if words.has(SEQUENCE) => erspan3(data, words.end, key),
        ERSPAN2 | ERSPAN3 => None,
        protocol => Some(Inside { at: words.end, packet_type: packet_type(protocol) }),
    }
}

fn erspan2(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    let view = Erspan2View::new_checked(data.get(at..)?).ok().filter(|view| view.version() == 1)?;
    session(key, view.session());
    (key.erspan_ver, key.erspan_idx) = (1, U32::new(view.index()));
    Some(Inside { at: at + 8, packet_type: 0 })
}

fn erspan3(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    let view = Erspan3View::new_checked(data.get(at..)?).ok().filter(|view| view.version() == 2)?;
    session(key, view.session());
    (key.erspan_ver, key.erspan_dir, key.erspan_hwid) = (2, view.direction(), view.hardware_id());
    let len = if view.has_platform() { 20 } else { 12 };
    Some(Inside { at: at + len, packet_type: 0 })
}

/// The session is the key.
fn session(key: &mut TunnelKey, session: u16) {
    key.id = U64::new(session.into());
    key.flags |= TunnelFlags::KEY.bits();
}

/// Whether a header, which begins with `gre`, has a checksum.
pub(super) fn has_checksum(gre: &[u8]) -> bool {
    gre.first().is_some_and(|first| first & 0x80 != 0)
}

/// Completes the header at `at`: number, time, and last the checksum over it and everything behind.
pub(super) fn complete(data: &mut [u8], at: usize, kind: TunnelKind, number: Option<u32>, now: Duration) {
    let Some(words) = Words::read(data, at) else { return };
    if let (Some(number), true) = (number, words.has(SEQUENCE)) {
        data[words.sequence..words.end].copy_from_slice(&number.to_be_bytes());
    }
    if kind.is_erspan() && words.protocol == ERSPAN3 {
        // In units of 100 µs, the granularity that the header names.
        let time = (now.as_micros() / 100) as u32;
        if let Some(field) = data.get_mut(words.end + TIME..words.end + TIME + 4) {
            field.copy_from_slice(&time.to_be_bytes());
        }
    }
    if words.has(CHECKSUM) {
        data[at + 4..at + 6].fill(0);
        let checksum = Sum::of(&data[at..]).checksum();
        data[at + 4..at + 6].copy_from_slice(&checksum.to_be_bytes());
    }
}
