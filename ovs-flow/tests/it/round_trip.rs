//! Round trips of random matches and keys: text, NXM and OXM, packets.

use proptest::prelude::*;

use ovs_flow::field::nxm::{decode_match, encode_match};
use ovs_flow::field::{Masking, OfVersion};
use ovs_flow::text::{
    DpDisplay, FlowDisplay, MatchDisplay, NoNames, parse_dp_flow, parse_dp_key, parse_field, parse_match,
    tokens,
};
use ovs_flow::{Field, FlowKey, Match, compose};

use crate::extract::key_of;

/// Matches that open the doors: each makes other fields applicable.
const BASES: [&str; 20] = [
    "",
    "eth",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "ip",
    "tcp6",
    "udp6",
    "ipv6",
    "arp",
    "rarp",
    "mpls",
    "dl_type=0x894f,nsh_mdtype=1",
    "dl_vlan=3",
    "icmp6,icmp_type=135",
    "icmp6,icmp_type=136,icmp_code=0",
    "ip,ct_state=+trk-inv,ct_nw_proto=6",
    "packet_type=(1,0x800)",
    "tun_erspan_ver=1",
];

/// Those whose change would take the meaning from others.
const DECISIVE: [Field; 9] = [
    Field::PACKET_TYPE,
    Field::ETH_TYPE,
    Field::IP_PROTO,
    Field::ARP_OP,
    Field::ICMP_TYPE,
    Field::ICMP_CODE,
    Field::ICMPV6_TYPE,
    Field::ICMPV6_CODE,
    Field::CT_NW_PROTO,
];

fn is_free(field: Field, m: &Match) -> bool {
    let ports_of_nothing =
        [Field::CT_TP_SRC, Field::CT_TP_DST].contains(&field) && m.mask.fields.ct_nw_proto == 0;
    let later = field == Field::IP_FRAG && (m.mask.fields.tp_src.get() | m.mask.fields.tp_dst.get() != 0);
    field.headers().next().is_some()
        && !DECISIVE.contains(&field)
        && field.applies_to_match(m)
        && !field.is_present(m)
        && !ports_of_nothing
        && !later
}

/// OXM has the identifier with the bit that says "there is a tag", under any mask, and with a tag the whole priority.
fn tag_has_oxm(m: &Match) -> bool {
    let (tci, mask) = (m.key.vlans[0].tci.get(), m.mask.fields.vlans[0].tci.get());
    matches!((mask >> 13, tci & 0x1000), (0, _) | (7, 0x1000)) || (tci, mask) == (0, 0xffff)
}

/// Whether text can say this at all: some fields of tunnels are printed under other names, or only with others, and not
/// each combination of fragment bits has a name.
fn has_text(field: Field, value: u128, mask: u128) -> bool {
    let name = field.name();
    if name.starts_with("tun_gtpu") || name.starts_with("tun_erspan") || name.starts_with("nsh_c") {
        return false;
    }
    if field == Field::TUN_GBP_FLAGS {
        return mask == field.full(); // No mask is printed.
    }
    field != Field::IP_FRAG
        || [(0, 3), (1, 1), (1, 3), (3, 3), (0, 2)].contains(&(value & mask & 3, mask & 3))
}

prop_compose! {
    fn a_match(text_only: bool)(
        base in prop::sample::select(&BASES[..]),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<u128>(), any::<u128>(), any::<bool>()), 0..8),
    ) -> Match {
        let mut m = parse_match(base, &NoNames).expect("a base");
        let fields: Vec<_> = Field::all().collect();
        for (pick, value, mask, exact) in picks {
            let field = *pick.get(&fields);
            let mask = if exact || field.facts().masking == Masking::Exact { u128::MAX } else { mask } & field.full();
            let value = if field.is_valid(value & field.full()) { value & field.full() } else { 1 };
            if mask != 0 && is_free(field, &m) && (!text_only || has_text(field, value, mask)) {
                m.require_ethernet(field);
                field.set_masked(&mut m, value, mask).expect("a mask that the field allows");
            }
        }
        m
    }
}

fn print(m: &Match) -> String {
    MatchDisplay { m, ports: &NoNames }.to_string()
}

proptest! {
    #[test]
    fn a_match_survives_its_text(m in a_match(true)) {
        let text = print(&m);
        let again = parse_match(&text, &NoNames).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(&print(&again), &text);
        let mut expected = m;
        // That packets are Ethernet goes without saying.
        expected.mask.fields.packet_type = again.mask.fields.packet_type;
        prop_assert!(again == expected, "{}", text);
    }

    #[test]
    fn a_match_survives_the_wire(m in a_match(false)) {
        for version in [OfVersion::Extension, OfVersion::V12, OfVersion::V13, OfVersion::V15] {
            if version > OfVersion::Extension && !tag_has_oxm(&m) {
                continue;
            }
            let mut bytes = Vec::new();
            encode_match(&m, version, None, &mut bytes);
            let again = decode_match(&bytes, true, false).map_err(|e| TestCaseError::fail(format!("{}: {e}", print(&m))))?;
            let mut expected = m;
            // What goes without saying on the wire is said again by the decoder.
            expected.mask.fields.packet_type = again.m.mask.fields.packet_type;
            prop_assert_eq!(print(&again.m), print(&expected));
            prop_assert!(again.m == expected, "{}", print(&m));
        }
    }

    #[test]
    fn a_packet_survives_composition(seed in any::<u64>()) {
        let mut rng = crate::generate::Rng(seed | 1);
        let key = key_of(&crate::generate::packet(&mut rng));
        // Not in the packet: what is behind these headers, and transport headers of the other IP version.
        let whole = match key.ethertype() {
            0x0800 => key.nw_ttl | key.nw_proto != 0 && key.nw_proto != 58,
            0x86dd => key.nw_frag == 0 && matches!(key.nw_proto, 6 | 17 | 132),
            0x0806 | 0x8035 => matches!(key.nw_proto, 1 | 2),
            0x8847 | 0x8848 => key.mpls_lse.iter().take(3).any(|lse| lse.get() & 0x100 != 0),
            other => other >= 0x600,
        };
        if whole {
            let show = |key: &FlowKey| FlowDisplay { key, ports: &NoNames }.to_string();
            prop_assert_eq!(show(&key_of(&compose(&key, 64))), show(&key));
        }
    }

    #[test]
    fn a_key_survives_datapath_text(seed in any::<u64>()) {
        let mut rng = crate::generate::Rng(seed | 1);
        let key = key_of(&crate::generate::packet(&mut rng));
        let text = DpDisplay::key(&key, &NoNames).to_string();
        let again = parse_dp_key(&text, &NoNames).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(DpDisplay::key(&again, &NoNames).to_string(), text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-z_0-9=,/:()+|.\\[\\] é-]{0,60}") {
        let _ = parse_match(&text, &NoNames);
        let _ = parse_dp_flow(&text, &NoNames);
        prop_assert!(tokens(&text).count() <= text.len());
    }

    #[test]
    fn no_value_makes_it_panic(pick in any::<prop::sample::Index>(), value in "[a-z0-9/:.,()+|x-]{0,40}") {
        let fields: Vec<_> = Field::all().collect();
        let _ = parse_field(pick.get(&fields).name(), &value, &mut Match::default(), &NoNames);
    }
}
