//! Printing keys and masks in datapath syntax.

use core::fmt::{self, Display, Write};

use super::attrs::{self, Attr, Kind, Member};
use super::write;
use crate::field::Place;
use crate::field::numbers::eth;
use crate::text::DpPortNames;
use crate::text::addr::Plain6;
use crate::text::flags::{CT_STATE, write_masked, write_set};
use crate::{DpPort, FlowKey, FlowMask, FragKind};

/// A key, or a key under a mask, in datapath syntax.
///
/// Without a mask everything that the packet has is printed. With one, members that are not looked at are left out
/// and those that are in part get `/mask`; `verbose` prints them all, as `dpctl/dump-flows -m` and the log do.
///
/// The key is printed as it is given. The original's `-m` shows, beside masks, the whole key of the packet that made the
/// flow; who has kept no more than the masked key prints that. [`DpDisplay::masked_values`] cuts a whole key down.
pub struct DpDisplay<'a, P> {
    key: &'a FlowKey,
    mask: Option<&'a FlowMask>,
    ports: &'a P,
    verbose: bool,
    masked_values: bool,
    nd_extensions: bool,
}

impl<'a, P: DpPortNames> DpDisplay<'a, P> {
    /// All of a key, as upcall logs print it.
    pub fn key(key: &'a FlowKey, ports: &'a P) -> Self {
        Self { key, mask: None, ports, verbose: true, masked_values: false, nd_extensions: false }
    }

    /// What a mask looks at, as `dpctl/dump-flows` prints it.
    pub fn masked(key: &'a FlowKey, mask: &'a FlowMask, ports: &'a P) -> Self {
        Self { mask: Some(mask), verbose: false, ..Self::key(key, ports) }
    }

    /// Whether to print also what is not looked at.
    pub fn verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// Whether to clear the bits of values that are not looked at, so that flows with equal meaning print equal.
    pub fn masked_values(self, masked_values: bool) -> Self {
        Self { masked_values, ..self }
    }

    /// Whether to print `nd_extensions(…)`, which the original's userspace datapath leaves out of its keys.
    pub fn nd_extensions(self, nd_extensions: bool) -> Self {
        Self { nd_extensions, ..self }
    }
}

impl<P: DpPortNames> Display for DpDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked;
        let mut key = self.key;
        if let (Some(mask), true) = (self.mask, self.masked_values) {
            masked = keep_kind(key, &key.masked(&mask.fields));
            key = &masked;
        }
        let mut out = Out {
            f,
            first: true,
            key,
            mask: self.mask.map(|m| &m.fields),
            verbose: self.verbose,
            nd_extensions: self.nd_extensions,
        };
        out.metadata(self.ports)?;
        out.ethernet()?;
        let depth = out.tags()?;
        out.ethertype()?;
        out.network()?;
        out.transport()?;
        for _ in 0..depth {
            out.f.write_char(')')?;
        }
        Ok(())
    }
}

/// A masked key with what decides which attributes there are taken from the whole one.
fn keep_kind(whole: &FlowKey, masked: &FlowKey) -> FlowKey {
    let mut key = *masked;
    key.packet_type = whole.packet_type;
    key.dl_type = whole.dl_type;
    key.vlans = whole.vlans;
    key.nw_proto = whole.nw_proto;
    key.nw_frag = whole.nw_frag;
    key
}

/// A key being printed.
pub(super) struct Out<'a, 'f, 'b> {
    pub(super) f: &'f mut fmt::Formatter<'b>,
    pub(super) first: bool,
    pub(super) key: &'a FlowKey,
    pub(super) mask: Option<&'a FlowKey>,
    pub(super) verbose: bool,
    pub(super) nd_extensions: bool,
}

impl Out<'_, '_, '_> {
    pub(super) fn open(&mut self, name: &str) -> fmt::Result {
        if !core::mem::take(&mut self.first) {
            self.f.write_char(',')?;
        }
        self.f.write_str(name)?;
        self.f.write_char('(')
    }

    /// The mask of a member, or of what `read` takes from the mask; all bits if there is no mask.
    pub(super) fn mask_of(&self, full: u128, read: impl Fn(&FlowKey) -> u128) -> u128 {
        self.mask.map_or(full, |mask| read(mask) & full)
    }

    fn mask_at(&self, place: &Place) -> u128 {
        self.mask.map_or(place.bits, |mask| place.get(mask))
    }

    /// Prints an attribute; not at all if no member of it is looked at.
    pub(super) fn attr(&mut self, attr: &Attr) -> fmt::Result {
        if !self.verbose && !attr.members.iter().any(|m| self.mask_at(&m.place) != 0) {
            return Ok(());
        }
        self.open(attr.name)?;
        self.members(attr.members, true)?;
        self.f.write_char(')')
    }

    /// Prints members, the first of them without a comma before it if it is the attribute's `first`; whether the next one
    /// is the first still.
    pub(super) fn members(&mut self, members: &[Member], mut first: bool) -> Result<bool, fmt::Error> {
        for member in members {
            let mask = self.mask_at(&member.place);
            // A fragment kind is known, or nothing is known of it.
            if mask == 0 && (!self.verbose || member.kind == Kind::Frag) {
                continue;
            }
            self.member(member, mask, &mut first)?;
        }
        Ok(first)
    }

    /// Prints a member whether it is looked at or not.
    pub(super) fn member(&mut self, member: &Member, mask: u128, first: &mut bool) -> fmt::Result {
        if !core::mem::take(first) {
            self.f.write_char(',')?;
        }
        if !member.name.is_empty() {
            self.f.write_str(member.name)?;
            self.f.write_char('=')?;
        }
        let value = member.place.get(self.key);
        match member.kind {
            Kind::Frag => return self.f.write_str(frag_name(value as u8)),
            kind => self.value(kind, value)?,
        }
        if mask == member.place.bits {
            return Ok(());
        }
        self.f.write_char('/')?;
        match member.kind {
            Kind::Decimal | Kind::Prefixed => write::hexadecimal(self.f, mask),
            Kind::Context => write::prefixed(self.f, mask, 8),
            kind => self.value(kind, mask),
        }
    }

    fn value(&mut self, kind: Kind, value: u128) -> fmt::Result {
        match kind {
            Kind::Decimal | Kind::Frag => write::decimal(self.f, value as u64),
            Kind::Hexadecimal => write::hexadecimal(self.f, value),
            Kind::Prefixed | Kind::Context => write::prefixed(self.f, value, 1),
            Kind::Ethernet => write::ethernet(self.f, value),
            Kind::Ipv4 => write::ipv4(self.f, value),
            Kind::Ipv6 => write!(self.f, "{}", Plain6(value.to_be_bytes())),
        }
    }

    fn metadata(&mut self, ports: &impl DpPortNames) -> fmt::Result {
        self.attr(&attrs::SKB_PRIORITY)?;
        if self.key.tunnel.is_present() {
            self.tunnel()?;
        }
        self.attr(&attrs::SKB_MARK)?;
        self.ct_state()?;
        for attr in [&attrs::CT_ZONE, &attrs::CT_MARK, &attrs::CT_LABEL] {
            self.attr(attr)?;
        }
        match self.key.ethertype() {
            _ if !self.has_tuple() => {}
            eth::IPV4 => self.attr(&attrs::CT_TUPLE4)?,
            eth::IPV6 => self.attr(&attrs::CT_TUPLE6)?,
            _ => {}
        }
        self.attr(&attrs::RECIRC_ID)?;
        self.attr(&attrs::DP_HASH)?;
        self.in_port(ports)?;
        self.attr(&attrs::PACKET_TYPE)
    }

    /// Whether the connection's original direction is known, or looked at.
    fn has_tuple(&self) -> bool {
        let looked_at = |m: &FlowKey| {
            m.ct_nw_src.get() | m.ct_nw_dst.get() | u32::from(m.ct_nw_proto) != 0
                || m.ct_ipv6_src != [0; 16]
                || m.ct_ipv6_dst != [0; 16]
        };
        self.key.ct_nw_proto != 0 || self.mask.is_some_and(looked_at)
    }

    fn in_port(&mut self, ports: &impl DpPortNames) -> fmt::Result {
        let mask = self.mask_of(u32::MAX.into(), |k| k.in_port.into());
        let port = DpPort(self.key.in_port);
        if port == DpPort::NONE || (mask == 0 && !self.verbose) {
            return Ok(());
        }
        self.open("in_port")?;
        match ports.name(port) {
            Some(name) if mask as u32 == u32::MAX => self.f.write_str(name)?,
            _ => write::decimal(self.f, port.0.into())?,
        }
        if mask as u32 != u32::MAX {
            self.f.write_char('/')?;
            write::hexadecimal(self.f, mask)?;
        }
        self.f.write_char(')')
    }

    fn ct_state(&mut self) -> fmt::Result {
        let mask = self.mask_of(0xff, |k| k.ct_state.into()) as u32;
        let state = u32::from(self.key.ct_state);
        if mask == 0 && !self.verbose {
            return Ok(());
        }
        self.open("ct_state")?;
        if self.verbose {
            write::hexadecimal(self.f, state.into())?;
            if self.mask.is_some() {
                self.f.write_char('/')?;
                write::hexadecimal(self.f, mask.into())?;
            }
        } else if self.mask.is_some() {
            // The original's state word is wider than its eight flags, so that all of them are no full mask.
            write_masked(self.f, &CT_STATE, state, mask, u32::MAX)?;
        } else {
            write_set(self.f, &CT_STATE, state)?;
        }
        self.f.write_char(')')
    }
}

fn frag_name(frag: u8) -> &'static str {
    if frag & FragKind::LATER.bits() != 0 {
        "later"
    } else if frag != 0 {
        "first"
    } else {
        "no"
    }
}
