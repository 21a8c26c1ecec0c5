//! Datapath syntax against the distribution's switch: what it accepts, refuses and prints.

use std::collections::BTreeMap;

use ovs_flow::text::{DpDisplay, DpParseError, DpPortNames, NoNames, parse_dp_flow};
use ovs_flow::{DpPort, FlowMask, FragKind, TunnelFlags};

use crate::extract::key_of;
use crate::generate::{Rng, packet};
use crate::switch::Switch;

const DATAPATH: &str = "dummy@ovs-dummy";

/// Ports as the switch names them.
struct Names;

impl DpPortNames for Names {
    fn name(&self, port: DpPort) -> Option<&str> {
        Some(match port.0 {
            0 => "ovs-dummy",
            1 => "p1",
            2 => "p2",
            3 => "p3",
            100 => "br0",
            _ => return None,
        })
    }

    fn number(&self, name: &str) -> Option<DpPort> {
        [0, 1, 2, 3, 100].map(DpPort).into_iter().find(|port| self.name(*port) == Some(name))
    }
}

/// Why the original refuses a text: nothing if it does not; what its parser says; or its table.
enum Refused {
    No,
    Syntax(String),
    Table,
}

/// Adds flows, each with a recirculation identifier of its own from `base` on, and gives what both forms of the dump print
/// for each.
fn put(switch: &Switch, base: usize, flows: &[String]) -> (Vec<Refused>, BTreeMap<usize, [String; 2]>) {
    let refused = flows.iter().enumerate().map(|(i, flow)| {
        let flow = format!("recirc_id({:#x}),{flow}", base + i);
        match switch.ask("dpctl/add-flow", &[DATAPATH, &flow, "2"]) {
            Ok(_) => Refused::No,
            Err(why) => match why.split_once("parsing flow key (") {
                Some((_, rest)) => {
                    Refused::Syntax(rest.split_once(") (Invalid").map_or(rest, |(s, _)| s).into())
                }
                None => Refused::Table,
            },
        }
    });
    let refused = refused.collect();
    let mut printed: BTreeMap<usize, [String; 2]> = BTreeMap::new();
    for (i, args) in [&[DATAPATH][..], &["-m", DATAPATH]].into_iter().enumerate() {
        let dump = switch.ask("dpctl/dump-flows", args).expect("a dump");
        for line in dump.lines() {
            let Some((_, id)) = line.split_once("recirc_id(0x") else { continue };
            let id = usize::from_str_radix(&id[..id.find(')').expect("whole")], 16).expect("a number");
            let flow = line.split(", packets:").next().unwrap_or(line);
            let flow =
                flow.split_once("ufid:").map_or(flow, |(_, rest)| rest.split_once(", ").expect("id").1);
            printed.entry(id).or_default()[i] = flow.into();
        }
    }
    (refused, printed)
}

/// Compares; gives how many flows the original took and how many it refused.
fn compare(switch: &Switch, base: usize, flows: &[String], lenient: bool) -> (usize, usize) {
    let (refused, printed) = put(switch, base, flows);
    let (mut wrong, mut taken, mut no) = (Vec::new(), 0, 0);
    for (i, flow) in flows.iter().enumerate() {
        let text = format!("recirc_id({:#x}),{flow}", base + i);
        let ours = parse_dp_flow(&text, &Names);
        match (&refused[i], ours) {
            (Refused::Syntax(theirs), Ok(_)) if !lenient => {
                wrong.push(format!("taken by us only: {flow}\n  {theirs}"));
            }
            (Refused::Syntax(theirs), Err(ours)) => {
                no += 1;
                if ours.to_string() != *theirs {
                    wrong.push(format!("{flow}\n  ours   {ours}\n  theirs {theirs}"));
                }
            }
            (Refused::Table, Err(DpParseError::Duplicate { .. })) => no += 1,
            (Refused::No | Refused::Table, Err(ours)) => {
                wrong.push(format!("refused by us only: {flow}\n  {ours}"));
            }
            (Refused::No, Ok((key, mask))) => {
                // Of a flow that was folded into another one nothing is printed.
                let Some(theirs) = printed.get(&(base + i)) else { continue };
                taken += 1;
                let plain = DpDisplay::masked(&key, &mask, &NoNames).to_string();
                let more = DpDisplay::masked(&key, &mask, &Names).verbose(true).to_string();
                for (ours, theirs) in [plain, more].iter().zip(theirs) {
                    if ours != theirs {
                        wrong.push(format!("{flow}\n  ours   {ours}\n  theirs {theirs}"));
                    }
                }
            }
            _ => {}
        }
    }
    switch.ask("dpctl/del-flows", &[DATAPATH]).expect("deleted");
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        flows.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    (taken, no)
}

#[test]
fn reads_and_prints_what_the_original_does() {
    let Some(switch) = Switch::start("dp_text") else { return };
    // Nobody shall take the flows away, which no packet has asked for.
    switch.ask("revalidator/pause", &[]).expect("paused");
    let inputs: Vec<_> = include_str!("data/dp_inputs.txt").lines().map(str::to_owned).collect();
    // What 3.1 prints of service headers, neighbour extensions and IPv6 connections it
    // cannot read again; we can.
    let (own, common): (Vec<_>, Vec<_>) = inputs
        .into_iter()
        .partition(|flow| ["nsh(", "nd_extensions(", "src_port"].iter().any(|name| flow.contains(name)));
    let (taken, refused) = compare(&switch, 1, &common, false);
    assert!(taken > 90 && refused > 30, "{taken} {refused}");
    compare(&switch, 1, &own, true);
    let mut rng = Rng(0x1357_9bdf_0246_8ace);
    let flows: Vec<_> = (0..1200).map(|_| random_flow(&mut rng)).collect();
    let (own, common): (Vec<_>, Vec<_>) =
        flows.into_iter().partition(|flow| ["nsh(", "src_port"].iter().any(|name| flow.contains(name)));
    let taken = compare(&switch, 1, &common, false).0 + compare(&switch, 1, &own, true).0;
    assert!(taken > 300, "{taken}");
    println!("{taken} random flows taken and printed alike");
}

/// A flow of a generated packet under a random mask, with metadata.
fn random_flow(rng: &mut Rng) -> String {
    let mut key = key_of(&packet(rng));
    let exact = FlowMask::for_packet(&key);
    let mut mask = exact;
    for word in mask.words_mut() {
        *word &= rng.pick(&[u64::MAX, u64::MAX, 0, rng.0]);
    }
    key.in_port = 1 + rng.below(3) as u32;
    mask.fields.in_port = u32::MAX;
    // The original's table takes these exactly, or not at all.
    mask.fields.dl_type = exact.fields.dl_type;
    mask.fields.nw_frag = exact.fields.nw_frag & (FragKind::ANY | FragKind::LATER).bits();
    mask.fields.nw_proto = exact.fields.nw_proto;
    mask.fields.vlans = exact.fields.vlans;
    mask.fields.mpls_lse = exact.fields.mpls_lse;
    if key.tp_dst.get() != 0 || key.nw_proto == 58 {
        mask.fields.tp_src = exact.fields.tp_src;
        mask.fields.tp_dst = exact.fields.tp_dst;
    }
    for value in [&mut key.skb_priority, &mut key.pkt_mark, &mut key.dp_hash, &mut key.ct_mark] {
        *value = rng.pick(&[0, 5, rng.0 as u32]);
    }
    key.ct_state = rng.pick(&[0, 0x21, 0x22, 0xa2]);
    key.ct_zone = rng.pick(&[0, 7]);
    key.ct_label[3] = rng.pick(&[0, 9]);
    if rng.chance(3) {
        tunnel(rng, &mut key, &mut mask);
    }
    key.recirc_id = 0;
    mask.fields.recirc_id = 0;
    let text = DpDisplay::masked(&key, &mask, &NoNames).verbose(true).to_string();
    // Each flow gets an identifier of its own.
    text.split("recirc_id(0/0),").collect()
}

fn tunnel(rng: &mut Rng, key: &mut ovs_flow::FlowKey, mask: &mut FlowMask) {
    let t = &mut key.tunnel;
    t.dst.set(rng.next() as u32 | 1);
    t.src.set(rng.pick(&[0, 0x0102_0304]));
    t.ttl = rng.next() as u8;
    t.tos = rng.pick(&[0, 4]);
    t.tp_dst.set(rng.pick(&[0, 4789, 6081]));
    t.flags = (rng.next() & 7) as u16;
    if rng.chance(2) {
        t.id.set(rng.next() >> rng.below(64));
        t.flags |= TunnelFlags::KEY.bits();
    }
    match rng.below(4) {
        0 => {
            t.gbp_id.set(rng.pick(&[0, 5, 0xffff]));
            t.gbp_flags = rng.pick(&[0, 8, 0x48]);
        }
        1 => {
            let data = rng.next().to_be_bytes();
            let mut options = vec![1, 2, 0x80, 1];
            options.extend(&data[..4]);
            options.extend([0, 3, 5, 2]);
            options.extend(data);
            options.extend([0, 4, 6, 0]);
            t.set_options(&options);
        }
        2 => (t.gtpu_flags, t.gtpu_msgtype) = (0x30, 255),
        _ => {}
    }
    mask.fields.tunnel = FlowMask::for_packet(key).fields.tunnel;
    let (ours, random) = (&mut mask.fields.tunnel, rng.next());
    if rng.chance(2) {
        ours.id.set(random);
        ours.src.set(random as u32);
        ours.tp_dst.set(random as u16);
        ours.metadata[4] = random as u8;
        ours.metadata[0] = rng.pick(&[0, 0xff]);
        ours.gbp_id.set(rng.pick(&[0, 0xf, 0xffff]));
    }
}
