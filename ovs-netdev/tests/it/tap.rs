//! TAP devices that we make.

use ovs_netdev::ovs_packet::{Batch, Pool, PoolConfig};
use ovs_netdev::{DeviceConfig, EtherAddr, Netdev, OpenError, RxError, tap::TapDevice};

use crate::netns::{lab, wait_for};

#[test]
fn it_is_there_as_long_as_the_value() {
    let Some(lab) = lab("it_is_there_as_long_as_the_value", &["s"]) else { return };
    let (device, mut rx) = lab.run("s", || {
        let mut device = TapDevice::open("t0", "internal").unwrap();
        let mac = EtherAddr([2, 0, 0, 0, 0, 9]);
        device.configure(&DeviceConfig::default().mac(mac).mtu(1450).admin_up(true)).unwrap();
        let status = device.status();
        assert_eq!((status.mac, status.mtu, status.admin_up, device.kind()), (mac, 1450, true, "internal"));
        assert!(matches!(TapDevice::open("t0", "tap"), Err(OpenError::InUse { .. })));
        let rx = device.take_rx_queues().remove(0);
        (device, rx)
    });
    assert!(lab.ip("s", "-o link show t0").contains("02:00:00:00:00:09"));
    drop(device);
    assert!(!lab.ip("s", "-o link").contains("t0"), "it goes at once, though a queue is left");
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    assert!(matches!(rx.receive(&mut pool, &mut batch), Err(RxError::Gone)));
}

#[test]
fn what_was_there_before_stays() {
    let Some(lab) = lab("what_was_there_before_stays", &["s"]) else { return };
    lab.ip("s", "tuntap add dev t1 mode tap");
    lab.ip("s", "link add d0 type veth peer name d1");
    lab.run("s", || {
        drop(TapDevice::open("t1", "tap").unwrap());
        let taken = TapDevice::open("d0", "internal").unwrap_err();
        assert!(matches!(taken, OpenError::InUse { .. }), "{taken}");
    });
    assert!(lab.ip("s", "-o link").contains("t1"));
}

#[test]
fn a_deleted_one_says_so() {
    let Some(lab) = lab("a_deleted_one_says_so", &["s"]) else { return };
    let (mut device, mut rx) = lab.run("s", || {
        let mut device = TapDevice::open("t2", "tap").unwrap();
        let rx = device.take_rx_queues().remove(0);
        (device, rx)
    });
    lab.ip("s", "link del t2");
    let (mut pool, mut batch) = (Pool::new(PoolConfig::default()), Batch::new());
    wait_for("the end", || matches!(rx.receive(&mut pool, &mut batch), Err(RxError::Gone)).then_some(()));
    assert!(device.status().gone.is_some());
}
