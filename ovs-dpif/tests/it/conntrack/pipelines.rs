//! What is done with packets, as OpenFlow for the peer and as datapath actions for us.
//!
//! A frame's Ethernet destination says by its third byte from the end which pipeline it takes, and by the last two its
//! zone. A packet leaves by the other port, and takes along in its Ethernet source what the tracker says of it.

use std::fmt::Write as _;

use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_flow::{CtState, DpPort, FlowKey};
use ovs_dpif::text::parse_actions;
use ovs_dpif::{Action, Masked, SetField};

/// Who a rule is for.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Port of entry; 0 for any.
    port: u32,
    /// The state that it wants.
    new: Option<bool>,
    /// It is for what was announced.
    related: bool,
    /// What stands in `ct(…)`, in a datapath action and in OpenFlow.
    ct: [&'static str; 2],
}

const fn rule(port: u32, ct: &'static str) -> Rule {
    Rule { port, new: None, related: false, ct: [ct, ct] }
}

const fn new(port: u32, ct: &'static str) -> Rule {
    Rule { port, new: Some(true), related: false, ct: [ct, ct] }
}

const fn related(port: u32, ct: &'static str) -> Rule {
    Rule { port, new: None, related: true, ct: [ct, ct] }
}

const fn helped(ct: &'static str, of: &'static str) -> Rule {
    Rule { port: 1, new: Some(true), related: false, ct: [ct, of] }
}

/// Stages, each with its rules; a packet that no rule is for goes out.
pub const PIPELINES: &[&[&[Rule]]] = &[
    // Looks, and remembers what is new from the first port.
    &[&[rule(0, "")], &[new(1, "commit")]],
    // Remembers everything.
    &[&[rule(0, "commit")]],
    // A mark and a label for what is new.
    &[
        &[rule(0, "")],
        &[Rule {
            port: 0,
            new: Some(true),
            related: false,
            ct: [
                "commit,mark=0x7/0xff,label=0x1234/0xffff",
                "commit,exec(set_field:0x7/0xff->ct_mark,set_field:0x1234/0xffff->ct_label)",
            ],
        }],
    ],
    // Another source.
    &[&[rule(1, "commit,nat(src=10.9.0.1)"), rule(2, "nat")]],
    // Another source, and one port for all.
    &[&[rule(1, "commit,nat(src=10.9.0.1:5000)"), rule(2, "nat")]],
    // Another destination.
    &[&[rule(1, "commit,nat(dst=10.9.0.2)"), rule(2, "nat")]],
    // Another destination and port.
    &[&[rule(1, "commit,nat(dst=10.9.0.2:8080)"), rule(2, "nat")]],
    // First what is known, then what is new: the way of routers.
    &[&[rule(0, "nat")], &[new(1, "commit,nat(src=10.9.0.1)")]],
    &[&[rule(0, "nat")], &[new(1, "commit,nat(dst=10.9.0.2:8080)"), new(2, "commit")]],
    // The other side may begin anew.
    &[
        &[rule(0, "")],
        &[
            Rule { port: 2, new: None, related: false, ct: ["force_commit", "commit,force"] },
            new(1, "commit"),
        ],
    ],
    // No address given.
    &[&[rule(1, "commit,nat(src=0.0.0.0)"), rule(2, "commit,nat(dst=10.9.0.2)")]],
    // Version 6.
    &[&[rule(1, "commit,nat(src=fd00::9)"), rule(2, "nat")]],
    &[&[rule(1, "commit,nat(dst=fd00::9)"), rule(2, "nat")]],
    // Through the tracker three times. (`commit,nat` without an address gives the original of 3.1 connections that are answered
    // from address and port zero, and us ones that are not translated.)
    &[&[rule(0, "nat")], &[rule(0, "commit")], &[rule(0, "")]],
    // Helpers. (Announcements of FTP are not translated: packets of the original's dummy devices have no room for a longer
    // address, and it leaves them as they are. Real clients and servers go through translation in the tests of `vswitchd`.)
    &[&[rule(0, "")], &[helped("commit,helper=ftp", "commit,alg=ftp"), new(2, "commit")]],
    &[&[rule(0, "")], &[helped("commit,helper=tftp", "commit,alg=tftp"), new(2, "commit")]],
    &[
        &[rule(0, "nat")],
        &[
            related(0, "commit,nat"),
            helped("commit,helper=tftp,nat(src=10.99.10.111)", "commit,alg=tftp,nat(src=10.99.10.111)"),
            new(2, "commit"),
        ],
    ],
];

/// Whether a pipeline is for packets of this version; all others are for both.
pub fn version(pipeline: usize) -> Option<bool> {
    let text = PIPELINES[pipeline].iter().flat_map(|stage| stage.iter()).map(|rule| rule.ct[0]);
    let text: String = text.collect();
    match (text.contains("fd00"), text.contains("10.9")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// The helper of a pipeline's connections.
pub fn helper(pipeline: usize) -> Option<&'static str> {
    let text = PIPELINES[pipeline].iter().flat_map(|stage| stage.iter()).map(|rule| rule.ct[0]);
    text.filter_map(|text| text.split_once("helper=")).find_map(|(_, rest)| rest.split(',').next())
}

/// Whether a pipeline translates.
pub fn translates(pipeline: usize) -> bool {
    PIPELINES[pipeline].iter().flat_map(|stage| stage.iter()).any(|rule| rule.ct[0].contains("nat("))
}

/// The flows of all pipelines.
pub fn openflow() -> String {
    let mut flows = String::new();
    let out = "move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_SRC[0..7],move:NXM_NX_CT_MARK[0..7]->NXM_OF_ETH_SRC[8..15],\
               move:NXM_NX_CT_LABEL[0..7]->NXM_OF_ETH_SRC[16..23]";
    for (number, stages) in PIPELINES.iter().enumerate() {
        let base = format!("dl_dst=02:00:00:{number:02x}:00:00/ff:ff:ff:ff:00:00");
        let first = number * 4;
        writeln!(flows, "table=0,priority=5,{base},actions=resubmit(,{})", first + 10).unwrap();
        for (stage, rules) in stages.iter().enumerate() {
            for rule in *rules {
                // OpenFlow wants to know the protocol that is helped.
                let protocols = match rule.ct[1] {
                    ct if ct.contains("alg=ftp") => ["tcp", "tcp6"],
                    ct if ct.contains("alg=tftp") => ["udp", "udp6"],
                    _ => ["ip", "ipv6"],
                };
                for protocol in protocols {
                    let port = if rule.port == 0 { String::new() } else { format!(",in_port={}", rule.port) };
                    let state = match (rule.new, rule.related) {
                        (_, true) => ",ct_state=+new+rel",
                        (Some(_), _) => ",ct_state=+new",
                        (None, _) => "",
                    };
                    let priority = if rule.related { 6 } else { 5 };
                    let comma = if rule.ct[1].is_empty() { "" } else { "," };
                    writeln!(
                        flows,
                        "table={},priority={priority},{protocol}{port}{state},actions=move:NXM_OF_ETH_DST[0..15]->NXM_NX_REG0[0..15],\
                         ct({}{comma}zone=NXM_NX_REG0[0..15],table={})",
                        first + 10 + stage,
                        rule.ct[1],
                        first + 11 + stage,
                    )
                    .unwrap();
                }
            }
        }
        for stage in 0..=stages.len() {
            for port in [1, 2] {
                writeln!(
                    flows,
                    "table={},priority=1,in_port={port},actions={out},output:{}",
                    first + 10 + stage,
                    3 - port
                )
                .unwrap();
            }
        }
    }
    flows
}

/// What a packet's key leads to, here.
pub fn actions(key: &FlowKey) -> Vec<Action> {
    let number = usize::from(key.dl_dst[3]);
    let zone = u16::from_be_bytes([key.dl_dst[4], key.dl_dst[5]]);
    let stage = key.recirc_id as usize;
    let rules = PIPELINES[number].get(stage).copied().unwrap_or_default();
    let state = CtState::from_bits_retain(key.ct_state);
    let is_new = state.contains(CtState::NEW);
    let rule = rules.iter().find(|rule| {
        let ip = matches!(key.dl_type.get(), 0x0800 | 0x86dd);
        let related = !rule.related || state.contains(CtState::NEW | CtState::REL);
        let helped = match rule.ct[0] {
            ct if ct.contains("=ftp") => key.nw_proto == 6,
            ct if ct.contains("=tftp") => key.nw_proto == 17,
            _ => true,
        };
        ip && related
            && helped
            && (rule.port == 0 || rule.port == key.in_port)
            && rule.new.is_none_or(|new| new == is_new)
    });
    if let Some(rule) = rule {
        let comma = if rule.ct[0].is_empty() { "" } else { "," };
        let text = format!("ct({}{comma}zone={zone}),recirc({})", rule.ct[0], stage + 1);
        return parse_actions(&text, &NoNames).unwrap();
    }
    let src = [0, 0, 0, key.ct_label[15], key.ct_mark as u8, key.ct_state];
    let src = Masked::new(src, [0, 0, 0, 0xff, 0xff, 0xff]);
    let out = Action::Set(SetField::Ethernet { src, dst: Masked::NONE });
    vec![out, Action::Output(DpPort(3 - key.in_port))]
}
