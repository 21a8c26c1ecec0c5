//! The texts on the right are what the distribution's Open vSwitch 3.1 prints for the same actions.

use std::time::Duration;

use ovs_flow::text::{DpPortNames, NoNames, parse_dp_flow};
use ovs_flow::{DpPort, TunnelFlags, TunnelKey, Ufid};

use super::*;
use crate::{
    Action, Actions, ControllerPunt, FlowStats, FlowView, HashAlgorithm, Masked, PuntCookie, SampleAction,
    SetField, SlowPath, TooBigPunt, UserspaceAction, WholeIp, WorkerId,
};

fn shows(action: Action, text: &str) {
    assert_eq!(DisplayActions::new(&[action], &NoNames).to_string(), text);
}

const MAC1: [u8; 6] = [0xaa, 0x55, 0xaa, 0x55, 0, 1];
const MAC2: [u8; 6] = [0xaa, 0x55, 0xaa, 0x55, 0, 2];

fn v6(first: u16, last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&first.to_be_bytes());
    address[15] = last;
    address
}

#[test]
fn lists() {
    let list = |actions: &[Action]| DisplayActions::new(actions, &NoNames).to_string();
    assert_eq!(list(&[]), "drop");
    assert_eq!(list(&[Action::Output(DpPort(1)), Action::Output(DpPort(2))]), "1,2");
    assert_eq!(list(&[Action::PopVlan, Action::Output(DpPort(1))]), "pop_vlan,1");
    let hash = Action::Hash { algorithm: HashAlgorithm::SymmetricL4, basis: 0 };
    assert_eq!(list(&[hash, Action::Recirc(3)]), "hash(sym_l4(0)),recirc(0x3)");
    let hash = Action::Hash { algorithm: HashAlgorithm::L4, basis: 5 };
    assert_eq!(list(&[hash, Action::Recirc(10)]), "hash(l4(5)),recirc(0xa)");
}

#[test]
fn tags_and_labels() {
    shows(Action::PushVlan { tpid: 0x8100, tci: 0x1005 }, "push_vlan(vid=5,pcp=0)");
    shows(Action::PushVlan { tpid: 0x8100, tci: 0x6005 }, "push_vlan(vid=5,pcp=3,cfi=0)");
    shows(Action::PushVlan { tpid: 0x88a8, tci: 0x7005 }, "push_vlan(tpid=0x88a8,vid=5,pcp=3)");
    shows(
        Action::PushMpls { ethertype: 0x8847, lse: 10 << 12 | 1 << 8 | 64 },
        "push_mpls(label=10,tc=0,ttl=64,bos=1,eth_type=0x8847)",
    );
    shows(Action::PopMpls { ethertype: 0x800 }, "pop_mpls(eth_type=0x800)");
    shows(Action::PushEth { src: MAC2, dst: MAC1 }, "push_eth(src=aa:55:aa:55:00:02,dst=aa:55:aa:55:00:01)");
    shows(Action::PopEth, "pop_eth");
}

#[test]
fn nested_lists() {
    let output = |port| Action::Output(DpPort(port));
    let sample = |probability, actions: Vec<Action>| {
        Action::Sample(SampleAction { probability, actions: actions.into() })
    };
    shows(sample(u32::MAX / 2, vec![output(1)]), "sample(sample=50.0%,actions(1))");
    shows(sample(u32::MAX, vec![output(1), output(2)]), "sample(sample=100.0%,actions(1,2))");
    let inner = Action::Clone([output(1)].into());
    shows(Action::Clone([inner, output(2)].into()), "clone(clone(1),2)");
    shows(Action::Trunc(100), "trunc(100)");
    shows(Action::Drop(3), "drop");
}

#[test]
fn punts() {
    let punt = |cookie, egress| Action::Userspace(UserspaceAction { cookie, egress });
    let slow = PuntCookie::SlowPath(SlowPath::Action);
    shows(punt(slow.clone(), None), "userspace(pid=0,slow_path(action))");
    shows(punt(slow, Some(DpPort(2))), "userspace(pid=0,slow_path(action),tunnel_out_port=2)");
    let mut controller = ControllerPunt {
        reason: 1,
        dont_send: false,
        continuation: false,
        recirc_id: 1,
        rule_cookie: 0,
        controller_id: 0,
        max_len: 65535,
    };
    shows(
        punt(PuntCookie::Controller(controller), None),
        "userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id=1,rule_cookie=0,controller_id=0,max_len=65535))",
    );
    controller = ControllerPunt {
        dont_send: true,
        continuation: true,
        recirc_id: 17,
        rule_cookie: 0xabc,
        controller_id: 3,
        max_len: 128,
        ..controller
    };
    shows(
        punt(PuntCookie::Controller(controller), None),
        "userspace(pid=0,controller(reason=1,dont_send=1,continuation=1,recirc_id=17,rule_cookie=0xabc,controller_id=3,max_len=128))",
    );
}

#[test]
fn punts_of_what_is_too_long() {
    let cookie = PuntCookie::TooBig(TooBigPunt { bridge: 3, port: 7, most: 1464 });
    let text = "userspace(pid=0,too_big(bridge=3,port=7,most=1464))";
    let action = Action::Userspace(UserspaceAction { cookie, egress: None });
    assert_eq!(parse_actions(text, &NoNames), Ok(vec![action.clone()]));
    shows(action, text);
}

fn sets(field: SetField, text: &str) {
    shows(Action::Set(field), &format!("set({text})"));
}

#[test]
fn set_link_fields() {
    let (one, two) = (Masked::exact(MAC1), Masked::exact(MAC2));
    let half = Masked::new(MAC2, [0xff, 0xff, 0xff, 0, 0, 0]);
    sets(SetField::Ethernet { src: Masked::NONE, dst: one }, "eth(dst=aa:55:aa:55:00:01)");
    sets(SetField::Ethernet { src: two, dst: one }, "eth(src=aa:55:aa:55:00:02,dst=aa:55:aa:55:00:01)");
    sets(SetField::Ethernet { src: half, dst: Masked::NONE }, "eth(src=aa:55:aa:00:00:00/ff:ff:ff:00:00:00)");
    sets(SetField::Mpls(Masked::exact(5 << 12 | 1 << 8 | 64)), "mpls(label=5,tc=0,ttl=64,bos=1)");
    sets(SetField::Mpls(Masked::new(5 << 12, 0xffff_f000)), "mpls(label=5/0xfffff,tc=0/0,ttl=0/0x0,bos=0/0)");
    let arp = SetField::Arp {
        sip: Masked::exact([1, 2, 3, 4]),
        tip: Masked::exact([5, 6, 7, 8]),
        op: Masked::exact(2),
        sha: one,
        tha: two,
    };
    sets(arp, "arp(sip=1.2.3.4,tip=5.6.7.8,op=2,sha=aa:55:aa:55:00:01,tha=aa:55:aa:55:00:02)");
    sets(SetField::Priority(5), "skb_priority(0x5)");
    sets(SetField::Priority(0), "skb_priority(0)");
    sets(SetField::Mark(Masked::exact(5)), "skb_mark(0x5)");
    sets(SetField::Mark(Masked::new(5, 0xff)), "skb_mark(0x5/0xff)");
}

#[test]
fn set_network_fields() {
    let v4 = |src, dst, tos, ttl| SetField::Ipv4 { src, dst, tos, ttl, whole: None };
    let none = Masked::NONE;
    sets(v4(none, none, Masked::NONE, Masked::exact(63)), "ipv4(ttl=63)");
    sets(v4(none, none, Masked::new(0x10, 0xfc), Masked::NONE), "ipv4(tos=0x10/0xfc)");
    let net = Masked::new([1, 2, 3, 4], [255, 255, 255, 0]);
    sets(v4(none, net, Masked::NONE, Masked::NONE), "ipv4(dst=1.2.3.0/255.255.255.0)");
    sets(
        v4(Masked::exact([1, 2, 3, 4]), Masked::exact([5, 6, 7, 8]), Masked::exact(0x10), Masked::exact(64)),
        "ipv4(src=1.2.3.4,dst=5.6.7.8,tos=0x10,ttl=64)",
    );
    let whole = SetField::Ipv4 {
        src: Masked::exact([1, 2, 3, 4]),
        dst: Masked::exact([5, 6, 7, 8]),
        tos: Masked::exact(0),
        ttl: Masked::exact(64),
        whole: Some(WholeIp { proto: 17, frag: 3 }),
    };
    sets(whole, "ipv4(src=1.2.3.4,dst=5.6.7.8,proto=17,tos=0,ttl=64,frag=later)");
    let all = SetField::Ipv6 {
        src: Masked::exact(v6(0, 1)),
        dst: Masked::exact(v6(0xfe80, 1)),
        label: Masked::exact(5),
        tclass: Masked::exact(0x10),
        hlimit: Masked::exact(64),
        whole: None,
    };
    sets(all, "ipv6(src=::1,dst=fe80::1,label=0x5,tclass=0x10,hlimit=64)");
    let part = SetField::Ipv6 {
        src: Masked::new(v6(0xfe80, 0), v6(0xffff, 0)),
        dst: Masked::NONE,
        label: Masked::new(0x10, 0x000f_ffff),
        tclass: Masked::new(0x10, 0xfc),
        hlimit: Masked::NONE,
        whole: None,
    };
    sets(part, "ipv6(src=fe80::/ffff::,label=0x10,tclass=0x10/0xfc)");
}

#[test]
fn set_transport_fields() {
    sets(SetField::Tcp { src: Masked::exact(1), dst: Masked::exact(2) }, "tcp(src=1,dst=2)");
    sets(SetField::Tcp { src: Masked::new(0x50, 0xff), dst: Masked::NONE }, "tcp(src=80/0xff)");
    sets(SetField::Udp { src: Masked::NONE, dst: Masked::exact(53) }, "udp(dst=53)");
    sets(SetField::Sctp { src: Masked::NONE, dst: Masked::exact(53) }, "sctp(dst=53)");
    sets(SetField::Icmp { kind: Masked::exact(8), code: Masked::exact(0) }, "icmp(type=8,code=0)");
    sets(SetField::Icmpv6 { kind: Masked::exact(128), code: Masked::NONE }, "icmpv6(type=128)");
    let nd = SetField::Nd {
        target: Masked::exact(v6(0xfe80, 1)),
        sll: Masked::exact(MAC1),
        tll: Masked::exact(MAC2),
    };
    sets(nd, "nd(target=fe80::1,sll=aa:55:aa:55:00:01,tll=aa:55:aa:55:00:02)");
    let extension = SetField::NdExtension { reserved: Masked::exact(5), option: Masked::new(0x70, 0xf0) };
    sets(extension, "nd_ext(nd_reserved=0x5,nd_options_type=112/0xf0)");
}

#[test]
fn set_tunnel() {
    let mut tunnel = TunnelKey::default();
    tunnel.ttl = 64;
    tunnel.dst = 0x0202_0202.into();
    sets(SetField::Tunnel(Box::new(tunnel)), "tunnel(dst=2.2.2.2,ttl=64,flags(0))");
    tunnel.id = 5.into();
    tunnel.tp_dst = 4789.into();
    tunnel.flags = (TunnelFlags::DONT_FRAGMENT | TunnelFlags::KEY).bits();
    sets(
        SetField::Tunnel(Box::new(tunnel)),
        "tunnel(tun_id=0x5,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|key))",
    );
}

struct Names;

impl DpPortNames for Names {
    fn name(&self, port: DpPort) -> Option<&str> {
        (port.0 == 1).then_some("eth0")
    }

    fn number(&self, _: &str) -> Option<DpPort> {
        None
    }
}

#[test]
fn ports_by_name() {
    let actions = [Action::Output(DpPort(1)), Action::Output(DpPort(2))];
    assert_eq!(DisplayActions::new(&actions, &Names).to_string(), "eth0,2");
}

#[test]
fn whole_flows() {
    let (key, mask) = parse_dp_flow(
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)",
        &NoNames,
    )
    .unwrap();
    let actions: Actions = [Action::Output(DpPort(2)), Action::Output(DpPort(100))].into();
    let stats = FlowStats { packets: 2, bytes: 108, used: Some(Duration::from_secs(1)), tcp_flags: 0x1ff };
    let ufid = Ufid(0x630a_5fe8_c66c_4616_9fbb_7f37_2c37_5e66);
    let mut flow = FlowView { ufid, key: &key, mask: &mask, actions: &actions, stats, worker: WorkerId(0) };
    let now = Duration::from_millis(1004);
    assert_eq!(
        DisplayFlow::new(&flow, now, &NoNames).to_string(),
        "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no), packets:2, bytes:108, used:0.004s, \
         flags:SFPRU.ECN, actions:2,100"
    );
    let verbose = DisplayFlow::new(&flow, now, &Names).style(FlowStyle::DpifVerbose).to_string();
    assert_eq!(
        verbose,
        "ufid:630a5fe8-c66c-4616-9fbb-7f372c375e66 skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),\
         ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),in_port(eth0),packet_type(ns=0,id=0),\
         eth(src=00:00:00:00:00:00/00:00:00:00:00:00,dst=00:00:00:00:00:00/00:00:00:00:00:00),eth_type(0x0800),\
         ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,ttl=0/0,frag=no), packets:2, bytes:108, \
         used:0.004s, flags:SFPRU.ECN, actions:2,100"
    );
    flow.stats = FlowStats::default();
    assert!(
        DisplayFlow::new(&flow, now, &NoNames)
            .to_string()
            .contains(", packets:0, bytes:0, used:never, actions:")
    );
}

#[test]
fn counters() {
    assert_eq!(DisplayTcpFlags(0x1ff).to_string(), "SFPRU.ECN");
    assert_eq!(DisplayTcpFlags(0x212).to_string(), "S.[200]");
    let used = DisplayUsed { used: Some(Duration::from_millis(1250)), now: Duration::from_secs(3) };
    assert_eq!(used.to_string(), "1.750s");
    assert_eq!(DisplayUsed { used: None, now: Duration::ZERO }.to_string(), "never");
}
