//! Devices that are closed, or vanish, while others hold their queues and packets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::{Options, RxError, RxQueue, TxQueue};

use super::Bed;
use super::subject::{Subject, frame, wait_for};

/// After the device is dropped its queues say so, or drop what they are given.
pub fn queues_outlive_their_device(bed: &mut dyn Bed) {
    let Subject { device, far, mut rx, mut tx, mut pool } = Subject::new(bed);
    drop(device);
    for rx in &mut rx {
        assert!(matches!(rx.receive(&mut pool, &mut Batch::new()), Err(RxError::Gone)));
    }
    let mut batch = Batch::new();
    batch.push(frame(1, 60)).unwrap();
    let mut sent = tx.send(&mut batch);
    sent.add(tx.flush());
    assert_eq!((sent.packets, sent.down, batch.len()), (0, 1, 0), "{sent:?}");
    drop((rx, tx, far));
}

/// A packet keeps its memory after its device, queue and pool.
pub fn packets_outlive_their_device(bed: &mut dyn Bed) {
    let frames: Vec<Packet> = (0..20).map(|which| frame(which, 300)).collect();
    let mut subject = Subject::with(bed, &Options::new(), frames);
    let mut seen = Vec::new();
    wait_for("packets", || {
        seen.extend(subject.receive_now());
        (seen.len() >= 20).then_some(())
    });
    drop(subject);
    for (which, packet) in seen.iter().enumerate() {
        assert!(packet.data() == frame(which, 300).data());
    }
    // Another thread gives the memory back.
    std::thread::spawn(move || drop(seen)).join().unwrap();
}

/// A name is free once its device is dropped, also with a packet of it still out.
pub fn opened_again_and_again(bed: &mut dyn Bed) {
    let mut kept = Vec::new();
    for which in 0..8 {
        let mut subject = Subject::with(bed, &Options::new(), vec![frame(which, 80)]);
        wait_for("a packet", || {
            kept.extend(subject.receive_now());
            (kept.len() > which).then_some(())
        });
        assert_eq!(subject.send(vec![frame(which, 90)]).packets, 1);
    }
    for (which, packet) in kept.iter().enumerate() {
        assert!(packet.data() == frame(which, 80).data());
    }
}

/// A worker that polls and sends until its device is gone.
struct Load {
    stop: Arc<AtomicBool>,
    turns: Arc<AtomicU64>,
    thread: JoinHandle<bool>,
}

impl Load {
    fn start(mut rx: Vec<Box<dyn RxQueue>>, mut tx: Box<dyn TxQueue>) -> Self {
        let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, turned) = (Arc::clone(&stop), Arc::clone(&turns));
        let thread = std::thread::spawn(move || {
            let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
            while !stopped.load(Ordering::Relaxed) {
                for rx in &mut rx {
                    if let Err(RxError::Gone) = rx.receive(&mut pool, &mut batch) {
                        return true;
                    }
                }
                while !batch.is_full() {
                    batch.push(frame(1, 200)).unwrap();
                }
                let count = batch.len() as u64;
                let mut sent = tx.send(&mut batch);
                sent.add(tx.flush());
                assert_eq!(sent.packets + sent.full + sent.refused + sent.down, count);
                turned.fetch_add(1, Ordering::Relaxed);
            }
            false
        });
        Self { stop, turns, thread }
    }

    /// Waits until it works.
    fn warm(&self) {
        wait_for("load", || (self.turns.load(Ordering::Relaxed) > 20).then_some(()));
    }

    /// Waits until it has seen that the device is gone.
    fn end(self) {
        wait_for("the end", || self.thread.is_finished().then_some(()));
        self.stop.store(true, Ordering::Relaxed);
        assert!(self.thread.join().unwrap());
    }
}

/// The device is closed while a worker polls it and sends by it.
pub fn removed_under_load(bed: &mut dyn Bed) {
    for _ in 0..4 {
        let Subject { device, far, rx, tx, .. } = Subject::new(bed);
        let load = Load::start(rx, tx);
        load.warm();
        drop(device);
        load.end();
        drop(far);
    }
}

/// The system takes the device away while a worker polls it and sends by it.
pub fn vanished_under_load(bed: &mut dyn Bed) {
    for _ in 0..4 {
        let Subject { mut device, mut far, rx, tx, .. } = Subject::new(bed);
        let load = Load::start(rx, tx);
        load.warm();
        far.vanish();
        load.end();
        wait_for("the reason", || {
            device.poll_changes(std::time::Duration::ZERO);
            device.status().gone
        });
        let status = device.status();
        assert!(!status.admin_up && !status.link_up);
        let _ = device.statistics();
        assert!(device.tx_queue().is_err(), "nothing can be sent by a device that is gone");
    }
}
