//! Packets that change tables: what they teach, what ends with them, and what goes with its teacher.

use std::time::Duration;

use ovs_flow::text::NoNames;
use ovs_ofproto::ovs_openflow::text::parse_flow_mod;
use ovs_ofproto::ovs_openflow::{
    Dialect, FlowMod, FlowModCommand, FlowStats, Message, StatsReplyBody, StatsRequest, Version,
};
use ovs_ofproto::{ConnectionKind, FailMode};

use crate::client::{Client, flow, flow_mod};
use crate::world::{BELOW, Below, World, bridge, frame, mac, state, udp};

fn world_with(below: Below, flows: &[&str]) -> (World, Client) {
    let mut world = World::new(below);
    world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).fail_mode(FailMode::Secure)]));
    let mut client = Client::connect(&mut world, "br0", ConnectionKind::Service, Version::V13);
    for text in flows {
        client.tell(&mut world, &flow_mod(parsed(text))).unwrap();
    }
    (world, client)
}

fn parsed(text: &str) -> FlowMod {
    parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect(text)
}

fn flows(client: &mut Client, world: &mut World) -> Vec<FlowStats> {
    let request = StatsRequest::Flow(Box::default(), Dialect::Standard);
    let Message::StatsReply(reply) = client.ask(world, &Message::StatsRequest(request)) else { panic!() };
    let StatsReplyBody::Flow(flows, _) = reply.body else { panic!() };
    flows
}

fn flows_of(client: &mut Client, world: &mut World, table: u8) -> usize {
    flows(client, world).iter().filter(|flow| flow.facts.table.0 == table).count()
}

/// A TCP segment of these flags from 10.0.0.1 to 10.0.0.2.
fn tcp(flags: u8) -> Vec<u8> {
    let mut bytes = udp(mac(2), mac(1), [10, 0, 0, 2], 80, 64);
    bytes[23] = 6;
    bytes.truncate(34);
    bytes.extend([0x10, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
    bytes.resize(60, 0);
    bytes
}

#[test]
fn no_reply_overtakes_what_a_packet_teaches() {
    for below in BELOW {
        let teach = "table=0,actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),\
                     resubmit(,1)";
        let (mut world, mut client) = world_with(below, &[teach, "table=1,priority=1,actions=output:3"]);
        // Both have come before the switch looks at either.
        assert!(world.device("p1").receive(frame(mac(2), mac(1))));
        assert!(world.device("p2").receive(frame(mac(1), mac(2))));
        world.settle();
        let by: Vec<String> = world.sent().into_iter().map(|(name, _)| name).collect();
        let replies = by.iter().filter(|name| *name == "p1").count();
        // Workers take ports in any order; whichever packet was first taught where the other one goes.
        assert!(replies == 1 || by.contains(&"p2".to_owned()), "{below:?}: {by:?}");
        assert_eq!(flows_of(&mut client, &mut world, 1), 3, "{below:?}");
        // What is there needs no more waiting: the megaflow takes over.
        assert_eq!(world.leaves_by("p1", &frame(mac(2), mac(1))), ["p2"], "{below:?}");
        assert_eq!(world.leaves_by("p2", &frame(mac(1), mac(2))), ["p1"], "{below:?}");
        assert_eq!(world.switch.dpif().ledger().imbalance(), 0);
    }
}

#[test]
fn a_limit_is_kept_and_told_even_within_one_batch() {
    for below in BELOW {
        let teach = "table=0,actions=learn(table=1,limit=2,cookie=7,result_dst=NXM_NX_REG0[0],\
                     NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),resubmit(,2)";
        let (mut world, mut client) =
            world_with(below, &[teach, "table=2,reg0=1,actions=output:2", "table=2,reg0=0,actions=output:3"]);
        for source in 1..=4 {
            assert!(world.device("p1").receive(frame(mac(9), mac(source))));
        }
        world.settle();
        let mut by: Vec<String> = world.sent().into_iter().map(|(name, _)| name).collect();
        by.sort();
        assert_eq!(by, ["p2", "p2", "p3", "p3"], "{below:?}");
        assert_eq!(flows_of(&mut client, &mut world, 1), 2, "{below:?}");
        // Which two were taught stays so.
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(2))), ["p2"], "{below:?}");
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(3))), ["p3"], "{below:?}");
        assert_eq!(flows_of(&mut client, &mut world, 1), 2, "{below:?}");
    }
}

#[test]
fn what_was_learned_goes_with_the_last_that_taught_it() {
    for below in BELOW {
        let teach = |port: u8| {
            format!(
                "table=0,in_port={port},actions=learn(table=1,delete_learned,cookie=7,\
                 NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:3"
            )
        };
        let (mut world, mut client) = world_with(below, &[&teach(1), &teach(2)]);
        let keep = "table=1,priority=5,cookie=8,actions=drop";
        client.tell(&mut world, &flow_mod(parsed(keep))).unwrap();
        world.leaves_by("p1", &frame(mac(9), mac(1)));
        world.leaves_by("p2", &frame(mac(9), mac(2)));
        assert_eq!(flows_of(&mut client, &mut world, 1), 3, "{below:?}");
        let delete = |port: u8| {
            let mut gone = flow(&format!("in_port={port}"), 0x8000, Vec::new());
            gone.command = FlowModCommand::Delete;
            flow_mod(gone)
        };
        client.tell(&mut world, &delete(1)).unwrap();
        assert_eq!(flows_of(&mut client, &mut world, 1), 3, "{below:?}: one is left that teaches");
        client.tell(&mut world, &delete(2)).unwrap();
        assert_eq!(flows_of(&mut client, &mut world, 1), 1, "{below:?}");
    }
}

#[test]
fn a_rule_ends_soon_after_its_connection() {
    for below in BELOW {
        let rule = "tcp,idle_timeout=60,actions=fin_timeout(idle_timeout=5,hard_timeout=9),output:2";
        let (mut world, mut client) = world_with(below, &[rule]);
        let timeouts = |client: &mut Client, world: &mut World| {
            flows(client, world).first().map(|flow| (flow.facts.idle_timeout, flow.facts.hard_timeout))
        };
        assert_eq!(world.leaves_by("p1", &tcp(0x10)), ["p2"]);
        assert_eq!(timeouts(&mut client, &mut world), Some((60, 0)), "{below:?}");
        // This one hits the megaflow: its flags come with the counters.
        assert_eq!(world.leaves_by("p1", &tcp(0x11)), ["p2"]);
        world.pass(Duration::from_secs(2));
        assert_eq!(timeouts(&mut client, &mut world), Some((5, 9)), "{below:?}");
        world.pass(Duration::from_secs(6));
        assert_eq!(timeouts(&mut client, &mut world), None, "{below:?}");
    }
}

#[test]
fn a_learned_rule_ends_with_its_connection_too() {
    let teach = "table=0,tcp,actions=learn(table=1,idle_timeout=60,fin_idle_timeout=4,eth_type=0x800,nw_proto=6,\
                 NXM_OF_TCP_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1)";
    let (mut world, mut client) = world_with(Below::Naive, &[teach]);
    world.leaves_by("p1", &tcp(2));
    assert_eq!(flows_of(&mut client, &mut world, 1), 1);
    world.leaves_by("p1", &tcp(4));
    world.pass(Duration::from_secs(7));
    assert_eq!(flows_of(&mut client, &mut world, 1), 0);
}
