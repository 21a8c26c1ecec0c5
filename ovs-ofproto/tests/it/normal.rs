//! NORMAL and mirrors under random configurations: every trace compared with the original's, whole.

use std::fmt::Write as _;
use std::time::Duration;

use ovs_flow::text::{NoNames, parse_match};
use ovs_flow::{OfPort, VlanId};
use ovs_netdev::EtherAddr;
use ovs_ofproto::{
    BridgeConfig, InterfaceConfig, MirrorConfig, MirrorOutput, PortConfig, PriorityTags, StaticMacError,
    VlanMode, ovs_netdev,
};

use crate::ofctl::Ofctl;
use crate::peer::Peer;
use crate::random::control::Control;
use crate::random::draw::Draw;
use crate::random::number;
use crate::world::{BELOW, Below, World, bridge, frame, mac, state, tagged, udp};

const PORTS: u16 = 6;
/// Traces of one configuration.
const TRACES: usize = 60;

/// A configuration, as the database has it and as ours has it.
struct Drawn {
    /// Commands of `ovs-vsctl`, each a transaction of its own.
    commands: Vec<String>,
    bridge: BridgeConfig,
    /// Port, VLAN, address.
    macs: Vec<(u16, u16, u8)>,
}

fn vid(draw: &mut Draw) -> u16 {
    [0, 10, 20, 30][draw.below(4)]
}

fn vids(draw: &mut Draw) -> Vec<u16> {
    let mut vids: Vec<u16> = [0, 10, 20, 30].into_iter().filter(|_| draw.once_in(2)).collect();
    vids.dedup();
    vids
}

fn vlans(vids: &[u16]) -> impl Iterator<Item = VlanId> {
    vids.iter().filter_map(|vid| VlanId::new(*vid))
}

fn list(vids: &[u16]) -> String {
    vids.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
}

fn draw_port(draw: &mut Draw, number: u16) -> (String, PortConfig) {
    let name = format!("p{number}");
    let mut set = format!("-- set port {name} external_ids:x=y");
    let interface = InterfaceConfig::new(&name, "dummy").ofport_request(Some(OfPort(number)));
    let mut port = PortConfig::new(&name).interface(interface);
    let modes = [
        ("access", VlanMode::Access),
        ("trunk", VlanMode::Trunk),
        ("native-tagged", VlanMode::NativeTagged),
        ("native-untagged", VlanMode::NativeUntagged),
        ("dot1q-tunnel", VlanMode::Dot1qTunnel),
    ];
    if !draw.once_in(4) {
        let (text, mode) = modes[draw.below(5)];
        let _ = write!(set, " vlan_mode={text}");
        port = port.vlan_mode(Some(mode));
    }
    if draw.once_in(2) || matches!(port.vlan_mode, Some(mode) if mode != VlanMode::Trunk) {
        let tag = vid(draw);
        let _ = write!(set, " tag={tag}");
        port = port.tag(VlanId::new(tag));
    }
    if draw.once_in(3) {
        let trunks = vids(draw);
        let _ = write!(set, " trunks=[{}]", list(&trunks));
        port = port.trunks(vlans(&trunks));
    }
    if draw.once_in(3) {
        let cvlans = vids(draw);
        let _ = write!(set, " cvlans=[{}]", list(&cvlans));
        port = port.cvlans(vlans(&cvlans));
    }
    if draw.once_in(3) {
        set.push_str(" other_config:qinq-ethtype=802.1q");
        port = port.service_tpid(0x8100);
    }
    if draw.once_in(2) {
        let (text, tags) =
            [("always", PriorityTags::Always), ("if-nonzero", PriorityTags::IfNonzero)][draw.below(2)];
        let _ = write!(set, " other_config:priority-tags={text}");
        port = port.priority_tags(tags);
    }
    if draw.once_in(4) {
        set.push_str(" protected=true");
        port = port.protected(true);
    }
    (set, port)
}

fn ports(draw: &mut Draw) -> Vec<String> {
    (1..=PORTS).filter(|_| draw.once_in(3)).map(|n| format!("p{n}")).collect()
}

fn draw_mirror(draw: &mut Draw, index: usize) -> (String, MirrorConfig) {
    let name = format!("m{index}");
    let mut set = format!("create mirror name={name}");
    let (src, dst, selected) = (ports(draw), ports(draw), vids(draw));
    let output = if draw.once_in(3) {
        let vlan = 10 * (1 + draw.below(4)) as u16;
        let _ = write!(set, " output_vlan={vlan}");
        MirrorOutput::Vlan(VlanId::new(vlan).unwrap())
    } else {
        let port = format!("p{}", 1 + draw.below(usize::from(PORTS)));
        let _ = write!(set, " output_port=@{port}");
        MirrorOutput::Port(port)
    };
    let mut mirror = MirrorConfig::new(&name, output);
    if draw.once_in(4) {
        set.push_str(" select_all=true");
        mirror = mirror.select_all(true);
    } else {
        let refer =
            |ports: &[String]| ports.iter().map(|port| format!("@{port}")).collect::<Vec<_>>().join(",");
        let _ = write!(set, " select_src_port=[{}] select_dst_port=[{}]", refer(&src), refer(&dst));
        mirror = mirror.src_ports(src).dst_ports(dst);
    }
    if draw.once_in(3) {
        let _ = write!(set, " select_vlan=[{}]", list(&selected));
        mirror = mirror.vlans(vlans(&selected));
    }
    if draw.once_in(4) && matches!(mirror.output, MirrorOutput::Port(_)) {
        set.push_str(" snaplen=100");
        mirror = mirror.snaplen(Some(100));
    }
    let references: Vec<String> = (1..=PORTS).map(|n| format!("-- --id=@p{n} get port p{n}")).collect();
    let references = references.join(" ");
    (format!("{references} -- --id=@m {set} -- add bridge br0 mirrors @m"), mirror)
}

fn draw_configuration(draw: &mut Draw) -> Drawn {
    let mut all =
        String::from("-- --if-exists del-br br0 -- add-br br0 -- set bridge br0 datapath_type=dummy");
    let mut br0 = bridge("br0", &[]);
    if draw.once_in(3) {
        all.push_str(" other_config:forward-bpdu=true");
        br0 = br0.forward_bpdu(true);
    }
    if draw.once_in(4) {
        all.push_str(" flood_vlans=20");
        br0 = br0.flood_vlans(VlanId::new(20));
    }
    let mut ports = Vec::new();
    for n in 1..=PORTS {
        let (set, port) = draw_port(draw, n);
        ports.push(format!("-- add-port br0 p{n} -- set int p{n} type=dummy ofport_request={n} {set}"));
        br0 = br0.port(port);
    }
    // One by one: floods go in the order in which ports came.
    let mut commands = vec![all];
    commands.extend(ports);
    for index in 0..draw.below(4) {
        let (command, mirror) = draw_mirror(draw, index);
        commands.push(command);
        br0 = br0.mirror(index.to_string(), mirror);
    }
    let macs = (0..4).map(|n| (1 + draw.below(usize::from(PORTS)) as u16, vid(draw), n)).collect();
    Drawn { commands, bridge: br0, macs }
}

fn draw_tag(draw: &mut Draw, inner: &str) -> String {
    let (tpid, vid, pcp) = (draw.of(&["0x8100", "0x88a8"]), vid(draw), draw.of(&["0", "5"]));
    format!("eth_type({tpid}),vlan(vid={vid},pcp={pcp}),encap({inner})")
}

/// A packet, and whether it is a gratuitous ARP.
fn draw_flow(draw: &mut Draw) -> String {
    let port = 1 + draw.below(usize::from(PORTS));
    let dst = match draw.below(8) {
        0 => "ff:ff:ff:ff:ff:ff".to_owned(),
        1 => draw
            .of(&["01:80:c2:00:00:00", "01:80:c2:00:00:10", "01:00:0c:cc:cc:c5", "00:e0:2b:00:00:04"])
            .to_owned(),
        2 => "01:00:5e:00:00:05".to_owned(),
        _ => format!("50:54:00:00:00:0{}", draw.below(5)),
    };
    let arp =
        "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.1,op=1,sha=50:54:00:00:00:09,tha=00:00:00:00:00:00)";
    let inner = draw.of(&["eth_type(0x88b5)", arp]);
    let tagged = match draw.below(4) {
        0 => inner.to_owned(),
        1 | 2 => draw_tag(draw, inner),
        _ => {
            let inner = draw_tag(draw, inner);
            draw_tag(draw, &inner)
        }
    };
    format!("in_port({port}),eth(src=50:54:00:00:00:09,dst={dst}),{tagged}")
}

const RULES: &[&str] = &[
    "priority=2,in_port=2,dl_vlan=10,actions=strip_vlan,output:3,NORMAL",
    "priority=2,in_port=3,dl_vlan=0xffff,actions=mod_vlan_vid:30,output:1,output:2,output:5",
    "priority=2,in_port=4,dl_vlan=20,actions=output:1,mod_dl_src:50:54:00:00:00:77,output:2,IN_PORT,NORMAL",
    "priority=2,in_port=5,dl_dst=50:54:00:00:00:01,actions=resubmit(6),mod_dl_dst:50:54:00:00:00:02,output:6,output:4,output:1",
    "priority=1,actions=NORMAL",
];

struct Pair {
    peer: Peer,
    control: Control,
    world: World,
}

impl Pair {
    fn start(test: &str) -> Option<Self> {
        let peer = Peer::start(test)?;
        peer.vsctl(&["set", "Open_vSwitch", ".", "other_config:vlan-limit=2"]);
        let control = Control::open(peer.folder());
        Some(Self { peer, control, world: World::new(Below::Naive) })
    }

    fn load(&mut self, drawn: &Drawn) {
        for command in &drawn.commands {
            self.peer.vsctl(&command.split_whitespace().collect::<Vec<_>>());
        }
        self.world = World::new(Below::Naive);
        self.world.apply(&state([bridge("br0", &[])]));
        self.world.apply(&state([drawn.bridge.clone()]));
        let target = format!("unix:{}", self.peer.folder().join("br0.mgmt").display());
        for rule in RULES {
            let said = self.peer.ofctl_says(&["add-flow", &target, rule]);
            let ours = Ofctl::new(&self.peer).run(&mut self.world, "br0", &["add-flow", "TARGET", rule]);
            assert!(said.is_empty() && ours.status.success(), "{rule}: {said}");
        }
        for (port, vlan, mac) in &drawn.macs {
            let (name, vlan) = (format!("p{port}"), VlanId::new(*vlan).unwrap());
            let address = EtherAddr([0x50, 0x54, 0, 0, 0, *mac]);
            self.control
                .run("fdb/add", &["br0", &name, &vlan.to_string(), &address.to_string()])
                .expect("a living peer");
            self.world.switch.bridge("br0").unwrap().add_static_mac(&name, vlan, address).unwrap();
        }
    }

    fn trace(&mut self, flow: &str) -> Option<String> {
        let theirs = self.control.run("ofproto/trace", &["ovs-dummy", flow]).expect("a living peer");
        let ours = match self.world.switch.trace_text("br0", flow, &[], self.world.now) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        };
        (theirs.trim() != ours.trim()).then(|| format!("{flow}\n--- theirs\n{theirs}\n--- ours\n{ours}"))
    }
}

#[test]
fn random_ports_and_mirrors_are_traced_like_the_original() {
    let Some(mut pair) = Pair::start("random-normal") else { return };
    let (rounds, seed) = (number("OVS_OFPROTO_NORMAL", 10), number("OVS_OFPROTO_SEED", 1));
    let (mut traced, mut differ, mut shown) = (0, 0, String::new());
    for round in 0..rounds {
        let mut draw = Draw::new((seed * 1_000_000 + round) as u64);
        let drawn = draw_configuration(&mut draw);
        pair.load(&drawn);
        for _ in 0..TRACES {
            traced += 1;
            let flow = draw_flow(&mut draw);
            if let Some(difference) = pair.trace(&flow) {
                differ += 1;
                if differ <= number("OVS_OFPROTO_SHOWN", 3) {
                    let _ = writeln!(shown, "{}\n{difference}", drawn.commands.join("\n"));
                }
            }
        }
    }
    eprintln!("{traced} traces, {differ} differ");
    assert!(differ == 0, "{differ} of {traced} traces differ\n{shown}");
}

#[test]
fn mirrors_copy_what_they_select_once() {
    for below in BELOW {
        let mut world = World::new(below);
        let span = MirrorConfig::new("span", MirrorOutput::Port("p4".into()))
            .src_ports(["p1".into()])
            .dst_ports(["p1".into(), "p2".into()])
            .snaplen(Some(40));
        let rspan = MirrorConfig::new("rspan", MirrorOutput::Vlan(VlanId::new(99).unwrap()))
            .select_all(true)
            .vlans(VlanId::new(5));
        let br0 = bridge("br0", &["p1", "p2", "p3", "p4"]).mirror("a", span).mirror("b", rspan);
        world.apply(&state([br0]));
        let plain = frame(mac(2), mac(1));
        let sent = world.send("p1", &plain);
        let named = |sent: &[(String, Vec<u8>)]| -> Vec<(String, usize)> {
            sent.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect()
        };
        let expected = [("br0", 60), ("p2", 60), ("p3", 60), ("p4", 40)].map(|(n, l)| (n.to_owned(), l));
        assert_eq!(named(&sent), expected, "{below:?}");
        assert!(sent.iter().all(|(_, bytes)| bytes[..] == plain[..bytes.len()]), "{below:?}");
        // What is reserved for copies neither sends nor is learned from.
        assert_eq!(world.leaves_by("p4", &frame(mac(1), mac(9))), Vec::<String>::new(), "{below:?}");
        // In VLAN 5 copies go to VLAN 99, by every trunk, the one that they came by included.
        let sent = world.send("p3", &tagged(mac(8), mac(7), 5));
        let copies: Vec<&str> =
            sent.iter().filter(|(_, b)| b[14..16] == [0, 99]).map(|(name, _)| name.as_str()).collect();
        // The copy that leaves by p1 is one that the other mirror wants.
        assert_eq!(copies, ["br0", "p1", "p2", "p3", "p4"], "{below:?}");
        world.pass(Duration::from_secs(1));
        let told = &world.switch.status().bridges["br0"].mirrors;
        assert_eq!((told["a"].tx_packets, told["a"].tx_bytes), (2, 124), "{below:?}");
        assert_eq!((told["b"].tx_packets, told["b"].tx_bytes), (1, 64), "{below:?}");
        assert_eq!(world.switch.dpif().ledger().imbalance(), 0, "{below:?}");
    }
}

#[test]
fn a_filter_narrows_what_a_mirror_copies() {
    for below in BELOW {
        let mut world = World::new(below);
        let filter = parse_match("udp,tp_dst=53", &NoNames).unwrap();
        let span = |filter| {
            MirrorConfig::new("span", MirrorOutput::Port("p3".into())).select_all(true).filter(filter)
        };
        let br0 = bridge("br0", &["p1", "p2", "p3"]);
        world.apply(&state([br0.clone().mirror("a", span(Some(filter)))]));
        let packet = |port| udp(mac(2), mac(1), [10, 0, 0, 2], port, 64);
        for _ in 0..2 {
            assert_eq!(world.leaves_by("p1", &packet(53)), ["br0", "p2", "p3"], "{below:?}");
            assert_eq!(world.leaves_by("p1", &packet(54)), ["br0", "p2"], "{below:?}");
        }
        world.apply(&state([br0.mirror("a", span(None))]));
        assert_eq!(world.leaves_by("p1", &packet(54)), ["br0", "p2", "p3"], "{below:?}: without filter");
    }
}

#[test]
fn static_addresses_and_flooded_vlans_decide_where_packets_go() {
    for below in BELOW {
        let mut world = World::new(below);
        world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).flood_vlans(VlanId::new(7))]));
        let add = |world: &mut World, name: &str, vlan: u16, n: u8| {
            let (vlan, address) = (VlanId::new(vlan).unwrap(), EtherAddr(mac(n)));
            let added = world.switch.bridge("br0").unwrap().add_static_mac(name, vlan, address);
            world.settle();
            added
        };
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(1))), ["br0", "p2", "p3"], "{below:?}");
        assert_eq!(add(&mut world, "p2", 0, 9), Ok(None));
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(1))), ["p2"], "{below:?}: put in");
        world.send("p3", &frame(mac(1), mac(9)));
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(1))), ["p2"], "{below:?}: does not move");
        let before = add(&mut world, "p3", 0, 9).unwrap().unwrap();
        assert_eq!((before.port, before.is_static), (OfPort(2), true));
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(1))), ["p3"], "{below:?}: by hand it does");
        assert_eq!(add(&mut world, "p9", 0, 9), Err(StaticMacError::NoPort));
        world.switch.bridge("br0").unwrap().remove_static_mac(VlanId::default(), EtherAddr(mac(9)));
        world.settle();
        assert_eq!(world.leaves_by("p1", &frame(mac(9), mac(1))), ["br0", "p2", "p3"], "{below:?}: gone");
        // In VLAN 7 nobody is known, whatever was seen or put in.
        assert_eq!(add(&mut world, "p3", 7, 8), Ok(None));
        world.send("p2", &tagged(mac(1), mac(8), 7));
        let sent = world.leaves_by("p1", &tagged(mac(8), mac(1), 7));
        assert_eq!(sent, ["br0", "p2", "p3"], "{below:?}: flooded");
    }
}
