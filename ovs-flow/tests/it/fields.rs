//! The registry against `ovs-ofctl`, which knows 16 registers (the others came later).

use ovs_flow::field::{FIELDS, OfVersion, nxm};
use ovs_flow::{Field, FlowKey, FlowMask, Match, Subfield};

use crate::peer;

#[test]
fn names_are_unique_and_found() {
    for field in Field::all() {
        assert_eq!(Field::by_name(field.name()), Some(field));
        assert_eq!(Field::from_index(field.index()), Some(field));
        if !field.facts().alias.is_empty() {
            assert_eq!(Field::by_name(field.facts().alias), Some(field));
        }
        for header in field.headers() {
            assert_eq!(Field::by_wire_name(header.name), Some(field));
        }
    }
    assert_eq!(Field::from_index(FIELDS), None);
    assert_eq!(Field::by_name(""), None);
}

#[test]
fn headers_are_unique() {
    let mut seen = std::collections::HashSet::new();
    for field in Field::all() {
        for header in field.headers() {
            assert!(seen.insert((header.class, header.number, header.experimenter)), "{field}: {header:?}");
        }
    }
}

#[test]
fn the_original_knows_the_same_numbers_and_widths() {
    let Some(ofctl) = peer::ofctl("the_original_knows_the_same_numbers_and_widths") else { return };
    for field in Field::all() {
        for header in field.headers() {
            let later = header.name.strip_prefix("NXOXM_ET_REG").is_some()
                || ["NXM_NX_XXREG", "OXM_OF_PKT_REG"].iter().any(|array| {
                    let n = header.name.strip_prefix(array).and_then(|n| n.parse::<u32>().ok());
                    n.is_some_and(|n| n >= if *array == "NXM_NX_XXREG" { 4 } else { 8 })
                });
            // A tunnel option's length is its TLV table's business.
            if later || header.name.contains("TUN_METADATA") {
                continue;
            }
            let mut bytes = Vec::new();
            nxm::put_header(header, field.facts().size.into(), false, &mut bytes);
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            let text = format!("{}({})\n", header.name, "00".repeat(field.facts().size.into()));
            let output = peer::run(&ofctl, &["parse-oxm", "OpenFlow15"], &text);
            assert!(!output.contains("unknown field"), "{text}: {output}");
            assert!(!output.contains("expected to read"), "{text}: {output} ({hex})");
        }
    }
}

#[test]
fn values_come_back_from_keys() {
    let mut rng = crate::generate::Rng(5);
    for field in Field::all() {
        let special = ["in_port", "in_port_oxm", "actset_output"].contains(&field.name());
        for _ in 0..20 {
            let value = (u128::from(rng.next()) << 64 | u128::from(rng.next())) & field.full();
            let value = if special { value & 0xff } else { value };
            let mut key = FlowKey::default();
            field.set_key(&mut key, value);
            let vid = field == Field::VLAN_VID;
            let expected = if vid { value | 0x1000 } else { value };
            assert_eq!(field.get(&key), expected, "{field}");
            let mut m = Match::default();
            field.set_match(&mut m, value);
            assert_eq!(field.get_match(&m), (value, field.full()), "{field}");
            field.clear_match(&mut m);
            assert!(field.is_wildcarded(&m.mask), "{field}");
        }
        let mut mask = FlowMask::default();
        field.mask_into(&mut mask);
        assert_eq!(field.get_mask(&mask), field.full(), "{field}");
    }
}

#[test]
fn joined_registers_are_their_parts() {
    let mut key = FlowKey::default();
    Field::xxreg(1).unwrap().set_key(&mut key, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    assert_eq!(key.regs[4..8], [0x0011_2233, 0x4455_6677, 0x8899_aabb, 0xccdd_eeff]);
    assert_eq!(Field::xreg(2).unwrap().get(&key), 0x0011_2233_4455_6677);
    assert_eq!(Field::reg(7).unwrap().get(&key), 0xccdd_eeff);
    assert_eq!(Field::reg(32), None);
}

#[test]
fn subfields_read_and_print() {
    let part: Subfield = "reg0[4..7]".parse().unwrap();
    assert_eq!((part.start(), part.width(), part.to_string().as_str()), (4, 4, "NXM_NX_REG0[4..7]"));
    let mut key = FlowKey::default();
    key.regs[0] = 0xffff_ff0f;
    part.set(&mut key, 0xa);
    assert_eq!((key.regs[0], part.get(&key)), (0xffff_ffaf, 0xa));
    assert_eq!("NXM_OF_ETH_SRC[]".parse::<Subfield>().unwrap().to_string(), "NXM_OF_ETH_SRC[]");
    assert_eq!("eth_src[3]".parse::<Subfield>().unwrap().to_string(), "NXM_OF_ETH_SRC[3]");
    for (text, message) in [
        ("reg0", "missing [ looking for field name"),
        ("foo[]", "unknown field `foo'"),
        ("reg0[3..2]", "starting bit 3 is after ending bit 2"),
        ("reg0[30..40]", "ending bit 40 is not valid because field is only 32 bits wide"),
        ("reg0[x]", "syntax error expecting [] or [<bit>] or [<start>..<end>]"),
    ] {
        assert_eq!(text.parse::<Subfield>().unwrap_err().to_string(), message);
    }
}

#[test]
fn versions_choose_their_headers() {
    let name = |field: Field, version| field.header(version).map(|h| h.name);
    assert_eq!(name(Field::IP_SRC, OfVersion::Extension), Some("NXM_OF_IP_SRC"));
    assert_eq!(name(Field::IP_SRC, OfVersion::V12), Some("OXM_OF_IPV4_SRC"));
    assert_eq!(name(Field::TCP_FLAGS, OfVersion::V13), Some("ONFOXM_ET_TCP_FLAGS"));
    assert_eq!(name(Field::TCP_FLAGS, OfVersion::V15), Some("OXM_OF_TCP_FLAGS"));
    assert_eq!(name(Field::SKB_PRIORITY, OfVersion::V15), None);
}
