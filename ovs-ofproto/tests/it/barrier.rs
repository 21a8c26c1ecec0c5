//! After the reply to a barrier no old action is executed.

use ovs_flow::OfPort;
use ovs_ofproto::ovs_openflow::{
    Action, BundleAdd, BundleControl, BundleControlKind, BundleFlags, ErrorCode, FlowMod, FlowModCommand,
    FlowModFlags, Message, OfError, Version,
};
use ovs_ofproto::{ConnectionKind, FailMode};

use crate::client::{Client, flow, flow_mod};
use crate::world::{Below, World, bridge, mac, state, udp};

/// Megaflows that live while the rule changes.
const FLOWS: u16 = 10_000;

fn frames() -> impl Iterator<Item = Vec<u8>> {
    (0..FLOWS).map(|n| udp(mac(2), mac(1), [10, 0, (n >> 8) as u8, n as u8], n, 64))
}

/// Lets all frames arrive, some in each turn.
fn receive_all(world: &mut World) {
    for (n, frame) in frames().enumerate() {
        world.device("p1").receive(frame);
        if n % 32 == 0 {
            world.turn();
        }
    }
    world.settle();
}

#[test]
fn no_old_action_after_the_reply() {
    for below in [Below::Userspace { workers: 2 }] {
        let mut world = World::new(below);
        world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).fail_mode(FailMode::Secure)]));
        let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
        for port in 0..FLOWS {
            let one = flow(&format!("udp,tp_dst={port}"), 10, vec![Action::output(OfPort(2))]);
            world.switch.bridge("br0").expect("bridge").flow_mod(&one).expect("taken");
        }
        world.settle();
        receive_all(&mut world);
        world.settle();
        world.sent();
        let live = world.switch.dpif().stats().flows;
        assert!(live >= u64::from(FLOWS), "{live} megaflows");
        client.send(&mut world, &flow_mod(flow("udp", 100, vec![Action::output(OfPort(3))])));
        let xid = client.send(&mut world, &Message::BarrierRequest);
        let mut input = Vec::new();
        let mut turns = 0;
        while input.is_empty() {
            world.turn();
            turns += 1;
            assert!(turns < 1000, "no reply");
            world.switch.take_output(client.id, usize::MAX, &mut input);
        }
        assert_eq!(Message::decode(client.protocol, &input), Ok((xid, Message::BarrierReply)));
        world.sent();
        receive_all(&mut world);
        world.settle();
        let old = world.sent().into_iter().filter(|(device, _)| device == "p2").count();
        assert_eq!(old, 0, "{below:?}: executed the old actions after the reply");
    }
}

#[test]
fn bundles_are_all_or_nothing() {
    let mut world = World::new(Below::Naive);
    world.apply(&state([bridge("br0", &["p1", "p2"]).fail_mode(FailMode::Secure)]));
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V14);
    client.tell(&mut world, &flow_mod(flow("in_port=1", 5, vec![Action::output(OfPort(2))]))).expect("taken");
    let flags = BundleFlags::ATOMIC | BundleFlags::ORDERED;
    let mut commit = |id: u32, changes: Vec<FlowMod>| {
        let control = |kind| Message::BundleControl(BundleControl { id, kind, flags });
        client.ask(&mut world, &control(BundleControlKind::OpenRequest));
        for change in changes {
            let message = flow_mod(change);
            // The transaction of the message inside must be that of the adding.
            let add =
                |xid| Message::BundleAdd(Box::new(BundleAdd { id, flags, xid, message: message.clone() }));
            let xid = client.next_xid();
            client.send(&mut world, &add(xid));
        }
        client.send(&mut world, &control(BundleControlKind::CommitRequest));
        let answers = client.receive(&mut world);
        let flows: Vec<u16> = world
            .switch
            .bridge("br0")
            .expect("bridge")
            .flows(false)
            .iter()
            .map(|flow| flow.facts.priority)
            .collect();
        (answers, flows)
    };
    let mut delete = flow("in_port=1", 5, Vec::new());
    delete.command = FlowModCommand::Delete;
    let mut overlap = flow("tcp", 7, Vec::new());
    overlap.flags = FlowModFlags::CHECK_OVERLAP;
    let (answers, flows) =
        commit(1, vec![delete.clone(), flow("udp", 6, vec![]), flow("", 7, vec![]), overlap]);
    let errors: Vec<_> = answers
        .iter()
        .filter_map(|(_, message)| match message {
            Message::Error(error) => Some(error.error),
            _ => None,
        })
        .collect();
    let known = ErrorCode::Known;
    assert_eq!(errors, [known(OfError::FmfcOverlap), known(OfError::BfcMsgFailed)], "{answers:?}");
    assert_eq!(flows, [5], "nothing has changed");
    let (_, flows) = commit(2, vec![delete, flow("udp", 6, vec![])]);
    assert_eq!(flows, [6]);
}
