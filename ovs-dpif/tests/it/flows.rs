//! Megaflows, from the control side.

use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::ovs_flow::{DpPort, FlowKey, Metadata, Ufid};
use ovs_dpif::ovs_packet::Packet;
use ovs_dpif::{
    Action, Completion, DpifError, DropReason, Event, Execute, FlowCursor, FlowPut, Op, PutMode, Ticket,
    UserspaceConfig, Verdict,
};

use crate::rig::{Factory, Rig, Script, base_mask, frame, install, output};

fn put(ufid: u128, in_port: u32, actions: &[Action], mode: PutMode) -> Op {
    let mut key = FlowKey::default();
    key.in_port = in_port;
    key.dl_type = 0x1234.into();
    let (key, mask) = (Box::new(key), Box::new(base_mask()));
    Op::FlowPut(FlowPut { ufid: Some(Ufid(ufid)), key, mask, actions: actions.into(), mode, worker: None })
}

/// Submits, settles, and gives what came of it.
fn done(rig: &mut Rig, op: Op) -> Result<Completion, DpifError> {
    let ticket = rig.dpif.submit(op).unwrap();
    rig.settle();
    result_of(rig, ticket)
}

fn result_of(rig: &mut Rig, wanted: Ticket) -> Result<Completion, DpifError> {
    let at = rig.events.iter().position(|e| matches!(e, Event::Done { ticket, .. } if *ticket == wanted));
    match rig.events.remove(at.unwrap()) {
        Event::Done { result, .. } => result,
        _ => unreachable!(),
    }
}

#[test]
fn put_modify_delete() {
    Rig::each(|mut rig| {
        let (p1, p2, p3) = (rig.port("p1", 1), rig.port("p2", 2), rig.port("p3", 3));
        assert_eq!(done(&mut rig, put(1, 1, &[output(2)], PutMode::Modify)), Err(DpifError::NoFlow));
        done(&mut rig, put(1, 1, &[output(2)], PutMode::Create)).unwrap();
        assert_eq!(done(&mut rig, put(1, 1, &[], PutMode::Create)), Err(DpifError::FlowExists));
        assert_eq!(done(&mut rig, put(2, 1, &[], PutMode::Create)), Err(DpifError::FlowExists));
        p1.receive(frame(1));
        rig.settle();
        assert_eq!(p2.take_sent().len(), 1);

        let stats = done(&mut rig, put(1, 1, &[output(3)], PutMode::Upsert)).unwrap().stats;
        assert_eq!(stats.iter().map(|(_, s)| s.packets).sum::<u64>(), 1);
        rig.now += Duration::from_secs(5);
        p1.receive(frame(1));
        rig.settle();
        assert_eq!((p2.take_sent().len(), p3.take_sent().len()), (0, 1));

        // The counters went on.
        let mut packets = 0;
        rig.dpif.get_flow(Ufid(1), None, &mut |flow| {
            packets += flow.stats.packets;
            assert!(flow.stats.packets == 0 || flow.stats.used == Some(Duration::from_secs(6)));
        });
        assert_eq!(packets, 2);
        let stats = done(&mut rig, Op::FlowDel { ufid: Ufid(1), worker: None }).unwrap().stats;
        assert_eq!(stats.iter().map(|(_, s)| (s.packets, s.bytes)).max(), Some((2, 120)));
        let again = done(&mut rig, Op::FlowDel { ufid: Ufid(1), worker: None });
        assert_eq!(again, Err(DpifError::NoFlow));
        assert_eq!(rig.dpif.stats().flows, 0);
    });
}

#[test]
fn dumps_show_each_flow_once_from_where_they_stand() {
    Rig::each(|mut rig| {
        for n in 0..100 {
            done(&mut rig, put(u128::from(n), n, &[output(2)], PutMode::Create)).unwrap();
        }
        let (mut cursor, mut seen, mut steps) = (FlowCursor::default(), Vec::new(), 0);
        loop {
            let more = rig.dpif.dump_flows(&mut cursor, 7, &mut |flow| {
                assert_eq!(flow.key.in_port, flow.ufid.0 as u32);
                seen.push((flow.worker, flow.ufid));
            });
            steps += 1;
            // Flows that come and go meanwhile do no harm.
            done(&mut rig, Op::FlowDel { ufid: Ufid(99), worker: None }).ok();
            done(&mut rig, put(99, 99, &[], PutMode::Create)).unwrap();
            if !more {
                break;
            }
        }
        assert!(steps >= 100 / 7);
        let total = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), total, "none is shown twice");
        assert!(seen.iter().filter(|(_, ufid)| ufid.0 < 99).count() >= 99);
    });
}

#[test]
fn a_flush_tells_what_each_flow_had_counted() {
    Rig::each(|mut rig| {
        let p1 = rig.port("p1", 1);
        for n in 0..700 {
            done(&mut rig, put(u128::from(n), n, &[], PutMode::Create)).unwrap();
        }
        p1.receive(frame(1));
        rig.settle();
        rig.events.clear();
        done(&mut rig, Op::FlowFlush).unwrap();
        let gone = rig.events.iter().filter_map(|event| match event {
            Event::FlowGone { ufid, stats, .. } => Some((*ufid, stats.packets)),
            _ => None,
        });
        let gone = gone.collect::<Vec<_>>();
        assert_eq!(gone.len() % 700, 0);
        assert_eq!(gone.iter().filter(|(_, packets)| *packets == 1).collect::<Vec<_>>(), [&(Ufid(1), 1)]);
        assert_eq!(rig.dpif.stats().flows, 0);
    });
}

#[test]
fn the_limit_refuses_by_name_and_the_packet_goes_on() {
    let limited = || UserspaceConfig::default().flow_limit(2);
    for mut rig in [Rig::naive_limited(2), Rig::configured(limited(), 1)] {
        let p2 = rig.port("p2", 2);
        let script = Script::new(|upcall| install(upcall.key, [output(2)]));
        rig.dpif.set_handler(Arc::new(Factory(script.clone())));
        for n in 10..14 {
            rig.port(&format!("p{n}"), n).receive(frame(0));
            rig.settle();
        }
        assert_eq!(p2.take_sent().len(), 4);
        assert_eq!(rig.dropped(DropReason::FlowLimit), 2);
        assert_eq!(rig.dpif.stats().flows, 2);
        let told =
            script.log.lock().unwrap().installed.iter().map(|(_, refused)| *refused).collect::<Vec<_>>();
        assert_eq!(told, [None, None, Some(DropReason::FlowLimit), Some(DropReason::FlowLimit)]);
        assert_eq!(done(&mut rig, put(77, 77, &[], PutMode::Create)), Err(DpifError::FlowLimit));
    }
}

#[test]
fn packets_are_executed_on_the_next_turn() {
    Rig::each(|mut rig| {
        let p2 = rig.port("p2", 2);
        let packet = Packet::detached(&frame(5)).unwrap();
        let metadata = Metadata::of_port(DpPort::NONE);
        let actions = [Action::PushVlan { tpid: 0x8100, tci: 0x1001 }, output(2)].into();
        let ticket = rig.dpif.execute(Execute { packet, metadata, actions }).unwrap();
        assert!(p2.take_sent().is_empty());
        rig.settle();
        result_of(&mut rig, ticket).unwrap();
        assert_eq!(p2.take_sent()[0].len(), 64);
        assert_eq!(rig.dpif.ledger().injected, 1);
    });
}

#[test]
fn operations_are_refused_when_too_many_wait() {
    Rig::each(|mut rig| {
        let mut taken = 0;
        while rig.dpif.submit(Op::Sync).is_ok() {
            taken += 1;
            assert!(taken < 100_000);
        }
        rig.settle();
        let done = rig.events.iter().filter(|e| matches!(e, Event::Done { .. })).count();
        assert_eq!(done, taken);
        rig.dpif.submit(Op::Sync).unwrap();
    });
}

#[test]
fn upcalls_of_one_port_do_not_crowd_out_another() {
    let mut rig = Rig::configured(UserspaceConfig::default().upcall_queue(10), 1);
    let (p1, p2, p3) = (rig.port("p1", 1), rig.port("p2", 2), rig.port("p3", 3));
    let script = Script::new(|_| Verdict::Forward { actions: [output(3)].into(), install: None });
    rig.dpif.set_handler(Arc::new(Factory(script)));
    rig.settle();
    (0..30).for_each(|n| assert!(p1.receive(frame(n))));
    p2.receive(frame(200));
    rig.turn(2);
    // Two upcalls: one of each port.
    assert_eq!(p3.take_sent(), [frame(0), frame(200)]);
    assert_eq!(rig.dropped(DropReason::UpcallBudget), 20);
    rig.settle();
    assert_eq!(p3.take_sent(), (1..10).map(frame).collect::<Vec<_>>());
    let stats = rig.dpif.stats();
    assert_eq!((stats.missed, stats.lost), (31, 20));
}
