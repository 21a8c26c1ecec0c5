//! Reassembly of fragments: `dpctl/ipf-…`.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ovs_db::unixctl::Request;
use ovs_dpif::fragments::{FragmentCounters, Fragments};
use ovs_dpif::ovs_packet::fragment::{DatagramView, Family};

use super::super::Vswitchd;
use super::dpctl::{Arguments, invalid, scan};
use super::{Answer, Command, told};

/// What lines of the status begin with.
const INDENT: &str = "        ";

/// The settings of the datapath that is meant, and what else was said.
fn of<'a>(
    switchd: &mut Vswitchd,
    request: &'a Request<Command>,
    from: usize,
) -> Result<(Fragments, Arguments<'a>), String> {
    let unsupported = format!("{}: not supported (Operation not supported)", switchd.program.name);
    let mut args = Arguments::of(&request.args)?;
    let datapath = args.datapath(switchd, from)?;
    Ok((datapath.switch.dpif().fragments().cloned().ok_or(unsupported)?, args))
}

/// The version that an argument names.
fn family(text: Option<&&str>) -> Option<Family> {
    match *text? {
        "v4" => Some(Family::V4),
        "v6" => Some(Family::V6),
        _ => None,
    }
}

/// `dpctl/ipf-set-enabled`.
pub fn enable(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(set_enabled(switchd, request, true))
}

/// `dpctl/ipf-set-disabled`.
pub fn disable(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(set_enabled(switchd, request, false))
}

fn set_enabled(switchd: &mut Vswitchd, request: &Request<Command>, enabled: bool) -> Result<String, String> {
    let (fragments, args) = of(switchd, request, usize::MAX)?;
    let Some(family) = family(args.rest.last()) else {
        return Err(invalid(&switchd.program.name, "parameter missing: 'v4' for IPv4 or 'v6' for IPv6"));
    };
    fragments.set_enabled(family, enabled);
    Ok(format!("{} fragmentation reassembly successful", if enabled { "enabling" } else { "disabling" }))
}

/// `dpctl/ipf-set-min-frag`.
pub fn set_least(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_set_least(switchd, request))
}

fn try_set_least(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let (fragments, args) = of(switchd, request, 3)?;
    let program = &switchd.program.name;
    let Some(family) = family(args.rest.first()) else {
        return Err(invalid(program, "parameter missing: v4 for IPv4 or v6 for IPv6"));
    };
    let Some(bytes) = args.rest.get(1).copied().and_then(scan) else {
        return Err(invalid(program, "parameter missing for minimum fragment size"));
    };
    fragments.set_least(family, bytes).map_err(|_| {
        format!("{program}: requested minimum fragment size too small; see documentation (Operation not permitted)")
    })?;
    Ok("setting minimum fragment size successful".to_owned())
}

/// `dpctl/ipf-set-max-nfrags`.
pub fn set_most(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_set_most(switchd, request))
}

fn try_set_most(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let (fragments, args) = of(switchd, request, 2)?;
    let program = &switchd.program.name;
    let Some(most) = args.rest.first().copied().and_then(scan) else {
        return Err(invalid(program, "parameter missing for maximum fragments"));
    };
    let refused = |_| format!("{program}: setting maximum fragments failed (Operation not permitted)");
    fragments.set_most(most).map_err(refused)?;
    Ok("setting maximum fragments successful".to_owned())
}

/// `dpctl/ipf-get-status`.
pub fn status(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(of(switchd, request, 1).map(|(fragments, args)| show(&fragments, args.more)))
}

fn show(fragments: &Fragments, more: bool) -> String {
    let status = fragments.status();
    let mut text = format!("{INDENT}Fragmentation Module Status\n{INDENT}---------------------------\n");
    let families = [("v4", Family::V4, status.v4), ("v6", Family::V6, status.v6)];
    // Writing to a string does not fail.
    for (name, family, _) in families {
        let _ = writeln!(text, "{INDENT}{name} enabled: {}", u8::from(fragments.is_enabled(family)));
    }
    let _ = writeln!(text, "{INDENT}max num frags (v4/v6): {}", fragments.most());
    let _ = writeln!(text, "{INDENT}num frag: {}", status.held);
    for (name, family, counters) in families {
        let _ = writeln!(text, "{INDENT}min {name} frag size: {}", fragments.least(family));
        let FragmentCounters { accepted, completed, expired, too_small, overlapped, purged, .. } = counters;
        let all = [
            ("accepted", accepted),
            ("completed", completed),
            ("expired", expired),
            ("too small", too_small),
            ("overlapped", overlapped),
            ("purged", purged),
        ];
        for (what, count) in all {
            let _ = writeln!(text, "{INDENT}{name} frags {what}: {count}");
        }
    }
    if more {
        let _ = write!(text, "\n{INDENT}Fragment Lists:\n\n");
        for datagram in fragments.datagrams() {
            line(&mut text, &datagram);
        }
    }
    text
}

fn line(text: &mut String, datagram: &DatagramView) {
    let DatagramView { zone, family, protocol, id, src, dst, fragments, first, last } = *datagram;
    let address = |bytes: [u8; 16]| match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(bytes)),
    };
    let state = match (first, last) {
        (true, true) => "first/last frag",
        (true, false) => "first frag",
        (false, true) => "last frag",
        (false, false) => "other frag",
    };
    let kind = if family == Family::V4 { "800" } else { "86dd" };
    let (src, dst, zone, recirculation) = (address(src), address(dst), zone & 0xffff, zone >> 16);
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "(src={src},dst={dst},recirc_id={recirculation},ip_id={id},dl_type=0x{kind},zone={zone},\
         nw_proto={protocol},num_fragments={fragments},state={state})"
    );
}
