//! Devices of the system, over veth pairs.

use std::time::Duration;

use ovs_netdev::ovs_packet::{Batch, Packet, Pool, PoolConfig, edit};
use ovs_netdev::{ConfigError, DeviceConfig, EtherAddr, Netdev, RxError, RxQueue, system::SystemDevice};

use crate::netns::{lab, wait_for};

fn frame(first: u8, len: usize) -> Packet {
    let mut bytes = vec![first; len];
    // An EtherType for experiments, so that no network stack answers.
    bytes[12..14].copy_from_slice(&[0x88, 0xb5]);
    Packet::detached(&bytes).unwrap()
}

/// Receives `count` packets of the type that [`frame`] makes, tagged or not.
fn collect(queue: &mut dyn RxQueue, count: usize) -> Vec<Packet> {
    let (mut pool, mut batch, mut seen) = (Pool::new(PoolConfig::default()), Batch::new(), Vec::new());
    wait_for("packets", || {
        queue.receive(&mut pool, &mut batch).unwrap();
        seen.extend(
            batch.drain().filter(|packet| packet.data().windows(2).any(|type_| type_ == [0x88, 0xb5])),
        );
        (seen.len() >= count).then_some(())
    });
    seen
}

#[test]
fn a_batch_arrives_in_order() {
    let Some(lab) = lab("a_batch_arrives_in_order", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.run("s", || {
        let (mut a, mut b) = (SystemDevice::open("v0").unwrap(), SystemDevice::open("v1").unwrap());
        let (mut tx, mut rx) = (a.tx_queue().unwrap(), b.take_rx_queues().remove(0));
        let mut batch = Batch::new();
        for i in 0..32 {
            batch.push(frame(i, 60 + usize::from(i))).unwrap();
        }
        let sent = tx.send(&mut batch);
        assert_eq!((sent.packets, sent.full + sent.refused + sent.down, batch.len()), (32, 0, 0));
        for (i, packet) in collect(rx.as_mut(), 32).iter().enumerate() {
            assert_eq!((packet.data()[0], packet.len()), (i as u8, 60 + i));
            assert!(packet.headroom() >= 128);
        }
        assert!(a.statistics().tx_packets >= Some(32) && b.statistics().rx_packets >= Some(32));
        assert_eq!(b.statistics().rx_dropped, Some(0));
    });
}

#[test]
fn tags_stay_in_their_frames() {
    let Some(lab) = lab("tags_stay_in_their_frames", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.run("s", || {
        let (mut a, mut b) = (SystemDevice::open("v0").unwrap(), SystemDevice::open("v1").unwrap());
        let (mut tx, mut rx) = (a.tx_queue().unwrap(), b.take_rx_queues().remove(0));
        let mut tagged = frame(2, 100);
        edit::push_vlan(&mut tagged, 0x8100, 0x6005).unwrap();
        let mut twice = frame(4, 1500);
        edit::push_vlan(&mut twice, 0x8100, 7).unwrap();
        edit::push_vlan(&mut twice, 0x88a8, 8).unwrap();
        let expected = [tagged.data().to_vec(), twice.data().to_vec()];
        let mut batch = Batch::new();
        batch.push(tagged).unwrap();
        batch.push(twice).unwrap();
        assert_eq!(tx.send(&mut batch).packets, 2);
        let seen: Vec<_> = collect(rx.as_mut(), 2).iter().map(|packet| packet.data().to_vec()).collect();
        assert_eq!(seen, expected);
    });
}

#[test]
fn long_packets_come_whole_and_too_long_ones_are_refused() {
    let Some(lab) = lab("long_packets", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.ip("s", "link set v0 mtu 9000");
    lab.ip("s", "link set v1 mtu 9000");
    lab.run("s", || {
        let (mut a, mut b) = (SystemDevice::open("v0").unwrap(), SystemDevice::open("v1").unwrap());
        let (mut tx, mut rx) = (a.tx_queue().unwrap(), b.take_rx_queues().remove(0));
        let mut batch = Batch::new();
        for len in [9014, 60, 2048, 9500, 2049] {
            batch.push(frame(0x42, len)).unwrap();
        }
        let sent = tx.send(&mut batch);
        assert_eq!((sent.packets, sent.refused), (4, 1));
        let lengths: Vec<_> = collect(rx.as_mut(), 4).iter().map(Packet::len).collect();
        assert_eq!(lengths, [9014, 60, 2048, 2049]);
        assert_eq!(a.statistics().tx_dropped, Some(1));
    });
}

#[test]
fn settings_and_changes() {
    let Some(lab) = lab("settings_and_changes", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.run("s", || {
        let (mut a, mut b) = (SystemDevice::open("v0").unwrap(), SystemDevice::open("v1").unwrap());
        let before = a.poll_changes(Duration::ZERO);
        let mac = EtherAddr([2, 1, 2, 3, 4, 5]);
        a.configure(&DeviceConfig::default().mac(mac).mtu(1400)).unwrap();
        let status = a.status();
        assert_eq!((status.mac, status.mtu, status.admin_up, status.link_up), (mac, 1400, true, true));
        assert_eq!((status.mtu_range, status.link_speed), (Some((68, 65535)), Some(10_000_000_000)));
        assert_eq!(status.details[0], ("driver_name".to_owned(), "veth".to_owned()));
        assert!(a.poll_changes(Duration::ZERO) > before);
        let refused = a.configure(&DeviceConfig::default().mtu(1)).unwrap_err();
        assert!(matches!(refused, ConfigError::System { property: "mtu", .. }), "{refused}");

        let before = a.poll_changes(Duration::ZERO);
        b.configure(&DeviceConfig::default().admin_up(false)).unwrap();
        wait_for("loss of carrier", || (!a.status().link_up).then_some(()));
        assert!(a.poll_changes(Duration::ZERO) > before && a.status().link_resets > 0);
        let mut batch = Batch::new();
        batch.push(frame(2, 60)).unwrap();
        let sent = b.tx_queue().unwrap().send(&mut batch);
        assert_eq!((sent.packets, sent.down), (0, 1));
    });
}

#[test]
fn a_device_that_vanishes_says_so() {
    let Some(lab) = lab("a_device_that_vanishes_says_so", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    let (mut device, mut tx, mut rx) = lab.run("s", || {
        let mut device = SystemDevice::open("v0").unwrap();
        let (tx, rx) = (device.tx_queue().unwrap(), device.take_rx_queues().remove(0));
        (device, tx, rx)
    });
    lab.ip("s", "link del v0");
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    wait_for("the end", || match rx.receive(&mut pool, &mut batch) {
        Err(RxError::Gone) => Some(()),
        Ok(_) => None,
        Err(error) => panic!("{error}"),
    });
    wait_for("the notice", || (device.poll_changes(Duration::ZERO) > 0).then_some(()));
    assert_eq!(device.status().gone.as_deref(), Some("network device v0 has disappeared"));
    batch.clear();
    batch.push(frame(2, 60)).unwrap();
    assert_eq!(tx.send(&mut batch).down, 1);
    let error = device.configure(&DeviceConfig::default().mtu(1400)).unwrap_err();
    assert_eq!(error.to_string(), "v0: device is gone");
    assert!(device.tx_queue().is_err());
}

#[test]
fn queues_end_with_their_device() {
    let Some(lab) = lab("queues_end_with_their_device", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.run("s", || {
        let mut device = SystemDevice::open("v0").unwrap();
        let (mut tx, mut rx) = (device.tx_queue().unwrap(), device.take_rx_queues().remove(0));
        drop(device);
        let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
        assert!(matches!(rx.receive(&mut pool, &mut batch), Err(RxError::Gone)));
        batch.push(frame(2, 60)).unwrap();
        assert_eq!(tx.send(&mut batch).down, 1);
    });
}

#[test]
fn a_device_opened_while_down_receives_when_up() {
    let Some(lab) = lab("a_device_opened_while_down_receives_when_up", &["s"]) else { return };
    lab.veth(("s", "v0"), ("s", "v1"));
    lab.run("s", || {
        let (mut a, mut b) = (SystemDevice::open("v0").unwrap(), SystemDevice::open("v1").unwrap());
        b.configure(&DeviceConfig::default().admin_up(false)).unwrap();
        drop(b);
        let mut b = SystemDevice::open("v1").unwrap();
        let mut rx = b.take_rx_queues().remove(0);
        let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
        assert_eq!(rx.receive(&mut pool, &mut batch).unwrap(), 0);
        b.configure(&DeviceConfig::default().admin_up(true)).unwrap();
        wait_for("carrier", || a.status().link_up.then_some(()));
        batch.push(frame(2, 60)).unwrap();
        assert_eq!(a.tx_queue().unwrap().send(&mut batch).packets, 1);
        assert_eq!(collect(rx.as_mut(), 1).len(), 1);
    });
}

#[test]
fn idle_devices_leave_the_frames_to_busy_ones() {
    let Some(lab) = lab("idle_devices_leave_the_frames_to_busy_ones", &["s"]) else { return };
    for i in 0..4 {
        lab.veth(("s", &format!("v{i}")), ("s", &format!("w{i}")));
    }
    lab.run("s", || {
        // Fewer frames than four devices could ask for at once.
        let mut pool = Pool::new(PoolConfig::default().small_limit(40).large_limit(40));
        let mut ends: Vec<_> = (0..4)
            .map(|i| {
                let mut a = SystemDevice::open(&format!("v{i}")).unwrap();
                let mut b = SystemDevice::open(&format!("w{i}")).unwrap();
                (a.tx_queue().unwrap(), b.take_rx_queues().remove(0), (a, b))
            })
            .collect();
        for _ in 0..10 {
            for (tx, rx, _) in &mut ends {
                let mut batch = Batch::new();
                for _ in 0..32 {
                    batch.push(frame(2, 60)).unwrap();
                }
                assert_eq!(tx.send(&mut batch).packets, 32);
                let mut seen = 0;
                wait_for("32 packets", || {
                    rx.receive(&mut pool, &mut batch).unwrap();
                    seen += batch.drain().filter(|packet| packet.data()[12..14] == [0x88, 0xb5]).count();
                    (seen == 32).then_some(())
                });
                while rx.receive(&mut pool, &mut batch).unwrap() > 0 {
                    batch.clear();
                }
            }
        }
        // Two small and two large frames each.
        assert!(pool.frames_out() <= 4 * 4);
    });
}
