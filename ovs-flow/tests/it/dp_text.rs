//! Datapath syntax against what the original printed, and composed packets against what it sent.
//!
//! `data/dumps.txt` holds pairs of lines of `dpctl/dump-flows` and `dpctl/dump-flows -m`, `data/upcalls.txt` the keys of
//! its upcall log, `data/composed.txt` what `ofproto/trace` and a packet capture said of flows given to it.

use ovs_flow::text::{
    DpDisplay, DpParseError, DpPortNames, FlowDisplay, NoNames, parse_dp_flow, parse_dp_key,
};
use ovs_flow::{DpPort, compose};

use crate::extract::key_of;

/// `p1` is 1, and so on.
struct Names;

const NAMES: [&str; 4] = ["p0", "p1", "p2", "p3"];

impl DpPortNames for Names {
    fn name(&self, port: DpPort) -> Option<&str> {
        NAMES.get(port.0 as usize).copied()
    }

    fn number(&self, name: &str) -> Option<DpPort> {
        NAMES.iter().position(|n| *n == name).map(|i| DpPort(i as u32))
    }
}

#[test]
fn dumps_print_as_the_original_prints_them() {
    let lines: Vec<_> = include_str!("data/dumps.txt").lines().collect();
    for pair in lines.chunks_exact(2) {
        let [plain, verbose] = [pair[0], pair[1]];
        let (mut key, mask) = parse_dp_flow(verbose, &Names).unwrap_or_else(|e| panic!("{verbose}: {e}"));
        if verbose.contains("tcp_flags(0/0)") {
            // Which flags there were is not printed, but that there were some.
            key.tcp_flags.set(2);
        }
        assert_eq!(DpDisplay::masked(&key, &mask, &NoNames).to_string(), plain);
        assert_eq!(DpDisplay::masked(&key, &mask, &Names).verbose(true).to_string(), verbose);
        let (key, mask) = parse_dp_flow(plain, &NoNames).unwrap_or_else(|e| panic!("{plain}: {e}"));
        assert_eq!(DpDisplay::masked(&key, &mask, &NoNames).to_string(), plain);
    }
}

#[test]
fn keys_print_as_the_original_logs_them() {
    for line in include_str!("data/upcalls.txt").lines() {
        let key = parse_dp_key(line, &NoNames).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(DpDisplay::key(&key, &NoNames).to_string(), line);
    }
}

#[test]
fn flows_become_the_packets_that_the_original_makes() {
    let mut key = None;
    for line in include_str!("data/composed.txt").lines() {
        if let Some(text) = line.strip_prefix("in ") {
            key = Some((text, parse_dp_key(text, &NoNames).unwrap_or_else(|e| panic!("{text}: {e}"))));
            continue;
        }
        let (text, key) = key.as_ref().expect("a flow comes first");
        if let Some(flow) = line.strip_prefix("Flow: ") {
            assert_eq!(FlowDisplay { key, ports: &NoNames }.to_string(), flow, "{text}");
        } else if let Some(packet) = line.strip_prefix("packet ") {
            let hex: String = compose(key, 64).iter().map(|b| format!("{b:02x}")).collect();
            // Of a flow without Ethernet the original's port makes an Ethernet packet.
            assert!(packet.ends_with(&hex), "{text}\nours   {hex}\ntheirs {packet}");
        }
    }
}

#[test]
fn a_composed_packet_has_the_key() {
    for line in include_str!("data/upcalls.txt").lines() {
        let key = parse_dp_key(line, &NoNames).expect(line);
        let v6 = key.ethertype() == 0x86dd;
        if (v6 && key.nw_frag != 0) || (key.ethertype() == 0x0806 && key.nw_proto > 2) {
            continue; // What these hold beyond the fixed header is not in the packet.
        }
        let again = key_of(&compose(&key, 64));
        let show = |key| FlowDisplay { key, ports: &NoNames }.to_string();
        let mut bare = again;
        bare.in_port = key.in_port;
        bare.recirc_id = key.recirc_id;
        bare.pkt_mark = key.pkt_mark;
        bare.dp_hash = key.dp_hash;
        (bare.ct_state, bare.ct_zone, bare.ct_mark, bare.ct_label) =
            (key.ct_state, key.ct_zone, key.ct_mark, key.ct_label);
        (bare.ct_nw_src, bare.ct_nw_dst, bare.ct_nw_proto) = (key.ct_nw_src, key.ct_nw_dst, key.ct_nw_proto);
        (bare.ct_tp_src, bare.ct_tp_dst) = (key.ct_tp_src, key.ct_tp_dst);
        assert_eq!(show(&bare), show(&key));
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let fail = |text| parse_dp_key(text, &NoNames).expect_err(text);
    let cases = [
        ("in_port(p7)", "syntax error at in_port(p7)", 8, "a number"),
        ("foo(1)", "syntax error at foo(1)", 0, "an attribute's name"),
        (
            "eth_type(0x800),ipv4(src=1.2.3,dst=1.2.3.4)",
            "syntax error at ipv4(src=1.2.3,dst=1.2.3.4)",
            0,
            "an IPv4 address",
        ),
        ("ipv4(frag=zz)", "syntax error at ipv4(frag=zz)", 10, "no, first or later"),
        (
            "eth(src=50:54:00:00:00:0z)",
            "syntax error at eth(src=50:54:00:00:00:0z)",
            0,
            "an Ethernet address",
        ),
        ("in_port(1", "syntax error at in_port(1", 9, ")"),
    ];
    for (text, message, at, expects) in cases {
        let error = fail(text);
        assert_eq!(error.to_string(), message);
        let DpParseError::Syntax { column, expected, .. } = error else { panic!("{text}") };
        assert_eq!(expected, expects, "{text}");
        assert!(at == 0 || at == column, "{text}: {column}");
    }
    let twice = fail("in_port(1),in_port(2)").to_string();
    assert_eq!(
        twice,
        "duplicate in_port attribute in flow key; the flow key in error is: in_port(1),in_port(2)"
    );
}
