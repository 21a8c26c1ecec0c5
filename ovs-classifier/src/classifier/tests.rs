use alloc::vec;
use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};

use super::*;
use crate::rcu::Domain;

fn ip(nw_dst: u32, len: u32) -> Match {
    let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
    key.dl_type = U16::new(0x0800);
    mask.fields.dl_type = U16::new(0xffff);
    key.nw_dst = U32::new(nw_dst);
    mask.fields.nw_dst = U32::new(u32::MAX.checked_shl(32 - len).unwrap_or(0));
    Match::new(&key, mask)
}

#[test]
fn the_highest_priority_wins_and_tries_spare_bits() {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let v = Version(1);
    rules.insert(&ip(0x0a00_0000, 8), 10, "net", v).unwrap();
    rules.insert(&ip(0x0a01_0203, 32), 20, "host", v).unwrap();
    let (lookups, mut reader) = (rules.reader(), domain.reader());
    let guard = reader.enter();
    let find = |dst: u32| {
        let mut mask = FlowMask::default();
        let key = ip(dst, 32).key;
        let rule = lookups.lookup(v, &key, Some(&mut mask), &guard).map(|r| *r.value());
        assert_eq!(rule, lookups.lookup(v, &key, None, &guard).map(|r| *r.value()));
        (rule, mask.fields.nw_dst.get())
    };
    assert_eq!(find(0x0a01_0203), (Some("host"), 0xffff_ffff));
    assert_eq!(find(0x0a80_0000), (Some("net"), 0xff80_0000));
    assert_eq!(find(0x0b00_0000), (None, 0xff00_0000));
}

#[test]
fn versions_come_and_go_as_a_whole() {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let matching = ip(0x0a00_0000, 8);
    let old = rules.insert(&matching, 5, 1, Version(1)).unwrap().rule;
    let done = rules.insert(&matching, 5, 2, Version(2)).unwrap();
    assert_eq!(done.replaced.map(|rule| *rule.value()), Some(1));
    let (lookups, mut reader) = (rules.reader(), domain.reader());
    let seen = |version, reader: &mut crate::rcu::Reader| {
        lookups.lookup(Version(version), &matching.key, None, &reader.enter()).map(|rule| *rule.value())
    };
    assert_eq!([0, 1, 2].map(|v| seen(v, &mut reader)), [None, Some(1), Some(2)]);
    assert_eq!(rules.rules(Version(1)).map(|rule| *rule.value()).collect::<Vec<_>>(), vec![1]);
    assert!(rules.discard(&done.rule) && rules.restore(&old));
    assert_eq!(seen(2, &mut reader), Some(1));
    assert!(rules.remove_at(&old, Version(3)) && !rules.remove_at(&old, Version(4)));
    assert_eq!(rules.gc(Version(2)), 0);
    assert_eq!(rules.gc(Version(3)), 1);
    assert_eq!((rules.len(), rules.masks(), seen(2, &mut reader)), (0, 0, None));
}

#[test]
fn limits_refuse_by_name() {
    let domain = Domain::new();
    let config = ClassifierConfig::default().max_rules(2).max_masks(1);
    let mut rules = ClassifierWriter::new(&domain, config);
    rules.insert(&ip(0, 8), 1, (), Version(1)).unwrap();
    let refused = rules.insert(&ip(0, 9), 1, (), Version(1)).unwrap_err();
    assert_eq!(refused, ClassifierError::TooManyMasks { limit: 1 });
    rules.insert(&ip(1 << 24, 8), 1, (), Version(1)).unwrap();
    let refused = rules.insert(&ip(2 << 24, 8), 1, (), Version(1)).unwrap_err();
    assert_eq!(refused, ClassifierError::TooManyRules { limit: 2 });
}

#[test]
fn a_long_chain_of_priorities_is_dropped_without_recursion() {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    for priority in 0..40_000 {
        rules.insert(&ip(0, 8), priority, (), Version(1)).unwrap();
    }
    let exact = rules.find_exact(&ip(0, 8), 39_990, Version(1));
    assert_eq!(exact.map(|rule| rule.priority()), Some(39_990));
    drop(rules);
    drop(domain);
}

#[test]
fn a_walk_goes_on_from_any_serial_number_after_gaps_were_closed() {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let mut version = Version(1);
    let mut model: Vec<RuleRef<()>> = Vec::new();
    for round in 0..4_u32 {
        for n in 0..200 {
            model.push(rules.insert(&ip(round << 24 | n << 8, 24), 1, (), version).unwrap().rule);
        }
        version = version.next();
        let goes = |rule: &RuleRef<()>| rule.serial() % 5 < 3 || (70..130).contains(&(rule.serial() % 200));
        model.retain(|rule| !(goes(rule) && rules.remove_at(rule, version)));
        rules.gc(version);
        for serial in 0..u64::from(round + 1) * 200 + 2 {
            let expected: Vec<u64> =
                model.iter().map(|rule| rule.serial()).filter(|s| *s >= serial).collect();
            let found: Vec<u64> = rules.rules_from(serial, version).map(|rule| rule.serial()).collect();
            assert_eq!(found, expected, "from {serial} in round {round}");
        }
    }
}

#[test]
fn a_prefix_stays_whose_matches_come_and_go_in_one_group_of_changes() {
    let domain = Domain::new();
    let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let old = rules.insert(&ip(0x0a00_0000, 8), 1, "old", Version(1)).unwrap().rule;
    rules.defer();
    let mut matching = ip(0x0a00_0000, 8);
    matching.mask.fields.nw_src = U32::new(0xff00_0000);
    rules.insert(&matching, 1, "new", Version(2)).unwrap();
    rules.remove_at(&old, Version(2));
    rules.gc(Version(2));
    rules.publish();
    let (lookups, mut reader) = (rules.reader(), domain.reader());
    let found =
        lookups.lookup(Version(2), &ip(0x0a01_0203, 32).key, None, &reader.enter()).map(|r| *r.value());
    assert_eq!(found, Some("new"));
}
