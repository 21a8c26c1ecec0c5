//! Texts of the corpora with bytes changed: nothing panics, and what is accepted prints as something that is accepted.

use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{decode_match, encode_match};
use ovs_flow::text::{DpDisplay, MatchDisplay, NoNames, parse_dp_flow, parse_match};

use crate::generate::Rng;

fn mutate(rng: &mut Rng, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=rng.below(3) {
        let i = rng.below(bytes.len());
        let other = rng.pick(b"0123456789abcdef:/.,()=+-|x[]");
        match rng.below(4) {
            0 => bytes[i] = other,
            1 => bytes.insert(i, other),
            2 if bytes.len() > 1 => drop(bytes.remove(i)),
            _ => bytes.truncate(i + 1),
        }
    }
    String::from_utf8(bytes).expect("ASCII")
}

#[test]
fn datapath_texts() {
    let corpus: Vec<_> = [include_str!("data/dumps.txt"), include_str!("data/upcalls.txt")]
        .iter()
        .flat_map(|t| t.lines())
        .collect();
    let mut rng = Rng(3);
    let mut accepted = 0;
    for _ in 0..10_000 {
        let line = rng.pick(&corpus);
        let text = mutate(&mut rng, line);
        let Ok((key, mask)) = parse_dp_flow(&text, &NoNames) else { continue };
        accepted += 1;
        let _ = DpDisplay::masked(&key, &mask, &NoNames).verbose(true).to_string();
        let plain = DpDisplay::key(&key, &NoNames).to_string();
        let (again, _) = parse_dp_flow(&plain, &NoNames).unwrap_or_else(|e| panic!("{text}\n{plain}\n{e}"));
        assert_eq!(DpDisplay::key(&again, &NoNames).to_string(), plain, "{text}");
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn match_texts() {
    let corpus: Vec<_> = include_str!("data/matches.txt").lines().collect();
    let mut rng = Rng(4);
    for _ in 0..10_000 {
        let line = rng.pick(&corpus);
        let text = mutate(&mut rng, line);
        let Ok(m) = parse_match(&text, &NoNames) else { continue };
        let _ = MatchDisplay { m: &m, ports: &NoNames }.to_string();
        let mut bytes = Vec::new();
        encode_match(&m, OfVersion::V13, None, &mut bytes);
        if let Ok(decoded) = decode_match(&bytes, true, false) {
            let mut again = Vec::new();
            encode_match(&decoded.m, OfVersion::V13, None, &mut again);
            assert_eq!(bytes, again, "{text}");
        }
    }
}
