//! Batches that are like the ones before take short ways, on which nothing may be overlooked.

use std::sync::Arc;

use ovs_dpif::ovs_flow::{FlowKey, Ufid};
use ovs_dpif::ovs_packet::build;
use ovs_dpif::{Action, Actions, FlowPut, FlowStats, Op, PutMode, Verdict};

use crate::rig::{Factory, Rig, Script, base_mask, install, output};

fn built(text: &str) -> Vec<u8> {
    build::frame(text).unwrap()
}

/// All counters of the megaflows of an Ethernet type.
fn stats(rig: &mut Rig, dl_type: u16) -> FlowStats {
    let mut sum = FlowStats::default();
    rig.dpif.get_flow(ufid(dl_type), None, &mut |flow| {
        sum.packets += flow.stats.packets;
        sum.bytes += flow.stats.bytes;
        sum.tcp_flags |= flow.stats.tcp_flags;
    });
    sum
}

/// As [`install`] names what comes in by port 1.
fn ufid(dl_type: u16) -> Ufid {
    Ufid(1 << 64 | u128::from(dl_type))
}

fn change(rig: &mut Rig, dl_type: u16, actions: &[Action]) {
    let (mut key, mask) = (Box::<FlowKey>::default(), Box::new(base_mask()));
    key.in_port = 1;
    key.dl_type.set(dl_type);
    let put = FlowPut {
        ufid: Some(ufid(dl_type)),
        key,
        mask,
        actions: actions.into(),
        mode: PutMode::Modify,
        worker: None,
    };
    rig.dpif.submit(Op::FlowPut(put)).unwrap();
    rig.settle();
}

#[test]
fn changes_of_packets_and_of_megaflows_are_seen() {
    Rig::each(|mut rig| {
        let (p1, p2, p3) = (rig.port("p1", 1), rig.port("p2", 2), rig.port("p3", 3));
        let script = Script::new(|upcall| match upcall.key.dl_type.get() {
            0x0800 | 0x86dd => install(upcall.key, [output(2)]),
            // Tags are looked at, and so is all that is unusual.
            _ => Verdict::Forward { actions: Actions::from([output(3)]), install: None },
        });
        rig.dpif.set_handler(Arc::new(Factory(script.clone())));
        rig.settle();
        let syn = built("eth / ipv4 10.0.0.1 > 10.0.0.2 / tcp 1 > 2 flags=0x02");
        let ack = built("eth / ipv4 10.0.0.1 > 10.0.0.2 / tcp 1 > 2 flags=0x10");
        let udp = built("eth / ipv4 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / 20");
        let six = built("eth / ipv6 fd00::1 > fd00::2 / udp 1 > 2 / 20");
        let arp = built("eth / arp 10.0.0.1 > 10.0.0.2");
        for _ in 0..5 {
            for frame in [&udp, &udp, &syn] {
                p1.receive(frame.clone());
            }
            rig.settle();
        }
        assert_eq!((p2.take_sent().len(), p3.take_sent().len()), (15, 0));
        assert_eq!(stats(&mut rig, 0x0800).tcp_flags, 0x02);
        // One of another kind in the middle, at the end, and then only of that kind.
        for frames in [[&udp, &six, &ack], [&udp, &udp, &arp], [&six, &six, &six], [&six, &arp, &udp]] {
            for frame in frames {
                p1.receive(frame.clone());
            }
            rig.settle();
        }
        assert_eq!((p2.take_sent().len(), p3.take_sent().len()), (10, 2));
        let v4 = stats(&mut rig, 0x0800);
        assert_eq!((v4.packets, v4.tcp_flags), (19, 0x12));
        // What missed is counted by who was asked.
        assert_eq!(stats(&mut rig, 0x86dd).packets, 4);
        // The megaflow changes, and goes, while the short way is open.
        let several = |rig: &mut Rig| {
            for n in 0..12 {
                p1.receive(udp.clone());
                if n % 2 == 1 {
                    rig.settle();
                }
            }
        };
        several(&mut rig);
        assert_eq!(p2.take_sent().len(), 12);
        change(&mut rig, 0x0800, &[output(3)]);
        several(&mut rig);
        assert_eq!((p2.take_sent().len(), p3.take_sent().len()), (0, 12));
        change(&mut rig, 0x0800, &[]);
        several(&mut rig);
        assert_eq!((p2.take_sent().len(), p3.take_sent().len()), (0, 0));
        let v4 = stats(&mut rig, 0x0800);
        let bytes = 49 * udp.len() + 5 * syn.len() + ack.len();
        assert_eq!((v4.packets, v4.bytes), (55, bytes as u64));
        let misses = script.log.lock().unwrap().misses.len();
        rig.dpif.submit(Op::FlowDel { ufid: ufid(0x0800), worker: None }).unwrap();
        rig.settle();
        several(&mut rig);
        assert_eq!(p2.take_sent().len(), 12);
        assert!(script.log.lock().unwrap().misses.len() > misses);
    });
}
