//! Sessions of forwarding detection: `bfd/show`, `bfd/set-forwarding`.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::{Answer, Command, done, fail};

/// `bfd/show [INTERFACE]`.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let now = switchd.clock.now();
    let mut sessions = switchd.datapaths.values().flat_map(|datapath| datapath.switch.bfd_sessions());
    if let Some(wanted) = request.args.first() {
        return match sessions.find(|(name, _)| name == wanted) {
            Some((_, session)) => done(session.show(now)),
            None => fail("no such bfd object"),
        };
    }
    let mut text = String::new();
    for (name, session) in sessions {
        // Writing to a string does not fail.
        let _ = write!(text, "---- {name} ----\n{}", session.show(now));
    }
    done(text)
}

/// `bfd/set-forwarding [INTERFACE] normal|false|true`.
pub fn set_forwarding(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let (interface, state) = match &request.args[..] {
        [state] => (None, state),
        [interface, state, ..] => (Some(interface.as_str()), state),
        [] => return fail("unknown fault string"),
    };
    let forwarding = match state.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        "normal" => None,
        _ => return fail("unknown fault string"),
    };
    let (now, mut found) = (switchd.clock.now(), interface.is_none());
    for datapath in switchd.datapaths.values_mut() {
        found |= datapath.switch.force_bfd(interface, forwarding, now);
    }
    switchd.settle();
    if found { done("OK") } else { fail("no such BFD object") }
}
