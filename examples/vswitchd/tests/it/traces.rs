//! Traces in all their forms: what both switches say to the same words, and what a trace with a packet teaches them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use ovs_db::json::Json;

use crate::harness::{Database, Kind, Tools, World, compare, exclusive, tools, without_numbers};
use crate::tunnel_traces::both;

const FLOWS: &[&str] = &[
    "in_port=1,actions=output:2,resubmit(3,1),normal,learn(table=5,in_port=2,output:NXM_OF_IN_PORT[]),set_queue:3,\
     output:3,controller,output(port=2,max_len=64)",
    "table=1,in_port=3,actions=output:8",
    "in_port=2,actions=clone(output:1,set_field:1->reg0),in_port,all,output:99,local,group:5,\
     bundle(eth_src,0,hrw,ofport,members:2,3),set_field:1->reg0,output:reg0,set_field:3->in_port,resubmit(1,1),\
     move:in_port->reg1[0..15]",
    "in_port=3,ip,actions=ct(table=1)",
    "in_port=8,udp,actions=learn(table=5,idle_timeout=10,hard_timeout=5,cookie=0x55,priority=77,send_flow_rem,\
     fin_idle_timeout=3,eth_type=0x800,NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],load:5->reg0[],\
     load:NXM_OF_IN_PORT[]->reg1[0..15],output:reg1[0..15]),dec_ttl",
    "in_port=8,tcp,actions=learn(table=6,limit=1,result_dst=reg0[0],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],\
     output:NXM_OF_IN_PORT[]),fin_timeout(idle_timeout=700),learn(table=6,delete_learned,priority=7)",
];

const HEX: &str = "505400000001505400000002123400000000";

/// What stands behind `ofproto/trace`, words apart by a bar.
const TRACES: &[&str] = &[
    "br0",
    "--names",
    "br0|--names",
    "in_port=1",
    "in_port(99)",
    "in_port(1),foo(x)",
    "eth(),eth_type(0x800)",
    "in_port(1),eth(),eth_type(0x800),ipv4(frag=no)",
    "--names|in_port(3),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)",
    "ovs-dummy|in_port(p1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)",
    "ovs-dummy|in_port(99),eth()",
    "ovs-dummy|in_port(1),recirc_id(5),eth()",
    "ovs-dummy|in_port=1",
    "ovs-foo|in_port(1)",
    "br0|in_port(1),eth()",
    "br0|in_port(1),foo(x)",
    "brX|in_port=1",
    "br0|in_port=p3",
    "br0|in_port=3|--names",
    "br0|in_port=3,recirc_id=5",
    "br0|foo=bar",
    "br0|in_port=bogus",
    "br0|in_port=1,tcp_dst=80",
    "br0|in_port=1,ip,nw_dst=1.2.0.0/16",
    "br0|ct_state=trk|new",
    "br0|in_port=3|-generate",
    "br0|in_port=3|--generate",
    "br0|in_port=3|-consistent",
    "br0|in_port=3|--foo",
    "br0|in_port=3|505400000001505400000002123400000000",
    "br0|in_port=3,pkt_mark=5,metadata=3,tun_id=5,reg0=1|505400000001505400000002123400000000",
    "in_port(3),eth()|505400000001505400000002123400000000",
    "br0|505400000001505400000002123400000000",
    "br0|in_port=3|-generate|505400000001505400000002123400000000",
    "br0|in_port=3|zz",
    "br0|in_port=3|",
    "br0|in_port=3|a|b",
    "br0|in_port=3,ip|--ct-next|trk,est",
    "br0|in_port=3,ip|--ct-next",
    "br0|in_port=3,ip|--ct-next|foo",
    "br0|in_port=3,tcp|--l7|abc",
    "br0|in_port=3,tcp|--l7|abcd|-generate",
    "br0|in_port=3,tcp|--l7-len|64000|-generate",
    "br0|in_port=3,tcp|--l7-len|64001",
    "br0|in_port=3,tcp|--l7-len",
    "--names|br0|in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02",
    "--names|br0|in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02|-generate",
    "--names|br0|in_port=1,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02|-generate",
    "--names|br0|in_port=2,dl_src=50:54:00:00:00:05",
    "--names|br0|in_port=3,ip",
    "br0|in_port=8,udp,nw_ttl=1",
    "br0|in_port=8,udp,nw_ttl=1|-generate",
    "br0|in_port=8,tcp,dl_src=50:54:00:00:00:05",
    "br0|in_port=8,tcp,dl_src=50:54:00:00:00:05,tcp_flags=fin|-generate",
    "br0|in_port=8,tcp,dl_src=50:54:00:00:00:06,tcp_flags=fin|-generate",
    "br1|in_port=9,dl_src=50:54:00:00:00:07,dl_dst=50:54:00:00:00:02|-generate",
];

/// The same of `ofproto/trace-packet-out`.
const PACKET_OUTS: &[&str] = &[
    "br0",
    "br0|drop",
    "br0|in_port=1|output:2",
    "br0|in_port=1|output:bogus",
    "br0|in_port=1|output:9999",
    "br0|in_port=1|foo:9",
    "br0|in_port=1|group:9",
    "br0|in_port=1|group:5",
    "br0|in_port=1|meter:1",
    "br0|in_port=3|drop",
    "br0|in_port=3|resubmit(,0)",
    "br0|in_port=1|resubmit(,300)",
    "br0|in_port=1|table",
    "br0|in_port=1|goto_table:1",
    "br0|in_port=1|clear_actions,write_actions(output:3)",
    "br0|in_port=1|controller(max_len=5)",
    "br0|in_port=1|learn(table=1),output:2",
    "br0|in_port=1|conjunction(1,1/2)",
    "br0|in_port=1|ct(commit),table",
    "br0|in_port=1,ip|set_field:5->tcp_dst,output:2",
    "br0|in_port=1,ip|mod_tp_dst:5,output:2",
    "-consistent|br0|in_port=1,ip|mod_tp_dst:5,output:2",
    "br0|--consistent|in_port=1,ip|mod_tp_dst:5,output:2",
    "br0|in_port=1,ip|output:2|-consistent",
    "br0|in_port=1,ip|output:2|--ct-next|trk",
    "-consistent|br0|in_port=1|push_vlan:0x8100,output:2",
    "br0|in_port=1,tcp|-generate|mod_nw_ttl:3,output:2",
    "br0|in_port=1,tcp|505400000001505400000002123400000000|output:2",
    "--names|br0|in_port=3,ip|output:2,normal",
    "br0|in_port=controller,ip|output:p2",
    "br0|in_port=controller,ip|output:2,in_port,flood",
    "in_port(1),eth()|output:2",
    "ovs-dummy|in_port(1),eth()|output:2",
    "brX|in_port=1|output:2",
];

/// `br0` with three devices and a patch to `br1`, which forwards normally.
fn world(tools: &Tools, kind: Kind) -> World {
    let world = World::start(tools, kind, Database::Peer, &["--enable-dummy", "--disable-system"]);
    let dummy = ["datapath-type=dummy", "fail-mode=secure"];
    for bridge in ["br0", "br1"] {
        world.ok("ovs-vsctl", &["add-br", bridge, "--", "set", "bridge", bridge, dummy[0], dummy[1]]);
    }
    for number in ["1", "2", "3"] {
        let (name, request) = (format!("p{number}"), format!("ofport_request={number}"));
        world.ok("ovs-vsctl", &["add-port", "br0", &name, "--", "set", "int", &name, "type=dummy", &request]);
    }
    let patch = |bridge: &str, name: &str, peer: &str, number: &str| {
        let (peer, number) = (format!("options:peer={peer}"), format!("ofport_request={number}"));
        let set = ["--", "set", "int", name, "type=patch", &peer, &number];
        world.ok("ovs-vsctl", &[&["add-port", bridge, name], &set[..]].concat());
    };
    patch("br0", "pa", "pb", "8");
    patch("br1", "pb", "pa", "9");
    world.ok("ovs-ofctl", &["add-flow", "br1", "priority=0,actions=normal"]);
    let group = "group_id=5,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3";
    world.ok("ovs-ofctl", &["-O", "OpenFlow13", "add-group", "br0", group]);
    for flow in FLOWS {
        world.ok("ovs-ofctl", &["-O", "OpenFlow13", "add-flow", "br0", flow]);
    }
    // What is learned is as old on both.
    world.appctl_ok(&["time/stop"]);
    world
}

#[test]
fn both_trace_in_all_forms() {
    let Some(tools) = tools("traces") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    let mut differences = Vec::new();
    for (command, all) in [("ofproto/trace", TRACES), ("ofproto/trace-packet-out", PACKET_OUTS)] {
        for words in all {
            // The bar is also what stands between flags.
            let words: Vec<&str> = if words.contains("ct_state") {
                words.splitn(2, '|').collect()
            } else {
                words.split('|').collect()
            };
            let said = worlds.each_ref().map(|world| {
                let (code, out, err) = world.appctl(&[&[command], &words[..]].concat());
                let errors: Vec<&str> = err.lines().filter(|l| !l.contains("returned an error")).collect();
                (code, without_numbers(&out), errors.join("\n"))
            });
            let [(our_code, ours, our_errors), (code, theirs, errors)] = said;
            if (our_code, &ours, &our_errors) != (code, &theirs, &errors) {
                let both = format!("-- ours\n{ours}{our_errors}\n-- the distribution's\n{theirs}{errors}");
                differences.push(format!("{command} {words:?}\n{both}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
    // What was learned by traces with a packet, and by no other.
    let [ours, peer] = &worlds;
    compare(ours, peer, "ovs-appctl", &["fdb/show", "br0"], &[]);
    compare(ours, peer, "ovs-appctl", &["fdb/show", "br1"], &[]);
    compare(ours, peer, "ovs-ofctl", &["dump-flows", "br0"], &[]);
    both(&worlds, "ovs-appctl", &["fdb/flush"]);
}

/// One call of a connection that has asked for JSON.
fn json(world: &World, command: &str, args: &[&str]) -> Json {
    let mut stream = UnixStream::connect(world.control()).unwrap();
    let mut call = |method: &str, args: &[&str]| {
        let params: Vec<String> = args.iter().map(|arg| Json::from(*arg).to_string()).collect();
        let text = format!(r#"{{"id":1,"method":"{method}","params":[{}]}}"#, params.join(","));
        stream.write_all(text.as_bytes()).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{method}: {answer:?}");
            answer.extend(&buffer[..count]);
            if let Ok(answer) = Json::parse(&answer) {
                return answer;
            }
        }
    };
    call("set-options", &["--format", "json"]);
    call(command, args)
}

#[test]
fn traces_are_told_in_json_and_back_to_rules() {
    let Some(tools) = tools("traces in JSON") else { return };
    let _lock = exclusive();
    let world = world(&tools, Kind::Ours);
    let clauses = [
        "table=0,priority=9,in_port=LOCAL,tcp,actions=conjunction(7,1/2)",
        "table=0,priority=9,ip,nw_src=1.1.1.1,actions=conjunction(7,2/2)",
        "table=0,priority=9,cookie=0x12,conj_id=7,actions=group:6",
    ];
    let group = "group_id=6,type=indirect,bucket=dec_ttl,output:2";
    world.ok("ovs-ofctl", &["-O", "OpenFlow13", "add-group", "br0", group]);
    for flow in clauses {
        world.ok("ovs-ofctl", &["-O", "OpenFlow13", "add-flow", "br0", flow]);
    }
    let flow = "in_port=LOCAL,tcp,nw_src=1.1.1.1,nw_ttl=9";
    let text = world.appctl_ok(&["ofproto/trace", "br0", flow]);
    let listed = " 0. conj_id=7, priority 9, cookie 0x12\n     \
                  -> conj. priority=9,tcp,in_port=LOCAL\n     \
                  -> conj. priority=9,ip,nw_src=1.1.1.1\n    group:6\n";
    assert!(text.contains(listed), "{text}");
    let answer = json(&world, "ofproto/trace", &["br0", flow]).to_string();
    let steps =
        r#""steps":[{"kind":"bridge","steps":[{"kind":"table","steps":[{"kind":"detail","text":"conj. "#;
    for part in
        [steps, r#""reply-format":"plain""#, r#""final-flow":"unchanged""#, r#""datapath-actions":"set("#]
    {
        assert!(answer.contains(part), "{part} in {answer}");
    }
    // A megaflow, and what it came by.
    let packet = "in_port(100),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),\
                  ipv4(src=1.1.1.1,dst=2.2.2.2,proto=6,tos=0,ttl=9,frag=no),tcp(src=1,dst=2),tcp_flags(ack)";
    world.appctl_ok(&["netdev-dummy/receive", "br0", packet]);
    let dump = world.appctl_ok(&["dpctl/dump-flows", "-m"]);
    let line = dump.lines().find(|line| line.contains("ufid:")).unwrap_or_else(|| panic!("{dump}"));
    let ufid = line.split(',').next().unwrap();
    let origins = world.appctl_ok(&["ofproto/detrace", ufid, "pmd=2147483647"]);
    let rule = "cookie=0x12, table=0 priority=9,conj_id=7,actions=group:6\n";
    let bucket = "group_id=6,bucket=bucket_id:0,actions=dec_ttl,output:2\n";
    assert_eq!(origins, format!("{rule}{bucket}"), "{dump}");
    assert_eq!(world.appctl_ok(&["ofproto/detrace", "ufid:00000000-0000-0000-0000-000000000001"]), "");
    assert!(world.appctl(&["ofproto/detrace", "x"]).2.starts_with("failed to parse ufid"));
    assert!(world.appctl(&["ofproto/detrace", ufid, "7"]).2.starts_with("Invalid pmd argument format"));
    assert!(
        world.appctl(&["ofproto/trace", "br0", "in_port=1", HEX, HEX]).2.starts_with("too many arguments")
    );
}
