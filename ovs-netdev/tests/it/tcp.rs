//! Two hosts speak TCP through us with all their offloads on.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ovs_netdev::ovs_packet::{Batch, Offload, Pool, PoolConfig, edit};
use ovs_netdev::{Netdev, RxQueue, TxQueue, system::SystemDevice, tap::TapDevice};

use crate::netns::{Lab, lab, wait_for};

/// Bytes sent in each direction of a connection.
const LENGTH: usize = 4 << 20;

/// Two devices, connected by a thread.
struct Cross {
    stop: Arc<AtomicBool>,
    longest: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Cross {
    /// Connects them; `can` is what the sending sides are left to do, the rest is finished in software.
    fn start(mut a: Box<dyn Netdev>, mut b: Box<dyn Netdev>, can: Offload) -> Self {
        let (stop, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut ways = [
            (a.take_rx_queues().remove(0), b.tx_queue().unwrap()),
            (b.take_rx_queues().remove(0), a.tx_queue().unwrap()),
        ];
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&longest));
        let thread = std::thread::spawn(move || {
            let _devices = (a, b);
            let mut pool = Pool::new(PoolConfig::default());
            while !stopped.load(Ordering::Relaxed) {
                let moved: usize = ways.iter_mut().map(|(rx, tx)| pass(&mut pool, rx, tx, can, &seen)).sum();
                if moved == 0 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
        Self { stop, longest, thread: Some(thread) }
    }
}

impl Drop for Cross {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn pass(
    pool: &mut Pool,
    rx: &mut Box<dyn RxQueue>,
    tx: &mut Box<dyn TxQueue>,
    can: Offload,
    longest: &AtomicUsize,
) -> usize {
    let mut batch = Batch::new();
    let received = rx.receive(pool, &mut batch).unwrap();
    let mut out = Batch::new();
    for packet in batch.drain() {
        longest.fetch_max(packet.len(), Ordering::Relaxed);
        let mut emit = |packet| {
            out.push(packet).unwrap();
            if out.is_full() {
                tx.send(&mut out);
            }
        };
        edit::finish(packet, can, pool, &mut emit).unwrap();
    }
    tx.send(&mut out);
    received
}

/// A connection from one namespace to another, with known bytes both ways.
fn talk(lab: &Lab, from: &str, to: &str, address: &str) {
    let address: IpAddr = address.parse().unwrap();
    let listener = lab.run(to, move || TcpListener::bind(SocketAddr::new(address, 0)).unwrap());
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || exchange(&listener.accept().unwrap().0, 1));
    let client = lab.spawn(from, move || {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).unwrap();
        exchange(&stream, 2);
    });
    client.join().unwrap();
    server.join().unwrap();
}

/// Sends bytes of `mine` and receives those of the other side.
fn exchange(stream: &TcpStream, mine: u8) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let bytes = |seed: u8| (0..LENGTH).map(move |i| (i / 7) as u8 ^ seed).collect::<Vec<u8>>();
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&bytes(mine)).unwrap());
    let mut received = vec![0; LENGTH];
    (&*stream).read_exact(&mut received).unwrap();
    assert!(received == bytes(3 - mine), "bytes arrive as they were sent");
    sender.join().unwrap();
}

fn two_hosts(lab: &Lab) {
    for (host, n) in [("a", 1), ("b", 2)] {
        lab.veth((host, "eth"), ("s", host));
        lab.ip(host, &format!("addr add 10.0.0.{n}/24 dev eth"));
        lab.ip(host, &format!("addr add fd00::{n}/64 dev eth nodad"));
    }
}

fn open_both(lab: &Lab) -> [Box<dyn Netdev>; 2] {
    lab.run("s", || ["a", "b"].map(|name| Box::new(SystemDevice::open(name).unwrap()) as Box<dyn Netdev>))
}

#[test]
fn super_packets_pass_whole() {
    let Some(lab) = lab("super_packets_pass_whole", &["s", "a", "b"]) else { return };
    two_hosts(&lab);
    let [a, b] = open_both(&lab);
    let cross = Cross::start(a, b, Offload::all());
    talk(&lab, "a", "b", "10.0.0.2");
    talk(&lab, "b", "a", "fd00::1");
    assert!(cross.longest.load(Ordering::Relaxed) > 10_000, "the hosts keep their segmentation offload");
}

#[test]
fn software_finishes_what_a_device_could_not() {
    let Some(lab) = lab("software_finishes_what_a_device_could_not", &["s", "a", "b"]) else { return };
    two_hosts(&lab);
    let [a, b] = open_both(&lab);
    let cross = Cross::start(a, b, Offload::empty());
    talk(&lab, "a", "b", "fd00::2");
    talk(&lab, "b", "a", "10.0.0.1");
    assert!(cross.longest.load(Ordering::Relaxed) > 10_000);
}

#[test]
fn a_host_behind_an_internal_port() {
    let Some(lab) = lab("a_host_behind_an_internal_port", &["s", "a"]) else { return };
    lab.veth(("a", "eth"), ("s", "a"));
    lab.ip("a", "addr add 10.0.0.1/24 dev eth");
    let [tap, a] = lab.run("s", || {
        let tap: Box<dyn Netdev> = Box::new(TapDevice::open("br0", "internal").unwrap());
        [tap, Box::new(SystemDevice::open("a").unwrap())]
    });
    lab.ip("s", "addr add 10.0.0.2/24 dev br0");
    lab.ip("s", "link set br0 up");
    let cross = Cross::start(tap, a, Offload::all());
    talk(&lab, "a", "s", "10.0.0.2");
    talk(&lab, "s", "a", "10.0.0.1");
    assert!(cross.longest.load(Ordering::Relaxed) > 10_000);
}

#[test]
fn datagrams_with_unfinished_checksums_arrive() {
    let Some(lab) = lab("datagrams_with_unfinished_checksums_arrive", &["s", "a", "b"]) else { return };
    two_hosts(&lab);
    let [a, b] = open_both(&lab);
    let _cross = Cross::start(a, b, Offload::empty());
    let receiver = lab.run("b", || UdpSocket::bind("10.0.0.2:0").unwrap());
    receiver.set_nonblocking(true).unwrap();
    let to = receiver.local_addr().unwrap();
    let sender = lab.run("a", || UdpSocket::bind("10.0.0.1:0").unwrap());
    sender.send_to(b"hello", to).unwrap();
    let mut buffer = [0; 16];
    let len = wait_for("a datagram", || receiver.recv(&mut buffer).ok());
    assert_eq!(&buffer[..len], b"hello");
}
