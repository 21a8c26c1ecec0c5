//! What a dropped switch leaves in its process: no thread, no descriptor, no device.
//!
//! Threads and descriptors of other tests would be counted along, so each scenario runs in a process of its own: this
//! test program once more, with the scenario's name in the environment; the one with real devices in a network
//! namespace that ends with the process.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::UdpSocket;
use std::process::{Command, id};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use ovs_dpif::{Budget, Next, UserspaceConfig, UserspaceDatapath, Waker, Worker};
use ovs_netdev::dummy::Dummies;
use ovs_netdev::{Registry, register_native};
use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig, Switch, SwitchConfig};

use crate::world::{frame, mac};

const SCENARIO: &str = "OVS_REMAINS_SCENARIO";
const LIMIT: Duration = Duration::from_secs(10);

/// What a process has, and what is in its network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holdings {
    threads: usize,
    descriptors: usize,
    devices: Vec<String>,
}

impl Holdings {
    fn now() -> Self {
        let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap();
        let mut devices: Vec<String> =
            devices.lines().skip(2).filter_map(|l| Some(l.split_once(':')?.0.trim().to_owned())).collect();
        devices.sort();
        Self { threads: count("/proc/self/task"), descriptors: count("/proc/self/fd"), devices }
    }
}

/// Wakes a thread that is parked.
#[derive(Default)]
struct Unpark(OnceLock<Thread>);

impl Waker for Unpark {
    fn wake(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

/// A switch whose workers have threads, as in a program.
struct Threaded {
    switch: Switch,
    began: Instant,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Threaded {
    fn start(registry: Registry, workers: usize) -> Self {
        let (began, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let mut dpif = UserspaceDatapath::new(UserspaceConfig::default().named("ovs-netdev", "netdev"));
        let threads = (0..workers)
            .map(|_| {
                let waker = Arc::new(Unpark::default());
                let (worker, stop) = (dpif.add_worker(Some(waker.clone())), stop.clone());
                let thread = thread::spawn(move || drive(worker, began, &stop));
                let _ = waker.0.set(thread.thread().clone());
                thread
            })
            .collect();
        let switch = Switch::new(SwitchConfig::default(), registry, Box::new(dpif));
        Self { switch, began, stop, threads }
    }

    fn apply(&mut self, wanted: &DesiredState) {
        let plan = self.switch.plan(wanted);
        let applied = self.switch.apply(plan, self.began.elapsed());
        for (name, result) in applied.interfaces {
            assert!(result.is_ok(), "{name:?}: {result:?}");
        }
    }

    /// Polls the switch until something holds.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Switch) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !done(&self.switch) {
            assert!(Instant::now() < deadline, "{what} did not happen");
            self.switch.poll(self.began.elapsed(), 1000);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Drops the switch, which ends the workers; their threads end by that, or by being told.
    fn end(self) {
        drop(self.switch);
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            thread.thread().unpark();
            thread.join().unwrap();
        }
    }
}

fn drive(mut worker: Worker, began: Instant, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let progress = worker.poll(began.elapsed(), Budget::default());
        if progress.next == Next::Closed {
            return;
        }
        if progress.is_idle() {
            thread::park_timeout(Duration::from_millis(2));
        }
    }
}

/// Runs this program again for one scenario, in a namespace of its own if it needs devices.
fn in_own_process(test: &str, scenario: &str, namespace: bool) {
    let program = std::env::current_exe().unwrap();
    let mut command =
        Command::new(if namespace { "unshare".into() } else { program.clone().into_os_string() });
    if namespace {
        command.arg("-n").arg(program);
    }
    command.args(["--exact", test, "--test-threads=1"]).env(SCENARIO, scenario);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{scenario}: {text}");
}

/// Does something that makes and drops a switch, twice: what is made once for a process is there after the first time,
/// but for threads.
fn leaves_nothing(scenario: impl Fn()) {
    let threads = Holdings::now().threads;
    scenario();
    await_holdings(|now| now.threads == threads);
    let before = Holdings::now();
    scenario();
    await_holdings(|now| *now == before);
}

/// A thread that was joined may be seen for a moment longer.
fn await_holdings(wanted: impl Fn(&Holdings) -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !wanted(&Holdings::now()) {
        assert!(Instant::now() < deadline, "still there: {:?}", Holdings::now());
        thread::sleep(Duration::from_millis(5));
    }
}

fn over_dummies() {
    let before = Holdings::now();
    let dummies = Dummies::new();
    let mut registry = Registry::new();
    registry.register(Box::new(dummies.factory("dummy")));
    registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
    let mut world = Threaded::start(registry, 3);
    let ports = ["p1", "p2", "p3", "p4"];
    world.apply(&crate::world::state([crate::world::bridge("br0", &ports)]));
    assert_eq!(Holdings::now().threads, before.threads + 3);
    for n in 0..100 {
        let from = dummies.handle(ports[n % 4]).unwrap();
        from.receive(frame(mac(n as u8), mac(n as u8 + 1)));
    }
    world.until("forwarding", |_| !dummies.handle("br0").unwrap().take_sent().is_empty());
    world.end();
    assert!(dummies.handles().is_empty());
}

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A veth device by `AF_PACKET`, a TAP device and the bridge's own internal one, with packets going through.
fn over_devices() {
    let (inside, outside) = (format!("ot{}a", id()), format!("ot{}b", id()));
    ip(&format!("link add {inside} type veth peer name {outside}"));
    ip(&format!("addr add 10.6.0.1/24 dev {outside}"));
    for device in ["lo", &inside, &outside] {
        ip(&format!("link set {device} up"));
    }
    let before = Holdings::now();
    let mut registry = Registry::new();
    register_native(&mut registry);
    let mut world = Threaded::start(registry, 2);
    let port = |name: &str, kind: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, kind));
    let tap = format!("ot{}t", id());
    let bridge = BridgeConfig::new("otbr").datapath_type("netdev");
    let bridge = bridge.port(port(&inside, "system")).port(port(&tap, "tap")).port(port("oti", "internal"));
    world.apply(&DesiredState::default().bridge(bridge));
    let during = Holdings::now();
    assert_eq!((during.threads, during.devices.len()), (before.threads + 2, before.devices.len() + 3));
    let socket = UdpSocket::bind("10.6.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    world.until("packets through the switch", |switch| {
        socket.send_to(b"anyone there?", "10.6.0.255:9").unwrap();
        switch.dpif().ledger().received > 10
    });
    drop(socket);
    world.end();
    // The devices that were there before are there still; the switch's own are gone.
    let after = Holdings::now();
    assert_eq!((&after.devices, after.descriptors), (&before.devices, before.descriptors));
    ip(&format!("link del {inside}"));
}

/// The scenarios by name: in this process if the environment says so, else each in one of its own.
fn run(test: &str, scenario: &str, namespace: bool) {
    let scenarios: BTreeMap<&str, fn()> =
        BTreeMap::from([("dummies", over_dummies as fn()), ("devices", over_devices)]);
    match std::env::var(SCENARIO) {
        Ok(name) if name == scenario => leaves_nothing(scenarios[scenario]),
        _ => in_own_process(test, scenario, namespace),
    }
}

#[test]
fn a_dropped_switch_over_dummies_leaves_nothing() {
    run("remains::a_dropped_switch_over_dummies_leaves_nothing", "dummies", false);
}

#[test]
fn a_dropped_switch_over_devices_leaves_nothing() {
    let test = "a_dropped_switch_over_devices_leaves_nothing";
    let user = Command::new("id").arg("-u").output().unwrap();
    if user.stdout != b"0\n" {
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: needs root");
        assert!(std::env::var_os("CI").is_none(), "in CI no test may be skipped");
        return;
    }
    run(&format!("remains::{test}"), "devices", true);
}
