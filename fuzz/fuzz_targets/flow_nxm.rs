//! NXM and OXM entries: what is read is written so that it reads the same, in every version.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::Match;
use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{DecodeError, decode_match, encode_match, pull_entry, pull_header};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if let Ok((_, _, len)) = pull_header(rest) {
        assert!(len <= rest.len());
    }
    if let Ok(entry) = pull_entry(rest) {
        assert!(entry.len <= rest.len() && entry.field.is_valid(entry.value));
    }
    if let Ok(decoded) = decode_match(rest, first & 1 != 0, first & 2 != 0) {
        let m = decoded.m;
        let options = m.options();
        assert!(options.iter().all(|option| option.value & option.mask == option.value && option.len <= 124));
        assert!(m.is_packed() || m.key.masked(&m.mask.fields) == m.key);
        assert_eq!(m.is_packed(), !options.is_empty());
        for version in [OfVersion::Extension, OfVersion::V12, OfVersion::V13, OfVersion::V15] {
            settles(&m, version);
        }
    }
});

/// Entries of a match that was read are read again, to a match that has the same entries.
fn settles(m: &Match, version: OfVersion) {
    let bytes = encode(m, version);
    let again = match decode_match(&bytes, true, false) {
        Ok(decoded) => decoded.m,
        // In the order of writing a tag or a fragment may come before what needs it to be otherwise.
        Err(DecodeError::BadPrereq { .. }) => return,
        Err(error) => panic!("{error}: {bytes:02x?}"),
    };
    assert_eq!(encode(&again, version), bytes);
}

fn encode(m: &Match, version: OfVersion) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_match(m, version, None, &mut bytes);
    bytes
}
