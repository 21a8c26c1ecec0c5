//! The classifier against its twin: rules, masks, versions.

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, PrefixField, Version, naive};
use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};
use proptest::prelude::*;

/// Keys from a small space, so that rules meet; IPv4, ARP and IPv6 alike.
fn key() -> impl Strategy<Value = FlowKey> {
    let addresses = (0u8..8, 0u8..8);
    (0u32..3, 0u8..3, addresses, 0u16..4, 0u16..4, 0u8..3, 0u16..4).prop_map(
        |(port, kind, (src, dst), sport, dport, proto, flags)| {
            let mut key = FlowKey::default();
            key.in_port = port;
            key.dl_type = U16::new([0x0800, 0x0806, 0x86dd][usize::from(kind)]);
            key.dl_dst[5] = proto;
            let spread = |n: u8| u32::from(n) << 29 | u32::from(n) << 12 | u32::from(n);
            if kind == 2 {
                key.ipv6_src[0] = src << 5;
                key.ipv6_src[15] = src;
                key.ipv6_dst[3] = dst;
            } else {
                (key.nw_src, key.nw_dst) = (U32::new(spread(src)), U32::new(spread(dst)));
            }
            (key.tp_src, key.tp_dst) = (U16::new(sport << 14 | sport), U16::new(dport << 10));
            key.tcp_flags = U16::new(flags);
            key.nw_proto = proto;
            key
        },
    )
}

fn mask() -> impl Strategy<Value = FlowMask> {
    let bits = |width: u32| prop_oneof![2 => Just(0), 1 => Just(width), 2 => 0..=width];
    (any::<u8>(), bits(32), bits(32), bits(16), bits(16), any::<u8>()).prop_map(
        |(has, src, dst, sp, dp, odd)| {
            let mut mask = FlowMask::default();
            let prefix = |len: u32| u32::MAX.checked_shl(32 - len).unwrap_or(0);
            if has & 1 != 0 {
                mask.fields.in_port = u32::MAX;
            }
            if has & 2 != 0 {
                mask.fields.dl_type = U16::new(0xffff);
            }
            if has & 4 != 0 {
                mask.fields.nw_proto = 0xff;
            }
            if has & 8 != 0 {
                mask.fields.dl_dst[5] = 0xff;
            }
            if has & 0x70 == 0x70 {
                mask.fields.tcp_flags = U16::new(3);
            }
            (mask.fields.nw_src, mask.fields.nw_dst) = (U32::new(prefix(src)), U32::new(prefix(dst)));
            if odd % 16 == 0 {
                mask.fields.nw_dst = U32::new(0x00ff_0fff); // no prefix
            }
            if odd & 0x30 == 0 {
                mask.fields.ipv6_src[..4].copy_from_slice(&prefix(src).to_be_bytes());
                mask.fields.ipv6_src[15] = if src == 32 { odd } else { 0 };
                mask.fields.ipv6_dst[..4].copy_from_slice(&prefix(dst).to_be_bytes());
            }
            (mask.fields.tp_src, mask.fields.tp_dst) =
                (U16::new((prefix(sp) >> 16) as u16), U16::new((prefix(dp) >> 16) as u16));
            mask
        },
    )
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test's list of operations is short")]
enum Op {
    Insert(FlowKey, FlowMask, i32),
    Remove(usize),
    Advance,
    Gc(u64),
    Lookup(FlowKey),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Few masks a case, so that tuples have several rules.
    prop::collection::vec(mask(), 1..8).prop_flat_map(|masks| {
        let op = prop_oneof![
            6 => (key(), prop::sample::select(masks), 0..6).prop_map(|(k, m, p)| Op::Insert(k, m, p)),
            3 => any::<usize>().prop_map(Op::Remove),
            2 => Just(Op::Advance),
            1 => (0u64..3).prop_map(Op::Gc),
            6 => key().prop_map(Op::Lookup),
        ];
        prop::collection::vec(op, 1..120)
    })
}

/// The fast classifier and its twin, changed together.
struct Pair {
    domain: Domain,
    fast: ClassifierWriter<usize>,
    twin: naive::Classifier<usize>,
    version: u64,
}

impl Pair {
    fn new(prefixes: &[PrefixField]) -> Self {
        let domain = Domain::new();
        let config = ClassifierConfig::default().prefixes(prefixes.iter().copied());
        let fast = ClassifierWriter::new(&domain, config);
        Self { domain, fast, twin: naive::Classifier::new(prefixes.iter().copied()), version: 1 }
    }

    fn apply(&mut self, n: usize, op: &Op) -> Result<(), TestCaseError> {
        let version = Version(self.version);
        match *op {
            Op::Insert(ref key, mask, priority) => {
                let matching = Match::new(key, mask);
                let before = self.fast.find_exact(&matching, priority, Version(u64::MAX - 1));
                let done = self.fast.insert(&matching, priority, n, version);
                let done = done.map_err(|refused| TestCaseError::fail(refused.to_string()))?;
                prop_assert_eq!(done.replaced.map(|rule| *rule.value()), before.map(|rule| *rule.value()));
                prop_assert_eq!(done.rule.to_match(), matching);
                self.twin.insert(&matching, priority, n, version);
            }
            Op::Remove(at) => {
                let present: Vec<_> = self.fast.rules(Version(u64::MAX - 1)).cloned().collect();
                if let Some(rule) = present.get(at % present.len().max(1)) {
                    prop_assert!(self.fast.remove_at(rule, version));
                    prop_assert!(self.twin.remove_at(&rule.to_match(), rule.priority(), version));
                }
            }
            Op::Advance => self.version += 1,
            Op::Gc(behind) => {
                let oldest = Version(self.version.saturating_sub(behind));
                prop_assert_eq!(self.fast.gc(oldest), self.twin.gc(oldest));
                self.domain.reclaim(usize::MAX);
            }
            Op::Lookup(ref key) => self.compare(key)?,
        }
        Ok(())
    }

    fn compare(&self, key: &FlowKey) -> Result<(), TestCaseError> {
        let (lookups, mut reader) = (self.fast.reader(), self.domain.reader());
        let guard = reader.enter();
        for version in self.version.saturating_sub(1)..=self.version {
            let version = Version(version);
            let (mut ours, mut theirs) = (FlowMask::default(), FlowMask::default());
            ours.fields.dl_type = U16::new(0xffff);
            theirs.fields.dl_type = U16::new(0xffff);
            let found = lookups.lookup(version, key, Some(&mut ours), &guard).map(|rule| *rule.value());
            let expected = self.twin.lookup_and_mask(version, key, &mut theirs).map(|rule| rule.value);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(ours, theirs);
            prop_assert_eq!(found, lookups.lookup(version, key, None, &guard).map(|rule| *rule.value()));
            prop_assert_eq!(found, self.twin.lookup(version, key).map(|rule| rule.value));
        }
        Ok(())
    }

    /// Any key that agrees under the mask that a lookup reports has the same answer.
    fn mask_is_enough(&self, key: &FlowKey, other: &FlowKey) -> Result<(), TestCaseError> {
        let (lookups, mut reader) = (self.fast.reader(), self.domain.reader());
        let guard = reader.enter();
        let mut mask = FlowMask::default();
        mask.fields.dl_type = U16::new(0xffff);
        let version = Version(self.version);
        let found = lookups.lookup(version, key, Some(&mut mask), &guard).map(|rule| *rule.value());
        let mut mixed = *other;
        for ((mixed, key), mask) in mixed.words_mut().iter_mut().zip(key.words()).zip(mask.words()) {
            *mixed = *mixed & !mask | key & mask;
        }
        let again = lookups.lookup(version, &mixed, None, &guard).map(|rule| *rule.value());
        prop_assert_eq!(found, again);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn agrees_with_the_twin(ops in ops(), keys in prop::collection::vec(key(), 8), tries in 0usize..3) {
        let prefixes = [&[][..], &[PrefixField::NwDst, PrefixField::NwSrc], &PrefixField::DEFAULT][tries];
        let mut pair = Pair::new(prefixes);
        for (n, op) in ops.into_iter().enumerate() {
            pair.apply(n, &op)?;
        }
        for key in &keys {
            pair.compare(key)?;
            for other in &keys {
                pair.mask_is_enough(key, other)?;
            }
        }
        let version = Version(pair.version);
        let ours: Vec<usize> = pair.fast.rules(version).map(|rule| *rule.value()).collect();
        let alive = |rule: &&naive::Rule<usize>| rule.added <= version && version < rule.removed;
        let theirs: Vec<usize> = pair.twin.rules().iter().filter(alive).map(|rule| rule.value).collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn selections_agree_with_their_definitions(
        rules in prop::collection::vec((key(), mask(), 0i32..3), 1..40),
        criteria in (key(), mask()),
    ) {
        let domain = Domain::new();
        let mut table = ClassifierWriter::new(&domain, ClassifierConfig::default());
        let criteria = Match::new(&criteria.0, criteria.1);
        for (n, (key, mask, priority)) in rules.into_iter().enumerate() {
            table.insert(&Match::new(&key, mask), priority, n, Version(1)).expect("no limit is met");
        }
        let all: Vec<_> = table.rules(Version(1)).cloned().collect();
        let values = |rules: Vec<&std::sync::Arc<ovs_classifier::Rule<usize>>>| -> Vec<usize> {
            rules.into_iter().map(|rule| *rule.value()).collect()
        };
        let within: Vec<_> = all
            .iter()
            .filter(|rule| {
                let matching = rule.to_match();
                matching.mask.covers(&criteria.mask) && criteria.matches(&matching.key)
            })
            .collect();
        prop_assert_eq!(values(table.within(&criteria, Version(1)).collect()), values(within));
        for priority in 0..3 {
            let overlap = all.iter().any(|rule| rule.priority() == priority && rule.to_match().overlaps(&criteria));
            prop_assert_eq!(table.find_overlap(&criteria, priority, Version(1)).is_some(), overlap);
        }
    }
}
