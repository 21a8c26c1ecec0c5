//! Bundles of 50,000 flows, under traffic that a worker forwards on a thread of its own.
//!
//! Half of the flows are in table 0 and write which generation they are of, the other half in table 1 and write theirs.
//! Table 2 sends packets out by port 2 if both are of the first generation, by port 3 if both are of the second, and by
//! port 4 if a packet has seen some of a bundle and not the rest.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use ovs_dpif::{Budget, UserspaceConfig, UserspaceDatapath, Worker};
use ovs_flow::text::NoNames;
use ovs_netdev::Registry;
use ovs_netdev::dummy::{Dummies, DummyHandle};
use ovs_ofproto::ovs_openflow::text::parse_flow_mod;
use ovs_ofproto::ovs_openflow::{
    BundleAdd, BundleControl, BundleControlKind, BundleFlags, ErrorCode, FlowMod, FlowModCommand, Hello,
    Message, OfError, Protocol, Version, VersionSet,
};
use ovs_ofproto::{ConnId, ConnectionKind, FailMode, Switch, SwitchConfig};

use crate::world::{bridge, mac, state, udp};

/// Flows of each of the two tables.
const HALF: u16 = 25_000;

struct Fixture {
    switch: Switch,
    dummies: Dummies,
    connection: ConnId,
    clock: AtomicU64,
    input: Vec<u8>,
}

const PROTOCOL: Protocol = Protocol::new(Version::V14);

fn now(clock: &AtomicU64) -> Duration {
    Duration::from_micros(clock.fetch_add(1, Relaxed))
}

impl Fixture {
    fn new() -> (Self, Worker) {
        let dummies = Dummies::new();
        let mut registry = Registry::new();
        registry.register(Box::new(dummies.factory("dummy")));
        registry.register_as("internal", Box::new(dummies.factory("dummy-internal")));
        let mut dpif = UserspaceDatapath::new(UserspaceConfig::default().named("ovs-dummy", "dummy"));
        let worker = dpif.add_worker(None);
        let mut switch = Switch::new(SwitchConfig::default(), registry, Box::new(dpif));
        let clock = AtomicU64::new(1_000_000);
        let wanted = state([bridge("br0", &["p1", "p2", "p3", "p4"]).fail_mode(FailMode::Secure)]);
        let plan = switch.plan(&wanted);
        switch.apply(plan, now(&clock));
        let connection =
            switch.open_connection("br0", ConnectionKind::Service, now(&clock)).expect("connection");
        let mut this = Self { switch, dummies, connection, clock, input: Vec::new() };
        this.say(1, &Message::Hello(Hello { versions: VersionSet::NONE.with(Version::V14) }));
        (this, worker)
    }

    fn say(&mut self, xid: u32, message: &Message) {
        let bytes = message.encode(PROTOCOL, xid).expect("encodes");
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let taken = self.switch.feed(self.connection, rest).expect("open");
            rest = &rest[taken..];
            self.turn();
        }
    }

    fn turn(&mut self) {
        let at = now(&self.clock);
        self.switch.poll(at, 100_000);
        self.switch.take_output(self.connection, usize::MAX, &mut self.input);
    }

    /// Errors that have been answered.
    fn errors(&mut self) -> Vec<ErrorCode> {
        let mut errors = Vec::new();
        while self.input.len() >= 8 {
            let length = usize::from(u16::from_be_bytes([self.input[2], self.input[3]]));
            let bytes: Vec<u8> = self.input.drain(..length).collect();
            if let Ok((_, Message::Error(error))) = Message::decode(PROTOCOL, &bytes) {
                errors.push(error.error);
            }
        }
        errors
    }

    fn commit(&mut self, id: u32, changes: impl Iterator<Item = FlowMod>) -> Vec<ErrorCode> {
        let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
        let control = |kind| Message::BundleControl(BundleControl { id, kind, flags });
        self.say(2, &control(BundleControlKind::OpenRequest));
        for change in changes {
            let add = BundleAdd { id, flags, xid: 3, message: Message::FlowMod(Box::new(change)) };
            self.say(3, &Message::BundleAdd(Box::new(add)));
        }
        self.say(4, &control(BundleControlKind::CommitRequest));
        for _ in 0..1000 {
            self.turn();
        }
        self.errors()
    }
}

fn parsed(text: &str) -> FlowMod {
    parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect(text)
}

fn generation(n: u8) -> impl Iterator<Item = FlowMod> {
    let template = move |table: u8| {
        let next = table + 1;
        parsed(&format!("table={table},udp,tp_dst=1,actions=load:{n}->NXM_NX_REG{table}[],resubmit(,{next})"))
    };
    let (first, second) = (template(0), template(1));
    (0..HALF).flat_map(move |port| {
        [first.clone(), second.clone()].map(|mut change| {
            change.matching.key.tp_dst.set(port);
            change
        })
    })
}

/// How many frames each of the ports 2, 3 and 4 has sent since the last time.
fn sent(dummies: &Dummies) -> [usize; 3] {
    ["p2", "p3", "p4"].map(|name| dummies.handle(name).map_or(0, |handle| handle.take_sent().len()))
}

/// Sends to ports all over the tables, as long as the switch keeps up.
fn send(p1: &DummyHandle, stop: &AtomicBool) {
    let mut port = 0_u16;
    while !stop.load(Relaxed) {
        port = (port + 4_801) % HALF;
        p1.receive(udp(mac(2), mac(1), [10, 0, 0, 9], port, 64));
        thread::yield_now();
    }
}

#[test]
fn fifty_thousand_flows_change_at_once_or_not_at_all() {
    let (mut fixture, mut worker) = Fixture::new();
    let stop = AtomicBool::new(false);
    let p1 = fixture.dummies.handle("p1").expect("p1");
    let clock = AtomicU64::new(1_000_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                worker.poll(now(&clock), Budget::default());
                thread::yield_now();
            }
        });
        let ends = ["reg0=1,reg1=1,actions=output:2", "reg0=2,reg1=2,actions=output:3", "actions=output:4"];
        let ends =
            ends.iter().enumerate().map(|(n, text)| parsed(&format!("table=2,priority={},{text}", 9 - n)));
        assert_eq!(fixture.commit(1, ends.chain(generation(1))), []);
        scope.spawn(|| send(&p1, &stop));
        let traffic = |fixture: &mut Fixture| {
            let mut all = [0; 3];
            // Some packets of before, then many of after.
            for _ in 0..20_000 {
                fixture.turn();
                let more = sent(&fixture.dummies);
                all = [0, 1, 2].map(|n| all[n] + more[n]);
                if all.iter().sum::<usize>() >= 200 {
                    break;
                }
                thread::yield_now();
            }
            all
        };
        let [first, second, mixed] = traffic(&mut fixture);
        assert!(first > 0 && (second, mixed) == (0, 0), "{first} {second} {mixed}");
        // The last message fails: there is no such group.
        let bad = generation(2).chain([parsed("table=0,actions=group:77")]);
        let known = [OfError::BacBadOutGroup, OfError::BfcMsgFailed].map(ErrorCode::Known);
        assert_eq!(fixture.commit(2, bad), known);
        let [first, second, mixed] = traffic(&mut fixture);
        assert!(first > 0 && (second, mixed) == (0, 0), "after a bad bundle: {first} {second} {mixed}");
        assert_eq!(fixture.commit(3, generation(2)), []);
        let [_, _, mixed] = traffic(&mut fixture);
        assert_eq!(mixed, 0, "some packets saw a part of a bundle");
        let [_, second, mixed] = traffic(&mut fixture);
        assert!(second > 0 && mixed == 0, "after a good bundle: {second} {mixed}");
        stop.store(true, Relaxed);
    });
    assert_eq!(fixture.switch.bridge("br0").expect("bridge").flow_count(), usize::from(HALF) * 2 + 3);
}
