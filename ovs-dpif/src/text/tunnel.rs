//! `tunnel(…)`: the outer headers that an output will add.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ovs_flow::{TunnelFlags, TunnelKey};

/// Prints what is there; the time to live and the flags always.
pub(super) fn write_tunnel(f: &mut fmt::Formatter<'_>, tunnel: &TunnelKey) -> fmt::Result {
    let flags = TunnelFlags::from_bits_truncate(tunnel.flags);
    f.write_str("tunnel(")?;
    if tunnel.id.get() != 0 || flags.contains(TunnelFlags::KEY) {
        write!(f, "tun_id={:#x},", tunnel.id.get())?;
    }
    for (name, address) in [("src", tunnel.src), ("dst", tunnel.dst)] {
        if address.get() != 0 {
            write!(f, "{name}={},", Ipv4Addr::from(address.get()))?;
        }
    }
    for (name, address) in [("ipv6_src", tunnel.ipv6_src), ("ipv6_dst", tunnel.ipv6_dst)] {
        if address != [0; 16] {
            write!(f, "{name}={},", Ipv6Addr::from(address))?;
        }
    }
    if tunnel.tos != 0 {
        write!(f, "tos={:#x},", tunnel.tos)?;
    }
    write!(f, "ttl={},", tunnel.ttl)?;
    for (name, port) in [("tp_src", tunnel.tp_src), ("tp_dst", tunnel.tp_dst)] {
        if port.get() != 0 {
            write!(f, "{name}={port},")?;
        }
    }
    f.write_str("flags(")?;
    write_flags(f, flags)?;
    f.write_str("))")
}

fn write_flags(f: &mut fmt::Formatter<'_>, flags: TunnelFlags) -> fmt::Result {
    const NAMES: [(TunnelFlags, &str); 4] = [
        (TunnelFlags::OAM, "oam"),
        (TunnelFlags::DONT_FRAGMENT, "df"),
        (TunnelFlags::CSUM, "csum"),
        (TunnelFlags::KEY, "key"),
    ];
    let mut first = true;
    for (_, name) in NAMES.into_iter().filter(|(flag, _)| flags.contains(*flag)) {
        if !std::mem::take(&mut first) {
            f.write_str("|")?;
        }
        f.write_str(name)?;
    }
    if first { f.write_str("0") } else { Ok(()) }
}
