//! DPDK's devices over memory: no huge pages, no hardware. One environment serves all of this binary, so what needs
//! it stands in one test after the other.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail as tests do")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped test says so, a failed case its name"
)]

#[path = "../conformance/mod.rs"]
mod conformance;
#[path = "../it/netns.rs"]
#[allow(dead_code, reason = "part of what tests/it needs")]
mod netns;
mod tap;
mod vhost;

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_netdev::dpdk::{DpdkFactory, Eal, EalError};
use ovs_netdev::{DeviceConfig, Factory, Netdev, Options, Wait};
use ovs_packet::{Batch, Packet, Pool, PoolConfig};

/// What mbufs of the usual size cannot.
const JUMBO: [&str; 2] = ["jumbo frames sent", "jumbo frames received"];
/// What devices cannot that are asked all the time, and whose drivers see neither carrier nor end.
const POLLED: [&str; 4] = ["carrier", "rest without packets", "woken by packets", "vanished under load"];

fn options(devargs: &str) -> Options {
    BTreeMap::from([("dpdk-devargs".to_owned(), devargs.to_owned())])
}

fn frame(len: usize, fill: u8) -> Vec<u8> {
    (0..len).map(|at| (at as u8) ^ fill).collect()
}

fn batch_of(frames: &[Vec<u8>]) -> Batch {
    let mut batch = Batch::new();
    for bytes in frames {
        batch.push(Packet::detached(bytes).unwrap()).unwrap();
    }
    batch
}

fn open(factory: &DpdkFactory, name: &str, devargs: &str) -> Box<dyn Netdev> {
    factory.open(name, &options(devargs)).unwrap()
}

#[test]
fn devices_in_memory() {
    let Some(lab) = netns::lab("devices_in_memory", &["s"]) else { return };
    // The environment remembers the namespace that it was started in, so all of it runs in one.
    lab.run("s", in_a_namespace);
}

fn in_a_namespace() {
    let factory = DpdkFactory::new();
    let early = factory.open("p0", &options("net_null0")).err().unwrap().to_string();
    assert!(early.contains("dpdk-init"), "{early}");
    let args = ["--no-huge", "--no-pci", "-m", "192", "--no-telemetry"].map(str::to_owned);
    let eal = Eal::init(&args, |_, line| println!("{line}")).unwrap();
    assert!(eal.version().starts_with("DPDK "), "{}", eal.version());
    assert_eq!(Eal::init(&args, |_, _| {}).unwrap_err(), EalError::AlreadyStarted);
    factory.start(eal);

    refusals(&factory);
    loops_back_what_it_is_given(&factory);
    carries_mbufs_without_a_copy(&factory);
    counts_what_it_cannot_send(&factory);
    carries_packets_of_several_mbufs(&factory);
    rests_while_it_is_down(&factory);
    outlives_its_device(&factory);
    opens_again(&factory);
    let beyond = [&JUMBO[..], &["too long frames", "segments sent", "offloads received"], &POLLED].concat();
    conformance::run("dpdk: net_tap", &mut tap::TapPort::new(factory.clone()), &beyond);
    vhost::comes_back(factory.clone());
    let drivers = [
        ("dpdkvhostuser", "", 0),
        ("dpdkvhostuser, packed rings", ",packed_vq=1", 1 << 34),
        ("dpdkvhostuser, one buffer a packet", ",mrg_rxbuf=0,in_order=0", 0),
    ];
    let beyond = [&JUMBO[..], &["segments sent"], &POLLED].concat();
    for (name, driver, features) in drivers {
        let port = vhost::VhostPort::new(factory.clone(), true);
        conformance::run(name, &mut port.told(driver, features), &beyond);
    }
}

fn refusals(factory: &DpdkFactory) {
    let message = |options: &Options| factory.open("p1", options).err().unwrap().to_string();
    assert!(message(&Options::new()).contains("dpdk-devargs"));
    assert!(message(&options("net_nosuchdriver7")).contains("net_nosuchdriver7"));
    let mut odd = options("net_null9");
    odd.insert("n_rxq".to_owned(), "0".to_owned());
    assert!(message(&odd).contains("n_rxq"));
}

fn loops_back_what_it_is_given(factory: &DpdkFactory) {
    let mut device = open(factory, "ring", "net_ring0");
    assert_eq!((device.name(), device.kind()), ("ring", "dpdk"));
    let mut rx = device.take_rx_queues();
    assert!(device.take_rx_queues().is_empty(), "a queue is handed out once");
    assert!(rx[0].is_polled() && matches!(rx[0].wait(), Wait::Ready));
    let mut tx = device.tx_queue().unwrap();
    let mut pool = Pool::new(PoolConfig::default());
    for len in [60, 61, 64, 127, 128, 129, 1500, 1514, 1518, 2000] {
        let frames: Vec<_> = (0..32).map(|n| frame(len, n)).collect();
        let sent = tx.send(&mut batch_of(&frames));
        assert_eq!((sent.packets, sent.bytes), (32, 32 * len as u64));
        let mut got = Batch::new();
        assert_eq!(rx[0].receive(&mut pool, &mut got).unwrap(), 32);
        for (packet, frame) in got.iter().zip(&frames) {
            assert_eq!(packet.data(), &frame[..]);
        }
    }
    let mut got = Batch::new();
    assert_eq!(rx[0].receive(&mut pool, &mut got).unwrap(), 0);
    assert_eq!(device.statistics().tx_packets, Some(320));
    let status = device.status();
    assert_eq!(status.mtu, 1500);
    assert!(status.details.iter().any(|(key, value)| key == "driver_name" && value.contains("ring")));
    let before = device.poll_changes(Duration::ZERO);
    assert_eq!(device.poll_changes(Duration::from_secs(1)), before);
}

fn carries_mbufs_without_a_copy(factory: &DpdkFactory) {
    let (mut first, mut second) = (open(factory, "a", "net_ring1"), open(factory, "b", "net_ring2"));
    let mut pool = Pool::new(PoolConfig::default());
    first.tx_queue().unwrap().send(&mut batch_of(&[frame(100, 1)]));
    let mut batch = Batch::new();
    first.take_rx_queues()[0].receive(&mut pool, &mut batch).unwrap();
    let at = batch[0].data().as_ptr();
    // Room in front and behind is the packet's: it can grow at both ends on its way.
    batch[0].push_front(4).unwrap().copy_from_slice(&[1, 2, 3, 4]);
    batch[0].push_back(2).unwrap().copy_from_slice(&[5, 6]);
    assert_eq!(second.tx_queue().unwrap().send(&mut batch).packets, 1);
    second.take_rx_queues()[0].receive(&mut pool, &mut batch).unwrap();
    assert_eq!(batch[0].data().as_ptr(), at.wrapping_sub(4));
    assert_eq!(batch[0].len(), 106);
    assert_eq!((&batch[0].data()[..4], &batch[0].data()[104..]), (&[1, 2, 3, 4][..], &[5, 6][..]));
}

fn counts_what_it_cannot_send(factory: &DpdkFactory) {
    let mut device = open(factory, "small", "net_ring3");
    let mut tx = device.tx_queue().unwrap();
    let sent = tx.send(&mut batch_of(&[frame(60, 0), frame(4000, 0)]));
    assert_eq!((sent.packets, sent.refused), (1, 1));
    // Nobody receives: the ring fills up.
    let mut full = 0;
    for _ in 0..1000 {
        full += tx.send(&mut batch_of(&vec![frame(60, 0); 32])).full;
    }
    assert!(full > 0);
    assert_eq!(device.statistics().tx_dropped, Some(full + 1));
    let error = device.configure(&DeviceConfig::default().mtu(9000)).err().unwrap().to_string();
    assert!(error.contains("MTU"), "{error}");
}

fn carries_packets_of_several_mbufs(factory: &DpdkFactory) {
    let mut large = options("net_ring7");
    large.insert("mtu_request".to_owned(), "9000".to_owned());
    let mut device = factory.open("large", &large).unwrap();
    let (mut rx, mut tx) = (device.take_rx_queues(), device.tx_queue().unwrap());
    assert_eq!(device.status().mtu, 9000);
    let mut pool = Pool::new(PoolConfig::default());
    // Single mbufs and chains among each other, and sizes around those at which one more is needed.
    for len in [60, 2047, 2048, 2049, 4096, 4097, 6000, 9014] {
        let frames: Vec<_> = (0..8).map(|n| frame(if n % 2 == 0 { len } else { 60 }, n)).collect();
        let sent = tx.send(&mut batch_of(&frames));
        assert_eq!((sent.packets, sent.refused), (8, 0), "{len}");
        let mut got = Batch::new();
        assert_eq!(rx[0].receive(&mut pool, &mut got).unwrap(), 8);
        for (packet, frame) in got.iter().zip(&frames) {
            assert!(packet.data() == &frame[..], "{len}");
        }
        // What came as several mbufs goes out again as several.
        assert_eq!(tx.send(&mut got).packets, 8);
        assert_eq!(rx[0].receive(&mut pool, &mut got).unwrap(), 8);
        assert!(got.iter().zip(&frames).all(|(packet, frame)| packet.data() == &frame[..]));
    }
    // Chains that nobody takes are freed: there are fewer mbufs than this many rounds would need.
    for _ in 0..10_000 {
        tx.send(&mut batch_of(&[frame(9000, 0), frame(9000, 1)]));
    }
    let mut got = Batch::new();
    while rx[0].receive(&mut pool, &mut got).unwrap() > 0 {
        got.clear();
    }
    assert_eq!(tx.send(&mut batch_of(&[frame(9000, 0)])).packets, 1);
    let mut config = PoolConfig::default();
    config.large_limit = 0;
    let none = rx[0].receive(&mut Pool::new(config), &mut got);
    assert_eq!((none.unwrap(), device.statistics().rx_dropped), (0, Some(1)), "no frame for it");
}

fn rests_while_it_is_down(factory: &DpdkFactory) {
    let mut device = open(factory, "down", "net_ring4");
    let (mut rx, mut tx) = (device.take_rx_queues(), device.tx_queue().unwrap());
    device.configure(&DeviceConfig::default().admin_up(false)).unwrap();
    assert!(!device.status().admin_up);
    assert_eq!(tx.send(&mut batch_of(&[frame(60, 0)])).down, 1);
    let mut pool = Pool::new(PoolConfig::default());
    assert_eq!(rx[0].receive(&mut pool, &mut Batch::new()).unwrap(), 0);
    device.configure(&DeviceConfig::default().admin_up(true)).unwrap();
    assert_eq!(tx.send(&mut batch_of(&[frame(60, 0)])).packets, 1);
}

fn outlives_its_device(factory: &DpdkFactory) {
    let mut device = open(factory, "gone", "net_ring5");
    let (mut rx, mut tx) = (device.take_rx_queues(), device.tx_queue().unwrap());
    let mut pool = Pool::new(PoolConfig::default());
    tx.send(&mut batch_of(&[frame(70, 9)]));
    let mut batch = Batch::new();
    rx[0].receive(&mut pool, &mut batch).unwrap();
    drop((device, rx, tx));
    assert_eq!(batch[0].data(), &frame(70, 9)[..]);
    // Another thread gives the mbuf back.
    std::thread::spawn(move || drop(batch)).join().unwrap();
}

fn opens_again(factory: &DpdkFactory) {
    for _ in 0..20 {
        let mut device = open(factory, "again", "net_ring6");
        let sent = device.tx_queue().unwrap().send(&mut batch_of(&[frame(60, 0)]));
        assert_eq!(sent.packets, 1);
    }
}
