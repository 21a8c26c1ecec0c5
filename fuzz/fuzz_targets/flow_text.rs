//! Matches in OpenFlow syntax: what is accepted prints, what was printed is accepted and prints the same, and parts of
//! fields lie within them. Errors point into the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_flow::text::{FlowDisplay, MatchDisplay, NoNames, parse_match, tokens};
use ovs_flow::{Field, Match, Subfield};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match first & 3 {
        0 => subfield(text),
        1 => value(*first, text),
        _ => matching(text),
    }
});

fn print(m: &Match) -> String {
    MatchDisplay { m, ports: &NoNames }.to_string()
}

fn matching(text: &str) {
    assert!(tokens(text).count() <= text.len());
    let m = match parse_match(text, &NoNames) {
        Ok(m) => m,
        Err(error) => {
            assert!(
                error.column() <= text.len() && !error.expected().is_empty() && !error.to_string().is_empty()
            );
            return;
        }
    };
    // Fields that print under other names than they are read by, or as "<error>", do not come back.
    let printed = print(&m);
    if let Ok(again) = parse_match(&printed, &NoNames) {
        assert_eq!(print(&again), printed);
    } else {
        assert!(
            printed.contains("gtpu_") || printed.contains("<error>") || printed.contains("[Unknown]"),
            "{printed}"
        );
    }
    let _ = FlowDisplay { key: &m.key, ports: &NoNames }.to_string();
}

/// The text of one field's value, as in `set_field`.
fn value(pick: u8, text: &str) {
    let Some(field) = Field::from_index(usize::from(pick >> 2) * 4 + text.len() % 4) else { return };
    if let Ok((value, mask)) = field.parse(text, &NoNames) {
        let _ = field.text(value, mask, &NoNames).to_string();
        let mut m = Match::default();
        // One with options tells their lengths beside its mask.
        if field.set_masked(&mut m, value, mask).is_ok() && !m.is_packed() {
            assert_eq!(m.key.masked(&m.mask.fields), m.key);
        }
    }
}

fn subfield(text: &str) {
    if let Ok(subfield) = text.parse::<Subfield>() {
        assert!(subfield.start() + subfield.width() <= subfield.field().bit_width());
        assert_eq!(subfield.to_string().parse(), Ok(subfield));
    }
}
