//! `tnl_push(…)`: the headers of a tunnel, taken apart.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ovs_flow::text::DpPortNames;

use super::fields::Eth;
use super::{Hex, write_port};
use crate::{TnlPush, TunnelKind};

/// Prints the whole action; of a header that is cut short, what there is of it.
pub(super) fn write_push<P: DpPortNames>(
    f: &mut fmt::Formatter<'_>,
    push: &TnlPush,
    names: &P,
) -> fmt::Result {
    f.write_str("tnl_push(tnl_port(")?;
    write_port(f, push.port, names)?;
    let layout = push.layout();
    let number = push.kind.number(layout.is_some_and(|(_, v6)| v6));
    write!(f, "),header(size={},type={number}", push.header.len())?;
    // A header that is cut short has no layout, and the rest of it is not printed.
    if let Some((l4, v6)) = layout {
        link(f, &push.header)?;
        if v6 { ipv6(f, &push.header[14..]) } else { ipv4(f, &push.header[14..]) }?;
        transport(f, push.kind, &push.header[l4..])?;
    }
    f.write_str("),out_port(")?;
    write_port(f, push.out_port, names)?;
    f.write_str("))")
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(bytes, at))
}

fn link(f: &mut fmt::Formatter<'_>, header: &[u8]) -> fmt::Result {
    let (dst, src) = (Eth(array(header, 0)), Eth(array(header, 6)));
    write!(f, ",eth(dst={dst},src={src},dl_type={:#06x})", word(header, 12))
}

fn ipv4(f: &mut fmt::Formatter<'_>, ip: &[u8]) -> fmt::Result {
    let address = |at| Ipv4Addr::from(array::<4>(ip, at));
    write!(f, ",ipv4(src={},dst={},proto={},", address(12), address(16), ip[9])?;
    write!(f, "tos={},ttl={},frag={:#x})", Hex(ip[1].into()), ip[8], word(ip, 6))
}

fn ipv6(f: &mut fmt::Formatter<'_>, ip: &[u8]) -> fmt::Result {
    let address = |at| Ipv6Addr::from(array::<16>(ip, at));
    let first = u32::from_be_bytes(array(ip, 0));
    let (label, tclass) = (first & 0x000f_ffff, first >> 20 & 0xff);
    write!(f, ",ipv6(src={},dst={},label={label},proto={},", address(8), address(24), ip[6])?;
    write!(f, "tclass={tclass:#x},hlimit={})", ip[7])
}

fn transport(f: &mut fmt::Formatter<'_>, kind: TunnelKind, header: &[u8]) -> fmt::Result {
    if kind.default_port().is_none() {
        return match kind {
            TunnelKind::Srv6 => segments(f, header),
            _ if kind.is_erspan() => erspan(f, header),
            _ => gre(f, header),
        };
    }
    let inner = header.get(8..).unwrap_or_default();
    write!(f, ",udp(src={},dst={},csum={:#x})", word(header, 0), word(header, 2), word(header, 6))?;
    let number = |at| u32::from_be_bytes(array(inner, at));
    match kind {
        TunnelKind::Vxlan => write!(f, ",vxlan(flags={:#x},vni={:#x})", number(0), number(4) >> 8),
        TunnelKind::Geneve => geneve(f, inner),
        TunnelKind::Gtpu => {
            let [flags, message] = array(inner, 0);
            write!(f, ",gtpu(flags={flags:#x},msgtype={message},teid={:#x})", number(4))
        }
        TunnelKind::Lisp => write!(f, ",lisp(flags={:#x},instance={:#x})", number(0) >> 24, number(4) >> 8),
        _ => Ok(()),
    }
}

fn gre(f: &mut fmt::Formatter<'_>, header: &[u8]) -> fmt::Result {
    let flags = word(header, 0);
    write!(f, ",gre((flags={flags:#x},proto={:#x})", word(header, 2))?;
    let mut at = 4;
    for (flag, name) in [(0x8000, "csum"), (0x2000, "key"), (0x1000, "seq")] {
        if flags & flag != 0 {
            let long = u32::from_be_bytes(array(header, at));
            write!(f, ",{name}={:#x}", if name == "csum" { long >> 16 } else { long })?;
            at += 4;
        }
    }
    f.write_str(")")
}

/// Behind a GRE header with a number.
fn erspan(f: &mut fmt::Formatter<'_>, header: &[u8]) -> fmt::Result {
    let bytes = header.get(8..).unwrap_or_default();
    let (version, session) = (bytes.first().map_or(0, |first| first >> 4), word(bytes, 2) & 0x3ff);
    write!(f, ",erspan(ver={version},sid={session:#x}")?;
    if version == 1 {
        return write!(f, ",idx={:#x})", u32::from_be_bytes(array(bytes, 4)) & 0x000f_ffff);
    }
    let details = word(bytes, 10);
    write!(f, ",dir={},hwid={:#x})", details >> 3 & 1, details >> 4 & 0x3f)
}

/// The segments of a routing header, the first to be visited first, which stands last on the wire.
fn segments(f: &mut fmt::Formatter<'_>, header: &[u8]) -> fmt::Result {
    write!(f, ",srv6(segments_left={},segs(", header.get(3).copied().unwrap_or(0))?;
    for (n, segment) in header.get(8..).unwrap_or_default().rchunks_exact(16).enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(f, "{comma}{}", Ipv6Addr::from(array::<16>(segment, 0)))?;
    }
    f.write_str("))")
}

fn geneve(f: &mut fmt::Formatter<'_>, header: &[u8]) -> fmt::Result {
    let [first, flags, ..] = array::<8>(header, 0);
    let oam = if flags & 0x80 == 0 { "" } else { "oam," };
    let critical = if flags & 0x40 == 0 { "" } else { "crit," };
    let vni = u32::from_be_bytes(array(header, 4)) >> 8;
    write!(f, ",geneve({oam}{critical}vni={vni:#x}")?;
    if first & 0x3f != 0 {
        f.write_str(",options(")?;
        options(f, header.get(8..).unwrap_or_default())?;
        f.write_str(")")?;
    }
    f.write_str(")")
}

fn options(f: &mut fmt::Formatter<'_>, mut bytes: &[u8]) -> fmt::Result {
    while let [c0, c1, kind, len, rest @ ..] = bytes {
        let len = usize::from(len & 0x1f) * 4;
        let Some((data, after)) = rest.split_at_checked(len) else { break };
        let class = u16::from_be_bytes([*c0, *c1]);
        write!(f, "{{class={},type={},len={len}", Hex(class.into()), Hex((*kind).into()))?;
        if !data.is_empty() {
            f.write_str(",")?;
            number(f, data)?;
        }
        f.write_str("}")?;
        bytes = after;
    }
    Ok(())
}

/// Bytes as one number.
fn number(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let mut bytes = bytes.iter().skip_while(|byte| **byte == 0);
    let Some(first) = bytes.next() else { return f.write_str("0") };
    write!(f, "{first:#x}")?;
    bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
}
