//! A device under test with its queues, and the traffic of the cases.

use std::time::{Duration, Instant};

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig};
use ovs_netdev::{Netdev, Options, RxQueue, Sent, TxQueue};

use super::{Bed, Far};

pub struct Subject {
    pub device: Box<dyn Netdev>,
    pub far: Box<dyn Far>,
    pub rx: Vec<Box<dyn RxQueue>>,
    pub tx: Box<dyn TxQueue>,
    pub pool: Pool,
}

impl Subject {
    pub fn new(bed: &mut dyn Bed) -> Self {
        Self::with(bed, &Options::new(), Vec::new())
    }

    pub fn with(bed: &mut dyn Bed, options: &Options, inbound: Vec<Packet>) -> Self {
        let (mut device, far) = bed.open(options, inbound);
        let rx = device.take_rx_queues();
        let tx = device.tx_queue().unwrap();
        Self { device, far, rx, tx, pool: Pool::new(PoolConfig::default()) }
    }

    /// Sends packets in full batches, and says what became of them.
    pub fn send(&mut self, packets: Vec<Packet>) -> Sent {
        let (mut sent, mut batch, count) = (Sent::default(), Batch::new(), packets.len() as u64);
        for packet in packets {
            batch.push(packet).unwrap();
            if batch.is_full() {
                sent.add(self.tx.send(&mut batch));
                assert!(batch.is_empty(), "a batch is left empty");
            }
        }
        sent.add(self.tx.send(&mut batch));
        sent.add(self.tx.flush());
        assert!(batch.is_empty());
        assert_eq!(sent.packets + sent.full + sent.refused + sent.down, count, "{sent:?}");
        sent
    }

    /// What is there now, of all queues.
    pub fn receive_now(&mut self) -> Vec<Packet> {
        let (mut batch, mut seen) = (Batch::new(), Vec::new());
        for rx in &mut self.rx {
            loop {
                let count = rx.receive(&mut self.pool, &mut batch).unwrap();
                assert_eq!(count, batch.len());
                seen.extend(batch.drain());
                if count == 0 {
                    break;
                }
            }
        }
        seen
    }

    /// Receives `count` packets, copied, so that no device runs out of memory.
    pub fn receive(&mut self, count: usize) -> Vec<Packet> {
        let mut seen = Vec::new();
        wait_for("packets at the device", || {
            for packet in self.receive_now() {
                seen.push(copy(&packet));
            }
            (seen.len() >= count).then_some(())
        });
        seen
    }

    /// Waits for `count` packets at the other end.
    pub fn far_receive(&mut self, count: usize) -> Vec<Packet> {
        let mut seen = Vec::new();
        wait_for("packets at the other end", || {
            // Some devices finish sending only when they are asked to.
            self.tx.flush();
            seen.extend(self.far.receive());
            (seen.len() >= count).then_some(())
        });
        seen
    }
}

/// A copy in memory of its own.
pub fn copy(packet: &Packet) -> Packet {
    let mut copy = Packet::detached(packet.data()).unwrap();
    *copy.facts_mut() = *packet.facts();
    copy
}

/// An Ethernet frame of `len` bytes whose type is for experiments, so that no network stack answers, and whose bytes
/// tell which it is.
pub fn frame(which: usize, len: usize) -> Packet {
    let mut bytes: Vec<u8> = (0..len).map(|at| (at * 7 + which * 13) as u8).collect();
    let head = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, (which >> 8) as u8, which as u8];
    let n = len.min(head.len());
    bytes[..n].copy_from_slice(&head[..n]);
    Packet::detached(&bytes).unwrap()
}

/// Their bytes.
pub fn bytes(packets: &[Packet]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| packet.data().to_vec()).collect()
}

/// The same frames, in the same order.
#[track_caller]
pub fn assert_same(seen: &[Packet], expected: &[Vec<u8>]) {
    assert_eq!(seen.len(), expected.len(), "as many packets as were sent");
    for (at, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        assert!(
            seen.data() == expected,
            "packet {at}: {:02x?} of {} bytes instead of {:02x?} of {}",
            &seen.data()[..seen.len().min(40)],
            seen.len(),
            &expected[..expected.len().min(40)],
            expected.len()
        );
    }
}

/// Waits until `f` gives something, at most twenty seconds.
#[track_caller]
pub fn wait_for<R>(what: &str, mut f: impl FnMut() -> Option<R>) -> R {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(result) = f() {
            return result;
        }
        assert!(Instant::now() < until, "waited twenty seconds for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
