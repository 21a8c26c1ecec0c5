//! The userspace datapath does what the naive one does: the same megaflows and packets through both.

use std::sync::Arc;

use ovs_dpif::ovs_flow::{DpPort, FlowKey, Ufid};
use ovs_dpif::ovs_netdev::dummy::DummyHandle;
use ovs_dpif::{
    Action, CheckPktLenAction, DropReason, Event, FlowCursor, HashAlgorithm, Install, Ledger, Masked, Op,
    PuntCookie, SampleAction, SetField, SlowPath, TnlPush, TunnelKind, Upcall, UserspaceAction,
    UserspaceConfig, Verdict,
};
use proptest::prelude::*;

use crate::frames::{Kind, Shape};
use crate::rig::{Factory, Rig, Script, base_mask, output};

const PORTS: u32 = 4;
/// The port that packets out of tunnels come by; no device has it.
const TUNNEL: u32 = 9;
/// From this identifier on nothing starts over.
const LAST: u32 = 3;

/// Numbers that a seed and a position determine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % sides
    }
}

fn set(dice: &mut Dice) -> SetField {
    let byte = dice.roll(256) as u8;
    match dice.roll(8) {
        0 => SetField::Ethernet { src: Masked::exact([6, 5, 4, 3, 2, byte]), dst: Masked::NONE },
        1 => SetField::Ethernet { src: Masked::NONE, dst: Masked::new([byte; 6], [0, 0, 0, 0, 0xff, 0]) },
        2 => SetField::Ipv4 {
            src: Masked::new([1, 2, 3, byte], [0xff, 0, 0, 0xff]),
            dst: Masked::NONE,
            tos: Masked::new(byte, 0xfc),
            ttl: Masked::exact(byte),
            whole: None,
        },
        3 => SetField::Ipv6 {
            src: Masked::NONE,
            dst: Masked::exact([byte; 16]),
            label: Masked::new(u32::from(byte), 0xff),
            tclass: Masked::exact(byte),
            hlimit: Masked::exact(byte),
            whole: None,
        },
        4 => SetField::Tcp { src: Masked::exact(u16::from(byte)), dst: Masked::NONE },
        5 => SetField::Udp { src: Masked::NONE, dst: Masked::exact(u16::from(byte)) },
        6 => SetField::Arp {
            sip: Masked::exact([9, 9, 9, byte]),
            tip: Masked::NONE,
            op: Masked::exact(2),
            sha: Masked::NONE,
            tha: Masked::exact([byte; 6]),
        },
        _ => SetField::Mark(Masked::new(u32::from(byte), 0xf)),
    }
}

fn kind(dice: &mut Dice) -> TunnelKind {
    [TunnelKind::Vxlan, TunnelKind::Vxlan, TunnelKind::Geneve, TunnelKind::Gre][dice.roll(4) as usize]
}

/// Headers of a tunnel over IPv4 or IPv6, with a checksum or without.
fn push(dice: &mut Dice) -> Action {
    let kind = kind(dice);
    let protocol = if kind == TunnelKind::Gre { 47 } else { 17 };
    let mut header = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    if dice.roll(3) == 0 {
        header.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, protocol, 64]);
        header.extend([0xfd; 32]);
    } else {
        header.extend([8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    let sum = if dice.roll(2) == 0 { 0xff } else { 0 };
    if let Some(port) = kind.default_port() {
        header.extend([&[0, 0], &port.to_be_bytes()[..], &[0, 0, sum, sum]].concat());
    }
    header.extend(match kind {
        TunnelKind::Geneve => vec![0, 0, 0x65, 0x58, 0, 0, 7, 0],
        TunnelKind::Gre if sum != 0 => vec![0x80, 0, 0x65, 0x58, 0, 0, 0, 0],
        TunnelKind::Gre => vec![0, 0, 0x65, 0x58],
        _ => vec![8, 0, 0, 0, 0, 0, 7, 0],
    });
    Action::TnlPush(Box::new(TnlPush::new(kind, header)))
}

fn actions(dice: &mut Dice, recirc_id: u32, depth: u32) -> Vec<Action> {
    let mut list = Vec::new();
    for _ in 0..dice.roll(5) {
        if dice.roll(8) == 0 {
            list.push(push(dice));
        }
        let action = match dice.roll(if depth < 2 { 16 } else { 9 }) {
            0..=3 => output(dice.roll(u64::from(PORTS) + 1) as u32 + 1),
            4 => Action::PushVlan { tpid: 0x8100, tci: 0x1000 | dice.roll(4096) as u16 },
            5 => Action::PopVlan,
            6 if dice.roll(4) == 0 => Action::Meter(ovs_dpif::MeterId(dice.roll(3) as u32)),
            6 => Action::Trunc(14 + dice.roll(60) as u32),
            7 | 8 => Action::Set(set(dice)),
            9 => Action::Clone(actions(dice, recirc_id, depth + 1).into()),
            10 => {
                let probability = if dice.roll(2) == 0 { 0 } else { u32::MAX };
                Action::Sample(SampleAction {
                    probability,
                    actions: actions(dice, recirc_id, depth + 1).into(),
                })
            }
            // Not for ever: each list may multiply the packet.
            11 if recirc_id < LAST => Action::Recirc(recirc_id + 1),
            13 | 14 if recirc_id == 0 => {
                list.push(push(dice));
                Action::TnlPop { port: DpPort(TUNNEL), format: kind(dice).into(), mirrored: None }
            }
            15 => {
                let [greater, less_equal] = [(); 2].map(|()| actions(dice, recirc_id, depth + 1).into());
                Action::CheckPktLen(CheckPktLenAction { len: 40 + dice.roll(80) as u16, greater, less_equal })
            }
            12 => {
                let cookie = PuntCookie::SlowPath(SlowPath::Action);
                Action::Userspace(UserspaceAction { cookie, egress: None })
            }
            _ => Action::Drop(dice.roll(12) as u32),
        };
        list.push(action);
    }
    if dice.roll(8) == 0 {
        list.push(Action::Hash { algorithm: HashAlgorithm::L4, basis: 0 });
    }
    list
}

/// What the switch's logic says to a packet, from its key alone.
fn answer(seed: u64, upcall: &Upcall<'_>) -> Verdict {
    let mut mask = base_mask();
    // Some ports look at more than others.
    match upcall.key.in_port % 3 {
        0 => mask.fields.dl_dst = [0xff; 6],
        1 => mask.fields.nw_proto = 0xff,
        _ => {
            mask.fields.vlans[0].tci = 0x1fff.into();
            mask.fields.tp_dst = 0xfff0.into();
        }
    }
    let key = upcall.key.masked(&mask.fields);
    let mut dice = Dice(key.words().iter().fold(seed, |a, w| (a ^ w).wrapping_mul(0x0100_0000_01b3)));
    let ufid = Ufid(u128::from(dice.roll(1 << 31)) << 64 | u128::from(dice.roll(1 << 31)));
    let list = actions(&mut dice, if key.in_port == TUNNEL { LAST } else { key.recirc_id }, 0);
    match dice.roll(10) {
        0 => Verdict::Refuse(DropReason::EffectsFull),
        1 => Verdict::Forward { actions: list.into(), install: None },
        _ => {
            let actions: ovs_dpif::Actions = list.into();
            let install = Install { ufid, mask: Box::new(mask), actions: actions.clone() };
            Verdict::Forward { actions, install: Some(install) }
        }
    }
}

/// What can be seen of a run.
#[derive(PartialEq)]
struct Seen {
    sent: Vec<Vec<Vec<u8>>>,
    /// Identity, match and packets. Bytes are left out: which of a flow's packets is the one that misses depends
    /// on the order of recirculated packets, which is not the same.
    flows: Vec<(Ufid, FlowKey, u64)>,
    ledger: Ledger,
    counts: [u64; 4],
    gone: usize,
}

fn run(mut rig: Rig, seed: u64, rounds: &[Vec<(u32, Shape)>]) -> Seen {
    let handles: Vec<DummyHandle> = (1..=PORTS).map(|n| rig.port(&format!("p{n}"), n)).collect();
    let punt = match seed % 3 {
        0 => Ok(None),
        1 => Ok(Some([Action::PopVlan, output(2)].into())),
        _ => Err(DropReason::EffectsFull),
    };
    let script = Script::punting(move |upcall| answer(seed, upcall), punt);
    rig.dpif.set_handler(Arc::new(Factory(script)));
    rig.settle();
    let mut tag = 0;
    for (index, round) in rounds.iter().enumerate() {
        for (port, shape) in round {
            handles[*port as usize - 1].receive(shape.frame(tag));
            tag += 1;
        }
        rig.settle();
        if seed.is_multiple_of(5) && index == rounds.len() / 2 {
            rig.dpif.submit(Op::FlowFlush).unwrap();
            rig.settle();
        }
    }
    let sent = handles.iter().map(|handle| {
        let mut frames = handle.take_sent();
        frames.sort();
        frames
    });
    let sent = sent.collect();
    let mut flows = Vec::new();
    rig.dpif.dump_flows(&mut FlowCursor::default(), usize::MAX, &mut |flow| {
        flows.push((flow.ufid, *flow.key, flow.stats.packets));
    });
    flows.sort_by_key(|(ufid, ..)| *ufid);
    let gone = rig.events.iter().filter(|event| matches!(event, Event::FlowGone { .. })).count();
    let (stats, mut ledger) = (rig.dpif.stats(), rig.dpif.ledger());
    ledger.dropped.resize(DropReason::COUNT, 0);
    Seen { sent, flows, ledger, counts: [stats.hit, stats.missed, stats.lost, stats.flows], gone }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let kind = prop::sample::select(vec![
        Kind::Other,
        Kind::Arp,
        Kind::Tcp4,
        Kind::Tcp4,
        Kind::Udp4,
        Kind::Tcp6,
        Kind::Mpls,
    ]);
    let vlan = prop_oneof![3 => Just(0_u16), 1 => 1..5_u16];
    let cut = prop_oneof![4 => Just(0_usize), 1 => 0..80_usize];
    (kind, 1..6_u8, vlan, 1..65_u8, 79..99_u16, cut).prop_map(|(kind, dst, vlan, ttl, port, cut)| Shape {
        dst,
        vlan,
        kind,
        ttl,
        port,
        cut,
    })
}

/// Where two runs differ, in few words.
fn difference(a: &Seen, b: &Seen) -> String {
    let sent = a.sent.iter().zip(&b.sent).map(|(a, b)| (a.len(), b.len(), a == b)).collect::<Vec<_>>();
    let flows = (a.flows.len(), b.flows.len(), a.flows == b.flows);
    format!(
        "sent {sent:?} flows {flows:?} ledger {:?} {:?} counts {:?} {:?}",
        a.ledger, b.ledger, a.counts, b.counts
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn userspace_is_naive(
        seed in any::<u64>(),
        rounds in prop::collection::vec(prop::collection::vec((1..=PORTS, shapes()), 1..60), 1..6),
    ) {
        let naive = run(Rig::naive(), seed, &rounds);
        let config = UserspaceConfig::default().seed(1).upcall_queue(1 << 16).cache(64, 2);
        let fast = run(Rig::configured(config, 1), seed, &rounds);
        prop_assert!(fast == naive, "{}", difference(&fast, &naive));
    }

    #[test]
    fn equal_runs_give_equal_bytes(
        seed in any::<u64>(),
        rounds in prop::collection::vec(prop::collection::vec((1..=PORTS, shapes()), 1..20), 1..3),
    ) {
        let runs = [(); 2].map(|()| run(Rig::userspace(), seed, &rounds));
        prop_assert!(runs[0] == runs[1], "{}", difference(&runs[0], &runs[1]));
    }
}
