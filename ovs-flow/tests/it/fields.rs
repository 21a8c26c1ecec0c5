//! The registry against `ovs-ofctl`, which knows 16 registers (the others came later).

use ovs_flow::field::{FIELDS, Header, Masking, OfVersion, nxm};
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

/// A line of `data/ovs-fields.txt`, which holds the facts of `ovs-fields(7)` as of 3.1: name, alias, bits on the wire, bits
/// that may be set, format, whether masks are allowed, prerequisites, access, OpenFlow 1.0 and 1.1, and headers as
/// `NAME(NUMBER) OPENFLOW OVS`.
struct Documented {
    columns: Vec<&'static str>,
}

impl Documented {
    fn all() -> impl Iterator<Item = Self> {
        include_str!("data/ovs-fields.txt").lines().map(|l| Self { columns: l.split('|').collect() })
    }

    /// The fields that the line is about: of registers and tunnel options only the first has one.
    fn fields(&self) -> Vec<Field> {
        let name = self.columns[0];
        match name.strip_suffix('0') {
            Some(array) => {
                Field::all().filter(|f| f.name().trim_end_matches(char::is_numeric) == array).collect()
            }
            None => Field::by_name(name).into_iter().collect(),
        }
    }

    fn headers(&self) -> impl Iterator<Item = &'static str> {
        self.columns[10].split("; ").filter(|h| !h.is_empty())
    }
}

#[test]
fn the_registry_says_what_the_manual_says() {
    let mut seen = std::collections::HashSet::new();
    for line in Documented::all() {
        let fields = line.fields();
        assert!(!fields.is_empty(), "{}", line.columns[0]);
        for field in fields {
            seen.insert(field.index());
            let facts = field.facts();
            let yes = |b: bool| if b { "yes" } else { "no" };
            assert_eq!(facts.alias, line.columns[1], "{field}");
            let bits = usize::from(facts.size) * 8;
            // A tunnel option has up to 124 bytes in its TLV table; here it has four.
            let width = line.columns[2].parse::<usize>().expect("bits");
            assert!(width == bits || width == 992, "{field}");
            let low = if width == 992 { "992".into() } else { field.bit_width().to_string() };
            assert_eq!(low, line.columns[3], "{field}");
            assert_eq!(facts.format.name(), line.columns[4], "{field}");
            assert_eq!(yes(facts.masking == Masking::Bitwise), line.columns[5], "{field}");
            assert_eq!(facts.prereq.name(), line.columns[6], "{field}");
            assert_eq!(if facts.writable { "rw" } else { "ro" }, line.columns[7], "{field}");
            assert_eq!(facts.of10, line.columns[8].starts_with("yes"), "{field}");
            assert_eq!(facts.of11, line.columns[9].starts_with("yes"), "{field}");
        }
        // The first of an array stands for all: their numbers are compared with the tool's below.
        let first = Field::by_name(line.columns[0]).expect("known");
        let ours =
            |h: &Header| format!("{}({}) {} {}.{}", h.name, h.number, h.since.name(), h.ovs.0, h.ovs.1);
        let ours: std::collections::BTreeSet<_> = first.headers().map(ours).collect();
        assert_eq!(ours, line.headers().map(str::to_owned).collect(), "{first}");
    }
    // The manual keeps quiet about what is internal, and shows these two of VLANs in a table only.
    let rest: Vec<_> = Field::all().filter(|f| !seen.contains(&f.index())).map(Field::name).collect();
    assert_eq!(rest, ["dp_hash", "recirc_id", "tun_ttl", "tun_tos", "dl_vlan", "dl_vlan_pcp"]);
}

/// The headers that 3.1 has.
fn known_to_3_1() -> impl Iterator<Item = (Field, &'static Header)> {
    Field::all().flat_map(|f| f.headers().map(move |h| (f, h))).filter(|(_, h)| h.ovs <= (3, 1))
}

#[test]
fn the_original_knows_the_same_names_and_widths() {
    let Some(ofctl) = peer::ofctl("the_original_knows_the_same_names_and_widths") else { return };
    // It stops at the first text that it does not know.
    let text =
        |(f, h): (Field, &Header)| format!("{}({})\n", h.name, "00".repeat(usize::from(f.facts().size)));
    let output =
        peer::run(&ofctl, &["parse-oxm", "OpenFlow15"], &known_to_3_1().map(text).collect::<String>());
    assert!(!output.contains("ovs-ofctl:"), "{output}");
    let later = Field::all().flat_map(Field::headers).filter(|h| h.ovs > (3, 1));
    assert_eq!(later.count(), 16 + 8 + 4, "registers");
}

/// What the tool says of flows with one entry each: nothing, or an error's name.
fn verdicts(ofctl: &std::path::Path, entries: &[Vec<u8>]) -> Vec<String> {
    let file: Vec<u8> = entries.iter().flat_map(|e| crate::nxm::flow_mod(6, e)).collect();
    let path = std::env::temp_dir().join(format!("ovs-flow-numbers-{}.ofp", std::process::id()));
    std::fs::write(&path, file).expect("temporary file");
    let output = peer::run(ofctl, &["ofp-parse", &path.display().to_string()], "");
    let _ = std::fs::remove_file(&path);
    let error = |line: &str| {
        line.split_once("decode error: ").map_or("", |(_, e)| e).trim_end_matches('*').to_owned()
    };
    output.lines().filter(|l| l.starts_with("OFPT_FLOW_MOD")).map(error).collect()
}

#[test]
fn the_original_knows_the_same_numbers() {
    let Some(ofctl) = peer::ofctl("the_original_knows_the_same_numbers") else { return };
    let entry = |field: Field, header: &Header, more: usize| {
        let size = usize::from(field.facts().size) + more;
        let mut bytes = Vec::new();
        nxm::put_header(header, size, false, &mut bytes);
        bytes.extend(std::iter::repeat_n(0, size));
        bytes
    };
    // With another length a number is nothing that the tool knows; but a tunnel option's is its TLV table's business.
    for more in [0, 1] {
        let fields: Vec<_> =
            known_to_3_1().filter(|(f, _)| more == 0 || !f.name().starts_with("tun_meta")).collect();
        let entries: Vec<_> = fields.iter().map(|(f, h)| entry(*f, h, more)).collect();
        let verdicts = verdicts(&ofctl, &entries);
        assert_eq!(verdicts.len(), entries.len());
        for ((field, header), verdict) in fields.iter().zip(verdicts) {
            let known = !["OFPBMC_BAD_FIELD", "OFPBMC_BAD_LEN"].contains(&verdict.as_str());
            assert_eq!(known, more == 0, "{field} {header:?}: {verdict}");
        }
        let ours = entries.iter().all(|e| nxm::pull_header(e).is_ok() == (more == 0));
        assert!(ours);
    }
}

#[test]
fn values_come_back_from_keys() {
    let mut rng = crate::generate::Rng(5);
    for field in Field::all() {
        let special = ["in_port", "in_port_oxm", "actset_output"].contains(&field.name());
        for _ in 0..20 {
            let value = (u128::from(rng.next()) << 64 | u128::from(rng.next())) & field.full();
            // Without a table an option has four bytes.
            let value = if field.option().is_some() { value & 0xffff_ffff } else { value };
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
        let full = field.facts().place.bits;
        assert_eq!(field.get_mask(&mask), full, "{field}");
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
