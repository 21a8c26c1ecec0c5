//! Generated flow texts: what we make of them against what `ovs-ofctl` does, to the letter.

mod entries;
mod generate;
mod oracle;

use ovs_flow::Field;
use ovs_flow::field::OfVersion;
use ovs_flow::field::nxm::{DecodeError, decode_match, encode_match};
use ovs_flow::text::{MatchDisplay, NoNames, parse_match};

use crate::generate::Rng;
use crate::nxm::show;
use crate::peer;
use generate::{Coverage, USES, Use, flow};
use oracle::{Outcome, judge};

const FLOWS: usize = 6000;

/// The same way that the tool goes: text, normalised match, NXM, match, text.
fn ours(text: &str) -> Outcome {
    let m = match parse_match(text, &NoNames) {
        Ok(m) => m,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    if m.unspeakable().is_some() {
        let message = "actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT)";
        return Outcome::Refused(message.into());
    }
    let mut bytes = Vec::new();
    encode_match(&m, OfVersion::Extension, None, &mut bytes);
    let again = match decode_match(&bytes, true, false) {
        Ok(decoded) => decoded.m,
        Err(error) => return Outcome::Inconsistent(name(&error).into()),
    };
    if !again.ct_addresses_fit() {
        return Outcome::Inconsistent("OFPBAC_MATCH_INCONSISTENT".into());
    }
    Outcome::Flow(MatchDisplay { m: &again, ports: &NoNames }.to_string(), show(&bytes))
}

/// The entries that can be compared: without a TLV table the tool gives an option the length of its text and shows
/// zeros; and in 3.1 the masks of some fields become their values.
fn comparable_entries(entries: &str) -> String {
    let entry = |e: &str| {
        let end = e.find("_W(").or_else(|| e.find('(')).unwrap_or(e.len());
        let quirky = e.starts_with("NXOXM_ET_ERSPAN") || e.starts_with("NXOXM_ET_GTPU");
        match e {
            _ if quirky => None,
            e if e.starts_with("NXM_NX_TUN_METADATA") => Some(e[..end].to_owned()),
            // All flags that have a meaning, or all sixteen bits: the same match.
            e if e.contains("TCP_FLAGS_W") => Some(e.replace("_W", "").replace("/0fff)", ")")),
            e => Some(e.to_owned()),
        }
    };
    entries.split(", ").filter(|e| !e.is_empty()).filter_map(entry).collect::<Vec<_>>().join(", ")
}

/// The flow without the fields of which 3.1 loses bits.
fn comparable_flow(flow: &str) -> String {
    let quirky = |item: &&str| !item.starts_with("tun_erspan_") && !item.starts_with("gtpu_");
    let item = |item: &str| match item.split_once("/0x") {
        // Their options are as long as their texts, and a mask of all bits is not written.
        Some((value, mask))
            if item.starts_with("tun_metadata") && mask.len() % 2 == 0 && mask.bytes().all(|b| b == b'f') =>
        {
            value.to_owned()
        }
        _ => item.to_owned(),
    };
    flow.split(',').filter(quirky).map(item).collect::<Vec<_>>().join(",")
}

fn name(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::BadLength { .. } => "OFPBMC_BAD_LEN",
        DecodeError::BadValue { .. } => "OFPBMC_BAD_VALUE",
        DecodeError::BadMask { .. } => "OFPBMC_BAD_MASK",
        DecodeError::BadWildcards { .. } => "OFPBMC_BAD_WILDCARDS",
        DecodeError::BadPrereq { .. } => "OFPBMC_BAD_PREREQ",
        DecodeError::Duplicate { .. } => "OFPBMC_DUP_FIELD",
        _ => "OFPBMC_BAD_FIELD",
    }
}

/// Fields that came after 3.1.
fn is_later(field: Field) -> bool {
    let numbered = |prefix: &str, first: u32| {
        field.name().strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n >= first)
    };
    numbered("reg", 16) || numbered("xreg", 8) || numbered("xxreg", 4)
}

fn names_later(text: &str) -> bool {
    text.split([',', ' ', '=', '['])
        .filter_map(|n| Field::by_name(n).or_else(|| Field::by_wire_name(n)))
        .any(is_later)
}

#[test]
fn flows_are_what_the_original_makes_of_them() {
    let Some(ofctl) = peer::ofctl("flows_are_what_the_original_makes_of_them") else { return };
    let mut rng = Rng(0x0f10_37e5_7ca5_e001);
    let mut coverage = Coverage::default();
    let fields: Vec<_> = Field::all().collect();
    let mut texts = Vec::new();
    for how in USES {
        texts.extend(fields.iter().map(|f| flow(&mut rng, *f, how, &mut coverage)));
    }
    while texts.len() < FLOWS {
        let (field, how) = (rng.pick(&fields), rng.pick(&[Use::Exact, Use::Exact, Use::Masked, Use::Orphan]));
        texts.push(flow(&mut rng, field, how, &mut coverage));
    }
    let ours: Vec<_> = texts.iter().map(|t| ours(t)).collect();
    let theirs = judge(&ofctl, &texts, |i| matches!(ours[i], Outcome::Refused(_)));
    let mut wrong = Vec::new();
    for ((text, ours), theirs) in texts.iter().zip(&ours).zip(&theirs) {
        let same = match (ours, theirs) {
            (Outcome::Flow(a, x), Outcome::Flow(b, y)) => {
                comparable_flow(a) == comparable_flow(b) && comparable_entries(x) == comparable_entries(y)
            }
            _ if ours == theirs => true,
            (_, Outcome::Refused(why)) if names_later(text) => {
                ["unknown keyword", "missing value", "unknown field"].iter().any(|w| why.contains(w))
            }
            _ => false,
        };
        if !same {
            wrong.push(format!("{text}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    let (seen, all) = coverage.counts();
    eprintln!(
        "{} flows, {} refused; {seen} of {all} uses of fields",
        texts.len(),
        theirs.iter().filter(|o| matches!(o, Outcome::Refused(_))).count()
    );
    assert_eq!(coverage.missing(), Vec::<String>::new());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
