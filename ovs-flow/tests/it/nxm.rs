//! NXM and OXM against what `ovs-ofctl` encodes, and the errors of decoding.

use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{DecodeError, decode_match, encode_match, put_entry, put_header};
use ovs_flow::text::{MatchDisplay, NoNames, parse_match};
use ovs_flow::{Field, Match};

use crate::peer;

fn encode(m: &Match, version: OfVersion) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_match(m, version, None, &mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `NXM_OF_IP_SRC_W(0a000000/ff000000), …`, as the tool shows entries when it is asked for detail.
pub fn show(mut bytes: &[u8]) -> String {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (class, number) = (u16::from_be_bytes([bytes[0], bytes[1]]), bytes[2] >> 1);
        let experimenter =
            if class == 0xffff { u32::from_be_bytes(bytes[4..8].try_into().unwrap()) } else { 0 };
        let start = if class == 0xffff { 8 } else { 4 };
        let end = 4 + usize::from(bytes[3]);
        let name = Field::all()
            .flat_map(Field::headers)
            .find(|h| (h.class, h.number, h.experimenter) == (class, number, experimenter))
            .expect("our own entry")
            .name;
        let payload = &bytes[start..end];
        if bytes[2] & 1 == 0 {
            items.push(format!("{name}({})", hex(payload)));
        } else {
            let (value, mask) = payload.split_at(payload.len() / 2);
            items.push(format!("{name}_W({}/{})", hex(value), hex(mask)));
        }
        bytes = &bytes[end..];
    }
    items.join(", ")
}

fn corpus() -> impl Iterator<Item = &'static str> {
    // The tool gives a tunnel option the length of its value, an unmapped port has no number in OpenFlow 1.1, 3.1 masks
    // ERSPAN and GTP-U fields with their own values, and it tells 12 bits of TCP flags from 16.
    let apart = ["tun_metadata", "in_port=65", "erspan", "gtpu", "tcp_flags=0/0xfff"];
    include_str!("data/matches.txt").lines().filter(move |l| !apart.iter().any(|a| l.contains(a)))
}

#[test]
fn encodes_what_the_original_encodes() {
    let Some(ofctl) = peer::ofctl("encodes_what_the_original_encodes") else { return };
    let flows: String = corpus().map(|m| format!("{m},actions=drop\n")).collect();
    let output = peer::run(&ofctl, &["-mmm", "-F", "NXM+table_id", "parse-flows", "-"], &flows);
    let theirs: Vec<_> = output
        .lines()
        .filter_map(|l| l.split_once(": ADD "))
        .map(|(_, flow)| {
            flow.split_once("actions=").map_or(flow, |(m, _)| m).trim_end().trim_end_matches(',')
        })
        .map(|flow| flow.trim_start_matches("table:255").trim_start())
        .collect();
    assert_eq!(theirs.len(), corpus().count(), "{output}");
    let mut wrong = Vec::new();
    for (text, theirs) in corpus().zip(theirs) {
        let m = parse_match(text, &NoNames).expect(text);
        let ours = show(&encode(&m, OfVersion::Extension));
        let theirs = if theirs == "<any>" { "" } else { theirs };
        if ours != theirs {
            wrong.push(format!("{text}:\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A `flow_mod` of OpenFlow 1.2 and later with this match, that adds a flow which drops.
pub fn flow_mod(version: u8, entries: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 40];
    body[16..18].copy_from_slice(&[0, 0]);
    body[22..24].copy_from_slice(&0x8000_u16.to_be_bytes());
    body[24..36].fill(0xff);
    body.extend([0, 1]);
    body.extend((4 + entries.len() as u16).to_be_bytes());
    body.extend(entries);
    body.resize(body.len().next_multiple_of(8), 0);
    let mut message = vec![version, 14];
    message.extend((8 + body.len() as u16).to_be_bytes());
    message.extend([0, 0, 0, 1]);
    message.extend(body);
    message
}

#[test]
fn the_original_understands_every_version() {
    let Some(ofctl) = peer::ofctl("the_original_understands_every_version") else { return };
    for (wire, version) in [(3, OfVersion::V12), (4, OfVersion::V13), (6, OfVersion::V15)] {
        let matches: Vec<_> = corpus().map(|text| parse_match(text, &NoNames).expect(text)).collect();
        let file: Vec<u8> = matches.iter().flat_map(|m| flow_mod(wire, &encode(m, version))).collect();
        let path = std::env::temp_dir().join(format!("ovs-flow-{}-{wire}.ofp", std::process::id()));
        std::fs::write(&path, file).expect("temporary file");
        let output = peer::run(&ofctl, &["ofp-parse", &path.display().to_string()], "");
        let _ = std::fs::remove_file(&path);
        let theirs: Vec<_> =
            output.lines().filter_map(|l| l.split_once(": ADD ")).map(|(_, flow)| flow).collect();
        assert_eq!(theirs.len(), matches.len(), "{output}");
        for (m, theirs) in matches.iter().zip(theirs) {
            let decoded = decode_match(&encode(m, version), true, false).expect("our own bytes").m;
            let ours = MatchDisplay { m: &decoded, ports: &NoNames }.to_string();
            assert_eq!(ours, theirs.trim_end_matches("actions=drop").trim_end(), "version {wire}");
        }
    }
}

#[test]
fn decodes_what_it_encodes() {
    for text in include_str!("data/matches.txt").lines() {
        let m = parse_match(text, &NoNames).expect(text);
        for version in [OfVersion::Extension, OfVersion::V12, OfVersion::V13, OfVersion::V15] {
            let bytes = encode(&m, version);
            let decoded = decode_match(&bytes, true, false);
            if text.contains("skb_priority") {
                continue;
            }
            let decoded = decoded.unwrap_or_else(|e| panic!("{text}: {e} in {}", show(&bytes)));
            assert_eq!(encode(&decoded.m, version), bytes, "{text}");
        }
    }
}

#[test]
fn decoding_names_what_is_wrong() {
    let decode = |bytes: &[u8]| decode_match(bytes, true, false).map(|_| ());
    let entry = |field: Field, value, mask| {
        let mut bytes = Vec::new();
        put_entry(field, value, mask, OfVersion::Extension, &mut bytes);
        bytes
    };
    let join = |parts: &[Vec<u8>]| parts.concat();
    let ip = entry(Field::ETH_TYPE, 0x800, u128::MAX);
    let src = entry(Field::IP_SRC, 0x0a00_0001, u128::MAX);
    assert_eq!(decode(&src), Err(DecodeError::BadPrereq { field: Field::IP_SRC, offset: 0 }));
    assert_eq!(decode(&join(&[ip.clone(), src.clone()])), Ok(()));
    let twice = join(&[ip.clone(), src.clone(), src.clone()]);
    assert_eq!(decode(&twice), Err(DecodeError::Duplicate { field: Field::IP_SRC, offset: 14 }));
    assert_eq!(decode(&src[..6]), Err(DecodeError::BadLength { offset: 0 }));
    assert_eq!(decode(&[0, 0, 3]), Err(DecodeError::BadLength { offset: 0 }));
    let unknown = [0x00, 0x07, 0x0e, 0x01, 0x05];
    assert_eq!(decode(&unknown), Err(DecodeError::BadField { class: 7, number: 7, offset: 0 }));
    assert!(decode_match(&unknown, false, false).is_ok());
    let outside = [0x00, 0x01, 0x01, 0x08, 0, 0, 0, 5, 0, 0, 0, 1];
    let field = Field::reg(0).unwrap();
    assert_eq!(decode(&outside), Err(DecodeError::BadWildcards { field, offset: 0 }));
    let mut part = Vec::new();
    put_header(Field::ETH_TYPE.header(OfVersion::Extension).unwrap(), 2, true, &mut part);
    part.extend([8, 0, 0xff, 0]);
    assert_eq!(decode(&part), Err(DecodeError::BadMask { field: Field::ETH_TYPE, offset: 0 }));
    let dscp = [0x80, 0x00, 8 << 1, 1, 0xff];
    let bad = join(&[ip, dscp.to_vec()]);
    assert_eq!(decode(&bad), Err(DecodeError::BadValue { field: Field::IP_DSCP, offset: 6 }));
}

#[test]
fn cookies_stand_among_the_entries() {
    let mut bytes = Vec::new();
    encode_match(&Match::default(), OfVersion::Extension, Some((0x12, 0xff)), &mut bytes);
    assert_eq!(decode_match(&bytes, true, true).unwrap().cookie, Some((0x12, 0xff)));
    assert_eq!(decode_match(&bytes, true, false), Err(DecodeError::BadCookie { offset: 0 }));
}

#[test]
fn no_bytes_make_it_panic() {
    let mut rng = crate::generate::Rng(99);
    let texts: Vec<_> = include_str!("data/matches.txt").lines().collect();
    for _ in 0..20_000 {
        let m = parse_match(rng.pick(&texts), &NoNames).unwrap();
        let mut bytes = encode(&m, OfVersion::V13);
        if bytes.is_empty() {
            continue;
        }
        for _ in 0..3 {
            let i = rng.below(bytes.len());
            bytes[i] ^= 1 << rng.below(8);
        }
        bytes.truncate(rng.below(bytes.len() + 1));
        let _ = decode_match(&bytes, false, true);
    }
}
