//! The connection tracker: `dpctl/dump-conntrack`, `flush-conntrack`, `ct-…`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::ParseIntError;

use ovs_db::unixctl::Request;
use ovs_dpif::conntrack::{ConnectionView, Conntrack, CtCursor, CtFilter, ProtocolState};
use ovs_dpif::text::{DisplayConnection, parse_tuple};
use ovs_packet::wire::IpProtocol;

use super::super::Vswitchd;
use super::datapath::choose;
use super::{Answer, Command, done, fail};

/// The tracker of the datapath that the arguments name or of the only one, and the other arguments.
fn tracker<'a>(
    switchd: &mut Vswitchd,
    args: &'a [String],
    is_name: impl Fn(&str) -> bool,
) -> Result<(Conntrack, Vec<&'a str>), String> {
    let (mut named, mut rest) = (None, Vec::new());
    for arg in args {
        if named.is_none() && rest.iter().all(|arg: &&str| arg.starts_with('-')) && is_name(arg) {
            named = Some(arg.as_str());
        } else {
            rest.push(arg.as_str());
        }
    }
    let program = switchd.program.name.clone();
    let datapath = choose(switchd, named)?;
    let conntrack = datapath.switch.dpif().conntrack().cloned();
    conntrack
        .map(|conntrack| (conntrack, rest))
        .ok_or_else(|| format!("{program}: not supported (Operation not supported)"))
}

/// A name is what has no equals sign, is no option and no number.
fn plain(arg: &str) -> bool {
    !arg.starts_with('-') && !arg.contains('=') && arg.parse::<u64>().is_err() && arg != "verbose"
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

/// The zone of `zone=N`; an error if that is no number. `None` if it is another argument.
fn zone(arg: &str) -> Option<Result<u16, ParseIntError>> {
    arg.strip_prefix("zone=").map(str::parse)
}

/// `dpctl/dump-conntrack`.
pub fn dump(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (conntrack, rest) = match tracker(switchd, &request.args, plain) {
        Ok(found) => found,
        Err(error) => return fail(error),
    };
    let (mut more, mut times, mut filter) = (false, false, CtFilter::default());
    for arg in rest {
        match (arg, zone(arg)) {
            ("-m" | "--more", _) => more = true,
            ("-s" | "--statistics", _) => times = true,
            (_, Some(Ok(number))) => filter.zone = Some(number),
            _ => return fail(format!("{}: failed to parse {arg} (Invalid argument)", switchd.program.name)),
        }
    }
    let mut text = String::new();
    each(&conntrack, switchd, &filter, |view| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", DisplayConnection { view, more, times });
    });
    done(text)
}

/// `dpctl/flush-conntrack`.
pub fn flush(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (conntrack, rest) = match tracker(switchd, &request.args, plain) {
        Ok(found) => found,
        Err(error) => return fail(error),
    };
    let program = switchd.program.name.clone();
    let (mut filter, mut tuples) = (CtFilter::default(), Vec::new());
    for arg in rest {
        match zone(arg) {
            Some(Ok(number)) => filter.zone = Some(number),
            Some(Err(_)) => return fail(format!("{program}: failed to parse zone (Invalid argument)")),
            None => match parse_tuple(arg) {
                Some(tuple) => tuples.push(tuple),
                None => return fail(format!("{program}: failed to parse {arg} (Invalid argument)")),
            },
        }
    }
    if tuples.len() > 2 {
        return fail(format!("{program}: invalid arguments (Invalid argument)"));
    }
    let mut tuples = tuples.into_iter();
    filter.orig = tuples.next().unwrap_or_default();
    filter.reply = tuples.next().unwrap_or_default();
    let mut cursor = CtCursor::default();
    while conntrack.flush(&mut cursor, &filter) {}
    done("")
}

/// `dpctl/ct-stats-show`.
pub fn stats(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (conntrack, rest) = match tracker(switchd, &request.args, plain) {
        Ok(found) => found,
        Err(error) => return fail(error),
    };
    let (mut more, mut filter) = (false, CtFilter::default());
    for arg in rest {
        match zone(arg) {
            Some(Ok(number)) => filter.zone = Some(number),
            _ => more |= matches!(arg, "-m" | "--more" | "verbose"),
        }
    }
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
    done(text)
}

/// Commands that ask for or set one number.
pub fn get_maxconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, _| Ok(format!("{}\n", conntrack.max_connections())))
}

/// `dpctl/ct-get-nconns`.
pub fn get_nconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, _| Ok(format!("{}\n", conntrack.len())))
}

/// `dpctl/ct-set-maxconns`.
pub fn set_maxconns(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, args| {
        let number = args.last().and_then(|arg| arg.parse().ok()).ok_or("maxconns missing or malformed")?;
        conntrack.set_max_connections(number);
        Ok("setting maxconns successful\n".to_owned())
    })
}

/// `dpctl/ct-get-tcp-seq-chk`.
pub fn get_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, _| {
        let state = if conntrack.tcp_sequence_check() { "enabled" } else { "disabled" };
        Ok(format!("TCP sequence checking: {state}\n"))
    })
}

/// `dpctl/ct-enable-tcp-seq-chk`.
pub fn enable_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, _| {
        conntrack.set_tcp_sequence_check(true);
        Ok("enabling TCP sequence checking successful".to_owned())
    })
}

/// `dpctl/ct-disable-tcp-seq-chk`.
pub fn disable_check(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, _| {
        conntrack.set_tcp_sequence_check(false);
        Ok("disabling TCP sequence checking successful".to_owned())
    })
}

fn with(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    run: impl FnOnce(&Conntrack, &[&str]) -> Result<String, &'static str>,
) -> Answer {
    let program = switchd.program.name.clone();
    match tracker(switchd, &request.args, plain) {
        Ok((conntrack, args)) => match run(&conntrack, &args) {
            Ok(text) => done(text),
            Err(error) => fail(format!("{program}: {error} (Invalid argument)")),
        },
        Err(error) => fail(error),
    }
}

/// The zones of `zone=N1,N2…`.
fn zones(arg: &str) -> Option<Vec<u16>> {
    arg.strip_prefix("zone=")?.split(',').map(|number| number.parse().ok()).collect()
}

/// `dpctl/ct-get-limits`.
pub fn get_limits(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, args| {
        let limits = match args.first() {
            None => conntrack.limits(),
            Some(arg) => {
                let zones = zones(arg).ok_or("failed to parse zone")?;
                zones.into_iter().map(|zone| conntrack.limit(zone)).collect()
            }
        };
        let mut text = format!("default limit={}\n", conntrack.default_limit());
        for limit in limits {
            // Writing to a string does not fail.
            let _ = writeln!(text, "zone={},limit={},count={}", limit.zone, limit.limit, limit.count);
        }
        Ok(text)
    })
}

/// `dpctl/ct-set-limits`.
pub fn set_limits(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with(switchd, request, |conntrack, args| {
        let (mut default, mut limits) = (None, Vec::new());
        for arg in args {
            if let Some(number) = arg.strip_prefix("default=") {
                default = Some(number.parse().map_err(|_| "invalid default limit")?);
                continue;
            }
            let zone = arg.strip_prefix("zone=").and_then(|rest| rest.split_once(",limit="));
            let (zone, limit) = zone.ok_or("invalid zone limit")?;
            let parsed = zone.parse().ok().zip(limit.parse().ok());
            limits.push(parsed.ok_or("invalid zone limit")?);
        }
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
    with(switchd, request, |conntrack, args| {
        let zones = args.last().and_then(|arg| zones(arg)).ok_or("failed to parse zone")?;
        for zone in zones {
            conntrack.remove_limit(zone);
        }
        Ok(String::new())
    })
}
