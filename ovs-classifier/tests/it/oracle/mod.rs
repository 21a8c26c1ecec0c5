//! The classifier against the distribution's Open vSwitch: random rules, random packets, equal masks.
//!
//! Needs `ovs-vswitchd`, `ovsdb-server` and their tools; runs them in dummy mode in a directory of its own. Rules only
//! drop, so all that the megaflow looks at beside the few fields that are in every megaflow is the classifier's.

mod rules;
mod switch;

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Clause, PrefixField, RuleRef, Version};
use ovs_flow::text::{NoNames, parse_match};
use ovs_flow::{FlowMask, Match, U16};

use rules::{Random, conjunctive_set, packet, rule_set};
use switch::Switch;

/// Everything that the two are compared by.
fn compared() -> FlowMask {
    let mut mask = FlowMask::default();
    let fields = &mut mask.fields;
    (fields.in_port, fields.dl_type) = (u32::MAX, U16::new(0xffff));
    (fields.dl_src, fields.dl_dst) = ([0xff; 6], [0xff; 6]);
    (fields.nw_src, fields.nw_dst) = (u32::MAX.into(), u32::MAX.into());
    (fields.ipv6_src, fields.ipv6_dst) = ([0xff; 16], [0xff; 16]);
    (fields.nw_proto, fields.nw_tos, fields.nw_ttl) = (0xff, 0xfc, 0xff);
    (fields.tp_src, fields.tp_dst, fields.tcp_flags) = (U16::new(0xffff), U16::new(0xffff), U16::new(0xfff));
    mask
}

/// What a translation has looked at before the first lookup.
fn always() -> FlowMask {
    let mut mask = FlowMask::default();
    (mask.fields.in_port, mask.fields.dl_type) = (u32::MAX, U16::new(0xffff));
    mask
}

struct Ours {
    domain: Domain,
    rules: ClassifierWriter<u64>,
    version: Version,
}

impl Ours {
    fn new(prefixes: &[PrefixField]) -> Self {
        let domain = Domain::new();
        let config = ClassifierConfig::default().prefixes(prefixes.iter().copied());
        let rules = ClassifierWriter::new(&domain, config);
        Self { domain, rules, version: Version(1) }
    }

    fn add(&mut self, priority: i32, text: &str) {
        self.add_clauses(priority, text, &[]);
    }

    fn add_clauses(&mut self, priority: i32, text: &str, clauses: &[(u32, u8, u8)]) {
        let matching = parse_match(text, &NoNames).expect("a match that the generator wrote");
        self.version = self.version.next();
        let clause = |(id, nth, dimensions): &(u32, u8, u8)| Clause {
            id: *id,
            dimension: nth - 1,
            dimensions: *dimensions,
        };
        let clauses = clauses.iter().map(clause).collect();
        let version = self.version;
        self.rules.insert_clauses(&matching, priority, clauses, version.0, version).expect("no limit is met");
        self.rules.gc(version);
    }

    fn delete(&mut self, priority: i32, text: &str) {
        let matching = parse_match(text, &NoNames).expect("a match that the generator wrote");
        self.version = self.version.next();
        if let Some(rule) = self.rules.find_exact(&matching, priority, self.version) {
            self.rules.remove_at(&rule, self.version);
        }
        self.rules.gc(self.version);
    }

    /// The mask and what won, as `ofproto/trace` would name it.
    fn lookup(&self, packet: &Match) -> (FlowMask, Option<i32>) {
        let mut mask = always();
        let mut reader = self.domain.reader();
        let guard = reader.enter();
        let lookups = self.rules.reader();
        let rule = lookups.lookup(self.version, &packet.key, Some(&mut mask), &guard);
        (mask, rule.map(ovs_classifier::Rule::priority))
    }
}

fn only_compared(mask: &FlowMask) -> FlowMask {
    FlowMask { fields: mask.fields.masked(&compared().fields) }
}

fn compare(switch: &Switch, ours: &Ours, random: &mut Random, packets: usize, context: &dyn std::fmt::Debug) {
    for _ in 0..packets {
        let text = packet(random);
        let key = parse_match(&text, &NoNames).expect("a packet that the generator wrote");
        let (mask, priority) = ours.lookup(&key);
        let trace = switch.trace(&text);
        let theirs = parse_match(&trace.megaflow, &NoNames).expect("a megaflow");
        let describe = || {
            let ours =
                ovs_flow::text::MatchDisplay { m: &Match::new(&key.key, mask), ports: &NoNames }.to_string();
            format!("packet {text}\ntheirs {}\nours   {ours}\nrules  {context:#?}", trace.megaflow)
        };
        assert_eq!(priority, trace.priority, "{}", describe());
        assert_eq!(only_compared(&mask), only_compared(&theirs.mask), "{}", describe());
    }
}

/// How many rule sets are compared.
fn rounds(usual: u64) -> u64 {
    std::env::var("OVS_ORACLE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn masks_are_the_originals() {
    let switch = Switch::start("masks");
    for round in 0..rounds(8) {
        let mut random = Random::new(round + 1);
        let prefixes: &[PrefixField] = match round % 4 {
            0 => &[],
            1 => &[PrefixField::NwDst],
            2 => &[PrefixField::NwDst, PrefixField::NwSrc],
            _ => &[PrefixField::Ipv6Dst, PrefixField::Ipv6Src, PrefixField::NwSrc],
        };
        switch.set_prefixes(
            ["none", "nw_dst", "nw_dst,nw_src", "ipv6_dst,ipv6_src,nw_src"][(round % 4) as usize],
        );
        switch.clear();
        let mut ours = Ours::new(prefixes);
        let mut set = rule_set(&mut random);
        for (priority, text) in &set {
            ours.add(*priority, text);
        }
        switch.add(&set);
        compare(&switch, &ours, &mut random, 40, &set);
        for _ in 0..8 {
            let (priority, text) = set.remove(random.below(set.len()));
            switch.delete(priority, &text);
            ours.delete(priority, &text);
        }
        compare(&switch, &ours, &mut random, 30, &set);
    }
}

#[test]
fn conjunctions_are_the_originals() {
    let switch = Switch::start("conjunctions");
    switch.set_prefixes("nw_dst,nw_src");
    for round in 0..rounds(6) {
        let mut random = Random::new(1000 + round);
        switch.clear();
        let mut ours = Ours::new(&[PrefixField::NwDst, PrefixField::NwSrc]);
        let set = conjunctive_set(&mut random);
        for (priority, text, clauses) in &set {
            ours.add_clauses(*priority, text, clauses);
        }
        switch.add_clauses(&set);
        compare(&switch, &ours, &mut random, 50, &set);
    }
}

#[test]
fn rule_references_outlive_their_removal() {
    let mut ours = Ours::new(&[]);
    ours.add(3, "tcp,tp_dst=80");
    let kept: Vec<RuleRef<u64>> = ours.rules.rules(ours.version).cloned().collect();
    ours.delete(3, "tcp,tp_dst=80");
    ours.domain.reclaim(usize::MAX);
    assert_eq!(kept[0].to_match(), parse_match("tcp,tp_dst=80", &NoNames).expect("a match"));
}
