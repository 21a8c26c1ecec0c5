//! Matches that contradict themselves, or that no message can carry.

use crate::field::numbers::eth;
use crate::{Field, Match};

/// Fields without a number in any version of OpenFlow.
const UNSPEAKABLE: [Field; 3] = [Field::SKB_PRIORITY, Field::TUN_TTL, Field::TUN_TOS];

impl Match {
    /// Whether the addresses of a tracked connection's original direction, if the match has any, are of the IP version
    /// that it states. A flow for which they are not is refused (`OFPBAC_MATCH_INCONSISTENT`).
    pub fn ct_addresses_fit(&self) -> bool {
        let m = &self.mask.fields;
        let v4 = m.ct_nw_src.get() | m.ct_nw_dst.get() != 0;
        let v6 = m.ct_ipv6_src != [0; 16] || m.ct_ipv6_dst != [0; 16];
        let kind = self.key.dl_type.get();
        (!v4 || kind == eth::IPV4) && (!v6 || kind == eth::IPV6)
    }

    /// A field that the match constrains although no version of OpenFlow has a number for it, so that no message can
    /// carry the match.
    pub fn unspeakable(&self) -> Option<Field> {
        UNSPEAKABLE.into_iter().find(|field| !field.is_wildcarded(&self.mask))
    }
}
