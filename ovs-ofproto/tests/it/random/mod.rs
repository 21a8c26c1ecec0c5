//! Random tables and random packets, traced by the distribution's switch and by ours: final key, megaflow and
//! datapath actions are compared to the letter; with `OVS_OFPROTO_WHOLE=1` the text between, too.
//!
//! `OVS_OFPROTO_TRACES=20000` makes that many traces instead of a few thousand, `OVS_OFPROTO_SEED` chooses others.

mod actions;
mod conntrack;
pub mod control;
pub mod draw;
mod flows;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use ovs_flow::text::NoNames;
use ovs_ofproto::ovs_classifier::PrefixField;
use ovs_ofproto::{FailMode, TableConfig};
use ovs_openflow::action::check_consistency;
use ovs_openflow::text::parse_flow_mod;
use ovs_openflow::{FlowModCommand, Version};

use crate::ofctl::Ofctl;
use crate::peer::Peer;
use crate::trace::without_ids;
use crate::world::{Below, World, bridge, state};
use actions::TABLES;
use control::Control;
use draw::Draw;

/// Packets that one set of tables is asked with.
const PACKETS: usize = 100;
/// Rules of a table.
const RULES: usize = 7;

/// Groups that actions name.
const GROUPS: [&str; 4] = [
    "group_id=1,type=all,bucket=output:1,bucket=set_field:50:54:00:00:00:44->eth_dst,output:2",
    "group_id=2,type=indirect,bucket=dec_ttl,output:3",
    "group_id=3,type=ff,bucket=watch_port:9,output:1,bucket=watch_port:2,output:2",
    "group_id=4,type=all,bucket=push_vlan:0x8100,output:3,bucket=resubmit(,4),bucket=group:2",
];

/// A number from the environment.
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Rules, each with whether it needs instructions. No two of a table have one priority.
fn rules(draw: &mut Draw) -> Vec<(String, bool)> {
    let mut rules = Vec::new();
    for table in 0..TABLES {
        for n in 0..RULES {
            let matched = if n == 0 { String::new() } else { flows::matching(draw) };
            let comma = if matched.is_empty() { "" } else { "," };
            let cookie = if draw.once_in(5) { ",cookie=0x7" } else { "" };
            let head = format!("table={table},priority={n}{cookie}{comma}{matched}");
            let (actions, instructions) = actions::list(draw, table, &|list, instructions| {
                is_consistent(&format!("{head},actions={list}"), instructions)
            });
            rules.push((format!("{head},actions={actions}"), instructions));
        }
    }
    rules
}

/// Whether a flow would be taken by OpenFlow 1.0, or by 1.3.
fn is_consistent(flow: &str, new: bool) -> bool {
    let only: &[&str] =
        if new { &["enqueue"] } else { &["push_vlan", "encap", "decap", "nsh", "mod_nw_ecn", "mod_nw_ttl"] };
    if only.iter().any(|word| flow.contains(word)) {
        return false;
    }
    // Of packets that are not IP the original hashes addresses that it leaves out of the mask.
    let of_ip = ["ip", "tcp", "udp", "sctp", "icmp"]
        .iter()
        .any(|name| flow.split(",actions=").next().is_some_and(|head| head.contains(name)));
    if flow.contains("symmetric_l3") && (!of_ip || flow.contains("mpls") || flow.contains("encap")) {
        return false;
    }
    let version = if new { Version::V13 } else { Version::V10 };
    let flow = parse_flow_mod(FlowModCommand::Add, flow, &NoNames).expect(flow);
    check_consistency(&flow.actions, &flow.matching, version).is_ok()
}

/// The peer's bridge.
fn add_bridge(peer: &Peer) {
    peer.vsctl(&["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure"]);
    for n in ["1", "2", "3"] {
        let (name, request) = (format!("p{n}"), format!("ofport_request={n}"));
        peer.vsctl(&["add-port", "br0", &name, "--", "set", "int", &name, "type=dummy", &request]);
    }
}

/// Ours, with the tries that the peer has: since 3.2 there are four by default, where 3.1 has two.
fn world() -> World {
    let mut world = World::new(Below::Naive);
    let secure = |ports: &[&str]| {
        let config = bridge("br0", ports).fail_mode(FailMode::Secure);
        (0..TABLES as u8).fold(config, |config, table| {
            let prefixes = TableConfig::default().prefixes([PrefixField::NwDst, PrefixField::NwSrc]);
            config.flow_table(table, prefixes)
        })
    };
    world.apply(&state([secure(&[])]));
    world.apply(&state([secure(&["p1", "p2", "p3"])]));
    world
}

struct Pair {
    peer: Peer,
    control: Control,
    world: World,
}

impl Pair {
    fn start(test: &str) -> Option<Self> {
        let peer = Peer::start(test)?;
        add_bridge(&peer);
        let control = Control::open(peer.folder());
        Some(Self { peer, control, world: world() })
    }

    /// Replaces all rules on both sides; both must say the same.
    fn load(&mut self, rules: &[(String, bool)]) {
        // Tables remember the masks of rules that were there: both sides start anew.
        self.peer.vsctl(&["del-br", "br0"]);
        add_bridge(&self.peer);
        self.world = world();
        let theirs = format!("unix:{}", self.peer.folder().join("br0.mgmt").display());
        let ofctl = Ofctl::new(&self.peer);
        let mut run = |args: &[&str], flows: &str| {
            let on_theirs: Vec<String> = args.iter().map(|arg| arg.replace("TARGET", &theirs)).collect();
            let on_theirs: Vec<&str> = on_theirs.iter().map(String::as_str).collect();
            let theirs = self.peer.ofctl_says(&on_theirs);
            let done = ofctl.run(&mut self.world, "br0", args);
            let ours = String::from_utf8_lossy(&done.stderr).into_owned();
            assert_eq!((said(&theirs), said(&ours)), (String::new(), String::new()), "{args:?}\n{flows}");
        };
        for group in GROUPS {
            run(&["-O", "OpenFlow13", "add-group", "TARGET", group], group);
        }
        for (version, wanted) in [("OpenFlow10", false), ("OpenFlow13", true)] {
            let texts: Vec<&str> =
                rules.iter().filter(|(_, new)| *new == wanted).map(|(text, _)| text.as_str()).collect();
            let file = self.peer.folder().join("flows");
            fs::write(&file, texts.join("\n") + "\n").expect("writes");
            run(&["-O", version, "add-flows", "TARGET", file.to_str().expect("text")], &texts.join("\n"));
        }
    }

    /// The two texts of a trace, if they differ.
    fn trace(&mut self, key: &str) -> Option<(String, String)> {
        let (theirs, ours) = self.texts(key, &[]);
        (compared(&theirs) != compared(&ours)).then_some((theirs, ours))
    }

    /// The two texts of a trace, without identifiers.
    fn texts(&mut self, key: &str, options: &[&str]) -> (String, String) {
        let args = [&["br0", key], options].concat();
        let theirs = without_ids(&self.control.run("ofproto/trace", &args));
        let ours = match self.world.switch.trace_text("br0", key, options, self.world.now) {
            Ok(text) => without_ids(&text),
            Err(error) => error.to_string(),
        };
        (theirs, ours)
    }
}

/// What of a trace must be equal.
fn compared(text: &str) -> String {
    let whole = std::env::var_os("OVS_OFPROTO_WHOLE").is_some();
    // Of what is dropped in the end, what it had become does not matter.
    let heads: &[&str] = if text.contains("Translation failed") {
        &["Megaflow", "Datapath", "Translation"]
    } else {
        &["Final", "Megaflow", "Datapath"]
    };
    // The original compares what it does not print, too.
    let same = text.lines().find_map(|line| line.strip_prefix("Flow: ")).unwrap_or_default();
    let text = text.replace(&format!("Final flow: {same}\n"), "Final flow: unchanged\n");
    let result = |line: &&str| heads.iter().any(|head| line.starts_with(head));
    text.lines().filter(|line| whole || result(line)).collect::<Vec<_>>().join("\n")
}

/// What a client said, without times and names of sockets.
fn said(text: &str) -> String {
    text.lines().filter(|line| !line.contains("|WARN|")).collect::<Vec<_>>().join("\n")
}

/// What the first line that differs has in common with those of other traces.
fn sort_of(theirs: &str, ours: &str) -> String {
    let pair = theirs.lines().zip(ours.lines()).find(|(a, b)| a != b).unwrap_or(("shorter", ""));
    let words = |line: &str| line.chars().filter(|c| !c.is_ascii_digit()).take(60).collect::<String>();
    format!("{}|{}", words(pair.0.trim()), words(pair.1.trim()))
}

fn difference(theirs: &str, ours: &str) -> String {
    let mut text = String::new();
    let (a, b): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    for line in &a[same.saturating_sub(6)..same] {
        let _ = writeln!(text, "  {}", line.trim_start());
    }
    for line in a[same..].iter().take(4) {
        let _ = writeln!(text, "- {line}");
    }
    for line in b[same..].iter().take(4) {
        let _ = writeln!(text, "+ {line}");
    }
    for head in ["Final", "Megaflow", "Datapath", "Translation"] {
        let of = |lines: &[&str]| lines.iter().find(|line| line.starts_with(head)).map(ToString::to_string);
        if of(&a) != of(&b) {
            let _ = writeln!(text, "-  {}\n+  {}", of(&a).unwrap_or_default(), of(&b).unwrap_or_default());
        }
    }
    text
}

#[test]
fn random_tables_are_traced_like_the_original() {
    let Some(mut pair) = Pair::start("random-traces") else { return };
    let (wanted, seed) = (number("OVS_OFPROTO_TRACES", 2000), number("OVS_OFPROTO_SEED", 1));
    let shown = number("OVS_OFPROTO_SHOWN", 5);
    let dumped = std::env::var("OVS_OFPROTO_DUMP").ok().and_then(|round| round.parse().ok());
    let (mut traced, mut differences) = (0, 0);
    let mut sorts: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for round in 0..wanted.div_ceil(PACKETS) {
        let mut draw = Draw::new((seed * 1_000_000 + round) as u64);
        let rules = rules(&mut draw);
        pair.load(&rules);
        for _ in 0..PACKETS {
            let key = flows::key(&mut draw);
            traced += 1;
            if let Some((theirs, ours)) = pair.trace(&key) {
                differences += 1;
                let sort = sorts.entry(sort_of(&theirs, &ours)).or_default();
                sort.0 += 1;
                if dumped == Some(round) && sort.0 == 1 {
                    eprintln!("{key}\n{theirs}\n");
                }
                if sort.0 == 1 {
                    sort.1 = format!("round {round}: {key}\n{}", difference(&theirs, &ours));
                }
            }
        }
    }
    eprintln!("{traced} traces, {differences} differ");
    let mut sorts: Vec<(usize, String)> = sorts.into_values().collect();
    sorts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let texts: Vec<String> =
        sorts.iter().take(shown).map(|(count, text)| format!("{count} like {text}")).collect();
    assert_eq!(differences, 0, "of {traced} traces differ, in {} ways\n{}", sorts.len(), texts.join("\n"));
}
