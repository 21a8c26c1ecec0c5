//! Random rules with the connection tracker, traced by the distribution's switch and by ours; the whole text is compared,
//! megaflows included.

use std::fmt::Write as _;

use super::draw::Draw;
use super::{Pair, difference, number, sort_of};

/// Tables of a random pipeline; packets come again in later ones only.
const TABLES: usize = 4;
const RULES: usize = 5;
const TRACES: usize = 60;

const ZONES: [&str; 6] = [
    "",
    ",zone=5",
    ",zone=65535",
    ",zone=NXM_NX_REG0[0..15]",
    ",zone=NXM_NX_CT_ZONE[]",
    ",zone=NXM_OF_VLAN_TCI[]",
];
const EXEC: [&str; 8] = [
    "",
    ",exec(set_field:5->ct_mark)",
    ",exec(set_field:0x1/0xf->ct_mark,set_field:0x10/0xf0->ct_mark)",
    ",exec(set_field:0x77->ct_label)",
    ",exec(set_field:0x1/0x3->ct_label,load:9->NXM_NX_CT_LABEL[64..79])",
    ",exec(move:NXM_NX_REG0[]->NXM_NX_CT_LABEL[32..63])",
    ",exec(move:NXM_NX_CT_MARK[0..7]->NXM_NX_CT_MARK[8..15])",
    ",exec(move:NXM_OF_ETH_SRC[]->NXM_NX_CT_LABEL[80..127],load:3->NXM_NX_CT_MARK[0..1])",
];
const NAT4: [&str; 9] = [
    "",
    ",nat",
    ",nat(src)",
    ",nat(src=10.9.0.1)",
    ",nat(dst=10.9.0.1-10.9.0.9:80-90)",
    ",nat(src=10.9.0.1-10.9.0.9:1024,random)",
    ",nat(dst=10.9.0.1:8080,hash)",
    ",nat(src=0.0.0.1-255.255.255.255,persistent)",
    ",nat(dst,random)",
];
const NAT6: [&str; 4] =
    ["", ",nat", ",nat(src=[fe80::1]-[fe80::9]:80-90)", ",nat(dst=fe80::7,hash,persistent)"];

/// A match, and the version of IP that it asks for.
fn matching(draw: &mut Draw, table: usize) -> (String, u8) {
    let states =
        ["", "", "+trk", "+trk+new", "+trk+est", "-trk", "+trk-inv", "+est-rpl", "+trk+rel", "+inv+trk"];
    let state = draw.of(&states);
    let more = [
        "",
        "",
        "",
        "ct_zone=5,",
        "ct_mark=5,",
        "ct_mark=0x1/0x1,",
        "ct_label=0x77,",
        "ct_label=0x1/0x3,",
        "reg0=1,",
        "ct_zone=0,",
    ];
    let tuples =
        ["ct_nw_src=10.0.0.1,", "ct_nw_proto=6,", "ct_nw_dst=10.0.0.0/8,", "ct_nw_proto=6,ct_tp_dst=80,"];
    let mut text = String::new();
    if table > 0 || draw.once_in(6) {
        if !state.is_empty() {
            let _ = write!(text, "ct_state={state},");
        }
        text.push_str(draw.of(&more));
    }
    let (proto, version) = *[("ip", 4), ("tcp", 4), ("udp", 4), ("icmp", 4), ("ipv6", 6), ("tcp6", 6)]
        .get(draw.below(6))
        .expect("in range");
    text.push_str(proto);
    let known = ["+trk+new", "+trk+est", "+trk-inv", "+est-rpl"].iter().any(|state| text.contains(state));
    if version == 4 && known && draw.once_in(3) {
        let _ = write!(text, ",{}", draw.of(&tuples).trim_end_matches(','));
    }
    (text, version)
}

fn action(draw: &mut Draw, table: usize, version: u8, state: &str) -> String {
    match draw.below(12) {
        0..=4 => ct(draw, table, version, state),
        5 => "ct_clear".into(),
        6 => format!("output:{}", 1 + draw.below(3)),
        7 if table + 1 < TABLES => format!("resubmit(,{})", table + 1 + draw.below(TABLES - table - 1)),
        8 if table + 1 < TABLES && (state.contains("+new") || state.contains("+est")) => {
            format!("resubmit(,{},ct)", table + 1)
        }
        9 => format!("clone({},output:2)", ct(draw, table, version, state)),
        10 if version == 4 => draw.of(&["mod_nw_dst:10.1.1.1", "dec_ttl", "load:3->NXM_OF_ETH_SRC[]"]).into(),
        _ => draw
            .of(&["load:5->NXM_NX_REG0[0..15]", "push:NXM_NX_REG0[],pop:NXM_NX_REG1[]", "set_field:1->reg0"])
            .into(),
    }
}

fn ct(draw: &mut Draw, table: usize, version: u8, state: &str) -> String {
    let commit = !draw.once_in(3) && !state.contains("+inv");
    let mut text = String::from(if commit { draw.of(&["commit", "commit", "force,commit"]) } else { "" });
    text.push_str(draw.of(&ZONES));
    if table + 1 < TABLES && !draw.once_in(3) {
        let _ = write!(text, ",table={}", table + 1 + draw.below(TABLES - table - 1));
    }
    let nat = draw.of(if version == 4 { &NAT4 } else { &NAT6 });
    if commit {
        text.push_str(nat);
        text.push_str(draw.of(&EXEC));
    } else if draw.once_in(2) {
        text.push_str(",nat");
    }
    format!("ct({})", text.trim_start_matches(','))
}

fn rules(draw: &mut Draw) -> Vec<(String, bool)> {
    let mut rules = Vec::new();
    for table in 0..TABLES {
        for n in 0..RULES {
            let (matched, version) = matching(draw, table);
            let list: Vec<String> =
                (0..=draw.below(4)).map(|_| action(draw, table, version, &matched)).collect();
            rules.push((format!("table={table},priority={n},{matched},actions={}", list.join(",")), true));
        }
    }
    rules
}

fn key(draw: &mut Draw) -> String {
    let ips = ["10.0.0.1", "10.0.0.2", "192.168.7.9"];
    let mut text = format!("in_port={}", 1 + draw.below(3));
    let tracked = draw.once_in(4);
    let proto = draw.of(&["tcp", "tcp", "udp", "icmp", "tcp6", "udp6"]);
    let _ = write!(text, ",dl_src=50:54:00:00:00:01,{proto},nw_ttl={}", draw.of(&["2", "64"]));
    if draw.once_in(4) {
        text.push_str(",dl_vlan=5,dl_vlan_pcp=1");
    }
    if proto.ends_with('6') {
        let _ = write!(text, ",ipv6_src=fe80::{},ipv6_dst=fe80::9", 1 + draw.below(3));
    } else {
        let _ = write!(text, ",nw_src={},nw_dst={}", draw.of(&ips), draw.of(&ips));
    }
    if proto != "icmp" {
        let name = proto.trim_end_matches('6');
        let _ = write!(text, ",{name}_src={},{name}_dst=80", 1000 + draw.below(3));
    }
    if tracked {
        let _ =
            write!(text, ",ct_state={}", draw.of(&["trk|est", "trk|new", "trk|est|rpl", "trk|inv", "trk"]));
        text.push_str(draw.of(&["", ",ct_zone=5", ",ct_mark=5,ct_zone=5", ",ct_mark=1,ct_label=0x77"]));
    }
    text
}

#[test]
fn random_rules_with_the_tracker_are_traced_like_the_original() {
    let Some(mut pair) = Pair::start("random-conntrack") else { return };
    let (wanted, seed) = (number("OVS_OFPROTO_TRACES", 1800), number("OVS_OFPROTO_SEED", 1));
    let states = ["trk,est", "trk,new", "trk,est,rpl", "trk,inv", "trk,rel,new", "trk,est,snat", "trk", ""];
    let (mut traced, mut recirculated, mut differences) = (0, 0, Vec::new());
    for round in 0..wanted.div_ceil(TRACES) {
        let mut draw = Draw::new((seed * 1_000_000 + round) as u64);
        let rules = rules(&mut draw);
        if std::env::var("OVS_OFPROTO_DUMP").is_ok_and(|dumped| dumped == round.to_string()) {
            for (rule, _) in &rules {
                eprintln!("{rule}");
            }
        }
        pair.load(&rules, &super::options::table([].into_iter()));
        for _ in 0..TRACES {
            let key = key(&mut draw);
            let next: Vec<&str> = (0..draw.below(4)).flat_map(|_| ["--ct-next", draw.of(&states)]).collect();
            traced += 1;
            let Some((theirs, ours)) = pair.texts(&key, &next) else { continue };
            recirculated += usize::from(theirs.contains("resume conntrack"));
            if theirs != ours {
                differences.push((
                    sort_of(&theirs, &ours),
                    format!("round {round}: {key} {next:?}\n{}", difference(&theirs, &ours)),
                ));
            }
        }
    }
    eprintln!("{traced} traces, {recirculated} through the tracker, {} differ", differences.len());
    assert!(recirculated * 3 > traced, "{recirculated} of {traced} went through the tracker");
    let total = differences.len();
    differences.sort();
    differences.dedup_by(|a, b| a.0 == b.0);
    let texts: Vec<&str> = differences.iter().take(6).map(|(_, text)| text.as_str()).collect();
    assert_eq!(total, 0, "of {traced} traces differ, in {} ways\n{}", differences.len(), texts.join("\n"));
}
