//! The connection tracker: `dpctl/dump-conntrack`, `flush-conntrack`, `ct-…`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_dpif::conntrack::{ConnectionView, Conntrack, CtCursor, CtFilter, ProtocolState};
use ovs_dpif::text::{DisplayConnection, parse_tuple};
use ovs_packet::wire::IpProtocol;

use super::super::Vswitchd;
use super::dpctl::{Arguments, invalid, number, scan};
use super::{Answer, Command, told};

/// The tracker of the datapath that is meant, and what else was said; see [`Arguments::datapath`].
fn tracker<'a>(
    switchd: &mut Vswitchd,
    request: &'a Request<Command>,
    from: usize,
) -> Result<(Conntrack, Arguments<'a>), String> {
    let mut args = Arguments::of(&request.args)?;
    let conntrack = of(switchd, &mut args, from)?;
    Ok((conntrack, args))
}

fn of(switchd: &mut Vswitchd, args: &mut Arguments<'_>, from: usize) -> Result<Conntrack, String> {
    let unsupported = format!("{}: not supported (Operation not supported)", switchd.program.name);
    args.datapath(switchd, from)?.switch.dpif().conntrack().cloned().ok_or(unsupported)
}

fn each(
    conntrack: &Conntrack,
    switchd: &Vswitchd,
    filter: &CtFilter,
    mut show: impl FnMut(&ConnectionView<'_>),
) {
    let (mut cursor, now) = (CtCursor::default(), switchd.clock.now());
    while conntrack.dump(&mut cursor, filter, now, &mut |view| show(&view)) {}
}

/// The zone of `zone=N`; `None` if it is another argument.
fn zone(arg: &str) -> Option<u16> {
    arg.strip_prefix("zone=").and_then(scan).map(|zone| zone as u16)
}

/// `dpctl/dump-conntrack`.
pub fn dump(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_dump(switchd, request))
}

fn try_dump(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let mut args = Arguments::of(&request.args)?;
    let filter = CtFilter { zone: args.rest.last().copied().and_then(zone), ..CtFilter::default() };
    if filter.zone.is_some() {
        args.rest.pop();
    }
    let conntrack = of(switchd, &mut args, 1)?;
    let mut text = String::new();
    each(&conntrack, switchd, &filter, |view| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", DisplayConnection { view, more: args.more, times: args.statistics });
    });
    Ok(text)
}

/// `dpctl/flush-conntrack`.
pub fn flush(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_flush(switchd, request))
}

fn try_flush(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let (conntrack, args) = tracker(switchd, request, usize::MAX)?;
    let program = &switchd.program.name;
    let mut rest = args.rest.as_slice();
    let mut filter = CtFilter::default();
    if let [first, others @ ..] = rest
        && first.starts_with("zone=")
    {
        filter.zone = Some(zone(first).ok_or_else(|| invalid(program, "failed to parse zone"))?);
        rest = others;
    }
    if rest.len() > 2 {
        return Err(invalid(program, "invalid arguments"));
    }
    for (text, tuple) in rest.iter().zip([&mut filter.orig, &mut filter.reply]) {
        *tuple = parse_tuple(text).map_err(|error| invalid(program, error))?;
    }
    let mut cursor = CtCursor::default();
    while conntrack.flush(&mut cursor, &filter) {}
    Ok(String::new())
}

/// `dpctl/ct-bkts`. Connections are found without buckets that one could count, so there is one, as in the original.
pub fn buckets(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_buckets(switchd, request))
}

fn try_buckets(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let mut args = Arguments::of(&request.args)?;
    let least = args.rest.last().and_then(|arg| arg.strip_prefix("gt=")).and_then(scan);
    if least.is_some() {
        args.rest.pop();
    }
    let conntrack = of(switchd, &mut args, 1)?;
    let mut count = 0_u32;
    each(&conntrack, switchd, &CtFilter::default(), |_| count += 1);
    let mut text = format!("Total Buckets: 1\nCurrent Connections: {count}\n\n");
    if count > 0 {
        let rule = "+-----------+-----------------------------------------+\n";
        let shown = if count > least.unwrap_or(0) { count.to_string() } else { ".".to_owned() };
        // Writing to a string does not fail.
        let _ = write!(text, "{rule}|  Buckets  |         Connections per Buckets         |\n{rule}");
        let _ = write!(text, "   0..  7   |{shown:>6}\n\n");
    }
    Ok(text)
}

/// `dpctl/ct-stats-show`.
pub fn stats(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_stats(switchd, request))
}

fn try_stats(switchd: &mut Vswitchd, request: &Request<Command>) -> Result<String, String> {
    let (mut args, mut filter) = (Arguments::of(&request.args)?, CtFilter::default());
    let mut more = args.more;
    args.rest.retain(|arg| {
        let number = zone(arg);
        filter.zone = number.or(filter.zone);
        more |= *arg == "verbose";
        number.is_none() && *arg != "verbose"
    });
    let conntrack = of(switchd, &mut args, 1)?;
    let (mut total, mut kinds, mut states) = (0_u64, BTreeMap::new(), BTreeMap::new());
    each(&conntrack, switchd, &filter, |view| {
        total += 1;
        let kind = match IpProtocol(view.orig.proto) {
            IpProtocol::TCP => "0TCP",
            IpProtocol::UDP => "1UDP",
            IpProtocol::SCTP => "2SCTP",
            IpProtocol::ICMP => "3ICMP",
            IpProtocol::ICMPV6 => "4ICMPv6",
            _ => "5Other",
        };
        *kinds.entry(kind).or_insert(0_u64) += 1;
        if let ProtocolState::Tcp([orig, reply]) = view.state {
            *states.entry(orig.state.max(reply.state)).or_insert(0_u64) += 1;
        }
    });
    let mut text = format!("Connections Stats:\n    Total: {total}\n");
    for (kind, count) in kinds {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {}: {count}", &kind[1..]);
        if more && kind == "0TCP" {
            text.push_str("    Conn per TCP states:\n");
            for (state, count) in &states {
                let _ = writeln!(text, "\t  [{}]={count}", state.name());
            }
        }
    }
    Ok(text)
}

/// `dpctl/ct-get-maxconns`.
pub fn get_maxconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 1, |conntrack, _| Ok(format!("{}\n", conntrack.max_connections())))
}

/// `dpctl/ct-get-nconns`.
pub fn get_nconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 1, |conntrack, _| Ok(format!("{}\n", conntrack.len())))
}

/// `dpctl/ct-set-maxconns`.
pub fn set_maxconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 2, |conntrack, args| {
        let number = args.first().copied().and_then(scan);
        conntrack.set_max_connections(number.ok_or_else(|| "maxconns missing or malformed".to_owned())?);
        Ok("setting maxconns successful\n".to_owned())
    })
}

/// `dpctl/ct-get-sweep-interval`.
pub fn get_sweep(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 1, |conntrack, _| Ok(format!("{}\n", conntrack.sweep_interval())))
}

/// `dpctl/ct-set-sweep-interval`.
pub fn set_sweep(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 2, |conntrack, args| {
        let number = args.first().copied().and_then(number);
        conntrack.set_sweep_interval(number.ok_or_else(|| "invalid sweep value".to_owned())?);
        Ok("setting sweep interval successful\n".to_owned())
    })
}

/// `dpctl/ct-get-tcp-seq-chk`.
pub fn get_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 1, |conntrack, _| {
        let state = if conntrack.tcp_sequence_check() { "enabled" } else { "disabled" };
        Ok(format!("TCP sequence checking: {state}\n"))
    })
}

/// `dpctl/ct-enable-tcp-seq-chk`.
pub fn enable_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, usize::MAX, |conntrack, _| {
        conntrack.set_tcp_sequence_check(true);
        Ok("enabling TCP sequence checking successful".to_owned())
    })
}

/// `dpctl/ct-disable-tcp-seq-chk`.
pub fn disable_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, usize::MAX, |conntrack, _| {
        conntrack.set_tcp_sequence_check(false);
        Ok("disabling TCP sequence checking successful".to_owned())
    })
}

fn with(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    from: usize,
    run: impl FnOnce(&Conntrack, &[&str]) -> Result<String, String>,
) -> Answer {
    told(tracker(switchd, request, from).and_then(|(conntrack, args)| {
        run(&conntrack, &args.rest).map_err(|error| invalid(&switchd.program.name, error))
    }))
}

/// The zones of `zone=N1,N2…`.
fn zones(arg: &str) -> Result<Vec<u16>, String> {
    let list = arg.strip_prefix("zone=").ok_or_else(|| format!("invalid argument {arg}"))?;
    let numbers = list.split(',').filter(|number| !number.is_empty());
    let zones = numbers.map(|number| scan(number).map(|zone| zone as u16)).collect::<Option<Vec<u16>>>();
    zones.filter(|zones| !zones.is_empty()).ok_or_else(|| "invalid zone".to_owned())
}

/// `dpctl/ct-get-limits`.
pub fn get_limits(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, 2, |conntrack, args| {
        let limits = match args.first() {
            None => conntrack.limits(),
            Some(arg) => zones(arg)?.into_iter().map(|zone| conntrack.limit(zone)).collect(),
        };
        let mut text = format!("default limit={}\n", conntrack.default_limit());
        for limit in limits {
            // Writing to a string does not fail.
            let _ = writeln!(text, "zone={},limit={},count={}", limit.zone, limit.limit, limit.count);
        }
        Ok(text)
    })
}

/// Zone and limit of `zone=N,limit=L`.
fn zone_limit(text: &str) -> Result<(u16, u32), String> {
    let (mut zone, mut limit) = (None, None);
    for member in text.split(',').filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        let wrong = || format!("failed to parse field {name}");
        match name {
            _ if value.is_empty() => return Err(format!("field {name} missing value")),
            "zone" => zone = Some(number(value).and_then(|zone| zone.try_into().ok()).ok_or_else(wrong)?),
            "limit" => limit = Some(number(value).ok_or_else(wrong)?),
            _ => return Err(format!("invalid zone limit field: {name}")),
        }
    }
    zone.zip(limit).ok_or_else(|| "failed to parse zone limit".to_owned())
}

/// `dpctl/ct-set-limits`.
pub fn set_limits(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, usize::MAX, |conntrack, args| {
        let (default, rest) = match args {
            [first, rest @ ..] if first.starts_with("default=") => {
                let limit = first.strip_prefix("default=").and_then(scan);
                (Some(limit.ok_or_else(|| "invalid default limit".to_owned())?), rest)
            }
            _ => (None, args),
        };
        let limits = rest.iter().map(|text| zone_limit(text)).collect::<Result<Vec<_>, String>>()?;
        if let Some(limit) = default {
            conntrack.set_default_limit(limit);
        }
        for (zone, limit) in limits {
            conntrack.set_limit(zone, limit);
        }
        Ok(String::new())
    })
}

/// `dpctl/ct-del-limits`.
pub fn del_limits(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    // Up to 3.1 there was one argument beside the datapath, and the default could not be taken away.
    let most = if request.args.iter().any(|arg| arg == "default") { 3 } else { 2 };
    with(switchd, request, most, |conntrack, args| {
        let (default, rest) = match args {
            ["default", rest @ ..] => (true, rest),
            _ => (false, args),
        };
        let zones = match rest.first() {
            Some(arg) => zones(arg)?,
            None if default => Vec::new(),
            None => return Err("invalid argument".to_owned()),
        };
        if default {
            conntrack.set_default_limit(0);
        }
        for zone in zones {
            conntrack.remove_limit(zone);
        }
        Ok(String::new())
    })
}
