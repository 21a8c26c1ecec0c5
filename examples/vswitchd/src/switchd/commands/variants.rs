//! Which code of several does a piece of the userspace datapath's work: `dpif-netdev/{dpif-impl,miniflow-parser,
//! subtable-lookup}-…`, `odp-execute/action-impl-…`.
//!
//! This datapath has one form of each, under the name that the original's portable form has. What the original calls a
//! validator runs all forms and compares: of one there is nothing to compare, so choosing it changes no packet's way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ovs_db::unixctl::Request;

use super::super::Vswitchd;
use super::dpctl::scan;
use super::pmd::workers;
use super::{Answer, Command, done, fail, told};

/// What was chosen.
#[derive(Debug)]
pub struct Variants {
    /// Priorities of [`LOOKUPS`].
    lookups: [u8; 2],
    /// Which of [`PARSERS`] all cores use, and those that were told otherwise.
    parser: usize,
    parsers: BTreeMap<usize, usize>,
    /// Which of [`ACTIONS`].
    actions: usize,
}

impl Default for Variants {
    fn default() -> Self {
        Self { lookups: [0, 1], parser: 1, parsers: BTreeMap::new(), actions: 0 }
    }
}

const DATAPATH: &str = "dpif_scalar";
const LOOKUPS: [&str; 2] = ["autovalidator", "generic"];
const PARSERS: [&str; 3] = ["autovalidator", "scalar", "study"];
const ACTIONS: [&str; 2] = ["scalar", "autovalidator"];
/// Packets that are studied unless it is said how many.
const STUDIED: u32 = 128;

/// The cores of all polling workers.
fn cores(switchd: &Vswitchd) -> Vec<usize> {
    let all = switchd.datapaths.values().flat_map(|datapath| workers(datapath, None));
    let mut cores: Vec<usize> = all.filter_map(|(_, core)| core.map(|core| core.number)).collect();
    cores.sort_unstable();
    cores
}

/// `pmds: …`, of the cores that use something.
fn pmds(cores: impl Iterator<Item = usize>) -> String {
    let list: Vec<String> = cores.map(|core| core.to_string()).collect();
    if list.is_empty() { "pmds: none".to_owned() } else { format!("pmds: {}", list.join(",")) }
}

/// `dpif-netdev/dpif-impl-get`.
pub fn datapath_get(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let pmds = pmds(cores(switchd).into_iter());
    done(format!("Available DPIF implementations:\n  {DATAPATH} ({pmds})\n"))
}

/// `dpif-netdev/dpif-impl-set`.
pub fn datapath_set(_switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    match request.args.first().map(String::as_str) {
        Some(DATAPATH) => done(format!("DPIF implementation set to {DATAPATH}.\n")),
        other => {
            let name = other.unwrap_or_default();
            fail(format!("DPIF implementation not available: Unknown DPIF implementation {name}.\n"))
        }
    }
}

/// `dpif-netdev/subtable-lookup-info-get`.
pub fn lookup_get(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let tables: u64 = switchd.datapaths.values().map(|datapath| datapath.switch.dpif().stats().masks).sum();
    let [validator, generic] = switchd.variants.lookups;
    let used = [if validator > generic { tables } else { 0 }, if validator > generic { 0 } else { tables }];
    let mut text = String::from("Available dpcls implementations:\n");
    for ((name, used), priority) in LOOKUPS.iter().zip(used).zip(switchd.variants.lookups) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name} (Use count: {used}, Priority: {priority})");
    }
    done(text)
}

/// `dpif-netdev/subtable-lookup-prio-set`.
pub fn lookup_set(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let [name, priority] = request.args.as_slice() else {
        return fail("error, subtable lookup function not found");
    };
    let Ok(priority) = u8::try_from(scan(priority).unwrap_or(0)) else {
        return fail("error converting priority, use integer in range 0-255\n");
    };
    let Some(at) = LOOKUPS.iter().position(|lookup| lookup == name) else {
        return fail("error, subtable lookup function not found\n");
    };
    switchd.variants.lookups[at] = priority;
    done("Lookup priority change affected 0 dpcls ports and 0 subtables.\n")
}

/// `dpif-netdev/miniflow-parser-get`.
pub fn parser_get(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let cores = cores(switchd);
    let variants = &switchd.variants;
    let mut text = String::from("Available MFEX implementations:\n");
    for (index, name) in PARSERS.iter().enumerate() {
        let own = |core: &usize| variants.parsers.get(core).copied().unwrap_or(variants.parser) == index;
        let pmds = pmds(cores.iter().copied().filter(own));
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name} (available: True {pmds})");
    }
    done(text)
}

/// `dpif-netdev/miniflow-parser-set`.
pub fn parser_set(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    told(try_parser_set(switchd, &request.args).map_err(|error| format!("Error: {error}.\n")))
}

fn try_parser_set(switchd: &mut Vswitchd, args: &[String]) -> Result<String, String> {
    let mut args = args.iter().map(String::as_str);
    let mut name = args.next().unwrap_or_default();
    let mut core = None;
    if name == "-pmd" {
        let text = args.next().ok_or("-pmd option requires a thread id argument")?;
        let number = text.parse::<usize>().map_err(|_| {
            format!(
                "miniflow extract parser not changed, PMD thread passed is not valid: '{text}'. Pass a valid pmd thread ID"
            )
        })?;
        core = Some(number);
        name = args.next().unwrap_or_default();
    }
    let mut studied = STUDIED;
    if let Some(text) = args.next() {
        if name != "study" {
            return Err(format!("unknown argument {text}"));
        }
        let count = text.parse().ok().filter(|count| *count > 0);
        studied = count.ok_or_else(|| format!("invalid study_pkt_cnt value: {text}"))?;
    }
    if let Some(text) = args.next() {
        return Err(format!("unknown argument {text}"));
    }
    let at = PARSERS.iter().position(|parser| *parser == name);
    let at = at.ok_or_else(|| format!("unknown miniflow extract implementation {name}"))?;
    let mut text = format!("Miniflow extract implementation set to {name}");
    if let Some(core) = core {
        if !cores(switchd).contains(&core) {
            return Err(format!(
                "miniflow extract parser not changed, PMD thread {core} not in use, pass a valid pmd thread ID"
            ));
        }
        switchd.variants.parsers.insert(core, at);
        // Writing to a string does not fail.
        let _ = write!(text, ", on pmd thread {core}");
    } else {
        switchd.variants.parser = at;
        switchd.variants.parsers.clear();
    }
    if name == "study" {
        // Writing to a string does not fail.
        let _ = write!(text, ", studying {studied} packets");
    }
    Ok(text + ".\n")
}

/// `odp-execute/action-impl-show`.
pub fn actions_show(switchd: &mut Vswitchd, _request: &Request<Command>) -> Answer {
    let mut text = String::from("Available Actions implementations:\n");
    for (index, name) in ACTIONS.iter().enumerate() {
        let active = if index == switchd.variants.actions { "Yes" } else { "No" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name} (available: Yes, active: {active})");
    }
    done(text)
}

/// `odp-execute/action-impl-set`.
pub fn actions_set(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let name = request.args.first().map(String::as_str).unwrap_or_default();
    match ACTIONS.iter().position(|action| *action == name) {
        Some(at) => {
            switchd.variants.actions = at;
            done(format!("Action implementation set to {name}.\n"))
        }
        None => fail(format!("Error: unknown action implementation, {name}, specified!\n")),
    }
}
