//! The connection tracker's and the reassembler's commands: every text and every error as the distribution's switch has
//! them, and settings that take effect.

use crate::dummy::pair;
use crate::harness::{World, compare, exclusive};

/// Commands whose answers must be the same, in order, on a datapath without connections. Left out is what kills the
/// original of 3.1 (`ct-get-limits zone=`), zones of more than 16 bits where it cuts them off, and numbers that are cut
/// to 32 bits where nothing shows them.
const QUIET: &[&str] = &[
    "ct-get-maxconns",
    "ct-get-maxconns foo",
    "ct-get-maxconns dummy@ovs-dummy",
    "ct-get-maxconns a b",
    "ct-set-maxconns",
    "ct-set-maxconns 10",
    "ct-set-maxconns dummy@ovs-dummy 11",
    "ct-get-maxconns",
    "ct-set-maxconns x",
    "ct-set-maxconns -1",
    "ct-set-maxconns 5x",
    "ct-set-maxconns 5000000000",
    "ct-set-maxconns dummy@ovs-dummy x",
    "ct-set-maxconns foo 10",
    "ct-set-maxconns 10 20",
    "ct-set-maxconns 1 2 3",
    "ct-get-maxconns",
    "ct-get-nconns",
    "ct-get-nconns foo",
    "ct-get-nconns 5",
    "ct-get-nconns dummy@ovs-dummy",
    "ct-get-tcp-seq-chk",
    "ct-get-tcp-seq-chk foo",
    "ct-disable-tcp-seq-chk",
    "ct-get-tcp-seq-chk dummy@ovs-dummy",
    "ct-enable-tcp-seq-chk foo",
    "ct-enable-tcp-seq-chk dummy@ovs-dummy",
    "ct-disable-tcp-seq-chk foo",
    "ct-get-tcp-seq-chk",
    "ct-enable-tcp-seq-chk",
    "ct-get-limits",
    "ct-get-limits foo",
    "ct-get-limits -m",
    "ct-get-limits zone=1",
    "ct-get-limits zone=1,2,3",
    "ct-get-limits zone=1,",
    "ct-get-limits zone=x",
    "ct-get-limits zone=1,x",
    "ct-get-limits zone=1 zone=2",
    "ct-get-limits dummy@ovs-dummy",
    "ct-get-limits dummy@ovs-dummy zone=1,5",
    "ct-get-limits dummy@ovs-dummy foo",
    "ct-get-limits default",
    "ct-set-limits",
    "ct-set-limits default=7",
    "ct-set-limits default=x",
    "ct-set-limits default=-1",
    "ct-set-limits default=",
    "ct-set-limits zone=3,limit=9",
    "ct-set-limits zone=3",
    "ct-set-limits zone=3,limit=",
    "ct-set-limits zone=3,limit=x",
    "ct-set-limits zone=x,limit=1",
    "ct-set-limits zone=-1,limit=1",
    "ct-set-limits zone=70000,limit=3",
    "ct-set-limits zone=0x10,limit=0x10",
    "ct-set-limits zone=4,limit=1 zone=2,limit=8",
    "ct-set-limits default=5 zone=7,limit=0",
    "ct-set-limits zone=7,limit=3 default=6",
    "ct-set-limits dummy@ovs-dummy zone=9,limit=1",
    "ct-set-limits foo zone=9,limit=1",
    "ct-set-limits limit=3,zone=11",
    "ct-set-limits zone=12,limit=3,foo",
    "ct-set-limits zone=12,limit=3,limit=4",
    "ct-set-limits default=5,zone=7,limit=0",
    "ct-get-limits",
    "ct-get-limits zone=3,4,5",
    "ct-get-limits zone=5,5",
    "ct-del-limits",
    "ct-del-limits zone=3",
    "ct-del-limits zone=3",
    "ct-del-limits zone=200",
    "ct-del-limits zone=x",
    "ct-del-limits foo",
    "ct-del-limits foo zone=3",
    "ct-del-limits dummy@ovs-dummy zone=4,7",
    "ct-del-limits zone=2,x",
    "ct-get-limits",
    "ct-stats-show",
    "ct-stats-show zone=1",
    "ct-stats-show zone=x",
    "ct-stats-show foo",
    "ct-stats-show verbose zone=1",
    "ct-stats-show -m",
    "ct-stats-show dummy@ovs-dummy verbose",
    "ct-bkts",
    "ct-bkts gt=1",
    "ct-bkts gt=x",
    "ct-bkts gt=",
    "ct-bkts gt=-1",
    "ct-bkts foo",
    "ct-bkts dummy@ovs-dummy",
    "ct-bkts dummy@ovs-dummy gt=2",
    "ct-bkts dummy@ovs-dummy foo",
    "ct-bkts foo gt=2",
    "ct-bkts a b c",
    "ipf-set-enabled",
    "ipf-set-enabled v5",
    "ipf-set-enabled foo v4",
    "ipf-set-enabled dummy@ovs-dummy v6",
    "ipf-set-enabled dummy@ovs-dummy v7",
    "ipf-set-enabled dummy@ovs-dummy",
    "ipf-set-enabled a b c",
    "ipf-set-disabled",
    "ipf-set-disabled v6",
    "ipf-set-disabled v8",
    "ipf-set-disabled dummy@ovs-dummy v4",
    "ipf-get-status",
    "ipf-set-enabled v4",
    "ipf-set-enabled v6",
    "ipf-set-min-frag",
    "ipf-set-min-frag v4",
    "ipf-set-min-frag v4 399",
    "ipf-set-min-frag v4 400",
    "ipf-set-min-frag v6 400",
    "ipf-set-min-frag v6 399",
    "ipf-set-min-frag v4 x",
    "ipf-set-min-frag v5 400",
    "ipf-set-min-frag v5 x",
    "ipf-set-min-frag dummy@ovs-dummy v6 1400",
    "ipf-set-min-frag foo v6 1400",
    "ipf-set-min-frag v4 5000000000",
    "ipf-set-min-frag v6 0",
    "ipf-set-min-frag 400 v4",
    "ipf-get-status",
    "ipf-set-max-nfrags",
    "ipf-set-max-nfrags 5000",
    "ipf-set-max-nfrags 5001",
    "ipf-set-max-nfrags -1",
    "ipf-set-max-nfrags x",
    "ipf-set-max-nfrags foo 5",
    "ipf-set-max-nfrags dummy@ovs-dummy 500",
    "ipf-set-max-nfrags dummy@ovs-dummy x",
    "ipf-set-max-nfrags 5000000000",
    "ipf-set-max-nfrags 16x",
    "ipf-get-status",
    "ipf-get-status foo",
    "ipf-get-status dummy@ovs-dummy",
    "ipf-get-status -m dummy@ovs-dummy",
    "ipf-get-status -m",
    "ipf-get-status --more",
    "ipf-get-status a b",
    "flush-conntrack zone=x",
    "flush-conntrack foo",
    "flush-conntrack x=y",
    "flush-conntrack ct_nw_src=1.1.1.1",
    "flush-conntrack zone=5 ct_nw_src=1.1.1.1",
    "flush-conntrack zone=5 ct_nw_src=1.1.1.1 ct_nw_dst=3",
    "flush-conntrack ct_nw_proto=x",
    "flush-conntrack ct_nw_proto=256",
    "flush-conntrack ct_tp_src=70000",
    "flush-conntrack ct_nw_src=::1",
    "flush-conntrack ct_ipv6_src=1.1.1.1",
    "flush-conntrack ct_nw_src=1.1.1.1,ct_ipv6_dst=::1",
    "flush-conntrack icmp_type=8",
    "flush-conntrack ct_nw_proto=1,icmp_type=8",
    "flush-conntrack ct_nw_proto=1,icmp_type=x",
    "flush-conntrack ct_nw_src=",
    "flush-conntrack zone=5 zone=6",
    "flush-conntrack ct_nw_src=1.1.1.1 foo",
    "flush-conntrack a b c d e",
    "dump-conntrack zone=x",
    "dump-conntrack foo",
    "dump-conntrack zone=5",
    "dump-conntrack zone=5 zone=6",
    "dump-conntrack -m dummy@ovs-dummy zone=5",
    "dump-conntrack -q",
];

fn same(ours: &World, peer: &World, command: &str) {
    let words: Vec<String> = format!("dpctl/{command}").split(' ').map(str::to_owned).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    compare(ours, peer, "ovs-appctl", &words, &[]);
}

#[test]
fn commands_of_the_tracker_read_the_same() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("commands_of_the_tracker_read_the_same") else { return };
    for command in QUIET {
        same(&ours, &peer, command);
    }
    // Since 3.2 and 3.3: there is nothing to compare with.
    for (command, answer) in [
        ("ct-get-sweep-interval", "20000"),
        ("ct-set-sweep-interval 100", "setting sweep interval successful"),
        ("ct-get-sweep-interval", "100"),
        ("ct-del-limits default zone=9", ""),
        ("ct-get-limits zone=9", "default limit=0\nzone=9,limit=0,count=0"),
    ] {
        let words: Vec<String> = format!("dpctl/{command}").split(' ').map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(ours.appctl_ok(&words).trim(), answer, "{command}");
    }
}

/// A fragment of an IPv4 datagram from 10.0.0.1 to 10.0.0.2, as hex.
fn fragment(id: u16, offset: u16, more: bool, payload: &[u8]) -> String {
    let mut ip = vec![0x45, 0];
    ip.extend((20 + payload.len() as u16).to_be_bytes());
    ip.extend(id.to_be_bytes());
    ip.extend(((u16::from(more) << 13) | (offset / 8)).to_be_bytes());
    ip.extend([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend(ip);
    frame.extend(payload);
    frame.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A UDP datagram's payload of IP, port 1000 to 80.
fn datagram(bytes: usize) -> Vec<u8> {
    let mut l4 = [3, 232, 0, 80].to_vec();
    l4.extend((bytes as u16).to_be_bytes());
    l4.resize(bytes, 0);
    l4
}

fn receive(worlds: [&World; 2], fragments: &[String]) {
    for world in worlds {
        for fragment in fragments {
            world.appctl_ok(&["netdev-dummy/receive", "p1", fragment]);
        }
    }
}

#[test]
fn settings_of_reassembly_are_obeyed_as_the_original_does() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("settings_of_reassembly_are_obeyed_as_the_original_does") else { return };
    let both = [&ours, &peer];
    for world in both {
        world.ok("ovs-ofctl", &["del-flows", "br0"]);
        world.ok("ovs-ofctl", &["add-flow", "br0", "ip,actions=ct(commit,zone=9,table=1)"]);
        world.ok("ovs-ofctl", &["add-flow", "br0", "table=1,ip,ct_state=+inv,actions=output:3"]);
        world.ok("ovs-ofctl", &["add-flow", "br0", "table=1,ip,ct_state=-inv,actions=output:2"]);
    }
    let whole = datagram(3000);
    let cut = |id| {
        [(0, 1480), (1480, 2960), (2960, 3000)]
            .map(|(from, to)| fragment(id, from as u16, to < 3000, &whole[from..to]))
    };
    // One whole, four that wait in each state, one that is too small.
    receive(both, &cut(1));
    receive(both, &cut(2)[..1]);
    receive(both, &cut(3)[1..2]);
    receive(both, &cut(4)[2..]);
    receive(both, &[cut(5)[0].clone(), cut(5)[2].clone()]);
    receive(both, &[fragment(6, 0, true, &whole[..480])]);
    let check = || {
        for command in ["ipf-get-status -m", "ct-bkts", "ct-bkts gt=0", "ct-bkts gt=1", "dump-conntrack -m"] {
            same(&ours, &peer, command);
        }
        compare(&ours, &peer, "ovs-ofctl", &["dump-ports", "br0"], &[]);
    };
    check();
    // That small one is not too small any more, and another version is another matter.
    for command in ["ipf-set-min-frag v4 400", "ipf-set-disabled v6"] {
        same(&ours, &peer, command);
    }
    receive(both, &[fragment(7, 0, true, &whole[..480]), fragment(7, 480, false, &whole[480..500])]);
    check();
    same(&ours, &peer, "ipf-set-disabled v4");
    receive(both, &cut(8));
    check();
    same(&ours, &peer, "ipf-set-enabled v4");
    receive(both, &cut(9));
    check();
    // Room for the five that are held, and no more.
    same(&ours, &peer, "ipf-set-max-nfrags 5");
    receive(both, &cut(10));
    check();
    // One port may have half of them here.
    same(&ours, &peer, "ipf-set-max-nfrags 14");
    receive(both, &cut(11)[..2]);
    check();
}
