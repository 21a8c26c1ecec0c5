//! Printing the packet's own headers.

use core::fmt::{self, Write};

use super::attrs;
use super::format::Out;
use super::write;
use crate::field::numbers::{eth, ip, nd};
use crate::text::flags::{TCP_FLAGS, write_masked};
use crate::{FragKind, MAX_VLANS, VLAN_CFI};

impl Out<'_, '_, '_> {
    pub(super) fn ethernet(&mut self) -> fmt::Result {
        if !self.key.is_ethernet() {
            return Ok(());
        }
        let looked_at = self.mask.is_none_or(|m| m.dl_src != [0; 6] || m.dl_dst != [0; 6]);
        let typed = self.mask.is_none_or(|m| m.packet_type.get() != 0);
        if !self.verbose && !looked_at && !typed {
            // What says that the packet begins with an Ethernet header, if nothing else does.
            self.open("eth")?;
            return self.f.write_char(')');
        }
        self.attr(&attrs::ETH)
    }

    /// Prints the tags and gives how many `encap(` stay open.
    pub(super) fn tags(&mut self) -> Result<usize, fmt::Error> {
        let mut depth = 0;
        for i in 0..MAX_VLANS {
            let tag = self.key.vlans[i];
            if !self.key.is_ethernet() || (tag.tpid.get() == 0 && tag.tci.get() == 0) {
                break;
            }
            let tpid = if tag.tpid.get() == 0 { eth::VLAN } else { tag.tpid.get() };
            self.open("eth_type")?;
            write::prefixed(self.f, tpid.into(), 4)?;
            self.f.write_char(')')?;
            self.vlan(i)?;
            self.open("encap")?;
            self.first = true;
            depth += 1;
        }
        Ok(depth)
    }

    /// One tag. A part of it that is zero and not looked at is left out.
    fn vlan(&mut self, i: usize) -> fmt::Result {
        let tci = self.key.vlans[i].tci.get();
        let mask = self.mask_of(0xffff, |k| k.vlans[i].tci.get().into()) as u16;
        if mask == 0 && !self.verbose {
            return Ok(());
        }
        self.open("vlan")?;
        let mut first = true;
        for (name, value, mask, full) in
            [("vid=", tci & 0xfff, mask & 0xfff, 0xfff), ("pcp=", tci >> 13, mask >> 13, 7)]
        {
            if !self.verbose && value == 0 && mask == 0 {
                continue;
            }
            if !core::mem::take(&mut first) {
                self.f.write_char(',')?;
            }
            self.f.write_str(name)?;
            write::decimal(self.f, value.into())?;
            if mask != full {
                self.f.write_char('/')?;
                write::prefixed(self.f, mask.into(), 1)?;
            }
        }
        if tci & VLAN_CFI == 0 {
            self.f.write_str(if first { "cfi=0" } else { ",cfi=0" })?;
        }
        self.f.write_char(')')
    }

    pub(super) fn ethertype(&mut self) -> fmt::Result {
        let dl_type = match self.key.dl_type.get() {
            0 => self.key.ethertype(),
            dl_type => dl_type,
        };
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
        write::prefixed(self.f, dl_type.into(), 4)?;
        if mask != 0xffff && self.key.is_ethernet() {
            self.f.write_char('/')?;
            write::prefixed(self.f, mask, 4)?;
        }
        self.f.write_char(')')
    }

    pub(super) fn network(&mut self) -> fmt::Result {
        match self.key.ethertype() {
            eth::IPV4 => self.attr(&attrs::IPV4),
            eth::IPV6 => self.attr(&attrs::IPV6),
            eth::ARP | eth::RARP => self.attr(&attrs::ARP),
            eth::NSH => self.nsh(),
            eth::MPLS | eth::MPLS_MCAST => self.mpls(),
            _ => Ok(()),
        }
    }

    /// Members that are not looked at are never printed; without a mask, contexts only of metadata type 1.
    fn nsh(&mut self) -> fmt::Result {
        let members = match self.mask {
            None if self.key.nsh.mdtype != 1 => &attrs::NSH.members[..6],
            _ => attrs::NSH.members,
        };
        let looked_at = self.mask.is_none_or(|m| members.iter().any(|member| member.place.get(m) != 0));
        if !looked_at && !self.verbose {
            return Ok(());
        }
        self.open(attrs::NSH.name)?;
        let verbose = core::mem::take(&mut self.verbose);
        self.members(members, true)?;
        self.verbose = verbose;
        self.f.write_char(')')
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
        let mut first = true;
        for attr in stack {
            if exact {
                first = self.members(attr.members, first)?;
            } else {
                self.label(attr, &mut first)?;
            }
        }
        self.f.write_char(')')
    }

    /// A label under a mask: all of its members, each with its mask.
    fn label(&mut self, attr: &attrs::Attr, first: &mut bool) -> fmt::Result {
        for member in attr.members {
            if !core::mem::take(first) {
                self.f.write_char(',')?;
            }
            let mask = self.mask_of(member.place.bits, |k| member.place.get(k));
            let prefix = if matches!(member.name, "label" | "ttl") { "0x" } else { "" };
            write!(self.f, "{}={}/{prefix}{mask:x}", member.name, member.place.get(self.key))?;
        }
        Ok(())
    }

    pub(super) fn transport(&mut self) -> fmt::Result {
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

    /// Flags of which none is set and none looked at are not printed.
    fn tcp_flags(&mut self) -> fmt::Result {
        let all = TCP_FLAGS.all();
        let flags = u32::from(self.key.tcp_flags.get());
        let mask = self.mask_of(all.into(), |k| k.tcp_flags.get().into()) as u32;
        if (mask == 0 && !self.verbose) || (flags == 0 && (mask == 0 || self.mask.is_none())) {
            return Ok(());
        }
        self.open("tcp_flags")?;
        write_masked(self.f, &TCP_FLAGS, flags, mask, all)?;
        self.f.write_char(')')
    }

    fn icmpv6(&mut self) -> fmt::Result {
        self.attr(&attrs::ICMPV6)?;
        if !matches!(self.key.tp_src.get(), nd::SOLICIT | nd::ADVERT) || self.key.tp_dst.get() != 0 {
            return Ok(());
        }
        self.attr(&attrs::ND)?;
        let looked_at = self.mask.unwrap_or(self.key);
        if self.nd_extensions && (looked_at.nd_reserved.get() != 0 || looked_at.nd_options_type != 0) {
            self.attr(&attrs::ND_EXT)?;
        }
        Ok(())
    }
}
