//! Rates hold within two percent, whatever the size of packets, in both datapaths, under virtual time.

use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::ovs_flow::DpPort;
use ovs_dpif::ovs_netdev::{Options, Qos};
use ovs_dpif::{
    Action, DropReason, MeterId, MeterRate, MeterSpec, MeterUnit, Policing, PortConfigError, SetField,
};

use crate::rig::{Factory, Rig, Script, frame, install, output};

/// How long it rains.
const SECONDS: u64 = 4;

/// Two ports; what comes by the first goes to the second, by these actions.
fn ports(rig: &mut Rig, actions: Vec<Action>) {
    rig.port("p1", 1);
    rig.port("p2", 2);
    let script = Script::new(move |upcall| install(upcall.key, actions.clone()));
    rig.dpif.set_handler(Arc::new(Factory(script)));
    // The megaflow is there before the rates are.
    rig.dummies.handle("p1").unwrap().receive(frame(0));
    rig.settle();
    rig.dummies.handle("p2").unwrap().take_sent();
}

/// Offers so many packets of this length a second, evenly, in turns of five milliseconds; gives how many were sent.
fn rain(rig: &mut Rig, len: usize, a_second: u64) -> u64 {
    let turns = SECONDS * 200;
    let (mut offered, mut sent) = (0, 0);
    let (p1, p2) = (rig.dummies.handle("p1").unwrap(), rig.dummies.handle("p2").unwrap());
    for turn in 1..=turns {
        while offered < a_second * SECONDS * turn / turns {
            let mut bytes = frame(0);
            bytes.resize(len, 0);
            assert!(p1.receive(bytes));
            offered += 1;
            if p1.pending() >= 64 {
                rig.turn(usize::MAX);
            }
        }
        rig.now += Duration::from_millis(5);
        rig.settle();
        sent += p2.take_sent().len() as u64;
    }
    sent
}

/// Whether a number is as wanted, within two percent and two packets.
fn assert_close(got: u64, wanted: u64, what: &str) {
    let slack = wanted / 50 + 2;
    assert!(got.abs_diff(wanted) <= slack, "{what}: {got}, not {wanted}");
}

#[test]
fn received_kilobits_are_policed() {
    Rig::each(|mut rig| {
        ports(&mut rig, vec![output(2)]);
        for len in [60_usize, 64, 590, 1514] {
            let (kbps, burst) = (2_000, 100);
            rig.dpif.set_policing(DpPort(1), Policing::default()).unwrap();
            rig.dpif.set_policing(DpPort(1), Policing::default().kilobits(kbps, burst)).unwrap();
            let bits = (len as u64 - 14) * 8;
            let before = rig.dropped(DropReason::RxPolicer);
            let offered = u64::from(kbps) * 1000 * 2 / bits;
            let sent = rain(&mut rig, len, offered);
            let wanted = (u64::from(kbps) * SECONDS + u64::from(burst)) * 1000 / bits;
            assert_close(sent, wanted, &format!("{len} bytes"));
            assert_eq!(rig.dropped(DropReason::RxPolicer) - before, offered * SECONDS - sent);
        }
        let told = rig.dpif.port_statistics(DpPort(1)).unwrap();
        assert_eq!(told.rx_policed, Some(rig.dropped(DropReason::RxPolicer)));
    });
}

#[test]
fn received_packets_are_policed() {
    Rig::each(|mut rig| {
        ports(&mut rig, vec![output(2)]);
        rig.dpif.set_policing(DpPort(1), Policing::default().kilopackets(1, 1)).unwrap();
        assert_close(rain(&mut rig, 300, 2500), 1000 * SECONDS + 1000, "packets");
        rig.dpif.set_policing(DpPort(1), Policing::default()).unwrap();
        assert_eq!(rain(&mut rig, 300, 2500), 2500 * SECONDS, "no rate, no policer");
    });
}

#[test]
fn sent_bytes_are_policed() {
    Rig::each(|mut rig| {
        ports(&mut rig, vec![output(2)]);
        for len in [60_usize, 590, 1514] {
            let qos = Qos::new("egress-policer").option("cir", "250000").option("cbs", "12500");
            rig.dpif.set_qos(DpPort(2), None).unwrap();
            rig.dpif.set_qos(DpPort(2), Some(&qos)).unwrap();
            let bytes = len as u64 - 14;
            let sent = rain(&mut rig, len, 500_000 / bytes);
            assert_close(sent, (250_000 * SECONDS + 12_500) / bytes, &format!("{len} bytes"));
        }
        let view = rig.dpif.qos(DpPort(2)).unwrap();
        assert_eq!(view.options, [("cir", 250_000), ("cbs", 12_500)]);
    });
}

fn rates(list: [(&str, u32); 4]) -> Options {
    list.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect()
}

#[test]
fn queues_have_their_share_of_two_rates() {
    let port = rates([("cir", 400_000), ("cbs", 4000), ("eir", 100_000), ("ebs", 4000)]);
    let slow = rates([("cir", 50_000), ("cbs", 4000), ("eir", 30_000), ("ebs", 4000)]);
    let qos = Qos::new("trtcm-policer").options(port).queue(3, slow);
    let packets = |rate: u64| (rate * SECONDS + 8000) / 986;
    // Queue 3 has 80,000 bytes a second; a queue that is not there is queue 0, which has the port's rates.
    for (queue, wanted) in [(3, packets(80_000)), (0, packets(500_000)), (7, packets(500_000))] {
        Rig::each(|mut rig| {
            ports(&mut rig, vec![Action::Set(SetField::Priority(queue)), output(2)]);
            rig.dpif.set_qos(DpPort(2), Some(&qos)).unwrap();
            let sent = rain(&mut rig, 1000, 1000);
            assert_close(sent, wanted, &format!("queue {queue}"));
            let queues = rig.dpif.qos(DpPort(2)).unwrap().queues;
            let counted = queues[&if queue == 3 { 3 } else { 0 }].counters;
            assert_eq!((counted.packets, counted.errors), (Some(sent), Some(1000 * SECONDS - sent)));
            assert_eq!(rig.dropped(DropReason::TxPolicer), 1000 * SECONDS - sent);
        });
    }
}

#[test]
fn meters_are_as_exact_in_a_datapath_as_alone() {
    Rig::each(|mut rig| {
        ports(&mut rig, vec![Action::Meter(MeterId(1)), output(2)]);
        for len in [60_usize, 1514] {
            let rates = vec![MeterRate { rate: 3000, burst: 100 }];
            rig.dpif.set_meter(MeterId(1), &MeterSpec { unit: MeterUnit::Kilobits, rates }).unwrap();
            let bits = len as u64 * 8;
            let sent = rain(&mut rig, len, 5_000_000 / bits);
            assert_close(sent, (3000 * SECONDS + 100) * 1000 / bits, &format!("{len} bytes"));
        }
    });
}

#[test]
fn a_policer_lets_packets_pass_that_its_bucket_never_holds() {
    Rig::each(|mut rig| {
        ports(&mut rig, vec![output(2)]);
        rig.dpif.set_policing(DpPort(1), Policing::default().kilobits(1000, 1)).unwrap();
        // 12,000 bits each, and a bucket of 1000, which is full a millisecond after it was empty: in the third turn.
        assert_close(rain(&mut rig, 1514, 200), 1000 * SECONDS / 15, "packets");
    });
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    Rig::each(|mut rig| {
        rig.port("p1", 1);
        assert_eq!(rig.dpif.qos_kinds(DpPort(1)), ["egress-policer", "trtcm-policer"]);
        let refused =
            |rig: &mut Rig, qos: &Qos| rig.dpif.set_qos(DpPort(1), Some(qos)).unwrap_err().to_string();
        let htb = refused(&mut rig, &Qos::new("linux-htb"));
        assert_eq!(
            htb,
            "p1: no QoS of type linux-htb on a device of type dummy, which has egress-policer, trtcm-policer"
        );
        let policer = Qos::new("egress-policer").option("cir", "10");
        assert_eq!(refused(&mut rig, &policer), "p1: QoS egress-policer: cbs: is missing or 0");
        let queue = policer.option("cbs", "10").queue(4, Options::new());
        assert_eq!(refused(&mut rig, &queue), "p1: QoS egress-policer: queue 4: this type has no queues");
        assert!(rig.dpif.qos(DpPort(1)).is_none());
        let none = rig.dpif.set_policing(DpPort(9), Policing::default());
        assert!(matches!(none, Err(PortConfigError::NoPort)));
    });
}
