//! Texts and wire forms of matches and keys: what is accepted prints, and what was printed is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{decode_match, encode_match};
use ovs_flow::text::{DpDisplay, MatchDisplay, NoNames, parse_dp_flow, parse_match};
use ovs_flow::{Match, Subfield};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if first & 3 == 0 {
        if let Ok(decoded) = decode_match(rest, first & 4 != 0, first & 8 != 0) {
            reencode(&decoded.m);
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match first & 3 {
        1 => {
            if let Ok(m) = parse_match(text, &NoNames) {
                let _ = MatchDisplay { m: &m, ports: &NoNames }.to_string();
                reencode(&m);
            }
        }
        2 => {
            if let Ok((key, mask)) = parse_dp_flow(text, &NoNames) {
                let _ = DpDisplay::masked(&key, &mask, &NoNames).verbose(true).to_string();
                let plain = DpDisplay::key(&key, &NoNames).to_string();
                let (again, _) = parse_dp_flow(&plain, &NoNames).expect("what was printed");
                assert_eq!(DpDisplay::key(&again, &NoNames).to_string(), plain);
            }
        }
        _ => {
            if let Ok(subfield) = text.parse::<Subfield>() {
                assert!(subfield.start() + subfield.width() <= subfield.field().bit_width());
                let _ = subfield.to_string();
            }
        }
    }
});

/// What is encoded is decoded to what encodes the same, if its prerequisites were met.
fn reencode(m: &Match) {
    let mut bytes = Vec::new();
    encode_match(m, OfVersion::V13, None, &mut bytes);
    if let Ok(decoded) = decode_match(&bytes, true, false) {
        let mut again = Vec::new();
        encode_match(&decoded.m, OfVersion::V13, None, &mut again);
        assert_eq!(bytes, again);
    }
}
