//! `bundle(…)`, `bundle_load(…)`, `multipath(…)`.

use core::fmt::{self, Write};

use ovs_flow::text::PortNames;

use super::ParseError;
use super::action_values::{number, port, u16, u32, writable, wrong};
use crate::action::{Action, Bundle, BundleAlgorithm, HashFields, Multipath, MultipathAlgorithm};

fn fields(name: &str, text: &str) -> Result<HashFields, ParseError> {
    HashFields::ALL.into_iter().find(|fields| fields.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        wrong(name, text, "eth_src, symmetric_l4, symmetric_l3l4[+udp], symmetric_l3, nw_src or nw_dst")
    })
}

/// The parts of an argument, which commas or spaces separate.
fn parts(arg: &str) -> impl Iterator<Item = &str> {
    arg.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty())
}

/// The argument of `bundle`, or of `bundle_load` which names a field before its members.
pub(super) fn parse_bundle(load: bool, arg: &str, ports: &impl PortNames) -> Result<Action, ParseError> {
    let name = if load { "bundle_load" } else { "bundle" };
    let form = "FIELDS,BASIS,ALGORITHM,ofport[,DST],members:PORT…";
    let (head, tail) = ["members:", "slaves:"]
        .into_iter()
        .find_map(|key| arg.split_once(key))
        .ok_or_else(|| wrong(name, arg, form))?;
    let mut head = parts(head);
    let mut next = || head.next().ok_or_else(|| wrong(name, arg, form));
    let fields = fields(name, next()?)?;
    let basis = u16(name, next()?)?;
    let text = next()?;
    let algorithm = [BundleAlgorithm::ActiveBackup, BundleAlgorithm::Hrw]
        .into_iter()
        .find(|algorithm| algorithm.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| wrong(name, text, "active_backup or hrw"))?;
    let text = next()?;
    if !text.eq_ignore_ascii_case("ofport") {
        return Err(wrong(name, text, "ofport"));
    }
    let dst = if load {
        let text = next()?;
        let dst = writable(name, text)?;
        if dst.width() < 16 {
            return Err(wrong(name, text, "at least sixteen bits"));
        }
        Some(dst)
    } else {
        None
    };
    let members = parts(tail).map(|text| port(name, text, ports)).collect::<Result<Vec<_>, _>>()?;
    if members.len() > Bundle::MAX_MEMBERS {
        return Err(wrong(name, tail, "a list of at most 2048 ports"));
    }
    Ok(Action::Bundle(Box::new(Bundle { algorithm, fields, basis, members, dst })))
}

/// Prints `bundle(…)` or `bundle_load(…)`.
pub(super) fn write_bundle(
    bundle: &Bundle,
    ports: &impl PortNames,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let name = if bundle.dst.is_some() { "bundle_load" } else { "bundle" };
    write!(f, "{name}({},{},{},ofport,", bundle.fields.name(), bundle.basis, bundle.algorithm.name())?;
    if let Some(dst) = bundle.dst {
        write!(f, "{dst},")?;
    }
    f.write_str("members:")?;
    for (i, member) in bundle.members.iter().enumerate() {
        if i > 0 {
            f.write_char(',')?;
        }
        ports.write_of_port(*member, f)?;
    }
    f.write_char(')')
}

/// The argument of `multipath`.
pub(super) fn parse_multipath(arg: &str) -> Result<Action, ParseError> {
    const NAME: &str = "multipath";
    let mut parts = parts(arg);
    let mut next = || parts.next().ok_or_else(|| wrong(NAME, arg, "FIELDS,BASIS,ALGORITHM,LINKS,ARG,DST"));
    let fields = fields(NAME, next()?)?;
    let basis = u16(NAME, next()?)?;
    let text = next()?;
    let algorithm = MultipathAlgorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| wrong(NAME, text, "modulo_n, hash_threshold, hrw or iter_hash"))?;
    let text = next()?;
    let links = number(NAME, text, 0x1_0000, "a number of links from 1 to 65536")?;
    if links == 0 {
        return Err(wrong(NAME, text, "a number of links from 1 to 65536"));
    }
    let arg_number = u32(NAME, next()?)?;
    let text = next()?;
    let dst = writable(NAME, text)?;
    if dst.width() < 16 && links > 1 << dst.width() {
        return Err(wrong(NAME, text, "wide enough for the highest link's number"));
    }
    let max_link = (links - 1) as u16;
    Ok(Action::Multipath(Box::new(Multipath { fields, basis, algorithm, max_link, arg: arg_number, dst })))
}

/// Prints `multipath(…)`.
pub(super) fn write_multipath(multipath: &Multipath, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "multipath({},{},{},{},{},{})",
        multipath.fields.name(),
        multipath.basis,
        multipath.algorithm.name(),
        u32::from(multipath.max_link) + 1,
        multipath.arg,
        multipath.dst
    )
}
