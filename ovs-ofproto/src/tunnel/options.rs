//! Geneve options as a datapath has them, and as a bridge sees them: by the fields of its table.
//!
//! A field has the last four bytes of its option's value.

use ovs_flow::{FlowMask, TUN_METADATA_BYTES, TunnelFlags, TunnelKey};
use ovs_openflow::TlvMap;

/// Bytes of a field.
const FIELD: usize = 4;

/// One option: where its value lies, and what it is.
struct Found<'a> {
    at: usize,
    class: u16,
    kind: u8,
    data: &'a [u8],
}

fn each(bytes: &[u8], mut take: impl FnMut(Found<'_>)) {
    let mut at = 0;
    while let Some([c0, c1, kind, len, rest @ ..]) = bytes.get(at..) {
        let len = usize::from(len & 0x1f) * 4;
        let Some(data) = rest.get(..len) else { return };
        take(Found { at: at + 4, class: u16::from_be_bytes([*c0, *c1]), kind: *kind, data });
        at += 4 + len;
    }
}

fn map_of<'m>(maps: &'m [TlvMap], found: &Found<'_>) -> Option<&'m TlvMap> {
    let same = |map: &&TlvMap| (map.class, map.kind) == (found.class, found.kind);
    maps.iter().find(same).filter(|map| usize::from(map.len) == found.data.len() && map.index < 64)
}

/// Replaces options as they came by the fields that a bridge has for them; others are not seen.
pub(crate) fn options_to_fields(tunnel: &mut TunnelKey, maps: &[TlvMap]) {
    let Some(options) = tunnel.options() else { return };
    let (mut metadata, mut present) = ([0; TUN_METADATA_BYTES], 0_u64);
    each(options, |found| {
        let Some(map) = map_of(maps, &found) else { return };
        let field = usize::from(map.index) * FIELD;
        let taken = found.data.len().min(FIELD);
        metadata[field + FIELD - taken..field + FIELD]
            .copy_from_slice(&found.data[found.data.len() - taken..]);
        present |= 1 << map.index;
    });
    (tunnel.metadata, tunnel.metadata_present) = (metadata, present);
    tunnel.flags &= !TunnelFlags::RAW_OPTIONS.bits();
}

/// The options that a bridge's fields stand for.
pub(crate) fn fields_to_options(tunnel: &TunnelKey, maps: &[TlvMap]) -> Vec<u8> {
    let mut options = Vec::new();
    let mut sorted: Vec<&TlvMap> = maps.iter().filter(|map| map.index < 64).collect();
    sorted.sort_by_key(|map| map.index);
    for map in sorted.into_iter().filter(|map| tunnel.metadata_present >> map.index & 1 != 0) {
        options.extend(map.class.to_be_bytes());
        options.extend([map.kind, map.len / 4]);
        let len = usize::from(map.len);
        let field = usize::from(map.index) * FIELD;
        let taken = len.min(FIELD);
        options.resize(options.len() + len - taken, 0);
        options.extend(&tunnel.metadata[field + FIELD - taken..field + FIELD]);
    }
    options
}

/// Makes a mask over fields one over the options of `tunnel`. Which options there are always counts, so that what was not
/// there is not there in other packets either.
pub(crate) fn mask_to_options(tunnel: &TunnelKey, mask: &mut FlowMask, maps: &[TlvMap]) {
    let mask = &mut mask.fields.tunnel;
    mask.flags |= TunnelFlags::RAW_OPTIONS.bits();
    let fields = std::mem::replace(&mut mask.metadata, [0; TUN_METADATA_BYTES]);
    mask.metadata_present = 0;
    let Some(options) = tunnel.options() else { return };
    mask.metadata_present = u64::MAX;
    each(options, |found| {
        mask.metadata[found.at - 4..found.at].fill(0xff);
        let Some(map) = map_of(maps, &found) else { return };
        let field = usize::from(map.index) * FIELD;
        let taken = found.data.len().min(FIELD);
        let end = found.at + found.data.len();
        mask.metadata[end - taken..end].copy_from_slice(&fields[field + FIELD - taken..field + FIELD]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps() -> Vec<TlvMap> {
        vec![
            TlvMap { class: 0x102, kind: 0x80, len: 4, index: 3 },
            TlvMap { class: 0xffff, kind: 1, len: 8, index: 0 },
            TlvMap { class: 0xffff, kind: 2, len: 0, index: 7 },
        ]
    }

    #[test]
    fn fields_and_options_are_each_other() {
        let options: Vec<u8> =
            [&[0xff, 0xff, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9][..], &[1, 2, 0x80, 1, 0xa, 0xb, 0xc, 0xd]].concat();
        let mut tunnel = TunnelKey::default();
        assert!(tunnel.set_options(&options));
        let raw = tunnel;
        options_to_fields(&mut tunnel, &maps());
        assert_eq!((tunnel.metadata_present, tunnel.options()), (0b1001, None));
        assert_eq!(&tunnel.metadata[12..16], [0xa, 0xb, 0xc, 0xd]);
        assert_eq!(fields_to_options(&tunnel, &maps()), options);
        let mut mask = FlowMask::default();
        mask.fields.tunnel.metadata[12..16].fill(0x0f);
        mask_to_options(&raw, &mut mask, &maps());
        let bits = mask.fields.tunnel.metadata;
        assert_eq!(&bits[..12], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bits[12..20], [0xff, 0xff, 0xff, 0xff, 0x0f, 0x0f, 0x0f, 0x0f]);
    }

    #[test]
    fn what_no_field_is_for_is_not_seen() {
        let mut tunnel = TunnelKey::default();
        assert!(tunnel.set_options(&[0, 9, 9, 1, 1, 1, 1, 1, 0xff, 0xff, 2, 0]));
        options_to_fields(&mut tunnel, &maps());
        assert_eq!(tunnel.metadata_present, 1 << 7);
        assert_eq!(fields_to_options(&tunnel, &maps()), [0xff, 0xff, 2, 0]);
    }
}
