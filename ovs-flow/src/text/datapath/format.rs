//! Printing keys and masks in datapath syntax.

use core::fmt::{self, Display, Write};

use super::attrs::{self, Attr, Kind, Member};
use crate::field::numbers::{eth, ip, nd};
use crate::field::{tail, write_hex};
use crate::text::DpPortNames;
use crate::text::addr::{Eth, Plain6};
use crate::text::flags::{CT_STATE, TCP_FLAGS, TUN_FLAGS, write_masked, write_set};
use crate::{DpPort, FlowKey, FlowMask, FragKind, MAX_VLANS, VLAN_CFI};

/// A key, or a key under a mask, in datapath syntax.
///
/// Without a mask everything that the packet has is printed. With one, members that are not looked at are left out
/// and those that are in part get `/mask`; `verbose` prints them all, as `dpctl/dump-flows -m` and the log do.
pub struct DpDisplay<'a, P> {
    key: &'a FlowKey,
    mask: Option<&'a FlowMask>,
    ports: &'a P,
    verbose: bool,
}

impl<'a, P: DpPortNames> DpDisplay<'a, P> {
    /// All of a key, as upcall logs print it.
    pub fn key(key: &'a FlowKey, ports: &'a P) -> Self {
        Self { key, mask: None, ports, verbose: true }
    }

    /// What a mask looks at, as `dpctl/dump-flows` prints it.
    pub fn masked(key: &'a FlowKey, mask: &'a FlowMask, ports: &'a P) -> Self {
        Self { key, mask: Some(mask), ports, verbose: false }
    }

    /// Whether to print also what is not looked at.
    pub fn verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }
}

impl<P: DpPortNames> Display for DpDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out =
            Out { f, first: true, key: self.key, mask: self.mask.map(|m| &m.fields), verbose: self.verbose };
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

struct Out<'a, 'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    first: bool,
    key: &'a FlowKey,
    mask: Option<&'a FlowKey>,
    verbose: bool,
}

impl Out<'_, '_, '_> {
    fn open(&mut self, name: &str) -> fmt::Result {
        if !core::mem::take(&mut self.first) {
            self.f.write_char(',')?;
        }
        write!(self.f, "{name}(")
    }

    /// The mask of a member, or of what `read` takes from the mask; all bits if there is no mask.
    fn mask_of(&self, full: u128, read: impl Fn(&FlowKey) -> u128) -> u128 {
        self.mask.map_or(full, |mask| read(mask) & full)
    }

    /// Prints an attribute; not at all if no member of it is looked at.
    fn attr(&mut self, attr: &Attr) -> fmt::Result {
        let seen = |m: &Member| self.mask_of(m.place.bits, |k| m.place.get(k)) != 0;
        if !self.verbose && !attr.members.iter().any(seen) {
            return Ok(());
        }
        self.open(attr.name)?;
        self.members(attr, true)?;
        self.f.write_char(')')
    }

    fn members(&mut self, attr: &Attr, mut first: bool) -> fmt::Result {
        for member in attr.members {
            let full = member.place.bits;
            let mask = self.mask_of(full, |k| member.place.get(k));
            if mask == 0 && !self.verbose {
                continue;
            }
            if !core::mem::take(&mut first) {
                self.f.write_char(',')?;
            }
            if !member.name.is_empty() {
                write!(self.f, "{}=", member.name)?;
            }
            self.value(member, member.place.get(self.key), mask, mask == full)?;
        }
        Ok(())
    }

    fn value(&mut self, member: &Member, value: u128, mask: u128, exact: bool) -> fmt::Result {
        let f = &mut *self.f;
        match member.kind {
            Kind::Decimal => write!(f, "{value}")?,
            Kind::Hexadecimal => write_hex(f, value)?,
            Kind::Ethernet => write_eth(f, value)?,
            Kind::Ipv4 => write!(f, "{}", core::net::Ipv4Addr::from(value as u32))?,
            Kind::Ipv6 => write!(f, "{}", Plain6(value.to_be_bytes()))?,
            Kind::Frag => return f.write_str(frag_name(value as u8)),
        }
        if exact {
            return Ok(());
        }
        f.write_char('/')?;
        match member.kind {
            Kind::Ethernet => write_eth(f, mask),
            Kind::Ipv4 => write!(f, "{}", core::net::Ipv4Addr::from(mask as u32)),
            Kind::Ipv6 => write!(f, "{}", Plain6(mask.to_be_bytes())),
            _ => write_hex(f, mask),
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
        let tuple = |m: &FlowKey| {
            m.ct_nw_src.get() | m.ct_nw_dst.get() | u32::from(m.ct_nw_proto) != 0
                || m.ct_ipv6_src != [0; 16]
                || m.ct_ipv6_dst != [0; 16]
        };
        if self.key.ct_nw_proto != 0 || self.mask.is_some_and(tuple) {
            match self.key.ethertype() {
                eth::IPV4 => self.attr(&attrs::CT_TUPLE4)?,
                eth::IPV6 => self.attr(&attrs::CT_TUPLE6)?,
                _ => {}
            }
        }
        self.attr(&attrs::RECIRC_ID)?;
        self.attr(&attrs::DP_HASH)?;
        self.in_port(ports)?;
        let packet_type = self.key.packet_type.get();
        if self.mask_of(1, |k| (k.packet_type.get() != 0).into()) != 0 {
            self.open("packet_type")?;
            write!(self.f, "ns={},id=", packet_type >> 16)?;
            write_hex(self.f, (packet_type & 0xffff).into())?;
            self.f.write_char(')')?;
        }
        Ok(())
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
            _ => write!(self.f, "{port}")?,
        }
        if mask as u32 != u32::MAX {
            self.f.write_char('/')?;
            write_hex(self.f, mask)?;
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
            write_hex(self.f, state.into())?;
            if mask != 0xff {
                self.f.write_char('/')?;
                write_hex(self.f, mask.into())?;
            }
        } else if self.mask.is_some() {
            // The original's state word is wider than its eight flags, so that all of them are no full mask.
            write_masked(self.f, &CT_STATE, state, mask, u32::MAX)?;
        } else {
            write_set(self.f, &CT_STATE, state)?;
        }
        self.f.write_char(')')
    }

    fn tunnel(&mut self) -> fmt::Result {
        let flags = u32::from(self.key.tunnel.flags);
        let mask = self.mask_of(TUN_FLAGS.all().into(), |k| k.tunnel.flags.into()) as u32;
        let v6 = self.key.tunnel.dst.get() == 0;
        self.open("tunnel")?;
        let mut first = true;
        for member in attrs::TUNNEL.members {
            let used = match member.name {
                "src" | "dst" => !v6,
                "ipv6_src" | "ipv6_dst" => v6,
                "tp_src" | "tp_dst" => member.place.get(self.key) != 0,
                _ => true,
            };
            let seen = self.mask_of(member.place.bits, |k| member.place.get(k));
            if !used || (seen == 0 && !self.verbose) {
                continue;
            }
            if !core::mem::take(&mut first) {
                self.f.write_char(',')?;
            }
            write!(self.f, "{}=", member.name)?;
            self.value(member, member.place.get(self.key), seen, seen == member.place.bits)?;
        }
        if !first {
            self.f.write_char(',')?;
        }
        self.f.write_str("flags(")?;
        if self.mask.is_some() {
            write_masked(self.f, &TUN_FLAGS, flags, mask, u32::MAX)?;
        } else if flags & TUN_FLAGS.all() != 0 {
            write_set(self.f, &TUN_FLAGS, flags)?;
        }
        self.f.write_str("))")
    }

    fn ethernet(&mut self) -> fmt::Result {
        if self.key.is_ethernet() { self.attr(&attrs::ETH) } else { Ok(()) }
    }

    /// Prints the tags and gives how many `encap(` stay open.
    fn tags(&mut self) -> Result<usize, fmt::Error> {
        let mut depth = 0;
        for i in 0..MAX_VLANS {
            let tag = self.key.vlans[i];
            if !self.key.is_ethernet() || (tag.tpid.get() == 0 && tag.tci.get() == 0) {
                break;
            }
            let tpid = if tag.tpid.get() == 0 { eth::VLAN } else { tag.tpid.get() };
            self.open("eth_type")?;
            write!(self.f, "0x{tpid:04x})")?;
            self.vlan(i)?;
            self.open("encap")?;
            self.first = true;
            depth += 1;
        }
        Ok(depth)
    }

    fn vlan(&mut self, i: usize) -> fmt::Result {
        let tci = self.key.vlans[i].tci.get();
        let mask = self.mask_of(0xffff, |k| k.vlans[i].tci.get().into()) as u16;
        if mask == 0 && !self.verbose {
            return Ok(());
        }
        self.open("vlan")?;
        write!(self.f, "vid={}", tci & 0xfff)?;
        if mask & 0xfff != 0xfff {
            write!(self.f, "/0x{:x}", mask & 0xfff)?;
        }
        write!(self.f, ",pcp={}", tci >> 13)?;
        if mask >> 13 != 7 {
            write!(self.f, "/0x{:x}", mask >> 13)?;
        }
        if tci & VLAN_CFI == 0 {
            self.f.write_str(",cfi=0")?;
        }
        self.f.write_char(')')
    }

    fn ethertype(&mut self) -> fmt::Result {
        let dl_type = if self.key.is_ethernet() { self.key.dl_type.get() } else { self.key.ethertype() };
        let mask = self.mask_of(0xffff, |k| k.dl_type.get().into());
        if dl_type < eth::MIN {
            // An 802.2 frame has no type, which a mask can look at nevertheless.
            if self.mask.is_some() && mask != 0 {
                self.open("eth_type")?;
                self.f.write_str("0/0xffff)")?;
            }
            return Ok(());
        }
        if mask == 0 && !self.verbose && self.key.is_ethernet() {
            return Ok(());
        }
        self.open("eth_type")?;
        write!(self.f, "0x{dl_type:04x}")?;
        if mask != 0xffff && self.key.is_ethernet() {
            write!(self.f, "/0x{mask:04x}")?;
        }
        self.f.write_char(')')
    }

    fn network(&mut self) -> fmt::Result {
        match self.key.ethertype() {
            eth::IPV4 => self.attr(&attrs::IPV4),
            eth::IPV6 => self.attr(&attrs::IPV6),
            eth::ARP | eth::RARP => self.attr(&attrs::ARP),
            eth::NSH => self.attr(&attrs::NSH),
            eth::MPLS | eth::MPLS_MCAST => self.mpls(),
            _ => Ok(()),
        }
    }

    /// One attribute for the whole stack; several labels follow each other.
    fn mpls(&mut self) -> fmt::Result {
        let bottom =
            self.key.mpls_lse.iter().take(attrs::LABELS.len()).position(|lse| lse.get() & 0x100 != 0);
        let labels = bottom.map_or(attrs::LABELS.len(), |i| i + 1);
        let seen = |i: usize| self.mask_of(1, |k| (k.mpls_lse[i].get() != 0).into()) != 0;
        if !self.verbose && !(0..labels).any(seen) {
            return Ok(());
        }
        let stack = &attrs::LABELS[..labels];
        let exact =
            (0..labels).all(|i| self.mask_of(u32::MAX.into(), |k| k.mpls_lse[i].get().into()) == 0xffff_ffff);
        self.open("mpls")?;
        for (i, attr) in stack.iter().enumerate() {
            if exact {
                self.members(attr, i == 0)?;
            } else {
                self.label(attr, i == 0)?;
            }
        }
        self.f.write_char(')')
    }

    /// A label under a mask: all of its members, each with its mask.
    fn label(&mut self, attr: &Attr, mut first: bool) -> fmt::Result {
        for member in attr.members {
            if !core::mem::take(&mut first) {
                self.f.write_char(',')?;
            }
            let mask = self.mask_of(member.place.bits, |k| member.place.get(k));
            let prefix = if matches!(member.name, "label" | "ttl") { "0x" } else { "" };
            write!(self.f, "{}={}/{prefix}{mask:x}", member.name, member.place.get(self.key))?;
        }
        Ok(())
    }

    fn transport(&mut self) -> fmt::Result {
        let v6 = match self.key.ethertype() {
            eth::IPV4 => false,
            eth::IPV6 => true,
            _ => return Ok(()),
        };
        if self.key.nw_frag & FragKind::LATER.bits() != 0 {
            return Ok(());
        }
        match self.key.nw_proto {
            ip::TCP => {
                self.attr(&attrs::TCP)?;
                self.tcp_flags()
            }
            ip::UDP => self.attr(&attrs::UDP),
            ip::SCTP => self.attr(&attrs::SCTP),
            ip::ICMP if !v6 => self.attr(&attrs::ICMP),
            ip::ICMPV6 if v6 => self.icmpv6(),
            _ => Ok(()),
        }
    }

    fn tcp_flags(&mut self) -> fmt::Result {
        let all = TCP_FLAGS.all();
        let mask = self.mask_of(all.into(), |k| k.tcp_flags.get().into()) as u32;
        if mask == 0 && !self.verbose {
            return Ok(());
        }
        self.open("tcp_flags")?;
        write_masked(self.f, &TCP_FLAGS, self.key.tcp_flags.get().into(), mask, all)?;
        self.f.write_char(')')
    }

    fn icmpv6(&mut self) -> fmt::Result {
        self.attr(&attrs::ICMPV6)?;
        if !matches!(self.key.tp_src.get(), nd::SOLICIT | nd::ADVERT) || self.key.tp_dst.get() != 0 {
            return Ok(());
        }
        self.attr(&attrs::ND)?;
        let looked_at = self.mask.unwrap_or(self.key);
        if looked_at.nd_reserved.get() != 0 || looked_at.nd_options_type != 0 {
            self.attr(&attrs::ND_EXT)?;
        }
        Ok(())
    }
}

fn write_eth(f: &mut fmt::Formatter<'_>, value: u128) -> fmt::Result {
    write!(f, "{}", Eth(tail(value)))
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
