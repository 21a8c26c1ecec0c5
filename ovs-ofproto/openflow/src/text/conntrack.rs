//! `ct(…)` and the `nat(…)` inside of it.

use core::fmt::{self, Write};
use core::net::IpAddr;

use ovs_flow::TableId;
use ovs_flow::text::{PortNames, tokens};

use super::action_parse::{Scope, parse_list};
use super::action_values::{subfield, u8, u16, wrong};
use super::{ActionsDisplay, ParseError};
use crate::action::{Action, AddressRange, Ct, CtZone, Nat, NatFlags};

/// Ports of the applications that have helpers.
const HELPERS: [(&str, u16); 2] = [("ftp", 21), ("tftp", 69)];

/// The argument of `ct`.
pub(super) fn parse_ct(arg: &str, ports: &impl PortNames, scope: Scope) -> Result<Action, ParseError> {
    const NAME: &str = "ct";
    let mut ct = Ct::default();
    let mut nat = None;
    for token in tokens(arg) {
        let value = token.value;
        match token.name {
            "commit" => ct.commit = true,
            "force" => ct.force = true,
            "table" => {
                let table = u8(NAME, value)?;
                if table == 0xff {
                    return Err(wrong(NAME, value, "a table from 0 to 254"));
                }
                ct.table = Some(TableId(table));
            }
            "zone" => ct.zone = parse_zone(value)?,
            "alg" => {
                let helper = HELPERS.iter().find(|(name, _)| *name == value);
                ct.alg = helper.ok_or_else(|| wrong(NAME, value, "ftp or tftp"))?.1;
            }
            "nat" => nat = Some(parse_nat(value)?),
            "exec" => ct.actions = parse_list(value, ports, scope.deeper("ct")?)?,
            other => {
                return Err(wrong(NAME, other, "commit, force, table, zone, alg, nat or exec"));
            }
        }
    }
    if ct.force && !ct.commit {
        return Err(wrong(NAME, arg, "with \"commit\", which \"force\" needs"));
    }
    if let Some(nat) = nat {
        ct.actions.insert(0, Action::Nat(Box::new(nat)));
    }
    Ok(Action::Ct(Box::new(ct)))
}

fn parse_zone(text: &str) -> Result<CtZone, ParseError> {
    if let Ok(zone) = u16("zone", text) {
        return Ok(CtZone::Number(zone));
    }
    let src = subfield("zone", text)?;
    if src.width() == 16 {
        Ok(CtZone::Field(src))
    } else {
        Err(wrong("zone", text, "sixteen bits of a field"))
    }
}

/// The argument of `nat`: directions with addresses, and how ports are chosen.
pub(super) fn parse_nat(arg: &str) -> Result<Nat, ParseError> {
    let mut nat = Nat::default();
    for token in tokens(arg) {
        let flag = match token.name {
            "src" => NatFlags::SRC,
            "dst" => NatFlags::DST,
            "persistent" => NatFlags::PERSISTENT,
            "hash" => NatFlags::HASH,
            "random" => NatFlags::RANDOM,
            other => return Err(wrong("nat", other, "src, dst, persistent, hash or random")),
        };
        nat.flags |= flag;
        if flag.intersects(NatFlags::SRC | NatFlags::DST) && !token.value.is_empty() {
            parse_range(token.value, &mut nat)?;
        }
    }
    if nat.flags.contains(NatFlags::SRC | NatFlags::DST) {
        return Err(wrong("nat", arg, "either src or dst"));
    }
    if nat.flags.contains(NatFlags::HASH | NatFlags::RANDOM) {
        return Err(wrong("nat", arg, "either hash or random"));
    }
    if !nat.flags.is_empty() && !nat.flags.intersects(NatFlags::SRC | NatFlags::DST) {
        return Err(wrong("nat", arg, "src or dst with what it is to become"));
    }
    Ok(nat)
}

/// `ADDRESS[-ADDRESS][:PORT[-PORT]]`, IPv6 addresses in brackets where ports follow.
fn parse_range(text: &str, nat: &mut Nat) -> Result<(), ParseError> {
    let bad = || wrong("nat", text, "ADDRESS[-ADDRESS][:PORT[-PORT]]");
    let (addresses, ports) = match text.rsplit_once(':') {
        // A colon inside of a bare IPv6 address is none before ports.
        Some((head, tail)) if head.ends_with(']') || !head.contains(':') => (head, Some(tail)),
        _ => (text, None),
    };
    let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
    let address = |text: &str| {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().map_err(|_| bad())
    };
    nat.addresses = Some(match (address(first)?, address(last)?) {
        (IpAddr::V4(min), IpAddr::V4(max)) if min <= max => AddressRange::V4(min, max),
        (IpAddr::V6(min), IpAddr::V6(max)) if min <= max => AddressRange::V6(min, max),
        _ => return Err(bad()),
    });
    if let Some(ports) = ports {
        let (min, max) = ports.split_once('-').unwrap_or((ports, ports));
        let (min, max) = (u16("nat", min)?, u16("nat", max)?);
        if min == 0 || min > max {
            return Err(bad());
        }
        nat.ports = Some((min, max));
    }
    Ok(())
}

/// Prints `ct(…)`.
pub(super) fn write_ct(ct: &Ct, ports: &impl PortNames, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ct(")?;
    let mut comma = "";
    let mut item = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
        f.write_str(core::mem::replace(&mut comma, ","))?;
        f.write_fmt(text)
    };
    if ct.commit {
        item(f, format_args!("commit"))?;
    }
    if ct.force {
        item(f, format_args!("force"))?;
    }
    if let Some(table) = ct.table {
        item(f, format_args!("table={table}"))?;
    }
    match ct.zone {
        CtZone::Number(0) => {}
        CtZone::Number(zone) => item(f, format_args!("zone={zone}"))?,
        CtZone::Field(src) => item(f, format_args!("zone={src}"))?,
    }
    // The translation is printed as an argument, wherever it stands among the actions.
    let (nats, exec): (Vec<&Action>, Vec<&Action>) =
        ct.actions.iter().partition(|action| matches!(action, Action::Nat(_)));
    for nat in nats {
        item(f, format_args!("{nat}"))?;
    }
    if !exec.is_empty() {
        let exec: Vec<Action> = exec.into_iter().cloned().collect();
        item(f, format_args!("exec({})", ActionsDisplay::with_ports(&exec, ports)))?;
    }
    match HELPERS.iter().find(|(_, port)| *port == ct.alg) {
        _ if ct.alg == 0 => {}
        Some((name, _)) => item(f, format_args!("alg={name}"))?,
        None => item(f, format_args!("alg={}", ct.alg))?,
    }
    f.write_char(')')
}

/// Prints `nat` or `nat(…)`.
pub(super) fn write_nat(nat: &Nat, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("nat")?;
    let direction = if nat.flags.contains(NatFlags::SRC) {
        "(src"
    } else if nat.flags.contains(NatFlags::DST) {
        "(dst"
    } else {
        return Ok(());
    };
    f.write_str(direction)?;
    match nat.addresses {
        Some(AddressRange::V4(min, max)) => {
            write!(f, "={min}")?;
            if max > min {
                write!(f, "-{max}")?;
            }
        }
        Some(AddressRange::V6(min, max)) => {
            let brackets = if nat.ports.is_some() { ["[", "]"] } else { ["", ""] };
            write!(f, "={}{min}{}", brackets[0], brackets[1])?;
            if max != min {
                write!(f, "-{}{max}{}", brackets[0], brackets[1])?;
            }
        }
        None => {}
    }
    if let Some((min, max)) = nat.ports {
        write!(f, ":{min}")?;
        if max > min {
            write!(f, "-{max}")?;
        }
    }
    // Without addresses the tools say no more.
    for (flag, name) in
        [(NatFlags::PERSISTENT, ",persistent"), (NatFlags::HASH, ",hash"), (NatFlags::RANDOM, ",random")]
    {
        if nat.addresses.is_some() && nat.flags.contains(flag) {
            f.write_str(name)?;
        }
    }
    f.write_char(')')
}
