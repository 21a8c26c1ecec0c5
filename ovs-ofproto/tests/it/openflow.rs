//! What a bridge says and does on its OpenFlow connections.

use std::time::Duration;

use ovs_flow::{OfPort, TableId};
use ovs_ofproto::ovs_openflow::{
    Action, Dialect, FlowMod, FlowModCommand, FlowModFlags, FlowRemovedReason, Message, OfError,
    PacketInReason, PacketOut, PortConfig, PortMod, Role, RoleMsg, SetField, StatsReplyBody, StatsRequest,
    Version,
};
use ovs_ofproto::{ConnectionKind, ControllerConfig, FailMode};

use crate::client::{Client, flow, flow_mod};
use crate::world::{BELOW, Below, World, bridge, frame, mac, state, udp};

fn secure(below: Below) -> World {
    let mut world = World::new(below);
    world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).fail_mode(FailMode::Secure)]));
    world
}

fn output(port: u16) -> Action {
    Action::output(OfPort(port))
}

const BOTH: [Version; 2] = [Version::V10, Version::V13];

#[test]
fn rules_decide_where_packets_go() {
    for below in BELOW {
        for version in BOTH {
            let mut world = secure(below);
            let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, version);
            assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), Vec::<String>::new());
            client.tell(&mut world, &flow_mod(flow("in_port=1", 10, vec![output(2)]))).unwrap();
            assert_eq!(client.ask(&mut world, &Message::BarrierRequest), Message::BarrierReply);
            assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"], "{below:?} {version}");
            client.tell(&mut world, &flow_mod(flow("in_port=1", 20, vec![output(3), output(2)]))).unwrap();
            assert_eq!(client.ask(&mut world, &Message::BarrierRequest), Message::BarrierReply);
            assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2", "p3"]);
            let mut gone = flow("", 0, Vec::new());
            gone.command = FlowModCommand::Delete;
            client.tell(&mut world, &flow_mod(gone)).unwrap();
            assert_eq!(client.ask(&mut world, &Message::BarrierRequest), Message::BarrierReply);
            assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), Vec::<String>::new());
            assert_eq!(world.switch.dpif().ledger().imbalance(), 0);
        }
    }
}

#[test]
fn rules_do_not_match_what_packets_get_on_their_way() {
    let mut world = secure(Below::Naive);
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
    for (matched, verdict) in [
        ("recirc_id=5", Err(OfError::BrcEperm)),
        ("dp_hash=5", Err(OfError::BrcEperm)),
        ("dp_hash=0/1", Err(OfError::BrcEperm)),
        ("recirc_id=0", Ok(())),
    ] {
        let change = flow_mod(flow(matched, 10, vec![output(2)]));
        assert_eq!(client.tell(&mut world, &change), verdict, "{matched}");
    }
    let mut gone = flow("dp_hash=5", 0, Vec::new());
    gone.command = FlowModCommand::Delete;
    assert_eq!(client.tell(&mut world, &flow_mod(gone)), Ok(()), "nothing to delete is no error");
}

fn flows(client: &mut Client, world: &mut World) -> Vec<(u16, u64, u64)> {
    let request = StatsRequest::Flow(Box::default(), Dialect::Standard);
    let Message::StatsReply(reply) = client.ask(world, &Message::StatsRequest(request)) else { panic!() };
    let StatsReplyBody::Flow(flows, _) = reply.body else { panic!() };
    flows.iter().map(|flow| (flow.facts.priority, flow.facts.packets, flow.facts.bytes)).collect()
}

#[test]
fn counters_are_exact() {
    for below in BELOW {
        let mut world = secure(below);
        let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
        client.tell(&mut world, &flow_mod(flow("in_port=1", 10, vec![output(2)]))).unwrap();
        client.tell(&mut world, &flow_mod(flow("in_port=2", 5, vec![output(1)]))).unwrap();
        for _ in 0..7 {
            world.send("p1", &frame(mac(2), mac(1)));
        }
        world.send("p2", &frame(mac(2), mac(1)));
        assert_eq!(flows(&mut client, &mut world), [(10, 7, 420), (5, 1, 60)], "{below:?}");
        // A change of actions keeps them, an addition with the flag does not.
        let mut change = flow("in_port=1", 10, vec![output(3)]);
        change.command = FlowModCommand::ModifyStrict;
        client.tell(&mut world, &flow_mod(change)).unwrap();
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p3"]);
        assert_eq!(flows(&mut client, &mut world), [(5, 1, 60), (10, 8, 480)], "{below:?}");
        let mut change = flow("in_port=1", 10, vec![output(2)]);
        change.flags = FlowModFlags::RESET_COUNTS;
        client.tell(&mut world, &flow_mod(change)).unwrap();
        assert_eq!(flows(&mut client, &mut world), [(5, 1, 60), (10, 0, 0)]);
    }
}

#[test]
fn flow_removed_has_the_last_counts() {
    for below in BELOW {
        for version in BOTH {
            let mut world = secure(below);
            let mut client = Client::connect(&mut world, "br0", ConnectionKind::Controller, version);
            let mut change = flow("in_port=1", 10, vec![output(2)]);
            change.flags = FlowModFlags::SEND_FLOW_REM;
            change.new_cookie = 0x1234;
            client.tell(&mut world, &flow_mod(change.clone())).unwrap();
            for _ in 0..5 {
                world.send("p1", &frame(mac(2), mac(1)));
            }
            change.command = FlowModCommand::Delete;
            client.send(&mut world, &flow_mod(change.clone()));
            let told = client.receive(&mut world);
            let [(_, Message::FlowRemoved(told))] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!(
                (told.reason, told.packets, told.bytes),
                (FlowRemovedReason::Delete, 5, 300),
                "{below:?}"
            );
            assert_eq!((told.cookie, told.priority), (0x1234, 10));

            change.command = FlowModCommand::Add;
            (change.idle_timeout, change.hard_timeout) = (5, 20);
            client.tell(&mut world, &flow_mod(change.clone())).unwrap();
            for _ in 0..4 {
                world.pass(Duration::from_secs(3));
                world.send("p1", &frame(mac(2), mac(1)));
            }
            assert_eq!(client.receive(&mut world), [], "in use all the time");
            world.pass(Duration::from_secs(6));
            let told = client.receive(&mut world);
            let [(_, Message::FlowRemoved(told))] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!((told.reason, told.packets), (FlowRemovedReason::IdleTimeout, 4));

            change.idle_timeout = 0;
            client.tell(&mut world, &flow_mod(change)).unwrap();
            world.pass(Duration::from_secs(21));
            let told = client.receive(&mut world);
            let [(_, Message::FlowRemoved(told))] = told.as_slice() else { panic!("{told:?}") };
            assert_eq!((told.reason, told.packets), (FlowRemovedReason::HardTimeout, 0));
        }
    }
}

#[test]
fn misses_go_to_controllers_before_1_3() {
    for below in BELOW {
        let mut world = secure(below);
        let mut client = Client::connect(&mut world, "br0", ConnectionKind::Controller, Version::V10);
        world.settle();
        let packet = frame(mac(2), mac(1));
        world.send("p1", &packet);
        let told = client.receive(&mut world);
        let [(_, Message::PacketIn(told))] = told.as_slice() else { panic!("{below:?}: {told:?}") };
        assert_eq!((told.reason, told.in_port(), &told.data), (PacketInReason::NoMatch, OfPort(1), &packet));
        let out = PacketOut {
            buffer_id: None,
            in_port: OfPort(1),
            actions: vec![Action::output(OfPort::FLOOD)],
            data: told.data.clone(),
        };
        client.tell(&mut world, &Message::PacketOut(out)).unwrap();
        let names: Vec<String> = world.sent().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["br0", "p2", "p3"]);
    }
    let mut world = secure(Below::Naive);
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Controller, Version::V13);
    world.send("p1", &frame(mac(2), mac(1)));
    assert_eq!(client.receive(&mut world), []);
    let miss = flow("", 0, vec![Action::Output { port: OfPort::CONTROLLER, max_len: 20 }]);
    client.tell(&mut world, &flow_mod(miss)).unwrap();
    world.send("p1", &frame(mac(2), mac(1)));
    let told = client.receive(&mut world);
    let [(_, Message::PacketIn(told))] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((told.reason, told.data.len(), told.total_len), (PacketInReason::NoMatch, 20, 60));
}

#[test]
fn headers_are_rewritten() {
    for below in BELOW {
        let mut world = secure(below);
        let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
        let set = |field, value| Action::SetField(SetField::whole(field, value));
        let actions = vec![
            Action::DecTtl(vec![0]),
            set(ovs_flow::Field::ETH_DST, 0x0200_0000_0009),
            set(ovs_flow::Field::UDP_DST, 99),
            Action::PushVlan(0x8100),
            set(ovs_flow::Field::VLAN_VID, 0x1005),
            output(2),
        ];
        client.tell(&mut world, &flow_mod(flow("udp", 10, actions))).unwrap();
        let sent = world.send("p1", &udp(mac(2), mac(1), [10, 0, 0, 2], 53, 64));
        let mut expected = udp([2, 0, 0, 0, 0, 9], mac(1), [10, 0, 0, 2], 99, 63);
        expected.splice(12..12, [0x81, 0, 0, 5]);
        assert_eq!(sent, [("p2".to_owned(), expected)], "{below:?}");
        let again = world.send("p1", &udp(mac(2), mac(1), [10, 0, 0, 2], 53, 64));
        assert_eq!(again, sent, "{below:?}: by the megaflow");
        assert_eq!(world.leaves_by("p1", &udp(mac(2), mac(1), [10, 0, 0, 2], 53, 1)), Vec::<String>::new());
    }
}

#[test]
fn requests_are_refused_with_the_right_error() {
    let mut world = secure(Below::Naive);
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
    let mut tell = |change: FlowMod| client.tell(&mut world, &flow_mod(change));
    assert_eq!(tell(flow("", 1, vec![Action::GotoTable(TableId(0))])), Err(OfError::BicBadTableId));
    assert_eq!(tell(flow("", 1, vec![Action::Group(1)])), Err(OfError::BacBadOutGroup));
    assert_eq!(tell(flow("in_port=1", 1, vec![output(1)])), Ok(()));
    let mut overlap = flow("tcp", 1, vec![]);
    overlap.flags = FlowModFlags::CHECK_OVERLAP;
    assert_eq!(tell(overlap), Err(OfError::FmfcOverlap));
    let port = PortMod::new(OfPort(77), mac(1));
    assert_eq!(client.tell(&mut world, &Message::PortMod(port)), Err(OfError::PmfcBadPort));
    let port = PortMod::new(OfPort(1), mac(1));
    assert_eq!(client.tell(&mut world, &Message::PortMod(port)), Err(OfError::PmfcBadHwAddr));
    let role = |role, generation| Message::RoleRequest(RoleMsg { role, generation: Some(generation) });
    assert!(matches!(client.ask(&mut world, &role(Role::Secondary, 5)), Message::RoleReply(_)));
    assert_eq!(client.tell(&mut world, &role(Role::Primary, 4)), Err(OfError::RrfcStale));
    assert_eq!(client.tell(&mut world, &flow_mod(flow("", 1, vec![]))), Err(OfError::BrcIsSecondary));
}

#[test]
fn ports_can_be_changed() {
    for below in BELOW {
        let mut world = secure(below);
        let mut client = Client::connect(&mut world, "br0", ConnectionKind::Controller, Version::V13);
        client.tell(&mut world, &flow_mod(flow("", 1, vec![Action::output(OfPort::FLOOD)]))).unwrap();
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2", "p3"]);
        let ports = world.switch.bridge("br0").unwrap().ports();
        let p2 = ports.iter().find(|port| port.name == "p2").unwrap();
        let mut change = PortMod::new(p2.port, p2.hw_addr);
        (change.config, change.mask) = (PortConfig::NO_FWD, PortConfig::NO_FWD);
        client.send(&mut world, &Message::PortMod(change));
        let told = client.receive(&mut world);
        assert!(matches!(told.as_slice(), [(_, Message::PortStatus(_))]), "{told:?}");
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p3"], "{below:?}");
        world.device("p3").set_link(false);
        let told = client.receive(&mut world);
        assert!(matches!(told.as_slice(), [(_, Message::PortStatus(_))]), "{told:?}");
    }
}

#[test]
fn a_long_dump_comes_in_parts() {
    let mut world = secure(Below::Naive);
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
    for n in 0..5000_u32 {
        let matching = format!("ip,nw_dst={}", std::net::Ipv4Addr::from(0x0a00_0000 + n));
        client.send(&mut world, &flow_mod(flow(&matching, 7, vec![output(1)])));
    }
    let xid = client
        .send(&mut world, &Message::StatsRequest(StatsRequest::Flow(Box::default(), Dialect::Standard)));
    let mut count = 0;
    for (got, part) in client.receive(&mut world) {
        let Message::StatsReply(part) = part else { panic!("{part:?}") };
        let StatsReplyBody::Flow(flows, _) = part.body else { panic!() };
        assert_eq!(got, xid);
        count += flows.len();
    }
    assert_eq!(count, 5000);
}

#[test]
fn standalone_without_its_controller() {
    let mut world = World::new(Below::Naive);
    let lonely = bridge("br0", &["p1", "p2"]).controller(ControllerConfig::new("tcp:127.0.0.1:6653"));
    world.apply(&state([lonely]));
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), Vec::<String>::new(), "not yet");
    world.pass(Duration::from_secs(16));
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2"], "on its own");
    let client = Client::connect(&mut world, "br0", ConnectionKind::Controller, Version::V13);
    world.settle();
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), Vec::<String>::new(), "taken over");
    world.switch.close_connection(client.id, world.now);
    world.pass(Duration::from_secs(16));
    assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["br0", "p2"], "on its own again");
}
