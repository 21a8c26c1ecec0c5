//! Random actions.

use super::draw::Draw;
use super::options;

/// The tables of a random bridge.
pub const TABLES: usize = 5;

/// The fields that are moved, pushed and popped.
const PLACES: [&str; 16] = [
    "NXM_NX_TUN_METADATA0[0..319]",
    "NXM_NX_TUN_METADATA0[100..163]",
    "NXM_NX_REG0[]",
    "NXM_NX_REG1[0..15]",
    "NXM_NX_REG2[3..5]",
    "NXM_OF_ETH_SRC[]",
    "NXM_OF_ETH_DST[16..31]",
    "NXM_OF_IP_SRC[0..15]",
    "NXM_OF_IP_DST[]",
    "NXM_OF_TCP_SRC[]",
    "NXM_OF_UDP_DST[]",
    "NXM_NX_IPV6_SRC[0..63]",
    "NXM_OF_VLAN_TCI[0..11]",
    "NXM_OF_ARP_SPA[]",
    "OXM_OF_METADATA[0..31]",
    "NXM_NX_PKT_MARK[]",
];

/// Actions and instructions are drawn that often until they fit the rest.
const TRIES: usize = 12;

/// A list for a rule of `table` that `fits`, and whether it is for a version with instructions.
pub fn list(draw: &mut Draw, table: usize, fits: &dyn Fn(&str, bool) -> bool) -> (String, bool) {
    if draw.once_in(25) {
        return ("drop".into(), true);
    }
    if draw.once_in(40) {
        return (format!("conjunction({},{}/2)", 1 + draw.below(3), 1 + draw.below(2)), true);
    }
    let new = !draw.once_in(4);
    let instructions = new && draw.once_in(3);
    let mut parts: Vec<String> = Vec::new();
    let mut add = |part: &dyn Fn(&mut Draw) -> String, draw: &mut Draw| {
        for _ in 0..TRIES {
            parts.push(part(draw));
            if fits(&parts.join(","), new) {
                return;
            }
            parts.pop();
        }
    };
    if new && draw.once_in(20) {
        add(&|_| "meter:1".into(), draw);
    }
    for _ in 0..=draw.below(5) {
        add(&|draw| action(draw, 2), draw);
    }
    if instructions {
        if draw.once_in(4) {
            add(&|_| "clear_actions".into(), draw);
        }
        if draw.once_in(2) {
            let set = |draw: &mut Draw| {
                let set: Vec<String> = (0..=draw.below(3)).map(|_| set_member(draw)).collect();
                format!("write_actions({})", set.join(","))
            };
            add(&set, draw);
        }
        if draw.once_in(2) {
            add(&|draw| draw.of(&["write_metadata:0x1", "write_metadata:0x2/0x3"]).into(), draw);
        }
        if table + 1 < TABLES {
            add(&|draw| format!("goto_table:{}", table + 1 + draw.below(TABLES - table - 1)), draw);
        }
    }
    (if parts.is_empty() { "drop".into() } else { parts.join(",") }, new)
}

fn set_member(draw: &mut Draw) -> String {
    match draw.below(6) {
        0 => format!("output:{}", 1 + draw.below(4)),
        1 => "set_field:50:54:00:00:00:99->eth_dst".into(),
        2 => "dec_ttl".into(),
        3 => "pop_vlan".into(),
        4 => "push_vlan:0x8100".into(),
        _ => "set_field:9->tcp_dst".into(),
    }
}

fn action(draw: &mut Draw, depth: usize) -> String {
    match draw.below(28) {
        0..=3 => output(draw),
        4..=6 => resubmit(draw),
        7..=10 => write(draw),
        11 => format!("move:{}", pair(draw)),
        12 => format!("push:{}", draw.of(&PLACES)),
        13 => format!("pop:{}", draw.of(&PLACES)),
        14 => draw.of(&["strip_vlan", "mod_vlan_vid:7", "mod_vlan_pcp:3"]).into(),
        15 => draw.of(&["push_vlan:0x8100", "push_vlan:0x88a8"]).into(),
        16 => draw.of(&["dec_ttl", "dec_ttl(1,2)", "mod_nw_ttl:9"]).into(),
        17 => draw.of(&["set_queue:3", "pop_queue", "enqueue:2:5"]).into(),
        18 => draw.of(&["controller", "controller(max_len=64,reason=no_match)", "controller(id=3)"]).into(),
        _ => extra(draw, depth),
    }
}

fn extra(draw: &mut Draw, depth: usize) -> String {
    match draw.below(18) {
        0 if depth > 0 => {
            let list: Vec<String> = (0..=draw.below(3)).map(|_| action(draw, depth - 1)).collect();
            format!("clone({})", list.join(","))
        }
        0..=1 => draw.of(&SMALL).into(),
        2..=3 => multipath(draw),
        4 => bundle(draw),
        5 => draw
            .of(&["check_pkt_larger(100)->NXM_NX_REG0[0]", "check_pkt_larger(1500)->NXM_NX_REG1[3]"])
            .into(),
        6..=7 => draw.of(&LEARNED).into(),
        8 => format!(
            "output(port={},max_len={})",
            draw.of(&["1", "2", "3", "in_port", "local"]),
            64 + draw.below(64)
        ),
        9 => draw.of(&["group:1", "group:2", "group:3", "group:4"]).into(),
        10 if draw.once_in(2) => "delete_field:tun_metadata0".into(),
        10 => options::action(draw, 0, true),
        11..=12 => draw.of(&HEADERS).into(),
        _ => mpls(draw),
    }
}

const SMALL: [&str; 8] = [
    "note:01.02",
    "set_tunnel:5",
    "set_tunnel64:0x500000000",
    "exit",
    "sample(probability=100,collector_set_id=1)",
    "sample(probability=7,collector_set_id=2,obs_domain_id=3,obs_point_id=4)",
    "controller(userdata=01.02.03,pause)",
    "output:table",
];

/// Headers that are put around packets and taken off.
const HEADERS: [&str; 12] = [
    "encap(ethernet)",
    "encap(nsh)",
    "encap(nsh(md_type=1))",
    "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))",
    "encap(mpls)",
    "encap(mpls_mc)",
    "decap()",
    "decap()",
    "decap(packet_type(ns=0,type=0))",
    "decap(packet_type(ns=1,type=0x894f))",
    "encap(nsh),dec_nsh_ttl",
    "encap(nsh),set_field:0x1234->nsh_spi,encap(ethernet)",
];

const LEARNED: [&str; 6] = [
    "fin_timeout(idle_timeout=5)",
    "fin_timeout(idle_timeout=5,hard_timeout=7)",
    "learn(table=4,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])",
    "learn(table=4,priority=7,NXM_OF_VLAN_TCI[0..11],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])",
    "learn(table=3,idle_timeout=9,fin_idle_timeout=2,eth_type=0x800,nw_proto=6,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[])",
    "learn(table=3,limit=5,result_dst=NXM_NX_REG0[2],delete_learned,cookie=0x9,NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
];

fn hash_fields<'a>(draw: &mut Draw) -> &'a str {
    draw.of(&[
        "eth_src",
        "symmetric_l4",
        "symmetric_l3l4",
        "symmetric_l3l4+udp",
        "nw_src",
        "nw_dst",
        "symmetric_l3",
    ])
}

fn multipath(draw: &mut Draw) -> String {
    let (fields, basis, links) = (hash_fields(draw), draw.below(100), 1 + draw.below(9));
    let algorithm = draw.of(&["modulo_n", "hash_threshold", "hrw", "iter_hash"]);
    let place = draw.of(&["NXM_NX_REG0[0..15]", "NXM_NX_REG1[]", "NXM_NX_REG2[2..9]"]);
    format!("multipath({fields},{basis},{algorithm},{links},{},{place})", draw.below(20))
}

fn bundle(draw: &mut Draw) -> String {
    let (fields, basis) = (hash_fields(draw), draw.below(100));
    let algorithm = draw.of(&["active_backup", "hrw"]);
    let members = draw.of(&["1,2,3", "9,2", "3", "4,1"]);
    if draw.once_in(2) {
        return format!(
            "bundle_load({fields},{basis},{algorithm},ofport,NXM_NX_REG0[0..15],members:{members})"
        );
    }
    format!("bundle({fields},{basis},{algorithm},ofport,members:{members})")
}

fn mpls(draw: &mut Draw) -> String {
    draw.of(&[
        "push_mpls:0x8847",
        "push_mpls:0x8847",
        "push_mpls:0x8848",
        "pop_mpls:0x0800",
        "pop_mpls:0x86dd",
        "pop_mpls:0x8847",
        "dec_mpls_ttl",
        "set_mpls_label:77",
        "set_mpls_tc:5",
        "set_mpls_ttl:33",
        "set_field:99->mpls_label",
        "set_field:3->mpls_tc",
        "set_field:7->mpls_ttl",
    ])
    .into()
}

fn output(draw: &mut Draw) -> String {
    match draw.below(10) {
        0 => draw.of(&["in_port", "normal", "flood", "all", "local"]).into(),
        1 => draw.of(&["output:NXM_NX_REG0[0..15]", "output:NXM_NX_REG2[]", "output:99"]).into(),
        n => format!("output:{}", 1 + n % 4),
    }
}

fn resubmit(draw: &mut Draw) -> String {
    // Mostly to later tables, so that most traces end before the limits.
    match draw.below(60) {
        0..=8 => format!("resubmit({},{})", 1 + draw.below(4), 1 + draw.below(TABLES - 1)),
        9 => "resubmit(,0)".into(),
        n => format!("resubmit(,{})", 1 + n % (TABLES - 1)),
    }
}

fn write(draw: &mut Draw) -> String {
    const LOADS: [&str; 30] = [
        "load:1->NXM_NX_REG0[]",
        "load:2->NXM_NX_REG0[0..15]",
        "load:5->NXM_NX_REG1[]",
        "load:0x3->NXM_NX_REG2[3..5]",
        "set_field:0x2/0x2->metadata",
        "set_field:50:54:00:00:00:77->eth_src",
        "set_field:50:54:00:00:00:00/ff:ff:00:00:00:00->eth_dst",
        "mod_dl_dst:50:54:00:00:00:66",
        "mod_dl_src:50:54:00:00:00:65",
        "set_field:1.2.3.4->ip_src",
        "set_field:1.2.0.0/255.255.0.0->ip_dst",
        "mod_nw_src:9.8.7.6",
        "mod_nw_dst:9.8.7.5",
        "mod_nw_tos:32",
        "mod_nw_ecn:2",
        "set_field:3->nw_ecn",
        "mod_tp_src:99",
        "mod_tp_dst:98",
        "set_field:8080->tcp_dst",
        "set_field:8081->udp_src",
        "set_field:8082->sctp_src",
        "set_field:fe80::77->ipv6_src",
        "set_field:2001::/ffff::->ipv6_dst",
        "set_field:5->ipv6_label",
        "set_field:2->arp_op",
        "set_field:10.9.9.9->arp_spa",
        "set_field:50:54:00:00:00:78->arp_tha",
        "set_field:3->icmp_type",
        "set_field:fe80::99->nd_target",
        "set_field:0x1/0x1->pkt_mark",
    ];
    draw.of(&LOADS).into()
}

fn pair(draw: &mut Draw) -> String {
    const MOVES: [&str; 8] = [
        "NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
        "NXM_OF_IP_SRC[]->NXM_OF_IP_DST[]",
        "NXM_OF_IP_SRC[0..15]->NXM_NX_REG1[16..31]",
        "NXM_NX_REG0[0..11]->NXM_OF_VLAN_TCI[0..11]",
        "NXM_OF_TCP_DST[]->NXM_OF_TCP_SRC[]",
        "NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]",
        "NXM_NX_ARP_SHA[]->NXM_OF_ETH_DST[]",
        "NXM_NX_IPV6_SRC[64..127]->NXM_NX_IPV6_DST[64..127]",
    ];
    draw.of(&MOVES).into()
}
