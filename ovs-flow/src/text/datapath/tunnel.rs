//! Printing `tunnel(…)`.

use core::fmt::{self, Write};

use super::attrs;
use super::format::Out;
use super::options::Options;
use super::write;
use crate::text::flags::{TUN_FLAGS, write_masked, write_set};
use crate::{TunnelFlags, TunnelKey};

impl Out<'_, '_, '_> {
    /// The outer headers. Of a mask's optional parts the original keeps some only if their values would be kept as a key:
    /// ERSPAN's mask counts as none unless its version's is 1 or 2, GTP-U's unless neither part is zero.
    pub(super) fn tunnel(&mut self) -> fmt::Result {
        self.open("tunnel")?;
        let mut first = self.addresses()?;
        let tunnel = &self.key.tunnel;
        if tunnel.gbp_id.get() != 0 || tunnel.gbp_flags != 0 {
            self.part("vxlan(gbp(", &mut first)?;
            self.members(attrs::GBP.members, true)?;
            self.f.write_str("))")?;
        }
        if let Some(options) = tunnel.options() {
            self.part("geneve(", &mut first)?;
            self.options(options)?;
            self.f.write_char(')')?;
        }
        if matches!(tunnel.erspan_ver, 1 | 2) {
            self.part("erspan(", &mut first)?;
            self.erspan(tunnel)?;
            self.f.write_char(')')?;
        }
        if tunnel.gtpu_flags != 0 && tunnel.gtpu_msgtype != 0 {
            self.part("gtpu(", &mut first)?;
            if self.mask.is_none_or(|m| m.tunnel.gtpu_flags != 0 && m.tunnel.gtpu_msgtype != 0) {
                self.members(attrs::GTPU.members, true)?;
            } else if self.verbose {
                let mut first = true;
                attrs::GTPU.members.iter().try_for_each(|m| self.member(m, 0, &mut first))?;
            }
            self.f.write_char(')')?;
        }
        self.tunnel_flags(&mut first)?;
        self.f.write_char(')')
    }

    fn part(&mut self, name: &str, first: &mut bool) -> fmt::Result {
        if !core::mem::take(first) {
            self.f.write_char(',')?;
        }
        self.f.write_str(name)
    }

    /// What every tunnel has; whether nothing was printed.
    fn addresses(&mut self) -> Result<bool, fmt::Error> {
        let mut first = true;
        for member in attrs::TUNNEL.members {
            let there = match member.name {
                "tun_id" => self.key.tunnel.flags & TunnelFlags::KEY.bits() != 0,
                "ttl" => true,
                _ => member.place.get(self.key) != 0,
            };
            if there {
                first = self.members(core::slice::from_ref(member), first)?;
            }
        }
        Ok(first)
    }

    fn erspan(&mut self, tunnel: &TunnelKey) -> fmt::Result {
        let kept = self.mask.is_none_or(|m| matches!(m.tunnel.erspan_ver, 1 | 2));
        let mut first = true;
        let parts = if tunnel.erspan_ver == 1 { attrs::ERSPAN1.members } else { attrs::ERSPAN2.members };
        for member in attrs::ERSPAN_VERSION.members.iter().chain(parts) {
            let mask = if kept { self.mask_of(member.place.bits, |k| member.place.get(k)) } else { 0 };
            // The index is printed always.
            if mask != 0 || self.verbose || member.name == "idx" {
                self.member(member, mask, &mut first)?;
            }
        }
        Ok(())
    }

    fn options(&mut self, options: &[u8]) -> fmt::Result {
        let masks = self.mask.map(|m| m.tunnel.metadata);
        for (at, option) in Options::new(options) {
            let mask = masks.as_ref().map(|m| &m[at..]);
            self.option(option, mask)?;
        }
        Ok(())
    }

    /// `{class=0x102,type=0x80,len=4,0xa/0xf}`
    fn option(&mut self, option: &[u8], mask: Option<&[u8]>) -> fmt::Result {
        let Some((&[c0, c1, kind, _], data)) = option.split_first_chunk::<4>() else { return Ok(()) };
        let header = |i: usize| mask.map_or(0xff, |m| m.get(i).copied().unwrap_or(0));
        let class_mask = u16::from_be_bytes([header(0), header(1)]);
        self.f.write_char('{')?;
        for (name, value, mask, full) in [
            ("class=", u16::from_be_bytes([c0, c1]), class_mask, 0xffff),
            ("type=", kind.into(), header(2).into(), 0xff),
        ] {
            if mask == 0 && !self.verbose {
                continue;
            }
            self.f.write_str(name)?;
            write::hexadecimal(self.f, value.into())?;
            if mask != full {
                self.f.write_char('/')?;
                write::hexadecimal(self.f, mask.into())?;
            }
            self.f.write_char(',')?;
        }
        self.f.write_str("len=")?;
        write::decimal(self.f, data.len() as u64)?;
        let looked_at = |i: usize| mask.map_or(0xff, |m| m.get(4 + i).copied().unwrap_or(0));
        let any = (0..data.len()).any(|i| looked_at(i) != 0);
        let exact = (0..data.len()).all(|i| looked_at(i) == 0xff);
        if !data.is_empty() && (any || self.verbose) {
            self.f.write_char(',')?;
            self.bytes(data.iter().copied())?;
            if !exact {
                self.f.write_char('/')?;
                self.bytes((0..data.len()).map(looked_at))?;
            }
        }
        self.f.write_char('}')
    }

    /// Bytes as one hexadecimal number.
    fn bytes(&mut self, bytes: impl Iterator<Item = u8>) -> fmt::Result {
        let mut bytes = bytes.skip_while(|byte| *byte == 0);
        let Some(first) = bytes.next() else { return self.f.write_char('0') };
        write::prefixed(self.f, first.into(), 1)?;
        bytes.try_for_each(|byte| write!(self.f, "{byte:02x}"))
    }

    fn tunnel_flags(&mut self, first: &mut bool) -> fmt::Result {
        let all = TUN_FLAGS.all();
        let flags = u32::from(self.key.tunnel.flags) & all;
        let mask = self.mask_of(all.into(), |k| k.tunnel.flags.into()) as u32;
        if mask == 0 && !self.verbose {
            return Ok(());
        }
        self.part("flags(", first)?;
        if self.mask.is_some() {
            write_masked(self.f, &TUN_FLAGS, flags, mask, all)?;
        } else {
            write_set(self.f, &TUN_FLAGS, flags)?;
        }
        self.f.write_char(')')
    }
}
