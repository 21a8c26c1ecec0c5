//! Reads the `ct` action.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ParseActionsError;
use super::scan::{Parsed, Scanner};
use crate::Masked;
use crate::conntrack::{CtAction, NatAction, NatRange, NatSelect};

/// What stands between the parentheses, which are left.
pub(super) fn action(scan: &mut Scanner<'_>) -> Parsed<CtAction> {
    let mut ct = CtAction::default();
    while !scan.sees(")") {
        member(scan, &mut ct)?;
        if !scan.eat(",") && !scan.sees(")") {
            return Err(scan.expected("a comma or a closing parenthesis"));
        }
    }
    Ok(ct)
}

fn member(scan: &mut Scanner<'_>, ct: &mut CtAction) -> Parsed<()> {
    let at = scan.at();
    match scan.word() {
        "commit" if !ct.force => ct.commit = true,
        "force_commit" if !ct.commit => ct.force = true,
        "zone" => {
            scan.expect("=", "an equals sign")?;
            ct.zone = scan.number(0xffff)? as u16;
        }
        "mark" => {
            scan.expect("=", "an equals sign")?;
            ct.mark = Some(scan.masked_u32()?);
        }
        "label" => {
            scan.expect("=", "an equals sign")?;
            ct.label = Some(label(scan)?);
        }
        "helper" => {
            scan.expect("=", "an equals sign")?;
            let at = scan.at();
            let name = scan.word();
            let helper = name.parse();
            ct.helper = Some(helper.map_err(|_| ParseActionsError::Unknown { at, name: name.to_owned() })?);
        }
        "timeout" => {
            scan.expect("=", "an equals sign")?;
            ct.timeout = Some(scan.word().into());
        }
        "nat" => ct.nat = Some(nat(scan)?),
        name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
    }
    Ok(())
}

fn label(scan: &mut Scanner<'_>) -> Parsed<Masked<[u8; 16]>> {
    scan.masked(|scan| {
        let word = scan.word();
        let number = match word.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(digits, 16),
            None => word.parse(),
        };
        match number {
            Ok(number) if !word.contains('+') => Ok(number.to_be_bytes()),
            _ => Err(scan.expected("a number of 128 bits")),
        }
    })
}

fn nat(scan: &mut Scanner<'_>) -> Parsed<NatAction> {
    if !scan.eat("(") {
        return Ok(NatAction::Existing);
    }
    let (mut range, mut source) = (NatRange::default(), None);
    while !scan.sees(")") {
        let at = scan.at();
        match scan.word() {
            name @ ("src" | "dst") if source.is_none() => {
                source = Some(name == "src");
                if scan.eat("=") {
                    (range.addresses, range.ports) = candidates(scan)?;
                }
            }
            "persistent" => range.persistent = true,
            "hash" if range.select == NatSelect::Default => range.select = NatSelect::Hash,
            "random" if range.select == NatSelect::Default => range.select = NatSelect::Random,
            name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
        }
        if !scan.eat(",") && !scan.sees(")") {
            return Err(scan.expected("a comma or a closing parenthesis"));
        }
    }
    scan.close()?;
    match source {
        Some(true) => Ok(NatAction::Source(range)),
        Some(false) => Ok(NatAction::Destination(range)),
        None if range == NatRange::default() => Ok(NatAction::Existing),
        None => Err(scan.expected("src or dst")),
    }
}

type Candidates = (Option<(IpAddr, IpAddr)>, Option<(u16, u16)>);

/// Addresses and ports: `10.0.0.1-10.0.0.5:100-200`, `fd00::1-fd00::5`, `[fd00::1]-[fd00::5]:100-200`.
fn candidates(scan: &mut Scanner<'_>) -> Parsed<Candidates> {
    let wrong = scan.expected("addresses, and ports behind a colon");
    let word = scan.word();
    let (addresses, ports) = match word.rfind(']') {
        Some(end) => (&word[..=end], word[end + 1..].strip_prefix(':')),
        None if word.matches(':').count() > 1 => (word, None),
        None => match word.split_once(':') {
            Some((addresses, ports)) => (addresses, Some(ports)),
            None => (word, None),
        },
    };
    read(addresses, ports).ok_or(wrong)
}

fn read(addresses: &str, ports: Option<&str>) -> Option<Candidates> {
    let addresses = if addresses.is_empty() {
        None
    } else {
        let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
        Some((address(first)?, address(last)?))
    };
    let ports = match ports {
        None => None,
        Some(ports) => {
            let (least, most) = ports.split_once('-').unwrap_or((ports, ports));
            Some((port(least)?, port(most)?))
        }
    };
    let ordered = addresses.is_none_or(|(first, last)| first <= last && first.is_ipv6() == last.is_ipv6());
    (ordered && ports.is_none_or(|(least, most)| least <= most)).then_some((addresses, ports))
}

fn address(text: &str) -> Option<IpAddr> {
    if let Some(text) = text.strip_prefix('[') {
        return text.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}
