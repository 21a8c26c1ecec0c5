//! What `set(…)` sets.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Hex;
use super::tunnel::write_tunnel;
use crate::{Bits, Masked, SetField, WholeIp};

/// The inside of `set(…)`: only members of which something is set, each with its mask unless that is full.
pub(super) struct DisplaySet<'a>(pub &'a SetField);

/// The name of a kind of fragment.
fn frag_name(frag: u8) -> &'static str {
    match frag & 3 {
        0 => "no",
        1 => "first",
        _ => "later",
    }
}

/// An Ethernet address.
pub(super) struct Eth(pub [u8; 6]);

impl fmt::Display for Eth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Prints members, with commas between them.
struct Members<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: bool,
}

/// How a number and its mask are printed.
#[derive(Clone, Copy)]
enum Radix {
    Decimal,
    Hexadecimal,
    /// Eight digits for a mask, and `0x0` for zero, as context headers have it.
    Context,
}

impl Members<'_, '_> {
    /// Prints a member by `write`, called for its value and again for its mask if that is not full.
    fn member<T: Bits>(
        &mut self,
        name: &str,
        value: Masked<T>,
        mut write: impl FnMut(&mut fmt::Formatter<'_>, T, bool) -> fmt::Result,
    ) -> fmt::Result {
        if value.is_none() {
            return Ok(());
        }
        if !std::mem::take(&mut self.first) {
            self.f.write_str(",")?;
        }
        write!(self.f, "{name}=")?;
        write(self.f, value.value, false)?;
        if !value.is_exact() {
            self.f.write_str("/")?;
            write(self.f, value.mask, true)?;
        }
        Ok(())
    }

    fn eth(&mut self, name: &str, value: Masked<[u8; 6]>) -> fmt::Result {
        self.member(name, value, |f, v, _| write!(f, "{}", Eth(v)))
    }

    fn v4(&mut self, name: &str, value: Masked<[u8; 4]>) -> fmt::Result {
        self.member(name, value, |f, v, _| write!(f, "{}", Ipv4Addr::from(v)))
    }

    fn v6(&mut self, name: &str, value: Masked<[u8; 16]>) -> fmt::Result {
        self.member(name, value, |f, v, _| write!(f, "{}", Ipv6Addr::from(v)))
    }

    fn proto(&mut self, whole: Option<WholeIp>) -> fmt::Result {
        whole.map_or(Ok(()), |whole| self.number("proto", Masked::exact(whole.proto), Radix::Decimal))
    }

    fn frag(&mut self, whole: Option<WholeIp>) -> fmt::Result {
        whole.map_or(Ok(()), |whole| {
            self.member("frag", Masked::exact(whole.frag), |f, frag, _| f.write_str(frag_name(frag)))
        })
    }

    /// A number; its mask is always hexadecimal.
    fn number<T: Bits + Into<u32>>(&mut self, name: &str, value: Masked<T>, radix: Radix) -> fmt::Result {
        self.member(name, value, |f, v, is_mask| match (v.into(), radix) {
            (v, Radix::Decimal) if !is_mask => write!(f, "{v}"),
            (v, Radix::Context) if is_mask => write!(f, "{v:#010x}"),
            (v, Radix::Context) => write!(f, "{v:#x}"),
            (v, _) => write!(f, "{}", Hex(u64::from(v))),
        })
    }
}

impl fmt::Display for DisplaySet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SetField::Priority(priority) => return write!(f, "skb_priority({})", hex(*priority)),
            SetField::Mark(mark) if mark.is_exact() => return write!(f, "skb_mark({})", hex(mark.value)),
            SetField::Mark(mark) => {
                return write!(f, "skb_mark({}/{})", hex(mark.value), hex(mark.mask));
            }
            SetField::Tunnel(tunnel) => return write_tunnel(f, tunnel),
            SetField::Mpls(entry) => return write_masked_lse(f, *entry),
            _ => {}
        }
        write!(f, "{}(", self.name())?;
        self.members(&mut Members { f, first: true })?;
        f.write_str(")")
    }
}

impl DisplaySet<'_> {
    fn name(&self) -> &'static str {
        match self.0 {
            SetField::Ethernet { .. } => "eth",
            SetField::Ipv4 { .. } => "ipv4",
            SetField::Ipv6 { .. } => "ipv6",
            SetField::Arp { .. } => "arp",
            SetField::Tcp { .. } => "tcp",
            SetField::Udp { .. } => "udp",
            SetField::Sctp { .. } => "sctp",
            SetField::Icmp { .. } => "icmp",
            SetField::Icmpv6 { .. } => "icmpv6",
            SetField::Nd { .. } => "nd",
            SetField::NdExtension { .. } => "nd_ext",
            SetField::Priority(_) => "skb_priority",
            SetField::Mark(_) => "skb_mark",
            SetField::Mpls(_) => "mpls",
            SetField::Nsh(_) => "nsh",
            SetField::Tunnel(_) => "tunnel",
        }
    }

    fn members(&self, out: &mut Members<'_, '_>) -> fmt::Result {
        match self.0 {
            SetField::Ethernet { src, dst } => {
                out.eth("src", *src)?;
                out.eth("dst", *dst)
            }
            SetField::Ipv4 { src, dst, tos, ttl, whole } => {
                out.v4("src", *src)?;
                out.v4("dst", *dst)?;
                out.proto(*whole)?;
                out.number("tos", *tos, Radix::Hexadecimal)?;
                out.number("ttl", *ttl, Radix::Decimal)?;
                out.frag(*whole)
            }
            SetField::Ipv6 { src, dst, label, tclass, hlimit, whole } => {
                out.v6("src", *src)?;
                out.v6("dst", *dst)?;
                out.number("label", widen_label(*label), Radix::Hexadecimal)?;
                out.proto(*whole)?;
                out.number("tclass", *tclass, Radix::Hexadecimal)?;
                out.number("hlimit", *hlimit, Radix::Decimal)?;
                out.frag(*whole)
            }
            SetField::Nsh(nsh) => {
                out.number("flags", nsh.flags, Radix::Decimal)?;
                out.number("ttl", nsh.ttl, Radix::Decimal)?;
                let spi = widen_path(nsh.spi);
                let radix = if spi.is_exact() { Radix::Context } else { Radix::Hexadecimal };
                out.number("spi", spi, radix)?;
                out.number("si", nsh.si, Radix::Decimal)?;
                for (name, word) in ["c1", "c2", "c3", "c4"].into_iter().zip(nsh.context) {
                    out.number(name, word, Radix::Context)?;
                }
                Ok(())
            }
            SetField::Arp { sip, tip, op, sha, tha } => {
                out.v4("sip", *sip)?;
                out.v4("tip", *tip)?;
                out.number("op", *op, Radix::Decimal)?;
                out.eth("sha", *sha)?;
                out.eth("tha", *tha)
            }
            SetField::Tcp { src, dst } | SetField::Udp { src, dst } | SetField::Sctp { src, dst } => {
                out.number("src", *src, Radix::Decimal)?;
                out.number("dst", *dst, Radix::Decimal)
            }
            SetField::Icmp { kind, code } | SetField::Icmpv6 { kind, code } => {
                out.number("type", *kind, Radix::Decimal)?;
                out.number("code", *code, Radix::Decimal)
            }
            SetField::Nd { target, sll, tll } => {
                out.v6("target", *target)?;
                out.eth("sll", *sll)?;
                out.eth("tll", *tll)
            }
            SetField::NdExtension { reserved, option } => {
                out.number("nd_reserved", *reserved, Radix::Hexadecimal)?;
                out.number("nd_options_type", *option, Radix::Decimal)
            }
            _ => Ok(()),
        }
    }
}

fn hex(number: u32) -> Hex {
    Hex(u64::from(number))
}

/// A flow label has 20 bits: a mask of all of them is full.
fn widen_label(label: Masked<u32>) -> Masked<u32> {
    if label.mask & 0x000f_ffff == 0x000f_ffff { Masked::exact(label.value) } else { label }
}

/// A service path has 24 bits.
fn widen_path(path: Masked<u32>) -> Masked<u32> {
    if path.mask & 0x00ff_ffff == 0x00ff_ffff { Masked::exact(path.value) } else { path }
}

/// The parts of a label stack entry: label, traffic class, time to live, bottom of stack.
fn parts(lse: u32) -> [u32; 4] {
    [lse >> 12, lse >> 9 & 7, lse & 0xff, lse >> 8 & 1]
}

/// The members of an entry without a mask.
pub(super) fn write_lse(f: &mut fmt::Formatter<'_>, lse: u32) -> fmt::Result {
    let [label, tc, ttl, bos] = parts(lse);
    write!(f, "label={label},tc={tc},ttl={ttl},bos={bos}")
}

fn write_masked_lse(f: &mut fmt::Formatter<'_>, entry: Masked<u32>) -> fmt::Result {
    f.write_str("mpls(")?;
    if entry.is_exact() {
        write_lse(f, entry.value)?;
    } else {
        let [label, tc, ttl, bos] = parts(entry.value);
        let [label_mask, tc_mask, ttl_mask, bos_mask] = parts(entry.mask);
        write!(f, "label={label}/{label_mask:#x},tc={tc}/{tc_mask:x},")?;
        write!(f, "ttl={ttl}/{ttl_mask:#x},bos={bos}/{bos_mask:x}")?;
    }
    f.write_str(")")
}
