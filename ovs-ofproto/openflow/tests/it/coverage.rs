//! Together, the commands whose bytes are compared with those of `ovs-ofctl` have every action, instruction and field.

use std::collections::BTreeSet;

use ovs_openflow::Action;
use ovs_openflow::Message;
use ovs_openflow::ovs_flow::{Field, FlowKey};

use crate::capture::parse_command;

const FILES: [&str; 4] = [
    include_str!("flows/v10.txt"),
    include_str!("flows/nxm.txt"),
    include_str!("flows/v13.txt"),
    include_str!("flows/fields.txt"),
];

/// All actions and instructions, by the names of their variants.
const ACTIONS: &[&str] = &[
    "Output",
    "OutputReg",
    "OutputTruncated",
    "Bundle",
    "Controller",
    "Enqueue",
    "Group",
    "SetQueue",
    "PopQueue",
    "SetField",
    "Mod",
    "Move",
    "SetVlanVid",
    "SetVlanPcp",
    "PopVlan",
    "PushVlan",
    "PushMpls",
    "PopMpls",
    "SetMplsLabel",
    "SetMplsTc",
    "SetMplsTtl",
    "DecMplsTtl",
    "DecTtl",
    "SetTunnel",
    "Resubmit",
    "Ct",
    "CtClear",
    "Nat",
    "Learn",
    "Clone",
    "Conjunction",
    "Multipath",
    "Sample",
    "Encap",
    "Decap",
    "DecNshTtl",
    "CheckPktLarger",
    "DeleteField",
    "StackPush",
    "StackPop",
    "Note",
    "Exit",
    "FinTimeout",
    "Meter",
    "ClearActions",
    "WriteActions",
    "WriteMetadata",
    "GotoTable",
];

/// The names of all actions in the text that `Debug` makes of a list, those inside of others too.
fn names(actions: &[Action], seen: &mut BTreeSet<String>) {
    let text = format!("{actions:?}");
    seen.extend(text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned));
}

/// Fields of which the original sends the value as the mask, too, so that its bytes are not those of what was said.
const MISSENT: [&str; 3] = ["tun_erspan_ver", "tun_erspan_dir", "tun_erspan_hwid"];

/// Whether a match can say anything of a field on the wire: what only the pipeline has is left out, registers that the
/// distribution's release does not have yet, and tunnel options, whose lengths are those of a table in the switch.
fn is_sent(field: Field) -> bool {
    let name = field.name();
    let number = |prefix: &str| name.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
    let newer = number("reg").is_some_and(|n| n > 15)
        || number("xreg").is_some_and(|n| n > 7)
        || number("xxreg").is_some_and(|n| n > 3);
    let sent = field.facts().headers.iter().any(Option::is_some);
    sent && !newer && !name.starts_with("tun_metadata") && !MISSENT.contains(&name)
}

#[test]
fn commands_have_every_action_and_field() {
    let (mut seen, mut mask, mut count) = (BTreeSet::new(), FlowKey::default(), 0);
    // Lines of the last one begin with the versions that they are of.
    let actions = include_str!("flows/actions.txt").lines().filter_map(|line| line.splitn(3, ' ').nth(2));
    let actions = actions.filter(|line| line.contains("actions="));
    let lines = FILES.iter().flat_map(|file| file.lines()).chain(actions);
    for line in lines.filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let Message::FlowMod(flow) = parse_command(line) else { panic!("{line}") };
        names(&flow.actions, &mut seen);
        for (all, bits) in mask.words_mut().iter_mut().zip(flow.matching.mask.words()) {
            *all |= bits;
        }
        count += 1;
    }
    let missing: Vec<&str> = ACTIONS.iter().copied().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no command has {missing:?}");
    let matched = |field: &Field| field.get(&mask) != 0;
    let missing: Vec<&str> =
        Field::all().filter(|field| is_sent(*field) && !matched(field)).map(Field::name).collect();
    assert!(missing.is_empty(), "no command matches {missing:?}");
    assert!(count >= 500, "{count} commands");
}
