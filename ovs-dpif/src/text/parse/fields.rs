//! What `set(…)` sets.

use ovs_flow::{TunnelFlags, TunnelKey};

use super::ParseActionsError;
use super::scan::{Parsed, Scanner};
use crate::{Masked, SetField, WholeIp};

/// The inside of `set(…)`.
pub(super) fn field(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let at = scan.at();
    let name = scan.word();
    scan.expect("(", "an opening parenthesis")?;
    let field = match name {
        "skb_priority" => SetField::Priority(scan.number(u32::MAX.into())? as u32),
        "skb_mark" => SetField::Mark(scan.masked_u32()?),
        "eth" => ethernet(scan)?,
        "mpls" => mpls(scan)?,
        "nsh" => super::nsh::set(scan)?,
        "arp" => arp(scan)?,
        "ipv4" => ipv4(scan)?,
        "ipv6" => ipv6(scan)?,
        "tcp" => ports(scan).map(|(src, dst)| SetField::Tcp { src, dst })?,
        "udp" => ports(scan).map(|(src, dst)| SetField::Udp { src, dst })?,
        "sctp" => ports(scan).map(|(src, dst)| SetField::Sctp { src, dst })?,
        "icmp" => icmp(scan).map(|(kind, code)| SetField::Icmp { kind, code })?,
        "icmpv6" => icmp(scan).map(|(kind, code)| SetField::Icmpv6 { kind, code })?,
        "nd" => neighbor(scan)?,
        "nd_ext" => neighbor_extension(scan)?,
        "tunnel" => tunnel(scan)?,
        _ => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
    };
    scan.close()?;
    Ok(field)
}

fn ethernet(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let (mut src, mut dst) = (Masked::NONE, Masked::NONE);
    scan.members(&mut |scan, name| {
        match name {
            "src" => src = scan.masked(Scanner::eth)?,
            "dst" => dst = scan.masked(Scanner::eth)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SetField::Ethernet { src, dst })
}

fn mpls(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let mut entry = Masked::<u32>::NONE;
    scan.members(&mut |scan, name| {
        let (width, shift) = match name {
            "label" => (20, 12),
            "tc" => (3, 9),
            "ttl" => (8, 0),
            "bos" => (1, 8),
            _ => return Ok(false),
        };
        let most = (1_u32 << width) - 1;
        let value = scan.number(most.into())? as u32;
        // The mask of a member may come without the prefix, as it is printed.
        let mask = if scan.eat("/") { scan.number(most.into())? as u32 } else { most };
        entry.value |= (value & mask) << shift;
        entry.mask |= mask << shift;
        Ok(true)
    })?;
    Ok(SetField::Mpls(entry))
}

fn arp(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let (mut sip, mut tip) = (Masked::NONE, Masked::NONE);
    let (mut sha, mut tha) = (Masked::NONE, Masked::NONE);
    let mut op = Masked::NONE;
    scan.members(&mut |scan, name| {
        match name {
            "sip" => sip = scan.masked(Scanner::v4)?,
            "tip" => tip = scan.masked(Scanner::v4)?,
            "op" => op = scan.masked_u16()?,
            "sha" => sha = scan.masked(Scanner::eth)?,
            "tha" => tha = scan.masked(Scanner::eth)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SetField::Arp { sip, tip, op, sha, tha })
}

/// Protocol and fragment kind may stand there, but cannot be set: where both stand there as a whole, they are kept.
#[derive(Default)]
struct Told {
    proto: Option<u8>,
    frag: Option<u8>,
}

impl Told {
    /// Reads one of them; `false` if it is something else.
    fn take(&mut self, scan: &mut Scanner<'_>, name: &str) -> Parsed<bool> {
        match name {
            "proto" => self.proto = Some(scan.number(0xff)? as u8),
            "frag" => {
                self.frag = match scan.word() {
                    "no" => Some(0),
                    "first" => Some(1),
                    "later" => Some(3),
                    _ => None,
                }
            }
            _ => return Ok(false),
        }
        if scan.eat("/") {
            scan.word();
            *self = Self::default();
        }
        Ok(true)
    }

    fn whole(&self) -> Option<WholeIp> {
        Some(WholeIp { proto: self.proto?, frag: self.frag? })
    }
}

fn ipv4(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let (mut src, mut dst) = (Masked::NONE, Masked::NONE);
    let (mut tos, mut ttl, mut told) = (Masked::NONE, Masked::NONE, Told::default());
    scan.members(&mut |scan, name| {
        match name {
            "src" => src = scan.masked(Scanner::v4)?,
            "dst" => dst = scan.masked(Scanner::v4)?,
            "tos" => tos = scan.masked_u8()?,
            "ttl" => ttl = scan.masked_u8()?,
            _ => return told.take(scan, name),
        }
        Ok(true)
    })?;
    let all = src.is_exact() && dst.is_exact() && tos.is_exact() && ttl.is_exact();
    let whole = told.whole().filter(|_| all);
    Ok(SetField::Ipv4 { src, dst, tos, ttl, whole })
}

fn ipv6(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let (mut src, mut dst) = (Masked::NONE, Masked::NONE);
    let (mut tclass, mut hlimit) = (Masked::NONE, Masked::NONE);
    let (mut label, mut told) = (Masked::NONE, Told::default());
    scan.members(&mut |scan, name| {
        match name {
            "src" => src = scan.masked(Scanner::v6)?,
            "dst" => dst = scan.masked(Scanner::v6)?,
            "label" => label = scan.masked(|scan| scan.number(0x000f_ffff).map(|n| n as u32))?,
            "tclass" => tclass = scan.masked_u8()?,
            "hlimit" => hlimit = scan.masked_u8()?,
            _ => return told.take(scan, name),
        }
        Ok(true)
    })?;
    let all = src.is_exact() && dst.is_exact() && label.is_exact();
    let whole = told.whole().filter(|_| all && tclass.is_exact() && hlimit.is_exact());
    Ok(SetField::Ipv6 { src, dst, label, tclass, hlimit, whole })
}

fn ports(scan: &mut Scanner<'_>) -> Parsed<(Masked<u16>, Masked<u16>)> {
    let (mut src, mut dst) = (Masked::NONE, Masked::NONE);
    scan.members(&mut |scan, name| {
        match name {
            "src" => src = scan.masked_u16()?,
            "dst" => dst = scan.masked_u16()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((src, dst))
}

fn icmp(scan: &mut Scanner<'_>) -> Parsed<(Masked<u8>, Masked<u8>)> {
    let (mut kind, mut code) = (Masked::NONE, Masked::NONE);
    scan.members(&mut |scan, name| {
        match name {
            "type" => kind = scan.masked_u8()?,
            "code" => code = scan.masked_u8()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((kind, code))
}

fn neighbor(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let mut target = Masked::NONE;
    let (mut sll, mut tll) = (Masked::NONE, Masked::NONE);
    scan.members(&mut |scan, name| {
        match name {
            "target" => target = scan.masked(Scanner::v6)?,
            "sll" => sll = scan.masked(Scanner::eth)?,
            "tll" => tll = scan.masked(Scanner::eth)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SetField::Nd { target, sll, tll })
}

fn neighbor_extension(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let (mut reserved, mut option) = (Masked::NONE, Masked::NONE);
    scan.members(&mut |scan, name| {
        match name {
            "nd_reserved" => reserved = scan.masked_u32()?,
            "nd_options_type" => option = scan.masked_u8()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SetField::NdExtension { reserved, option })
}

fn tunnel(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let mut key = TunnelKey::default();
    scan.members(&mut |scan, name| {
        match name {
            "tun_id" => key.id = scan.number(u64::MAX)?.into(),
            "src" => key.src = u32::from_be_bytes(scan.v4()?).into(),
            "dst" => key.dst = u32::from_be_bytes(scan.v4()?).into(),
            "ipv6_src" => key.ipv6_src = scan.v6()?,
            "ipv6_dst" => key.ipv6_dst = scan.v6()?,
            "tos" => key.tos = scan.number(0xff)? as u8,
            "ttl" => key.ttl = scan.number(0xff)? as u8,
            "tp_src" => key.tp_src = (scan.number(0xffff)? as u16).into(),
            "tp_dst" => key.tp_dst = (scan.number(0xffff)? as u16).into(),
            "flags" => key.flags = flags(scan)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(SetField::Tunnel(Box::new(key)))
}

/// `(df|csum|key)`, or `(0)` for none.
fn flags(scan: &mut Scanner<'_>) -> Parsed<u16> {
    scan.expect("(", "an opening parenthesis")?;
    let mut flags = TunnelFlags::empty();
    loop {
        let at = scan.at();
        match scan.word() {
            "oam" => flags |= TunnelFlags::OAM,
            "df" => flags |= TunnelFlags::DONT_FRAGMENT,
            "csum" => flags |= TunnelFlags::CSUM,
            "key" => flags |= TunnelFlags::KEY,
            "" | "0" => {}
            name => return Err(ParseActionsError::Unknown { at, name: name.to_owned() }),
        }
        if !scan.eat("|") {
            break;
        }
    }
    scan.close()?;
    Ok(flags.bits())
}
