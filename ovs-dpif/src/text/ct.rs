//! The `ct` action.

use std::fmt;
use std::net::IpAddr;

use super::Hex;
use crate::conntrack::{CtAction, NatAction, NatRange, NatSelect};

/// `ct(commit,zone=5,nat(src=10.0.0.1))`.
pub(super) struct DisplayCt<'a>(pub &'a CtAction);

/// What stands between members: nothing before the first.
struct Members<'f, 'a> {
    f: &'f mut fmt::Formatter<'a>,
    any: bool,
}

impl Members<'_, '_> {
    fn member(&mut self, member: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(if self.any { "," } else { "(" })?;
        self.any = true;
        self.f.write_fmt(member)
    }
}

/// A label, as a number.
pub(super) fn label(bytes: [u8; 16]) -> u128 {
    u128::from_be_bytes(bytes)
}

/// As [`Hex`].
struct Label(u128);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}

impl fmt::Display for DisplayCt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ct = self.0;
        f.write_str("ct")?;
        let mut members = Members { f, any: false };
        if ct.force {
            members.member(format_args!("force_commit"))?;
        } else if ct.commit {
            members.member(format_args!("commit"))?;
        }
        if ct.zone != 0 {
            members.member(format_args!("zone={}", ct.zone))?;
        }
        if let Some(mark) = ct.mark {
            members.member(format_args!("mark={}/{:#x}", Hex(mark.value.into()), mark.mask))?;
        }
        if let Some(masked) = ct.label {
            let (value, mask) = (label(masked.value), label(masked.mask));
            if masked.is_exact() {
                members.member(format_args!("label={}", Label(value)))?;
            } else {
                members.member(format_args!("label={}/{mask:#x}", Label(value)))?;
            }
        }
        if let Some(helper) = ct.helper {
            members.member(format_args!("helper={}", helper.name()))?;
        }
        if let Some(timeout) = &ct.timeout {
            members.member(format_args!("timeout={timeout}"))?;
        }
        match &ct.nat {
            None => Ok(()),
            Some(NatAction::Existing) => members.member(format_args!("nat")),
            Some(NatAction::Source(range)) => members.member(format_args!("nat(src{})", Range(range))),
            Some(NatAction::Destination(range)) => members.member(format_args!("nat(dst{})", Range(range))),
        }?;
        if members.any { f.write_str(")") } else { Ok(()) }
    }
}

struct Range<'a>(&'a NatRange);

impl fmt::Display for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NatRange { addresses, ports, select, persistent } = *self.0;
        if let Some((first, last)) = addresses {
            f.write_str("=")?;
            address(f, first, ports.is_some())?;
            if last != first {
                f.write_str("-")?;
                address(f, last, ports.is_some())?;
            }
        }
        if let Some((least, most)) = ports {
            write!(f, "{}{least}", if addresses.is_some() { ":" } else { "=:" })?;
            if most != least {
                write!(f, "-{most}")?;
            }
        }
        if persistent {
            f.write_str(",persistent")?;
        }
        match select {
            NatSelect::Default => Ok(()),
            NatSelect::Hash => f.write_str(",hash"),
            NatSelect::Random => f.write_str(",random"),
        }
    }
}

/// An address; one of version 6 in brackets if ports follow.
fn address(f: &mut fmt::Formatter<'_>, address: IpAddr, ports: bool) -> fmt::Result {
    if ports && address.is_ipv6() { write!(f, "[{address}]") } else { write!(f, "{address}") }
}
