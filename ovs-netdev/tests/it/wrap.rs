//! Devices around devices.

use std::sync::{Arc, Mutex};

use ovs_netdev::dummy::Dummies;
use ovs_netdev::ovs_packet::pcap::Reader;
use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::wrap::{Direction, FaultConfig, Faults, Tracer, wrap};
use ovs_netdev::{Netdev, Options, Registry};

fn registry(dummies: &Dummies) -> Registry {
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry
}

/// Sends and receives `count` numbered frames; gives the first bytes of what came out at each end.
fn exchange(device: &mut dyn Netdev, dummies: &Dummies, count: u8) -> (Vec<u8>, Vec<u8>) {
    let far = dummies.handle("p1").unwrap();
    let (mut rx, mut tx) = (device.take_rx_queues().remove(0), device.tx_queue().unwrap());
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    let mut received = Vec::new();
    for which in 0..count {
        far.receive(vec![which; 60]);
        batch.push(Packet::detached(&[which; 60]).unwrap()).unwrap();
        let sent = tx.send(&mut batch);
        assert_eq!(batch.len(), 0);
        assert!(sent.packets + sent.refused >= 1);
        let count = rx.receive(&mut pool, &mut batch).unwrap();
        assert_eq!(count, batch.len());
        received.extend(batch.drain().map(|packet| packet.data()[0]));
    }
    (received, far.take_sent().iter().map(|bytes| bytes[0]).collect())
}

#[test]
fn what_passes_is_recorded() {
    let (dir, dummies) = (tempfile::tempdir().unwrap(), Dummies::new());
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let options = Options::from(["rx", "tx"].map(|which| (format!("record-{which}"), path(which))));
    let mut device = registry(&dummies).open("dummy", "p1", &options).unwrap();
    let (received, sent) = exchange(device.as_mut(), &dummies, 200);
    for (file, expected) in [("rx", received), ("tx", sent)] {
        let bytes = std::fs::read(path(file)).unwrap();
        let recorded: Vec<u8> = Reader::new(&bytes).unwrap().map(|record| record.unwrap().data[0]).collect();
        assert_eq!((recorded.len(), recorded), (200, expected), "{file}");
    }
}

#[test]
fn a_tracer_is_told_of_each_packet() {
    let dummies = Dummies::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let tracer = Tracer::new(move |direction, queue, packet: &Packet| {
        sink.lock().unwrap().push((direction == Direction::Sent, queue, packet.data()[0]));
    });
    let inner = registry(&dummies).open("dummy", "p1", &Options::new()).unwrap();
    let mut device = wrap(inner, Box::new(tracer));
    exchange(device.as_mut(), &dummies, 3);
    let expected = [0, 1, 2].map(|which| [(true, 0, which), (false, 0, which)]);
    assert_eq!(*told.lock().unwrap(), expected.concat());
}

#[test]
fn faults_come_as_often_as_was_asked_and_the_same_each_time() {
    let run = |seed| {
        let dummies = Dummies::new();
        let inner = registry(&dummies).open("dummy", "p1", &Options::new()).unwrap();
        let config = FaultConfig::default().loss(200_000).duplicate(100_000).seed(seed);
        let mut device = wrap(inner, Box::new(Faults::new(config)));
        let seen = exchange(device.as_mut(), &dummies, 250);
        let statistics = device.statistics();
        let lost = |seen: &[u8]| (0..250).filter(|which| !seen.contains(which)).count() as u64;
        assert_eq!(statistics.rx_dropped, Some(lost(&seen.0)));
        assert_eq!(statistics.tx_dropped, Some(lost(&seen.1)));
        assert!((25..=75).contains(&lost(&seen.0)), "a fifth of 250: {}", lost(&seen.0));
        assert!(seen.0.windows(2).any(|pair| pair[0] == pair[1]), "some come twice");
        seen
    };
    let first = run(7);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
    assert_ne!(first.0, first.1);
}

#[test]
fn one_bit_of_a_corrupted_packet_is_turned() {
    let dummies = Dummies::new();
    let options = Options::from([("fault-corrupt".to_owned(), "100".to_owned())]);
    let mut device = registry(&dummies).open("dummy", "p1", &options).unwrap();
    let (mut batch, mut tx) = (Batch::new(), device.tx_queue().unwrap());
    batch.push(Packet::detached(&[0; 60]).unwrap()).unwrap();
    tx.send(&mut batch);
    let sent = dummies.handle("p1").unwrap().take_sent();
    assert_eq!(sent[0].iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let dummies = Dummies::new();
    for (option, value) in [
        ("fault-loss", "101"),
        ("fault-corrupt", "often"),
        ("fault-seed", "x"),
        ("record-rx", "/nonexistent/file"),
    ] {
        let options = Options::from([(option.to_owned(), value.to_owned())]);
        let message = registry(&dummies).open("dummy", "p1", &options).err().unwrap().to_string();
        assert!(message.contains(option) && message.contains(value), "{message}");
    }
}
