//! Packets that are paused for a controller, and go on when it gives them back.

use ovs_flow::text::NoNames;
use ovs_flow::{Field, OfPort};
use ovs_ofproto::ovs_openflow::text::parse_flow_mod;
use ovs_ofproto::ovs_openflow::{
    Action, Continuation, FlowModCommand, Message, OfError, PacketIn, PacketInFormat, Version,
};
use ovs_ofproto::{ConnectionKind, FailMode};

use crate::client::{Client, flow_mod};
use crate::world::{BELOW, Below, World, bridge, frame, mac, state};

const FLOWS: [&str; 3] = [
    "table=0,actions=load:3->NXM_NX_REG1[],push:NXM_NX_REG1[],load:9->NXM_NX_REG1[],resubmit(,1),\
     pop:NXM_NX_REG2[],output:NXM_NX_REG2[]",
    "table=1,cookie=5,actions=controller(userdata=01.02,pause),resubmit(,2)",
    "table=2,actions=output:NXM_NX_REG0[]",
];

/// A bridge with a rule that pauses, and a connection that has got a paused packet.
fn paused(below: Below) -> (World, Client, PacketIn) {
    let mut world = World::new(below);
    world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).fail_mode(FailMode::Secure)]));
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Controller, Version::V13);
    for text in FLOWS {
        let change = parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect(text);
        client.tell(&mut world, &flow_mod(change)).unwrap();
    }
    client.tell(&mut world, &Message::SetPacketInFormat(PacketInFormat::Nxt2)).unwrap();
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), Vec::<String>::new(), "{below:?}");
    let messages = client.receive(&mut world);
    let Some((_, Message::PacketIn(packet))) = messages.into_iter().next() else { panic!("no packet") };
    (world, client, *packet)
}

#[test]
fn a_packet_goes_on_where_it_was_paused() {
    for below in BELOW {
        let (mut world, mut client, mut packet) = paused(below);
        assert_eq!(packet.userdata, [1, 2]);
        let rest = Continuation::decode(&packet.continuation, Version::V13).unwrap();
        assert_eq!((rest.stack, rest.steps.is_empty()), (vec![vec![0, 0, 0, 3]], false));
        assert_eq!(Field::reg(1).map(|reg| reg.get(&packet.metadata.key)), Some(9));
        // What the controller changes is what the packet goes on with: out by what it says, then what the stack says.
        Field::reg(0).unwrap().set_match(&mut packet.metadata, 2);
        packet.data[0..6].copy_from_slice(&mac(7));
        client.tell(&mut world, &Message::Resume(Box::new(packet.clone()))).unwrap();
        world.settle();
        let sent = world.sent();
        let by: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(by, ["p2", "p3"], "{below:?}");
        assert!(sent.iter().all(|(_, bytes)| bytes[..6] == mac(7)));
        // Any number of times: nothing of it is kept in the switch.
        packet.metadata.key.in_port = u32::from(OfPort(3).0);
        client.tell(&mut world, &Message::Resume(Box::new(packet))).unwrap();
        world.settle();
        assert_eq!(world.sent().len(), 1, "{below:?}: not out by where it now came in");
        assert_eq!(world.switch.dpif().ledger().imbalance(), 0);
    }
}

#[test]
fn what_is_given_back_is_checked() {
    let (mut world, mut client, packet) = paused(Below::Naive);
    let mut resume = |change: &dyn Fn(&mut Continuation)| {
        let mut rest = Continuation::decode(&packet.continuation, Version::V13).unwrap();
        change(&mut rest);
        let continuation = rest.encode(Version::V13).unwrap();
        let mut packet = packet.clone();
        packet.continuation = continuation;
        client.tell(&mut world, &Message::Resume(Box::new(packet)))
    };
    assert_eq!(resume(&|_| ()), Ok(()));
    assert_eq!(resume(&|rest| rest.bridge = [1; 16]), Err(OfError::NxRStale));
    let group = Action::Group(77);
    assert_eq!(resume(&|rest| rest.action_set = vec![group.clone()]), Err(OfError::BacBadOutGroup));
}
