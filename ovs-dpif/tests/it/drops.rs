//! Every reason to drop a packet, or to refuse an install, is reached, and the ledger balances in each.

use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::conntrack::ConntrackConfig;
use ovs_dpif::ovs_flow::text::NoNames;
use ovs_dpif::ovs_flow::{DpPort, Metadata, Ufid};
use ovs_dpif::ovs_netdev::{ConfigError, Netdev, Qos, RxQueue, Sent, TxQueue};
use ovs_dpif::ovs_packet::{Batch, Offload, Packet, PoolConfig, build};
use ovs_dpif::text::parse_actions;
use ovs_dpif::{
    Action, Actions, Budget, DropReason, Execute, Install, MeterId, MeterRate, MeterSpec, MeterUnit,
    Policing, PortRequest, SampleAction, TnlPush, TunnelKind, UserspaceConfig, Verdict,
};

use crate::rig::{Factory, Rig, Script, base_mask, frame, install, output};

/// A device that takes nothing.
struct Full;

impl TxQueue for Full {
    fn send(&mut self, batch: &mut Batch) -> Sent {
        let full = batch.len() as u64;
        batch.clear();
        Sent { full, ..Sent::default() }
    }
}

impl Netdev for Full {
    fn name(&self) -> &'static str {
        "full"
    }

    fn kind(&self) -> &'static str {
        "test"
    }

    fn take_rx_queues(&mut self) -> Vec<Box<dyn RxQueue>> {
        Vec::new()
    }

    fn tx_queue(&mut self) -> Result<Box<dyn TxQueue>, ConfigError> {
        Ok(Box::new(Self))
    }
}

/// Three frames that are forwarded by a megaflow with these actions; ports 1 and 2 are there.
fn forwarding(actions: &[Action]) -> Rig {
    forwarding_by(Rig::userspace(), actions)
}

fn forwarding_by(mut rig: Rig, actions: &[Action]) -> Rig {
    let actions = actions.to_vec();
    let script = Script::new(move |upcall| install(upcall.key, actions.clone()));
    run(&mut rig, script);
    rig
}

/// An IPv4 packet with this in it.
fn datagram(text: &str) -> Vec<u8> {
    let slash = if text.contains('/') { "" } else { "/ " };
    build::frame(&format!("eth / ipv4 10.0.0.1 > 10.0.0.2 {slash}{text}")).unwrap()
}

/// IPv4 packets that actions with a tracker in them are executed on, so many seconds apart.
fn tracked(config: UserspaceConfig, actions: &str, packets: &[&str], seconds: u64) -> Rig {
    let mut rig = Rig::configured(config, 1);
    let actions: Actions = parse_actions(actions, &NoNames).unwrap().into();
    let script = Script::new(move |upcall| install(upcall.key, actions.clone()));
    let p1 = rig.port("p1", 1);
    rig.port("p2", 2);
    rig.dpif.set_handler(Arc::new(Factory(script)));
    for text in packets {
        p1.receive(datagram(text));
        rig.settle();
        rig.now += Duration::from_secs(seconds);
    }
    rig
}

fn run(rig: &mut Rig, script: Arc<Script>) {
    let p1 = rig.port("p1", 1);
    if rig.dpif.ports().iter().all(|port| port.number != DpPort(2)) {
        rig.port("p2", 2);
    }
    rig.dpif.set_handler(Arc::new(Factory(script)));
    for _ in 0..3 {
        p1.receive(frame(0));
    }
    rig.settle();
}

fn refusing(reason: DropReason) -> Rig {
    let mut rig = Rig::userspace();
    run(&mut rig, Script::new(move |_| Verdict::Refuse(reason)));
    rig
}

/// A datapath in which packets have been dropped, or an install refused, for this reason. Where only the switch's logic
/// gives it, the logic is made to.
fn scenario(reason: DropReason) -> Rig {
    match reason {
        DropReason::FlowWithoutActions => forwarding(&[]),
        DropReason::Upcall => {
            let mut rig = Rig::userspace();
            let p1 = rig.port("p1", 1);
            p1.receive(frame(0));
            rig.settle();
            rig
        }
        DropReason::UpcallBudget => {
            let config = UserspaceConfig::default().upcall_queue(1);
            forwarding_by(Rig::configured(config, 1), &[output(2)])
        }
        DropReason::RecircDepth => forwarding(&[Action::Recirc(1)]),
        DropReason::InvalidPort => forwarding(&[output(77)]),
        DropReason::Sample => {
            forwarding(&[Action::Sample(SampleAction { probability: 0, actions: [].into() })])
        }
        DropReason::TxFull | DropReason::TxRefused | DropReason::TxDown => sending(reason),
        DropReason::NoBuffer => {
            // Copies need frames, of which there is one.
            let mut pool = PoolConfig::default();
            pool.small_limit = 1;
            let config = UserspaceConfig::default().pool(pool);
            forwarding_by(Rig::configured(config, 1), &[Action::Clone([output(2)].into()), output(2)])
        }
        DropReason::InvalidPacket => {
            let mut rig = forwarding(&[output(2)]);
            let mut packet = Packet::detached(&frame(0)).unwrap();
            // Segments of no length.
            packet.facts_mut().offload = Offload::TSO4;
            let actions = [output(2)].into();
            let metadata = Metadata::of_port(DpPort::NONE);
            rig.dpif.execute(Execute { packet, metadata, actions }).unwrap();
            rig.settle();
            rig
        }
        DropReason::FlowLimit => {
            forwarding_by(Rig::configured(UserspaceConfig::default().flow_limit(0), 1), &[output(2)])
        }
        DropReason::AlreadyInstalled => {
            let mut rig = Rig::userspace();
            // Two flows of one name.
            let script = Script::new(|_| {
                let mut mask = base_mask();
                mask.fields.dl_src = [0xff; 6];
                let actions: Actions = [output(2)].into();
                let install = Install { ufid: Ufid(1), mask: Box::new(mask), actions: actions.clone() };
                Verdict::Forward { actions, install: Some(install) }
            });
            let p1 = rig.port("p1", 1);
            rig.port("p2", 2);
            rig.dpif.set_handler(Arc::new(Factory(script)));
            for n in 0..2 {
                let mut bytes = frame(0);
                bytes[11] = n;
                p1.receive(bytes);
            }
            rig.settle();
            rig
        }
        DropReason::ConntrackFull
        | DropReason::ConntrackZoneFull
        | DropReason::NatExhausted
        | DropReason::FragmentTimeout
        | DropReason::FragmentCondemned => tracking(reason),
        DropReason::Meter => {
            let mut rig = Rig::userspace();
            let spec = MeterSpec { unit: MeterUnit::Packets, rates: vec![MeterRate { rate: 0, burst: 0 }] };
            rig.dpif.set_meter(MeterId(3), &spec).unwrap();
            forwarding_by(rig, &[Action::Meter(MeterId(3)), output(2)])
        }
        DropReason::RxPolicer | DropReason::TxPolicer => policed(reason),
        DropReason::TunnelPush => {
            // Headers that end before they begin.
            let push = TnlPush::new(TunnelKind::Geneve, []);
            forwarding(&[Action::TnlPush(Box::new(push)), output(2)])
        }
        // What comes is no tunnel's packet.
        DropReason::TunnelPop => {
            let format = TunnelKind::Geneve.into();
            forwarding(&[Action::TnlPop { port: DpPort(9), format, mirrored: None }])
        }
        // Only the switch's logic knows how full its queue is, and which punts it does not know.
        DropReason::EffectsFull | DropReason::UnsupportedAction => refusing(reason),
        // What translation says of a packet comes as the code of an explicit drop.
        reason => {
            let code = (1..64).find(|code| DropReason::of_drop_code(*code) == reason);
            forwarding(&[Action::Drop(code.unwrap_or_else(|| panic!("no scenario for {reason}")))])
        }
    }
}

/// [`scenario`] for the reasons of devices.
fn sending(reason: DropReason) -> Rig {
    match reason {
        DropReason::TxFull => {
            let mut rig = Rig::userspace();
            let request = PortRequest { device: Box::new(Full), number: Some(DpPort(2)) };
            rig.dpif.add_port(request).unwrap();
            forwarding_by(rig, &[output(2)])
        }
        DropReason::TxRefused => {
            let mut rig = forwarding(&[output(2)]);
            rig.dummies.handle("p1").unwrap().receive(vec![0x12; 3000]);
            rig.settle();
            rig
        }
        DropReason::TxDown => {
            let mut rig = forwarding(&[output(2)]);
            rig.dummies.handle("p2").unwrap().set_admin(false);
            rig.dummies.handle("p1").unwrap().receive(frame(0));
            rig.settle();
            rig
        }
        _ => unreachable!("{reason} is no device's"),
    }
}

/// [`scenario`] for policers.
fn policed(reason: DropReason) -> Rig {
    match reason {
        DropReason::RxPolicer => {
            let mut rig = Rig::userspace();
            rig.port("p1", 1);
            // One packet's worth at once.
            rig.dpif.set_policing(DpPort(1), Policing::default().kilobits(1, 1)).unwrap();
            rig.port("p2", 2);
            rig.dpif.set_handler(Arc::new(Factory(Script::new(|upcall| install(upcall.key, [output(2)])))));
            for _ in 0..3 {
                rig.dummies.handle("p1").unwrap().receive(frame(0));
            }
            rig.settle();
            rig
        }
        DropReason::TxPolicer => {
            let mut rig = Rig::userspace();
            rig.port("p2", 2);
            let qos = Qos::new("egress-policer").option("cir", "1").option("cbs", "50");
            rig.dpif.set_qos(DpPort(2), Some(&qos)).unwrap();
            forwarding_by(rig, &[output(2)])
        }
        _ => unreachable!("{reason} is no policer's"),
    }
}

/// [`scenario`] for the connection tracker's reasons.
fn tracking(reason: DropReason) -> Rig {
    match reason {
        DropReason::ConntrackFull => {
            let conntrack = ConntrackConfig::default().max_connections(1);
            tracked(
                UserspaceConfig::default().conntrack(conntrack),
                "ct(commit),2",
                &["udp 1 > 2", "udp 3 > 4"],
                0,
            )
        }
        DropReason::ConntrackZoneFull => {
            let mut rig = tracked(UserspaceConfig::default(), "ct(commit),2", &["udp 1 > 2"], 0);
            rig.dpif.conntrack().unwrap().set_limit(0, 1);
            rig.dummies.handle("p1").unwrap().receive(datagram("udp 3 > 4"));
            rig.settle();
            rig
        }
        DropReason::NatExhausted => {
            // No address of this version.
            tracked(UserspaceConfig::default(), "ct(commit,nat(src=fd00::1)),2", &["udp 1 > 2"], 0)
        }
        DropReason::FragmentTimeout => {
            let parts = ["mf=1 id=7 / udp 1 > 2 / 1400", "mf=1 id=8 / udp 1 > 2 / 1400"];
            tracked(UserspaceConfig::default(), "ct,2", &parts, 20)
        }
        DropReason::FragmentCondemned => {
            // The second one overlaps the first.
            let parts = ["mf=1 id=7 / udp 1 > 2 / 1400", "mf=1 id=7 / udp 1 > 2 / 1392"];
            tracked(UserspaceConfig::default(), "ct,2", &parts, 0)
        }
        _ => unreachable!("{reason} has nothing to do with connections"),
    }
}

#[test]
fn every_reason_is_reached_and_the_ledger_balances() {
    for reason in DropReason::ALL {
        let mut rig = scenario(*reason);
        rig.turn(Budget::default().upcalls);
        assert!(rig.dropped(*reason) > 0, "{reason}: {:?}", rig.dpif.ledger());
        assert_eq!(rig.dpif.ledger().imbalance(), 0, "{reason}");
    }
}
