//! Frames arrive as they were sent: all sizes, all lengths of batches, whatever memory there is.

use ovs_netdev::DeviceConfig;
use ovs_netdev::Options;
use ovs_netdev::ovs_packet::{BATCH_MAX, Batch, Packet, Pool, PoolConfig};

use super::Bed;
use super::subject::{Subject, assert_same, bytes, frame, wait_for};

/// Ethernet header: what a frame without tags is longer than the MTU.
const HEADER: usize = 14;

/// From one byte to beyond the MTU: what the device takes arrives as it was, in order; what it refuses is told. All
/// that can be a frame is taken.
pub fn every_size_sent(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    let mtu = subject.device.status().mtu as usize;
    let sizes: Vec<usize> = (1..=mtu + HEADER).collect();
    for sizes in sizes.chunks(BATCH_MAX) {
        let mut expected = Vec::new();
        for len in sizes {
            let packet = frame(*len, *len);
            let data = packet.data().to_vec();
            let sent = subject.send(vec![packet]);
            assert!(sent.packets == 1 || *len < 60, "a frame of {len} bytes: {sent:?}");
            if sent.packets == 1 {
                assert_eq!(sent.bytes, *len as u64);
                expected.push(data);
            }
        }
        assert_same(&subject.far_receive(expected.len()), &expected);
    }
}

/// From the shortest frame that Ethernet knows the header of, to the MTU.
pub fn every_size_received(bed: &mut dyn Bed) {
    let abilities = bed.abilities();
    let sizes: Vec<usize> = (HEADER..=1500 + HEADER).collect();
    let frames = |sizes: &[usize]| sizes.iter().map(|len| frame(*len, *len)).collect::<Vec<_>>();
    if !abilities.live {
        let all = frames(&sizes);
        let expected = bytes(&all);
        let mut subject = Subject::with(bed, &Options::new(), all);
        return assert_same(&subject.receive(expected.len()), &expected);
    }
    let mut subject = Subject::new(bed);
    for sizes in sizes.chunks(64) {
        let sent = frames(sizes);
        let expected = bytes(&sent);
        subject.far.send(sent);
        let seen = subject.receive(expected.len());
        assert_same(&seen, &expected);
    }
}

/// A device with the largest MTU, and frames up to that.
fn jumbo(bed: &mut dyn Bed) -> (Subject, Vec<Packet>) {
    let abilities = bed.abilities();
    let longest = abilities.mtu as usize + HEADER;
    let sizes = [longest, 60, 2047, 2048, 2049, longest / 2, longest - 1, 1514, longest];
    let mut subject = Subject::new(bed);
    subject.device.configure(&DeviceConfig::default().mtu(abilities.mtu)).unwrap();
    subject.far.set_mtu(abilities.mtu);
    assert_eq!(subject.device.status().mtu, abilities.mtu);
    // A device may have been set up anew for the longer frames.
    subject.rx.extend(subject.device.take_rx_queues());
    (subject, sizes.iter().enumerate().map(|(at, len)| frame(at, *len)).collect())
}

/// With the largest MTU.
pub fn jumbo_frames_sent(bed: &mut dyn Bed) {
    let (mut subject, frames) = jumbo(bed);
    let expected = bytes(&frames);
    assert_eq!(subject.send(frames).packets, expected.len() as u64);
    assert_same(&subject.far_receive(expected.len()), &expected);
}

/// With the largest MTU.
pub fn jumbo_frames_received(bed: &mut dyn Bed) {
    let (mut subject, frames) = jumbo(bed);
    let expected = bytes(&frames);
    subject.far.send(frames);
    assert_same(&subject.receive(expected.len()), &expected);
}

/// Those that are too long are refused and counted, and nothing happens to the others.
pub fn too_long_frames(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    let dropped = subject.device.statistics().tx_dropped.unwrap_or(0);
    let mtu = subject.device.status().mtu as usize;
    let lengths = [60, mtu + 200, 61, mtu + 5000, mtu + HEADER, 65_000];
    let frames: Vec<Packet> = lengths.iter().map(|len| frame(*len, *len)).collect();
    let expected = bytes(&[frame(60, 60), frame(61, 61), frame(mtu + HEADER, mtu + HEADER)]);
    let sent = subject.send(frames);
    assert_eq!((sent.packets, sent.refused), (3, 3), "{sent:?}");
    assert_same(&subject.far_receive(3), &expected);
    assert_eq!(subject.device.statistics().tx_dropped, Some(dropped + 3));
}

/// Batches of 0 to 32 packets.
pub fn batches_of_every_length(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    let mut which = 0;
    for len in 0..=BATCH_MAX {
        let frames: Vec<Packet> = (0..len).map(|at| frame(which + at, 60 + at)).collect();
        which += len;
        let expected = bytes(&frames);
        let sent = subject.send(frames);
        assert_eq!(sent.bytes, expected.iter().map(|bytes| bytes.len() as u64).sum::<u64>());
        assert_same(&subject.far_receive(len), &expected);
    }
}

/// Packets for which there is no frame wait; none is lost.
pub fn a_pool_at_its_limit(bed: &mut dyn Bed) {
    let count = bed.abilities().depth.min(100);
    let frames: Vec<Packet> = (0..count).map(|which| frame(which, 64)).collect();
    let expected = bytes(&frames);
    let mut subject = Subject::with(bed, &Options::new(), frames);
    subject.pool = Pool::new(PoolConfig::default().small_limit(5).large_limit(5));
    let mut seen = Vec::new();
    wait_for("packets one by one", || {
        seen.extend(bytes(&subject.receive_now_into_a_few()));
        (seen.len() >= count).then_some(())
    });
    assert_eq!(seen, expected);
}

impl Subject {
    /// One call to each queue; the packets are dropped before the next.
    fn receive_now_into_a_few(&mut self) -> Vec<Packet> {
        let mut seen = Vec::new();
        for rx in &mut self.rx {
            let mut batch = Batch::new();
            rx.receive(&mut self.pool, &mut batch).unwrap();
            seen.extend(batch.iter().map(|packet| Packet::detached(packet.data()).unwrap()));
        }
        seen
    }
}

/// A batch that holds packets keeps them, and takes no more than fit.
pub fn a_batch_with_packets_in_it(bed: &mut dyn Bed) {
    let frames: Vec<Packet> = (0..40).map(|which| frame(which, 64)).collect();
    let expected = bytes(&frames);
    let mut subject = Subject::with(bed, &Options::new(), frames);
    let (mut seen, mut batch) = (Vec::new(), Batch::new());
    wait_for("all packets", || {
        for rx in &mut subject.rx {
            while batch.len() < 29 {
                batch.push(frame(9999, 77)).unwrap();
            }
            let count = rx.receive(&mut subject.pool, &mut batch).unwrap();
            assert!(count <= 3 && batch.len() == 29 + count);
            seen.extend(batch.drain().skip(29).map(|packet| packet.data().to_vec()));
        }
        (seen.len() >= 40).then_some(())
    });
    assert_eq!(seen, expected);
}

/// Packets in the device's own memory go back out by the same device, longer at both ends.
pub fn what_was_received_is_sent_again(bed: &mut dyn Bed) {
    let frames: Vec<Packet> = (0..32).map(|which| frame(which, 60 + which)).collect();
    let mut expected = bytes(&frames);
    for bytes in &mut expected {
        bytes.splice(12..12, [0x81, 0, 0, 5]);
        bytes.push(0xaa);
    }
    let mut subject = Subject::with(bed, &Options::new(), frames);
    let mut seen = Vec::new();
    wait_for("packets", || {
        seen.extend(subject.receive_now());
        (seen.len() >= 32).then_some(())
    });
    for packet in &mut seen {
        assert!(packet.headroom() >= 64, "room for a tunnel's headers in front: {}", packet.headroom());
        packet.push_front(4).unwrap();
        packet.data_mut().copy_within(4..16, 0);
        packet.data_mut()[12..16].copy_from_slice(&[0x81, 0, 0, 5]);
        packet.push_back(1).unwrap().copy_from_slice(&[0xaa]);
    }
    assert_eq!(subject.send(seen).packets, 32);
    assert_same(&subject.far_receive(32), &expected);
}
