//! The classifier against its twin: rules, masks, versions, conjunctions.
//!
//! `OVS_CASES` is how many random sequences of operations are tried instead of 2,000.

mod generate;
mod pair;

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierError, ClassifierWriter, Clause, PrefixField, Version};
use ovs_flow::text::{NoNames, parse_match};
use ovs_flow::{FlowKey, FlowMask, Match};
use proptest::prelude::*;

use crate::cases;
use generate::{Op, key, mask, ops, packet};
use pair::Pair;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2000)))]

    #[test]
    fn agrees_with_the_twin(ops in ops(), keys in prop::collection::vec(packet(), 4), tries in 0usize..4) {
        let prefixes = [
            &[][..],
            &[PrefixField::NwDst, PrefixField::NwSrc],
            &PrefixField::DEFAULT,
            &[PrefixField::TunSrc, PrefixField::NwSrc, PrefixField::Ipv6Src],
        ][tries];
        let mut pair = Pair::new(prefixes);
        for (n, op) in ops.iter().enumerate() {
            pair.apply(n, op)?;
        }
        pair.publish();
        for key in &keys {
            pair.compare(key)?;
            for other in &keys {
                pair.mask_is_enough(key, other)?;
            }
        }
        let asked = ops.iter().filter_map(|op| if let Op::Lookup(key) = op { Some(**key) } else { None });
        pair.compare_batch(&asked.chain(keys).collect::<Vec<_>>())?;
        pair.compare_lists()?;
    }
}

proptest! {
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
        let values = |rules: Vec<&ovs_classifier::RuleRef<usize>>| -> Vec<usize> {
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

fn table(rules: &[(i32, &str, &[Clause])]) -> (Domain, ClassifierWriter<usize>) {
    let domain = Domain::new();
    let mut table = ClassifierWriter::new(&domain, ClassifierConfig::default());
    for (n, (priority, text, clauses)) in rules.iter().enumerate() {
        let matching = parse_match(text, &NoNames).expect("a match");
        table
            .insert_clauses(&matching, *priority, (*clauses).into(), n, Version(1))
            .expect("no limit is met");
    }
    (domain, table)
}

/// The number of the rule that a packet gets, and those of the clauses that were met.
fn ask(domain: &Domain, table: &ClassifierWriter<usize>, packet: &str) -> (Option<usize>, Vec<usize>) {
    let key = parse_match(packet, &NoNames).expect("a packet").key;
    let (lookups, mut reader) = (table.reader(), domain.reader());
    let guard = reader.enter();
    let (mut met, mut mask) = (Vec::new(), FlowMask::default());
    let rule = lookups.explain(Version(1), &key, Some(&mut mask), &mut met, &guard).map(|rule| *rule.value());
    (rule, met.into_iter().map(|rule| *rule.value()).collect())
}

const fn clause(id: u32, dimension: u8, dimensions: u8) -> Clause {
    Clause { id, dimension, dimensions }
}

#[test]
fn a_conjunction_matches_when_every_dimension_does() {
    let (domain, table) = table(&[
        (100, "ip,nw_src=10.0.0.1", &[clause(7, 0, 2), clause(8, 0, 2)]),
        (100, "ip,nw_src=10.0.0.2", &[clause(7, 0, 2)]),
        (100, "tcp,tp_dst=80", &[clause(7, 1, 2)]),
        (100, "tcp,tp_dst=443", &[clause(8, 1, 2)]),
        (100, "conj_id=7,ip", &[]),
        (100, "conj_id=8", &[]),
        (50, "ip", &[]),
    ]);
    let ask = |packet| ask(&domain, &table, packet);
    assert_eq!(ask("tcp,nw_src=10.0.0.1,tp_dst=80"), (Some(4), vec![0, 2]));
    assert_eq!(ask("tcp,nw_src=10.0.0.2,tp_dst=80"), (Some(4), vec![1, 2]));
    assert_eq!(ask("tcp,nw_src=10.0.0.1,tp_dst=443"), (Some(5), vec![0, 3]));
    assert_eq!(ask("tcp,nw_src=10.0.0.2,tp_dst=443"), (Some(6), vec![]));
    assert_eq!(ask("tcp,nw_src=10.0.0.3,tp_dst=80"), (Some(6), vec![]));
    assert_eq!(ask("arp"), (None, vec![]));
}

#[test]
fn a_conjunction_that_leads_nowhere_gives_way() {
    let (domain, table) = table(&[
        (9, "ip,nw_src=10.0.0.1", &[clause(1, 0, 2)]),
        (9, "tcp,tp_dst=80", &[clause(1, 1, 2)]),
        (5, "ip,nw_src=10.0.0.1", &[clause(2, 0, 2)]),
        (5, "tcp,tp_dst=80", &[clause(2, 1, 2)]),
        (5, "conj_id=2", &[]),
        (3, "udp", &[]),
    ]);
    // Conjunction 1 is whole but has no rule; the same matches are clauses of another below.
    assert_eq!(ask(&domain, &table, "tcp,nw_src=10.0.0.1,tp_dst=80"), (Some(4), vec![2, 3]));
    assert_eq!(ask(&domain, &table, "tcp,nw_src=10.0.0.1,tp_dst=81"), (None, vec![]));
    assert_eq!(ask(&domain, &table, "udp,nw_src=10.0.0.1"), (Some(5), vec![]));
}

#[test]
fn limits_of_conjunctions_and_tries_refuse_by_name() {
    let domain = Domain::new();
    let config = ClassifierConfig::default().max_dimensions(3).max_clauses(2).max_trie_depth(24);
    let mut table = ClassifierWriter::new(&domain, config);
    let mut refusal = |text: &str, clauses: &[Clause]| {
        let matching = parse_match(text, &NoNames).expect("a match");
        table.insert_clauses(&matching, 1, clauses.into(), (), Version(1)).err()
    };
    assert_eq!(refusal("ip", &[clause(1, 0, 4)]), Some(ClassifierError::TooManyDimensions { limit: 3 }));
    let bad = clause(1, 3, 3);
    assert_eq!(refusal("ip", &[bad]), Some(ClassifierError::BadClause { clause: bad }));
    assert_eq!(refusal("ip", &[clause(1, 0, 3); 3]), Some(ClassifierError::TooManyClauses { limit: 2 }));
    let deep = ClassifierError::TrieTooDeep { len: 25, limit: 24 };
    assert_eq!(refusal("ip,nw_dst=10.0.0.0/25", &[]), Some(deep));
    assert_eq!(refusal("ip,nw_dst=10.0.0.0/24", &[clause(1, 2, 3)]), None);
}

#[test]
fn an_order_of_any_kind_of_priorities_is_not_quadratic() {
    let domain = Domain::new();
    let mut table = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let matching = Match::new(&FlowKey::default(), FlowMask::default());
    // Downwards each rule goes behind all others of its match; 200,000 steps along 100,000 links would show.
    for priority in (0..200_000).rev() {
        table.insert(&matching, priority, priority, Version(1)).expect("no limit is met");
    }
    for priority in 0..200_000 {
        let rule = table.find_exact(&matching, priority, Version(1)).expect("it is there");
        assert_eq!(*rule.value(), priority);
        assert!(table.remove_at(&rule, Version(2)));
    }
    assert_eq!(table.gc(Version(2)), 200_000);
    assert!(table.is_empty() && table.masks() == 0);
}
