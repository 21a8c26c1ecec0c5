//! Keys and masks from the bytes of an input.

use ovs_flow::{FlowKey, FlowMask, U16, U32};

/// A key of eight bytes, from a space small enough for keys to meet.
pub fn key(bytes: &[u8]) -> FlowKey {
    let mut key = FlowKey::default();
    key.in_port = u32::from(bytes[0] & 3);
    key.conj_id = u32::from(bytes[0] >> 2 & 3);
    key.tunnel.src = U32::new(u32::from(bytes[0]) << 24);
    key.dl_type = U16::new(if bytes[4] & 1 == 0 { 0x0800 } else { 0x86dd });
    (key.nw_src, key.nw_dst) = (U32::new(u32::from(bytes[1]) << 24 | 1), U32::new(u32::from(bytes[2]) << 20));
    key.ipv6_src[0] = bytes[3];
    key.nw_proto = bytes[4];
    (key.tp_src, key.tp_dst) = (U16::new(u16::from(bytes[5]) << 8), U16::new(u16::from(bytes[6])));
    key.dl_dst[0] = bytes[7];
    key
}

/// A mask of eight bytes, for such keys.
pub fn mask(bytes: &[u8]) -> FlowMask {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    fields.in_port = if bytes[0] & 1 == 1 { u32::MAX } else { 0 };
    fields.dl_type = U16::new(if bytes[0] & 2 == 2 { 0xffff } else { 0 });
    fields.conj_id = if bytes[0] & 12 == 12 { u32::MAX } else { 0 };
    let prefix = |byte: u8| U32::new(u32::MAX.checked_shl(32 - u32::from(byte % 33)).unwrap_or(0));
    fields.tunnel.src = prefix(bytes[0] >> 4);
    (fields.nw_src, fields.nw_dst) = (prefix(bytes[1]), prefix(bytes[2]));
    fields.ipv6_src[0] = bytes[3];
    fields.nw_proto = bytes[4];
    (fields.tp_src, fields.tp_dst) = (U16::new(u16::from(bytes[5]) << 8), U16::new(u16::from(bytes[6])));
    fields.dl_dst[0] = if bytes[7] & 3 == 3 { bytes[7] } else { 0 };
    mask
}
