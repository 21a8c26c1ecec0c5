//! Random tables and random packets, traced by the distribution's switch and by ours: final key, megaflow and
//! datapath actions are compared to the letter; with `OVS_OFPROTO_WHOLE=1` the text between, too.
//!
//! `OVS_OFPROTO_TRACES=20000` makes that many traces instead of a few thousand, `OVS_OFPROTO_SEED` chooses others.

mod actions;
mod conntrack;
pub mod control;
pub mod draw;
mod flows;
mod options;
mod registry;

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
use registry::{Coverage, Theme};

/// Packets that one set of tables is asked with.
const PACKETS: usize = 100;
/// Rules of a table.
const RULES: usize = 7;

/// Rules of the first table that have the registry's fields in turn.
const THEMES: usize = 10;
/// A meter that actions name.
const METER: &str = "meter=1,kbps,band=type=drop,rate=1000";

/// What 3.1 dies of. It does not check that nested actions have at most 64 kB before it asserts that (each
/// `check_pkt_larger` doubles what follows it); and it asserts that behind labels there is the protocol that was there
/// before, which a bucket that pops labels does not leave; and that an action set is a part of the actions that wait for a
/// packet to come back.
const DEATHS: [&str; 3] = [
    "assertion !nl_attr_oversized",
    "assertion flow->nw_proto == base_flow->nw_proto && flow->nw_frag",
    "assertion state->action_set_len <= state->ofpacts_len",
];

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

/// Themes of a round, and rules for them.
fn themes(draw: &mut Draw, round: usize) -> (Vec<Theme>, Vec<(String, bool)>) {
    let fields = registry::fields();
    let theme = |n| Theme::new(draw, fields[(round * THEMES + n) % fields.len()]);
    let themes: Vec<Theme> = (0..THEMES).map(theme).collect();
    let writes = |n: usize| ((round * THEMES + n) / fields.len()).is_multiple_of(2);
    let mut rules = Vec::new();
    for (n, (theme, priority)) in themes.iter().zip(100..).enumerate() {
        let matched = theme.matching(draw);
        let head = format!("table=0,priority={priority},{matched}");
        let list = (0..20).map(|_| theme.list(draw, writes(n))).find(|list| {
            let flow = format!("{head},actions={list}");
            is_consistent(&flow, true)
        });
        rules.push((format!("{head},actions={}", list.unwrap_or_else(|| "output:2".into())), true));
    }
    (themes, rules)
}

/// Whether a flow would be taken by OpenFlow 1.0, or by 1.3.
fn is_consistent(flow: &str, new: bool) -> bool {
    let only: &[&str] =
        if new { &["enqueue"] } else { &["push_vlan", "encap", "decap", "nsh", "mod_nw_ecn", "mod_nw_ttl"] };
    if only.iter().any(|word| flow.contains(word)) {
        return false;
    }
    // The original's client refuses actions on labels behind ones that change what a packet begins with.
    let labels = ["pop_mpls", "push_mpls", "set_mpls", "dec_mpls", "->mpls"];
    let turned = flow.contains("encap(") || flow.contains("decap(");
    if turned && labels.iter().any(|word| flow.contains(word)) {
        return false;
    }
    // Hashes over the transport layer behind headers that were just put around it are another matter.
    if flow.contains("symmetric_l4") && flow.contains("encap(") {
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
    /// What is loaded.
    rules: Vec<(String, bool)>,
    /// The table of tunnel options.
    options: String,
}

impl Pair {
    fn start(test: &str) -> Option<Self> {
        let peer = Peer::start(test)?;
        add_bridge(&peer);
        let control = Control::open(peer.folder());
        Some(Self { peer, control, world: world(), rules: Vec::new(), options: String::new() })
    }

    /// Replaces all rules on both sides; both must say the same.
    fn load(&mut self, rules: &[(String, bool)], options: &str) {
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
        run(&["-O", "OpenFlow13", "add-meter", "TARGET", METER], METER);
        run(&["-O", "OpenFlow13", "add-tlv-map", "TARGET", options], options);
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
        self.rules = rules.to_vec();
        options.clone_into(&mut self.options);
    }

    /// The two texts of a trace, without identifiers. If the peer dies of it, for a known reason, there are none.
    fn texts(&mut self, key: &str, options: &[&str]) -> Option<(String, String)> {
        let args = [&["br0", key], options].concat();
        let Some(theirs) = self.control.run("ofproto/trace", &args) else {
            self.bury(key);
            return None;
        };
        let theirs = without_ids(&theirs);
        let ours = match self.world.switch.trace_text("br0", key, options, self.world.now) {
            Ok(text) => without_ids(&text),
            Err(error) => error.to_string(),
        };
        Some((theirs, ours))
    }

    /// Starts the peer again after a death that is known.
    fn bury(&mut self, key: &str) {
        let log = fs::read_to_string(self.peer.folder().join("ovs-vswitchd.log")).unwrap_or_default();
        let known = log.lines().rev().take(5).any(|line| DEATHS.iter().any(|death| line.contains(death)));
        assert!(known, "the peer died of {key}\n{}", log.lines().last().unwrap_or_default());
        self.peer.restart();
        self.control = Control::open(self.peer.folder());
        let (rules, options) = (std::mem::take(&mut self.rules), std::mem::take(&mut self.options));
        self.load(&rules, &options);
    }
}

/// A text without the fields that the masks of failed translations tell in two ways.
fn without_details(text: &str) -> String {
    let told =
        |item: &&str| !["tun_flags=", "icmp_type=", "icmp_code="].iter().any(|name| item.starts_with(name));
    let line = |line: &str| line.split(',').filter(told).collect::<Vec<_>>().join(",");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether `encap` puts a label in front of others: 3.1 forgets all of them then, and sends the packet with one more
/// Ethernet header and no label more.
fn loses_label(text: &str) -> bool {
    let Some(at) = text.find("encap(mpls") else { return false };
    let (before, behind) = text.split_at(at);
    before.contains("mpls_label=") || before.contains("push_mpls") || behind[1..].contains("encap(mpls")
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
    // A wider mask: whether there is a network header to write to is known by its protocol. The distribution has this
    // (CVE-2023-1668) only for some of the actions that write there.
    let text = ["_t", "_e", "_f"].into_iter().fold(text.to_owned(), |text, next| {
        text.replace(&format!(",nw_proto=0,nw{next}"), &format!(",nw{next}"))
    });
    // Of what is dropped the mask has a tunnel's flags as a whole or the one that there is, and of ICMP's type and code
    // the bytes that are always zero or not: the same packets are meant.
    let text = if text.contains("Translation failed") { without_details(&text) } else { text };
    // The original compares what it does not print, too.
    let same = text.lines().find_map(|line| line.strip_prefix("Flow: ")).unwrap_or_default();
    let text = text.replace(&format!("Final flow: {same}\n"), "Final flow: unchanged\n");
    // Of a service header that was put around but is not written yet, the original tells nothing.
    let unwritten = ",nsh_flags=0,nsh_ttl=0,nsh_mdtype=0,";
    let known = |line: &str| line.split(unwritten).next().unwrap_or_default().to_owned();
    let text = text.lines().map(known).collect::<Vec<_>>().join("\n");
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

/// Differences by their kinds.
#[derive(Default)]
struct Found {
    traced: usize,
    /// Traces that the peer does not survive.
    fatal: usize,
    /// Traces of labels put in front of others.
    labels: usize,
    /// Traces of which both sides say something.
    whole: usize,
    differences: usize,
    sorts: BTreeMap<String, (usize, String)>,
}

impl Found {
    fn trace(&mut self, pair: &mut Pair, round: usize, key: &str) {
        self.traced += 1;
        let Some((theirs, ours)) = pair.texts(key, &[]) else {
            self.fatal += 1;
            return;
        };
        self.whole += usize::from(theirs.contains("Datapath actions: "));
        if loses_label(&theirs) {
            self.labels += 1;
            return;
        }
        if compared(&theirs) == compared(&ours) {
            return;
        }
        self.differences += 1;
        let sort = self.sorts.entry(sort_of(&theirs, &ours)).or_default();
        sort.0 += 1;
        if sort.0 == 1 {
            sort.1 = format!("round {round}: {key}\n{}", difference(&theirs, &ours));
            if std::env::var_os("OVS_OFPROTO_DUMP").is_some() {
                let rules: Vec<&str> = pair.rules.iter().map(|(text, _)| text.as_str()).collect();
                eprintln!("== {key}\n{}\n-- theirs\n{theirs}\n-- ours\n{ours}\n", rules.join("\n"));
            }
        }
    }

    fn check(self) {
        let Self { traced, fatal, labels, whole, differences, sorts } = self;
        eprintln!(
            "{traced} traces, {differences} differ, {fatal} that the peer dies of, {labels} of lost labels, {whole} whole"
        );
        assert!(labels * 20 < traced, "{labels} of {traced} are not compared");
        assert!((whole + fatal) * 10 >= traced * 9, "{whole} of {traced} keys are taken");
        let mut sorts: Vec<(usize, String)> = sorts.into_values().collect();
        sorts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let shown = number("OVS_OFPROTO_SHOWN", 5);
        let texts: Vec<String> =
            sorts.iter().take(shown).map(|(count, text)| format!("{count} like {text}")).collect();
        assert_eq!(
            differences,
            0,
            "of {traced} traces differ, in {} ways\n{}",
            sorts.len(),
            texts.join("\n")
        );
    }
}

#[test]
fn random_tables_are_traced_like_the_original() {
    let Some(mut pair) = Pair::start("random-traces") else { return };
    let (wanted, seed) = (number("OVS_OFPROTO_TRACES", 2000), number("OVS_OFPROTO_SEED", 1));
    let only = std::env::var("OVS_OFPROTO_ROUND").ok().and_then(|round| round.parse::<usize>().ok());
    let rounds = wanted.div_ceil(PACKETS);
    let (mut found, mut coverage) = (Found::default(), Coverage::default());
    for round in (0..rounds).filter(|round| only.is_none_or(|only| only == *round)) {
        let mut draw = Draw::new((seed * 1_000_000 + round) as u64);
        let mut rules = rules(&mut draw);
        let (themes, more) = themes(&mut draw, round);
        rules.extend(more);
        for (text, _) in &rules {
            coverage.add(&parse_flow_mod(FlowModCommand::Add, text, &NoNames).expect(text));
        }
        pair.load(&rules, &options::table(themes.iter().map(|theme| theme.field)));
        for _ in 0..PACKETS {
            let key = match draw.below(3) {
                0 => themes[draw.below(THEMES)].key(1 + draw.below(4)),
                _ => flows::key(&mut draw),
            };
            found.trace(&mut pair, round, &key);
        }
    }
    let missing = coverage.missing();
    found.check();
    // Each round has another part of the registry.
    if only.is_none() && rounds * THEMES >= registry::fields().len() {
        assert_eq!(missing, None);
    }
}
