//! What tunnels have behind a UDP header: VXLAN, Geneve, GTP-U, LISP, or nothing.

use ovs_flow::{TunnelFlags, TunnelKey, U16, U64};
use ovs_packet::wire::{EtherType, GtpuView, LispView, VxlanView};

use super::TunnelFormat;
use super::pop::{ETHERTYPE_SPACE, Inside, packet_type};

/// A message of GTP-U that carries a packet (G-PDU).
pub(super) const GTPU_PACKET: u8 = 255;

fn identify(key: &mut TunnelKey, id: u32) {
    key.id = U64::new(id.into());
    key.flags |= TunnelFlags::KEY.bits();
}

/// The type of an IP packet, by its version.
fn ip_type(data: &[u8], at: usize) -> Option<u32> {
    match data.get(at)? >> 4 {
        4 => Some(ETHERTYPE_SPACE | u32::from(EtherType::IPV4.0)),
        6 => Some(ETHERTYPE_SPACE | u32::from(EtherType::IPV6.0)),
        _ => None,
    }
}

/// RFC 7348 section 5: the I flag, and of extensions only what the tunnel has.
pub(super) fn vxlan(data: &[u8], at: usize, format: TunnelFormat, key: &mut TunnelKey) -> Option<Inside> {
    const VNI: u8 = 0x08;
    const POLICY: u8 = 0x80;
    const NEXT: u8 = 0x04;
    const POLICY_FLAGS: u8 = 0x48;
    let header: &[u8; 8] = data.get(at..)?.first_chunk()?;
    let view = VxlanView::new_checked(&header[..]).ok()?;
    if view.vni_reserved() & 0xff != 0 {
        return None;
    }
    identify(key, view.vni());
    let mut inside = Inside { at: at + 8, packet_type: 0 };
    match view.flags() {
        VNI if view.policy_flags() == 0 && view.policy_group() == 0 => {}
        flags if flags == VNI | POLICY && format.policy => {
            key.gbp_flags = view.policy_flags() & POLICY_FLAGS;
            key.gbp_id = U16::new(view.policy_group());
        }
        flags if flags == VNI | NEXT && format.generic => {
            inside.packet_type = match view.next_protocol() {
                1 => ETHERTYPE_SPACE | u32::from(EtherType::IPV4.0),
                2 => ETHERTYPE_SPACE | u32::from(EtherType::IPV6.0),
                3 => 0,
                4 => ETHERTYPE_SPACE | 0x894f,
                5 => ETHERTYPE_SPACE | 0x8847,
                _ => return None,
            };
        }
        _ => return None,
    }
    Some(inside)
}

/// RFC 8926 section 3.4.
pub(super) fn geneve(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    const OAM: u8 = 0x80;
    let header: &[u8; 8] = data.get(at..)?.first_chunk()?;
    let [first, flags, high, low, a, b, c, _] = *header;
    if first >> 6 != 0 {
        return None;
    }
    let end = at + 8 + usize::from(first & 0x3f) * 4;
    let options = data.get(at + 8..end)?;
    are_whole(options).then_some(())?;
    if flags & OAM != 0 {
        key.flags |= TunnelFlags::OAM.bits();
    }
    identify(key, u32::from_be_bytes([0, a, b, c]));
    if !options.is_empty() {
        key.set_options(options).then_some(())?;
    }
    Some(Inside { at: end, packet_type: packet_type(u16::from_be_bytes([high, low])) })
}

/// Whether the last option ends where the options do.
fn are_whole(mut options: &[u8]) -> bool {
    while let [_, _, _, len, ..] = options {
        let Some(rest) = options.get(4 + usize::from(len & 0x1f) * 4..) else { return false };
        options = rest;
    }
    options.is_empty()
}

/// 3GPP TS 29.281 section 5. A message that carries no packet is for whoever speaks GTP here: it stays as it is (`None`
/// inside), and what it says of itself can be matched.
pub(super) fn gtpu(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<(Option<Inside>, usize)> {
    let view = GtpuView::new_checked(data.get(at..)?).ok()?;
    let end = at + 8 + usize::from(view.length());
    if view.version() != 1 || !view.is_gtp() || end > data.len() {
        return None;
    }
    identify(key, view.teid());
    (key.gtpu_flags, key.gtpu_msgtype) = (view.flags(), view.message());
    if view.message() != GTPU_PACKET {
        return Some((None, end));
    }
    let inner = at + view.header_len();
    let data = data.get(..end)?;
    Some((Some(Inside { at: inner, packet_type: ip_type(data, inner)? }), end))
}

/// RFC 9300 section 5.3.
pub(super) fn lisp(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    let view = LispView::new_checked(data.get(at..)?).ok()?;
    // What is encrypted nobody here can read.
    if view.key_id() != 0 {
        return None;
    }
    if view.has_instance() {
        identify(key, view.instance());
    }
    Some(Inside { at: at + 8, packet_type: ip_type(data, at + 8)? })
}

/// The packet itself.
pub(super) fn bare(data: &[u8], at: usize, format: TunnelFormat) -> Option<Inside> {
    let packet_type = match EtherType(format.payload) {
        EtherType::IPV4 | EtherType::IPV6 => ip_type(data, at)?,
        EtherType(other) => ETHERTYPE_SPACE | u32::from(other),
    };
    (at < data.len()).then_some(Inside { at, packet_type })
}
