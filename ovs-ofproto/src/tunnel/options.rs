//! Geneve options as a datapath has them, and as a bridge sees them: by the fields of its table.

use ovs_flow::{FlowMask, OptionPlaces, TUN_METADATA_BYTES, TunnelFlags, TunnelKey, Wide};
use ovs_openflow::TlvMap;

/// The options of a bridge that have fields, and where these lie in keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OptionTable {
    /// By field.
    pub maps: Vec<TlvMap>,
    pub places: OptionPlaces,
}

/// No options.
pub(crate) static NO_OPTIONS: OptionTable = OptionTable { maps: Vec::new(), places: OptionPlaces::NONE };

/// One option: where its value lies, and what it is.
struct Found<'a> {
    at: usize,
    class: u16,
    kind: u8,
    data: &'a [u8],
}

/// Goes through options; whether they end where the bytes end.
fn each(bytes: &[u8], mut take: impl FnMut(Found<'_>)) -> bool {
    let mut at = 0;
    while let Some([c0, c1, kind, len, rest @ ..]) = bytes.get(at..) {
        let len = usize::from(len & 0x1f) * 4;
        let Some(data) = rest.get(..len) else { return false };
        take(Found { at: at + 4, class: u16::from_be_bytes([*c0, *c1]), kind: *kind, data });
        at += 4 + len;
    }
    at == bytes.len()
}

/// Of an option's type: it must be understood (RFC 8926 section 3.5.1).
const CRITICAL: u8 = 0x80;

impl OptionTable {
    fn map_of(&self, found: &Found<'_>) -> Option<&TlvMap> {
        self.maps.iter().find(|map| (map.class, map.kind) == (found.class, found.kind))
    }

    /// The number of the field that an option has, if it is as long as the field.
    fn field_of(&self, found: &Found<'_>) -> Option<usize> {
        let map = self.map_of(found).filter(|map| usize::from(map.len) == found.data.len())?;
        Some(map.index.into())
    }

    /// Replaces options as they came by the fields that there are for them; others are not seen. `false` if the packet is to
    /// be dropped: an option has another length than its field, or it has none and must be understood.
    #[must_use]
    pub fn options_to_fields(&self, tunnel: &mut TunnelKey) -> bool {
        let Some(len) = tunnel.options().map(<[u8]>::len) else { return true };
        let options = std::mem::replace(&mut tunnel.metadata, [0; TUN_METADATA_BYTES]);
        tunnel.metadata_present = 0;
        tunnel.flags &= !TunnelFlags::RAW_OPTIONS.bits();
        let mut understood = true;
        let whole = each(&options[..len], |found| {
            let Some(field) = self.field_of(&found) else {
                understood &= self.map_of(&found).is_none() && found.kind & CRITICAL == 0;
                return;
            };
            self.places.write(tunnel, field, &Wide::from_be_bytes(found.data));
            tunnel.metadata_present |= 1 << field;
        });
        whole && understood
    }

    /// The options that fields stand for, by number of the field.
    pub fn fields_to_options(&self, tunnel: &TunnelKey) -> Vec<u8> {
        let mut options = Vec::new();
        let there =
            |map: &&TlvMap| tunnel.metadata_present.checked_shr(map.index.into()).unwrap_or(0) & 1 != 0;
        for map in self.maps.iter().filter(there) {
            options.extend(map.class.to_be_bytes());
            options.extend([map.kind, map.len / 4]);
            options.extend(self.places.bytes(map.index.into()).map(|at| tunnel.metadata[at]));
        }
        options
    }

    /// Makes a mask over fields one over the options of `tunnel`. Which options there are always counts, so that what was
    /// not there is not there in other packets either.
    pub fn mask_to_options(&self, tunnel: &TunnelKey, mask: &mut FlowMask) {
        let mask = &mut mask.fields.tunnel;
        mask.flags |= TunnelFlags::RAW_OPTIONS.bits();
        let fields = std::mem::replace(&mut mask.metadata, [0; TUN_METADATA_BYTES]);
        mask.metadata_present = 0;
        let Some(options) = tunnel.options() else { return };
        mask.metadata_present = u64::MAX;
        let _ = each(options, |found| {
            mask.metadata[found.at - 4..found.at].fill(0xff);
            let Some(field) = self.field_of(&found) else { return };
            for (to, from) in (found.at..).zip(self.places.bytes(field)) {
                mask.metadata[to] = fields[from];
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> OptionTable {
        // Fields whose words do not stand side by side.
        let mut table = OptionTable::default();
        for (class, kind, len, index) in
            [(0x102, 0x80, 4, 3), (0xffff, 1, 8, 0), (0xffff, 2, 0, 7), (9, 9, 124, 5)]
        {
            table.maps.push(TlvMap { class, kind, len, index });
            assert!(table.places.add(index.into(), len.into()));
        }
        table.maps.sort_by_key(|map| map.index);
        table
    }

    #[test]
    fn fields_and_options_are_each_other() {
        let long: Vec<u8> = (1..=124).collect();
        let options = [
            &[0xff, 0xff, 1, 2, 0, 0, 0, 7, 0, 0, 0, 9][..],
            &[1, 2, 0x80, 1, 0xa, 0xb, 0xc, 0xd],
            &[0, 9, 9, 31],
            &long,
        ]
        .concat();
        let mut tunnel = TunnelKey::default();
        assert!(tunnel.set_options(&options));
        let raw = tunnel;
        let table = table();
        assert!(table.options_to_fields(&mut tunnel));
        assert_eq!((tunnel.metadata_present, tunnel.options()), (0b10_1001, None));
        assert_eq!(table.places.read(&tunnel, 0), Wide::from(7 << 32 | 9));
        assert_eq!(table.places.read(&tunnel, 5), Wide::from_be_bytes(&long));
        assert_eq!(table.fields_to_options(&tunnel), options);
        let mut mask = FlowMask::default();
        table.places.add_bits(&mut mask, 3, &Wide::from(0x0f0f_0f0f));
        table.places.add_bits(&mut mask, 5, &Wide::from(0xff).shl(123 * 8));
        table.mask_to_options(&raw, &mut mask);
        let bits = mask.fields.tunnel.metadata;
        assert_eq!(&bits[..12], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&bits[12..20], [0xff, 0xff, 0xff, 0xff, 0x0f, 0x0f, 0x0f, 0x0f]);
        assert_eq!(&bits[20..26], [0xff, 0xff, 0xff, 0xff, 0xff, 0]);
        assert!(bits[26..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_no_field_is_for_is_not_seen() {
        let mut tunnel = TunnelKey::default();
        assert!(tunnel.set_options(&[0, 9, 8, 1, 1, 1, 1, 1, 0xff, 0xff, 2, 0]));
        assert!(table().options_to_fields(&mut tunnel));
        assert_eq!(tunnel.metadata_present, 1 << 7);
        assert_eq!(table().fields_to_options(&tunnel), [0xff, 0xff, 2, 0]);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let taken = |options: &[u8]| {
            let mut tunnel = TunnelKey::default();
            assert!(tunnel.set_options(options));
            table().options_to_fields(&mut tunnel)
        };
        assert!(taken(&[]) && taken(&[0, 7, 7, 0]) && taken(&[1, 2, 0x80, 1, 0, 0, 0, 0]));
        assert!(!taken(&[0, 7, 0x87, 0]), "one that must be understood");
        assert!(!taken(&[0, 9, 9, 1, 1, 1, 1, 1]), "not as long as its field");
        assert!(!taken(&[0, 7, 7, 1, 0, 0]) && !taken(&[0, 7]), "cut off");
    }
}
