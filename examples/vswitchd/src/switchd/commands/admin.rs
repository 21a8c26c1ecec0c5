//! The rest of `dpctl/…`: what it can do, actions as text, caches, and what is not done behind the bridges' back.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_dpif::text::{DisplayActions, parse_actions};
use ovs_flow::text::NoNames;

use super::super::Vswitchd;
use super::datapath::choose;
use super::dpctl::invalid;
use super::{Answer, COMMANDS, Command, done, fail, told};

/// `dpctl/list-commands`.
pub fn list_commands(_switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut text = String::from("The available commands are:\n");
    for (name, usage, ..) in COMMANDS.iter().filter(|(name, ..)| name.starts_with("dpctl/")) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name:<28}  {usage}");
    }
    done(text)
}

/// `dpctl/parse-actions`: each list of actions as it would be printed.
pub fn parse(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let mut text = String::new();
    for list in &request.args {
        let Ok(actions) = parse_actions(list, &NoNames) else {
            return fail(invalid(&switchd.program.name, "odp_actions_from_string"));
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", DisplayActions::new(&actions, &NoNames));
    }
    done(text)
}

/// The datapath of a command that asks it for what a userspace datapath has not.
fn with_datapath(
    switchd: &mut Vswitchd,
    request: &Request<Command>,
    answer: impl FnOnce(&str, String) -> Result<String, String>,
) -> Answer {
    let program = switchd.program.name.clone();
    let name = request.args.first().map(String::as_str);
    let datapath = choose(switchd, name).map(|datapath| super::datapath::full_name(datapath));
    told(match (datapath, name) {
        (Ok(datapath), _) => answer(&program, datapath),
        (Err(_), Some(name)) => Err(format!("{program}: Opening datapath {name} failed (No such device)")),
        (Err(error), None) => Err(error),
    })
}

/// `dpctl/cache-get-size`: a userspace datapath's caches are not these.
pub fn cache_get_size(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with_datapath(switchd, request, |_, datapath| Ok(format!("{datapath}:\n")))
}

/// `dpctl/cache-set-size`.
pub fn cache_set_size(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with_datapath(switchd, request, |program, _| {
        Err(format!("{program}: Setting caches not supported (Operation not supported)"))
    })
}

/// `dpctl/offload-stats-show`: as long as hardware does nothing.
pub fn offload_stats(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    with_datapath(switchd, request, |program, _| Err(invalid(program, "retrieving offload statistics")))
}

/// `dpctl/add-dp`, `add-if` and what takes away: ports and datapaths are those of bridges.
pub fn refuse(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    fail(format!(
        "{}: datapaths and their ports are made by bridges (Operation not supported)",
        switchd.program.name
    ))
}
