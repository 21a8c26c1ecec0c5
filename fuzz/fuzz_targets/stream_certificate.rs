//! X.509 certificates and chains of them, as a peer of a TLS connection may send them. The first byte chooses.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ovs_stream::fuzz;

/// A certificate that signed itself.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = include_str!("../../ovs-db/stream/testdata/authority.pem");
    let digits = text.lines().filter(|line| !line.starts_with('-')).flat_map(str::bytes);
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for digit in digits.filter(|digit| *digit != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
});

/// Pieces, each behind its length in two bytes.
fn pieces(mut data: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let [high, low, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        data = after;
    }
    pieces
}

/// The sample with bytes replaced, put in and taken out.
fn edited(data: &[u8]) -> Vec<u8> {
    let mut der = SAMPLE.clone();
    for edit in data.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % (der.len() + 1);
        match edit[2] % 3 {
            0 if at < der.len() => der[at] = edit[3],
            1 if der.len() < 8192 => der.insert(at, edit[3]),
            2 if at < der.len() => drop(der.remove(at)),
            _ => {}
        }
    }
    der
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let server = first & 4 != 0;
    match first % 4 {
        0 => fuzz::certificate(data),
        1 => fuzz::certificate(&edited(data)),
        2 => fuzz::forged(&SAMPLE, &edited(data), server),
        _ => {
            let Some((now, data)) = data.split_first_chunk() else { return };
            fuzz::chain(&pieces(data), u64::from(u32::from_be_bytes(*now)), server);
        }
    }
});
