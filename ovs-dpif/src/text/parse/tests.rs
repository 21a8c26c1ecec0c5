//! Lists that the distribution's Open vSwitch 3.1 prints, read and printed again.

use ovs_flow::text::NoNames;
use proptest::prelude::*;

use super::*;
use crate::text::DisplayActions;

const LISTS: &[&str] = &[
    "drop",
    "1,2",
    "push_vlan(vid=5,pcp=0)",
    "push_vlan(vid=5,pcp=3,cfi=0),1",
    "push_vlan(tpid=0x88a8,vid=5,pcp=3),1",
    "pop_vlan,1",
    "set(eth(src=aa:55:aa:55:00:02,dst=aa:55:aa:55:00:01)),1",
    "set(eth(src=aa:55:aa:00:00:00/ff:ff:ff:00:00:00)),1",
    "set(ipv4(src=1.2.3.4)),1",
    "set(ipv4(tos=0x10/0xfc)),1",
    "set(ipv4(dst=1.2.3.0/255.255.255.0,ttl=63)),1",
    "set(ipv6(src=fe80::/ffff::,label=0x5,tclass=0x10,hlimit=64)),1",
    "set(tcp(src=1,dst=2)),1",
    "set(tcp(src=80/0xff)),1",
    "set(udp(dst=53)),set(sctp(dst=53)),1",
    "set(icmp(type=8,code=0)),set(icmpv6(type=128)),1",
    "set(arp(sip=1.2.3.4,tip=5.6.7.8,op=2,sha=00:00:00:00:00:01,tha=00:00:00:00:00:02)),1",
    "set(nd(target=fe80::1,sll=00:00:00:00:00:01,tll=00:00:00:00:00:02)),1",
    "set(nd_ext(nd_reserved=0x60000000,nd_options_type=2)),set(nd_ext(nd_options_type=1/0x3)),1",
    "set(skb_priority(0x5)),set(skb_priority(0)),set(skb_mark(0x5/0xff)),set(skb_mark(0x5)),1",
    "set(mpls(label=5,tc=0,ttl=64,bos=1)),1",
    "set(mpls(label=5/0xfffff,tc=0/0,ttl=0/0x0,bos=0/0)),1",
    "set(tunnel(tun_id=0x5,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|key))),1",
    "set(tunnel(tun_id=0x5,ipv6_dst=fe80::1,tos=0x3,ttl=64,tp_dst=4789,flags(df|csum|key))),1",
    "set(tunnel(dst=2.2.2.2,ttl=64,flags(0))),1",
    "push_mpls(label=10,tc=0,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800),1",
    "pop_eth,push_eth(src=aa:55:aa:55:00:02,dst=aa:55:aa:55:00:01),1",
    "add_mpls(label=10,tc=0,ttl=64,bos=1,eth_type=0x8847),1",
    "push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1234,si=255,c1=0x11223344,c2=0x0,c3=0x0,c4=0x1),1",
    "push_nsh(flags=0,ttl=63,mdtype=2,np=1,spi=0x0,si=255,md2=0x10000a041234567820001408fedcba9876543210),1",
    "set(nsh(flags=2,ttl=62,spi=0x3/0xff,si=254,c1=0x5,c4=0x7/0x0000000f)),pop_nsh(),1",
    "check_pkt_len(size=100,gt(1,2),le(drop)),2",
    "hash(sym_l4(0)),recirc(0x1)",
    "hash(l4(5)),recirc(0xa)",
    "trunc(100),1",
    "sample(sample=33.3%,actions(userspace(pid=0,slow_path(action)))),1",
    "sample(sample=100.0%,actions(1,2))",
    "clone(clone(push_vlan(vid=5,pcp=0),1),2),2",
    "clone(drop),2",
    "userspace(pid=0,slow_path(cfm)),userspace(pid=0,slow_path(lldp),tunnel_out_port=2)",
    "userspace(pid=0,controller(reason=1,dont_send=1,continuation=1,recirc_id=17,rule_cookie=0xabc,controller_id=3,max_len=128))",
];

#[test]
fn lists_read_back_as_themselves() {
    for text in LISTS {
        let list = parse_actions(text, &NoNames).unwrap();
        assert_eq!(DisplayActions::new(&list, &NoNames).to_string(), *text);
    }
}

#[test]
fn other_spellings() {
    let same = |a: &str, b: &str| assert_eq!(parse_actions(a, &NoNames), parse_actions(b, &NoNames), "{a}");
    same("", "drop");
    same("set(ipv4(ttl=64,proto=6,frag=no))", "set(ipv4(ttl=64))");
    same("hash(hash_l4(5))", "hash(l4(0x5))");
    same("set(eth(dst=aa:55:aa:55:00:01/ff:ff:ff:ff:ff:ff))", "set(eth(dst=aa:55:aa:55:0:1))");
}

#[test]
fn errors_say_where() {
    let error = |text| parse_actions(text, &NoNames).unwrap_err().to_string();
    assert_eq!(error("1,flood"), "at byte 2: \"flood\" is not known here");
    assert_eq!(error("set(ipv4(src=1.2.3)),1"), "at byte 13: expected an IPv4 address");
    assert_eq!(error("set(ipv4(color=5)),1"), "at byte 9: \"color\" is not known here");
    assert_eq!(error("trunc(4294967296)"), "at byte 6: expected a number in range");
    assert_eq!(error("clone(1"), "at byte 7: expected a closing parenthesis");
    assert_eq!(error("1)"), "at byte 1: expected a comma or the end");
    assert_eq!(error(&"clone(".repeat(100)), "at byte 102: lists stand in each other too deep");
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,60}") {
        let _ = parse_actions(&text, &NoNames);
    }

    #[test]
    fn what_is_read_reads_back(
        parts in prop::collection::vec(prop::sample::select(LISTS), 1..6),
        cut in any::<prop::sample::Index>(),
        other in any::<char>(),
    ) {
        let mut text = parts.join(",");
        let at = cut.index(text.len());
        if text.is_char_boundary(at) && cut.index(2) == 0 {
            text.replace_range(at..=at, &other.to_string());
        }
        if let Ok(list) = parse_actions(&text, &NoNames) {
            let printed = DisplayActions::new(&list, &NoNames).to_string();
            let again = parse_actions(&printed, &NoNames).unwrap();
            prop_assert_eq!(DisplayActions::new(&again, &NoNames).to_string(), printed);
        }
    }
}

#[test]
fn connection_tracking_reads_as_it_prints() {
    // The texts on the left are what `dpctl/parse-actions` of Open vSwitch 3.1 makes of those on the right.
    let cases = [
        ("ct", "ct"),
        ("ct_clear", "ct_clear"),
        ("ct(commit)", "ct(commit,zone=0)"),
        ("ct(nat)", "ct(nat)"),
        ("ct(commit,nat(src))", "ct(commit,nat(src))"),
        ("ct(commit,mark=0x1/0xffffffff)", "ct(commit,mark=1)"),
        (
            "ct(commit,mark=0x1/0x1,label=0x1/0x3,helper=tftp,timeout=a_b,nat(dst=1.1.1.1:5))",
            "ct(commit,mark=1/1,label=1/3,timeout=a_b,helper=tftp,nat(dst=1.1.1.1-1.1.1.1:5-5))",
        ),
        ("ct(force_commit,zone=5,helper=ftp)", "ct(force_commit,zone=5,helper=ftp)"),
        ("ct(commit,nat(src=fd00::1-fd00::5))", "ct(commit,nat(src=fd00::1-fd00::5))"),
    ];
    let same = [
        "ct(commit,nat(src=10.0.0.1-10.0.0.5:100-200,persistent,hash))",
        "ct(commit,nat(dst=10.0.0.1:80,random))",
        "ct(commit,nat(src=[fd00::1]-[fd00::5]:10-20,random))",
        "ct(commit,label=0x10000000000000000000000000000000/0xf0000000000000000000000000000000)",
    ];
    for (printed, text) in cases.into_iter().chain(same.map(|text| (text, text))) {
        let actions = parse_actions(text, &NoNames).unwrap();
        assert_eq!(DisplayActions::new(&actions, &NoNames).to_string(), printed);
    }
    for wrong in [
        "ct(commit,force_commit)",
        "ct(zone=0xfffff)",
        "ct(nat(hash))",
        "ct(helper=x)",
        "ct(nat(src=1.1.1.2-1.1.1.1))",
    ] {
        assert!(parse_actions(wrong, &NoNames).is_err(), "{wrong}");
    }
}
