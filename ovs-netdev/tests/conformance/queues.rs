//! Several receive queues.

use std::collections::BTreeMap;

use ovs_netdev::Options;
use ovs_netdev::ovs_packet::{Batch, Packet};

use super::Bed;
use super::subject::{Subject, wait_for};

fn asking(count: &str) -> Options {
    Options::from([("n_rxq".to_owned(), count.to_owned())])
}

/// As many as were asked for, each handed out once; several handles to send by.
pub fn as_many_as_asked_for(bed: &mut dyn Bed) {
    let most = bed.abilities().queues;
    for count in 1..=most {
        let options = if most == 1 { Options::new() } else { asking(&count.to_string()) };
        let mut subject = Subject::with(bed, &options, Vec::new());
        assert_eq!(subject.rx.len(), count);
        assert!(subject.device.take_rx_queues().is_empty(), "a queue is handed out once");
        for which in 0..4 {
            subject.tx = subject.device.tx_queue().unwrap();
            assert_eq!(subject.send(vec![super::subject::frame(which, 70)]).packets, 1);
            assert_eq!(subject.far_receive(1).len(), 1);
        }
    }
}

/// UDP from one of many source ports.
fn datagram(flow: u16, number: u8) -> Packet {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    bytes.extend([0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2]);
    bytes.extend((1000 + flow).to_be_bytes());
    bytes.extend([0x30, 0x3a, 0, 26, 0, 0]);
    bytes.extend([number; 18]);
    Packet::detached(&bytes).unwrap()
}

/// Each packet comes once, those of a flow by one queue and in order.
pub fn each_flow_on_one_queue(bed: &mut dyn Bed) {
    let most = bed.abilities().queues;
    let mut subject = Subject::with(bed, &asking(&most.to_string()), Vec::new());
    let flows = 40;
    let mut seen: BTreeMap<u16, (usize, u8)> = BTreeMap::new();
    for number in 0..8 {
        subject.far.send((0..flows).map(|flow| datagram(flow, number)).collect());
        let mut count = 0;
        wait_for("every packet", || {
            for (queue, rx) in subject.rx.iter_mut().enumerate() {
                let mut batch = Batch::new();
                rx.receive(&mut subject.pool, &mut batch).unwrap();
                for packet in batch.drain() {
                    let flow = u16::from_be_bytes([packet.data()[34], packet.data()[35]]);
                    let (first, next) = seen.entry(flow).or_insert((queue, 0));
                    assert_eq!((*first, *next), (queue, packet.data()[42]), "flow {flow}");
                    *next += 1;
                    count += 1;
                }
            }
            (count >= flows).then_some(())
        });
    }
    assert!(subject.rx.iter_mut().all(|rx| rx.drain() == 0), "no packet came twice");
    let used: std::collections::BTreeSet<usize> = seen.values().map(|(queue, _)| *queue).collect();
    assert!(used.len() > 1, "forty flows use more than one queue");
}

/// Numbers that make no sense are refused with the option's name (where queues can be chosen at all).
pub fn bad_numbers(bed: &mut dyn Bed) {
    for wrong in ["0", "-1", "many", "99999999"] {
        let message = bed.refusal(&asking(wrong));
        assert!(message.contains("n_rxq"), "{message}");
    }
}
