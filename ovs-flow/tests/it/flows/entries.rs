//! NXM and OXM entries, right and wrong: what we read and write against `ovs-ofctl parse-nx-match` and `parse-oxm`.

use ovs_flow::Field;
use ovs_flow::field::nxm::{decode_match, encode_match, put_header};
use ovs_flow::field::{Header, Masking, OfVersion};
use ovs_flow::text::{NoNames, parse_match};

use super::generate::{Coverage, Use, flow, prerequisite};
use super::{comparable_entries, is_later, name};
use crate::generate::Rng;
use crate::nxm::show;
use crate::peer;

/// What the tool is asked for a version of entries.
const TOOLS: [(OfVersion, &[&str]); 4] = [
    (OfVersion::Extension, &["--strict", "parse-nx-match"]),
    (OfVersion::V12, &["--strict", "parse-oxm", "OpenFlow12"]),
    (OfVersion::V13, &["--strict", "parse-oxm", "OpenFlow13"]),
    (OfVersion::V15, &["--strict", "parse-oxm", "OpenFlow15"]),
];

/// Bytes of entries after the error, or the entries that the same match has in canonical form.
fn ours(bytes: &[u8], version: OfVersion) -> String {
    match decode_match(bytes, true, false) {
        Err(error) => name(&error).to_owned(),
        Ok(decoded) => {
            let mut again = Vec::new();
            encode_match(&decoded.m, version, None, &mut again);
            show(&again)
        }
    }
}

/// The tool's answers; it ends no line after an error.
fn theirs(output: &str) -> Vec<String> {
    let names = ["BAD_LEN", "BAD_VALUE", "BAD_MASK", "BAD_WILDCARDS", "BAD_PREREQ", "DUP_FIELD", "BAD_FIELD"];
    let mut text = output.replace("nx_pull_match() returned error ", "");
    for name in names {
        text = text.replace(&format!("OFPBMC_{name}"), &format!("OFPBMC_{name}\n"));
    }
    text.lines().filter(|l| !l.is_empty() && !l.contains("|WARN|")).map(|l| l.replace("<any>", "")).collect()
}

/// Entries whose payloads the tool shows as they are: without TLV tables it knows no options, and it has one register
/// file of sixteen.
fn is_shown(field: Field) -> bool {
    let name = field.name();
    !is_later(field)
        && !name.starts_with("tun_metadata")
        && !name.starts_with("tun_erspan")
        && !name.starts_with("tun_gtpu")
}

fn compare(what: &str, cases: &[(Vec<u8>, OfVersion)]) {
    let Some(ofctl) = peer::ofctl(what) else { return };
    let mut wrong = Vec::new();
    for (version, args) in TOOLS {
        let cases: Vec<_> = cases.iter().filter(|(_, v)| *v == version).map(|(bytes, _)| bytes).collect();
        let input: String = cases.iter().map(|bytes| show(bytes) + "\n").collect();
        let theirs = theirs(&peer::run(&ofctl, args, &input));
        assert_eq!(theirs.len(), cases.len(), "{version:?}: {:?}", theirs.last());
        for (bytes, theirs) in cases.iter().zip(theirs) {
            let ours = ours(bytes, version);
            if comparable_entries(&ours) != comparable_entries(&theirs) {
                wrong.push(format!("{version:?} {}\n  ours   {ours}\n  theirs {theirs}", show(bytes)));
            }
        }
    }
    eprintln!("{what}: {} entries", cases.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_we_write_is_what_the_original_would_write() {
    let mut rng = Rng(0x00e2_741e_5d1f_f00d);
    let mut coverage = Coverage::default();
    let fields: Vec<_> = Field::all().filter(|f| is_shown(*f)).collect();
    let mut cases = Vec::new();
    while cases.len() < 4000 {
        let (field, how) = (rng.pick(&fields), rng.pick(&[Use::Exact, Use::Masked]));
        let Ok(m) = parse_match(&flow(&mut rng, field, how, &mut coverage), &NoNames) else { continue };
        for (version, _) in TOOLS {
            let mut bytes = Vec::new();
            encode_match(&m, version, None, &mut bytes);
            let shown = decode_match(&bytes, true, false)
                .is_ok_and(|d| Field::all().all(|f| is_shown(f) || !f.is_present(&d.m) || overlaps(f)));
            if !bytes.is_empty() && shown {
                cases.push((bytes, version));
            }
        }
    }
    compare("what_we_write_is_what_the_original_would_write", &cases);
}

/// Joined registers lie where single ones do.
fn overlaps(field: Field) -> bool {
    field.name().starts_with("xreg") || field.name().starts_with("xxreg")
}

#[test]
fn what_is_wrong_is_wrong_to_the_original() {
    let mut rng = Rng(0x0bad_e274_1e5d_1ff1);
    let fields: Vec<_> = Field::all().filter(|f| is_shown(*f)).collect();
    let mut cases = Vec::new();
    while cases.len() < 8000 {
        let version = rng.pick(&TOOLS).0;
        let mut bytes = Vec::new();
        let first = rng.pick(&fields);
        if !rng.chance(5) {
            let base = prerequisite(&mut rng, first.facts().prereq);
            encode_match(&parse_match(&base, &NoNames).expect("a base"), version, None, &mut bytes);
        }
        for i in 0..rng.pick(&[1, 1, 1, 2, 3]) {
            let field = if i == 0 { first } else { rng.pick(&fields) };
            let headers: Vec<_> = field.headers().collect();
            if !headers.is_empty() {
                let header = rng.pick(&headers);
                put(&mut rng, field, header, &mut bytes);
            }
        }
        if !bytes.is_empty() {
            cases.push((bytes, version));
        }
    }
    compare("what_is_wrong_is_wrong_to_the_original", &cases);
}

/// One entry with a value that mostly fits the field, and half of the time a mask, that mostly covers the value.
fn put(rng: &mut Rng, field: Field, header: &Header, out: &mut Vec<u8>) {
    let size = usize::from(field.facts().size);
    let wide = |rng: &mut Rng| u128::from(rng.next()) << 64 | u128::from(rng.next());
    let ones = u128::MAX >> (128 - 8 * size);
    let random = wide(rng);
    let value =
        rng.pick(&[random & field.full(), random & field.full(), random & ones, 0, 1, 0x87, 0x800]) & ones;
    // Masked entries of exact fields have no names to the tool.
    let masked = field.facts().masking == Masking::Bitwise && rng.chance(2);
    let random = wide(rng);
    // Bits of masks beyond the field are kept by the tool, not by us: no packet has them.
    let mask = rng.pick(&[random & field.full(), random & field.full(), ones, ones, field.full(), 0]);
    let value = if masked && !rng.chance(8) { value & mask } else { value };
    put_header(header, size, masked, out);
    out.extend(&value.to_be_bytes()[16 - size..]);
    if masked {
        out.extend(&mask.to_be_bytes()[16 - size..]);
    }
}
