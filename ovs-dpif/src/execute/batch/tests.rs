use std::time::Duration;

use ovs_flow::{DpPort, SparseKey, extract};
use ovs_packet::{Offload, Packet, Pool, PoolConfig};

use super::*;
use crate::conntrack::{Conntrack, ConntrackConfig};
use crate::execute::Tracking;
use crate::fragments::Fragments;
use crate::{Actions, Ledger, MeterId, Punt, TunnelKind};

/// Keeps what leaves, with its port.
struct Kept {
    pool: Pool,
    ledger: Ledger,
    tracking: Tracking,
    sent: Vec<(u32, Vec<u8>)>,
    /// What starts over, and how often it has.
    again: Vec<(u32, u32, u8)>,
}

impl Kept {
    fn new() -> Self {
        Self {
            pool: Pool::new(PoolConfig::default()),
            ledger: Ledger::default(),
            tracking: Tracking::new(Conntrack::new(&ConntrackConfig::default()), &Fragments::default()),
            sent: Vec::new(),
            again: Vec::new(),
        }
    }

    /// A TCP segment with so many bytes of this value, which may be more than fit into one.
    fn tcp(&mut self, bytes: usize, value: u8) -> Packet {
        let total = (40 + bytes) as u16;
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0, 1, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0]);
        frame.resize(frame.len() + bytes, value);
        let mut packet = self.pool.packet_from(&frame).expect("room");
        if bytes > 1000 {
            let facts = packet.facts_mut();
            facts.offload = Offload::TSO4 | Offload::NEEDS_L4_CSUM;
            (facts.segment_size, facts.csum_start, facts.csum_offset) = (1000, 34, 16);
        }
        packet.facts_mut().mark = u32::from(value);
        self.ledger.received += 1;
        extract(&mut packet, &Metadata::default(), &mut SparseKey::new());
        packet
    }
}

impl Env for Kept {
    fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn output(&mut self, packet: Packet, port: DpPort) {
        self.ledger.sent += 1;
        self.sent.push((port.0, packet.data().to_vec()));
    }

    fn recirculate(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        self.ledger.sent += 1;
        self.again.push((metadata.in_port.0, metadata.mark, depth));
        drop(packet);
    }

    fn punt(&mut self, _: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        Ok(None)
    }

    fn meter(&mut self, _: MeterId, bytes: usize) -> bool {
        bytes.is_multiple_of(2)
    }

    fn tracking(&mut self) -> (&mut Tracking, &mut Pool, &mut Ledger) {
        (&mut self.tracking, &mut self.pool, &mut self.ledger)
    }

    fn random(&mut self) -> u32 {
        0
    }

    fn now(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn header(kind: TunnelKind, own: &[u8]) -> Action {
    let protocol = if kind == TunnelKind::Gre { 47 } else { 17 };
    let mut header = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64];
    header.extend([protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    header.extend(own);
    Action::TnlPush(Box::new(TnlPush::new(kind, header)))
}

fn vxlan() -> Action {
    header(TunnelKind::Vxlan, &[0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0])
}

/// Packets of such lengths through a list, together or one by one.
fn run(actions: &[Action], lengths: &[usize], together: bool, depth: u8) -> Kept {
    let mut kept = Kept::new();
    let mut batch = Batch::new();
    for (value, bytes) in (1..).zip(lengths) {
        let packet = kept.tcp(*bytes, value);
        drop(batch.push(packet));
    }
    let context = Context::recirculated(depth);
    if together {
        execute_batch(&mut kept, actions, &mut batch, context);
        assert!(batch.is_empty());
    } else {
        one_by_one(&mut kept, actions, &mut batch, context);
    }
    assert_eq!(kept.ledger.imbalance(), 0, "{:?}", kept.ledger);
    kept
}

/// Both ways give the same, but for the order of packets of several outputs.
fn same(actions: &[Action], lengths: &[usize]) -> Kept {
    assert!(goes_by_batch(actions));
    for depth in [0, 8] {
        let [mut many, mut one] = [true, false].map(|together| run(actions, lengths, together, depth));
        many.sent.sort();
        one.sent.sort();
        assert_eq!(many.sent, one.sent, "{actions:?}");
        assert_eq!((many.again, many.ledger), (one.again, one.ledger), "{actions:?}");
    }
    run(actions, lengths, true, 0)
}

const OUT: [Action; 2] = [Action::Output(DpPort(2)), Action::Output(DpPort(3))];

#[test]
fn packets_to_be_cut_keep_their_place() {
    // No device cuts behind a checksum of GRE's.
    let push = header(TunnelKind::Gre, &[0x80, 0, 0x65, 0x58, 0, 0, 0, 0]);
    let kept = same(&[push, OUT[0].clone()], &[10, 2500, 20]);
    let values = kept.sent.iter().filter_map(|(_, frame)| frame.last().copied());
    assert_eq!(values.collect::<Vec<_>>(), [1, 2, 2, 2, 3]);
    // Where one can, they are not cut here.
    assert_eq!(same(&[vxlan(), OUT[0].clone()], &[10, 2500, 20]).sent.len(), 3);
}

#[test]
fn packets_that_part_keep_their_place() {
    let check = |len| {
        let (greater, less_equal) = ([vxlan(), OUT[0].clone()].into(), [OUT[0].clone()].into());
        Action::CheckPktLen(CheckPktLenAction { len, greater, less_equal })
    };
    for len in [10, 70, 400] {
        same(&[check(len)], &[10, 100, 20, 200]);
        same(&[check(len), vxlan(), OUT[1].clone()], &[10, 100, 20, 200]);
    }
    let kept = same(&[check(70)], &[10, 100, 20, 200]);
    let values = kept.sent.iter().filter_map(|(_, frame)| frame.last().copied());
    assert_eq!(values.collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn copies_meters_and_limits_are_those_of_single_packets() {
    let [to_2, to_3] = OUT;
    let clone = Action::Clone([vxlan(), to_2.clone()].into());
    same(&[clone.clone(), to_3.clone()], &[10, 11, 12]);
    same(&[Action::Trunc(60), clone.clone(), to_3.clone(), to_2.clone()], &[10, 11, 12]);
    same(&[Action::Trunc(60), to_2.clone(), to_3.clone()], &[10, 11, 12]);
    same(&[Action::Trunc(60), vxlan(), to_3.clone()], &[10, 2500, 12]);
    same(&[Action::Meter(MeterId(1)), to_3.clone()], &[10, 11, 12]);
    same(&[to_2.clone(), Action::Meter(MeterId(1))], &[10, 11, 12]);
    same(&[clone, Action::PopVlan, Action::Drop(3)], &[10, 11]);
    same(&[to_2.clone(), Action::PopVlan], &[10, 11]);
    same(&[Action::PopVlan], &[10, 11]);
    // Of an IP packet there is no Ethernet header to take off twice.
    same(&[Action::PopEth, Action::PopEth, to_2], &[10, 11]);
    same(&[header(TunnelKind::Vxlan, &[]), to_3], &[10, 11]);
}

#[test]
fn what_comes_out_of_tunnels_keeps_its_mark() {
    let pop = Action::TnlPop { port: DpPort(9), format: TunnelKind::Vxlan.into(), mirrored: None };
    let kept = same(&[vxlan(), pop], &[10, 20, 30]);
    assert_eq!(kept.again, [(9, 1, 1), (9, 2, 1), (9, 3, 1)]);
}

#[test]
fn lists_that_need_more_go_by_packet() {
    let mut deep: Actions = [OUT[0].clone()].into();
    for _ in 0..DEPTH {
        deep = [Action::Clone(deep)].into();
    }
    let meters = [Action::Meter(MeterId(1)), Action::Meter(MeterId(1)), OUT[0].clone()];
    let mark = Action::Set(SetField::Mark(crate::Masked::exact(1)));
    for list in [&deep[..], &meters, &[mark], &[Action::CtClear], &[Action::Recirc(1)]] {
        assert!(!goes_by_batch(list), "{list:?}");
    }
}
