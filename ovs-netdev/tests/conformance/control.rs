//! The control side: settings, states, counters, and what to sleep on.

use std::time::Duration;

use ovs_netdev::ovs_packet::Packet;
use ovs_netdev::{DeviceConfig, EtherAddr, Netdev, Options, RxQueue, Wait};

use super::Bed;
use super::subject::{Subject, frame, wait_for};

fn frames(count: usize) -> Vec<Packet> {
    (0..count).map(|which| frame(which, 100)).collect()
}

/// What is set moves the change number.
fn set(device: &mut dyn Netdev, config: &DeviceConfig) {
    let before = device.poll_changes(Duration::ZERO);
    device.configure(config).unwrap();
    wait_for("a change", || (device.poll_changes(Duration::ZERO) != before).then_some(()));
    assert_eq!(device.status().gone, None);
}

/// An address that is set is told, and lasts.
pub fn its_address_is_set(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    let mac = EtherAddr([2, 1, 2, 3, 4, 5]);
    set(subject.device.as_mut(), &DeviceConfig::default().mac(mac));
    assert_eq!(subject.device.status().mac, mac);
}

/// So is an MTU, within the range that is told.
pub fn its_mtu_is_set(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    let device = &mut subject.device;
    set(device.as_mut(), &DeviceConfig::default().mtu(1400));
    assert_eq!(device.status().mtu, 1400);
    let told = device.status().mtu_range;
    assert!(told.is_none_or(|(least, most)| least <= 1400 && most >= 1400));
    for wrong in told.map_or(vec![], |(least, most)| vec![least - 1, most + 1]) {
        let refused = device.configure(&DeviceConfig::default().mtu(wrong));
        assert!(refused.is_err(), "an MTU of {wrong}, where {told:?} is told");
        assert_eq!(device.status().mtu, 1400, "what was refused changes nothing");
    }
}

/// Nothing is sent while it is down, and everything again when it is up.
pub fn down_and_up(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    for _ in 0..2 {
        subject.device.configure(&DeviceConfig::default().admin_up(false)).unwrap();
        assert!(!subject.device.status().admin_up);
        let sent = subject.send(frames(40));
        assert_eq!((sent.packets, sent.down), (0, 40), "{sent:?}");
        assert!(subject.receive_now().is_empty());
        subject.device.configure(&DeviceConfig::default().admin_up(true)).unwrap();
        assert!(subject.device.status().admin_up);
        wait_for("a packet that passes", || (subject.send(frames(1)).packets == 1).then_some(()));
        wait_for("it at the other end", || (!subject.far.receive().is_empty()).then_some(()));
    }
}

/// Carrier that goes and comes is told and counted.
pub fn carrier(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    wait_for("carrier", || subject.device.status().link_up.then_some(()));
    let (changes, resets) =
        (subject.device.poll_changes(Duration::ZERO), subject.device.status().link_resets);
    subject.far.set_link(false);
    wait_for("no carrier", || (!subject.device.status().link_up).then_some(()));
    subject.far.set_link(true);
    wait_for("carrier again", || subject.device.status().link_up.then_some(()));
    assert!(subject.device.status().link_resets >= resets + 2);
    wait_for("a change", || (subject.device.poll_changes(Duration::ZERO) > changes).then_some(()));
    wait_for("a packet that passes", || {
        subject.send(frames(1));
        (!subject.far.receive().is_empty()).then_some(())
    });
}

/// Packets and bytes are counted exactly.
pub fn statistics(bed: &mut dyn Bed) {
    let count = 96;
    let mut subject = Subject::with(bed, &Options::new(), frames(count));
    subject.receive(count);
    let told = subject.device.statistics();
    assert_eq!((told.rx_packets, told.rx_bytes), (Some(96), Some(9600)), "{told:?}");
    assert_eq!((told.rx_dropped.unwrap_or(0), told.tx_dropped.unwrap_or(0)), (0, 0));
    assert_eq!((told.tx_packets, told.tx_bytes), (Some(0), Some(0)));
    subject.send(frames(64));
    subject.far_receive(64);
    // A device may learn of the end of its last packets only when it is asked to.
    wait_for("counters", || {
        let told = subject.device.statistics();
        ((told.tx_packets, told.tx_bytes) == (Some(64), Some(6400))).then_some(())
    });
    let told = subject.device.statistics();
    assert_eq!((told.rx_packets, told.rx_bytes), (Some(96), Some(9600)));
}

/// Whether a queue's wait has come true.
pub fn is_ready(rx: &dyn RxQueue) -> bool {
    match rx.wait() {
        Wait::Ready => true,
        #[cfg(target_os = "linux")]
        Wait::Fd(fd, _) => {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
        }
        _ => false,
    }
}

/// Queues with packets are ready, and say whether anything tells of more.
pub fn ready_with_packets(bed: &mut dyn Bed) {
    let polled = bed.abilities().polled;
    let mut subject = Subject::with(bed, &Options::new(), frames(3));
    wait_for("readiness", || subject.rx.iter().any(|rx| is_ready(rx.as_ref())).then_some(()));
    subject.receive(3);
    assert!(subject.rx.iter().all(|rx| rx.is_polled() == polled));
}

/// Whoever sleeps on what a queue says can sleep once all packets are taken.
pub fn rest_without_packets(bed: &mut dyn Bed) {
    let mut subject = Subject::with(bed, &Options::new(), frames(3));
    subject.receive(3);
    subject.receive_now();
    wait_for("rest", || subject.rx.iter().all(|rx| !is_ready(rx.as_ref())).then_some(()));
}

/// And wakes up for each packet.
pub fn woken_by_packets(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    subject.receive_now();
    wait_for("rest", || subject.rx.iter().all(|rx| !is_ready(rx.as_ref())).then_some(()));
    for _ in 0..3 {
        subject.far.send(frames(1));
        wait_for("readiness", || subject.rx.iter().any(|rx| is_ready(rx.as_ref())).then_some(()));
        subject.receive(1);
    }
}

/// What is drained is gone and was counted.
pub fn draining(bed: &mut dyn Bed) {
    let mut subject = Subject::with(bed, &Options::new(), frames(50));
    let mut drained = 0;
    wait_for("all of it", || {
        drained += subject.rx.iter_mut().map(|rx| rx.drain()).sum::<u64>();
        (drained >= 50).then_some(())
    });
    assert_eq!(drained, 50);
    assert!(subject.receive_now().is_empty());
}
