//! Matches in OpenFlow syntax against `ovs-ofctl parse-flows`.

use ovs_flow::Match;
use ovs_flow::text::{MatchDisplay, NoNames, parse_match};

use crate::peer;

fn print(m: &Match) -> String {
    MatchDisplay { m, ports: &NoNames }.to_string()
}

fn corpus() -> impl Iterator<Item = &'static str> {
    include_str!("data/matches.txt").lines()
}

#[test]
fn prints_what_the_original_prints() {
    let Some(ofctl) = peer::ofctl("prints_what_the_original_prints") else { return };
    let flows: String = corpus().map(|m| format!("{m},actions=drop\n")).collect();
    let output = peer::run(&ofctl, &["parse-flows", "-"], &flows);
    let theirs = output
        .lines()
        .filter_map(|l| l.split_once(": ADD "))
        .map(|(_, flow)| flow.strip_suffix("actions=drop").expect("actions come last").trim_end());
    let theirs: Vec<_> = theirs.collect();
    assert_eq!(theirs.len(), corpus().count(), "{output}");
    let mut wrong = Vec::new();
    for (text, theirs) in corpus().zip(theirs) {
        let ours = print(&parse_match(text, &NoNames).unwrap_or_else(|e| panic!("{text}: {e}")));
        if ours != theirs {
            wrong.push(format!("{text}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_printed_parses_to_the_same_match() {
    for text in corpus() {
        let m = parse_match(text, &NoNames).expect(text);
        let printed = print(&m);
        if printed.contains("gtpu_") && !printed.contains("tun_gtpu") {
            continue; // The original prints these two under names that it does not parse.
        }
        let mut again = parse_match(&printed, &NoNames).unwrap_or_else(|e| panic!("{printed}: {e}"));
        again.mask.fields.packet_type = m.mask.fields.packet_type;
        again.mask.fields.tunnel.erspan_idx = m.mask.fields.tunnel.erspan_idx;
        again.key.tunnel.erspan_idx = m.key.tunnel.erspan_idx;
        assert_eq!(print(&again), printed);
        assert!(again == m, "{text} became {printed}");
    }
}

#[test]
fn errors_say_what_the_original_says() {
    let Some(ofctl) = peer::ofctl("errors_say_what_the_original_says") else { return };
    let wrong = [
        "bogus=3",
        "in_port=zz",
        "ip,nw_src=10.0.0",
        "reg0=5/",
        "ct_state=+foo",
        "ip,nw_frag=zz",
        "igmp",
        "nw_tos=4/4,ip",
        "ip,nw_ttl=300",
        "reg0=0x1ffffffff",
        "dl_src=zz",
        "vlan_tci=zz",
        "nw_proto=zz",
        "packet_type=3",
        "tcp_flags=zz,tcp",
        "ipv6,ipv6_src=zz",
        "ipv6,ipv6_src=::1/129",
        "ip,nw_src=1.2.3.4/33",
        "ip,nw_src=1.2.3.4/zz",
        "ct_state=+new-new",
        "ct_state=+",
        "ct_state=foo",
        "ct_zone=0x1/0xff",
        "NXM_NX_REG0=5",
        "reg0[3..2]=1",
        "reg0[30..40]=1",
        "foo[]=1",
        "dl_dst=1:2:3:4:5",
        "tcp,tp_src=70000",
    ];
    for text in wrong {
        let output = peer::run(&ofctl, &["parse-flow", &format!("{text},actions=drop")], "");
        let theirs = output.lines().last().unwrap_or_default().trim_start_matches("ovs-ofctl: ");
        let ours = parse_match(text, &NoNames).expect_err(text).to_string();
        assert_eq!(ours, theirs, "{text}");
    }
}

#[test]
fn errors_tell_field_place_and_expectation() {
    for (text, column, field, expected) in [
        ("tcp,reg0=zz", 4, Some("reg0"), "a decimal or 0x number of at most 4 bytes"),
        ("ip, nw_src=1.2.3", 4, Some("ip_src"), "A.B.C.D, A.B.C.D/BITS or A.B.C.D/A.B.C.D"),
        ("dl_src=1:2:3", 0, Some("eth_src"), "xx:xx:xx:xx:xx:xx, or two of them with a slash between"),
        ("tcp,tcp_flags=+foo", 4, Some("tcp_flags"), "flags of TCP"),
        ("mpls,mpls_label=1/3", 5, Some("mpls_label"), "no mask: the field is matched as a whole"),
        ("ip,bogus=3", 3, None, "a field or a protocol (ovs-fields(7))"),
        ("ip,bogus", 3, None, "a value"),
        ("reg1[3..7]=99", 0, Some("reg1"), "a number of at most 5 bits"),
        ("reg1[40]=1", 0, Some("reg1"), "bits below 32"),
        ("ip,nw_ttl[0..3]=1", 3, Some("nw_ttl"), "all bits of the field"),
        ("in_port=1,tun_ttl=3", 10, Some("tun_ttl"), "a field that has a number on the wire"),
        (
            "in_port=eth0",
            0,
            Some("in_port"),
            "a port's number from 0 to 65535, a reserved port or a port's name",
        ),
    ] {
        let error = parse_match(text, &NoNames).expect_err(text);
        let told = (error.column(), error.field().map(ovs_flow::Field::name), error.expected());
        assert_eq!(told, (column, field, expected.to_owned()), "{text}: {error}");
    }
}
