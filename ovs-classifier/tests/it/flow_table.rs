//! The flow table against a list, and under concurrent readers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ovs_classifier::rcu::{Domain, Guard};
use ovs_classifier::{FlowId, FlowStats, FlowTable, FlowTableConfig, FlowTableError, naive};
use ovs_flow::{FlowKey, FlowMask, Match, U32};
use proptest::prelude::*;

/// One of 400 flows under 4 masks.
fn flow(n: u32) -> Match {
    let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
    key.in_port = n / 4;
    mask.fields.in_port = u32::MAX;
    key.nw_dst = U32::new(n << 24);
    mask.fields.nw_dst = U32::new(u32::MAX << (24 + n % 4));
    Match::new(&key, mask)
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u32),
    Remove(usize),
    Tidy,
    Rebuild(bool),
    NewGuard,
    Lookup(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0u32..400).prop_map(Op::Insert),
        4 => any::<usize>().prop_map(Op::Remove),
        1 => Just(Op::Tidy),
        1 => prop::bool::weighted(0.9).prop_map(Op::Rebuild),
        2 => Just(Op::NewGuard),
        6 => (0u32..400).prop_map(Op::Lookup),
    ]
}

type Pair = (FlowTable<u32>, naive::FlowTable<FlowId, u32>);

fn apply((table, list): &mut Pair, op: &Op, guard: &Guard<'_>) -> Result<(), TestCaseError> {
    match *op {
        Op::Insert(n) => match table.insert(&flow(n), n, FlowStats::default(), guard) {
            Ok(id) => prop_assert!(list.insert(id, &flow(n), n)),
            Err(FlowTableError::Exists(id)) => prop_assert_eq!(list.find(&flow(n)), Some(id)),
            Err(FlowTableError::Full { limit }) => prop_assert_eq!(list.flows().len(), limit),
            Err(other) => prop_assert_eq!(other, FlowTableError::Waiting),
        },
        Op::Remove(at) => {
            if let Some((id, _, _)) = list.flows().get(at % list.flows().len().max(1)).copied() {
                prop_assert!(table.remove(id, guard) && !table.remove(id, guard));
                prop_assert!(list.remove(id));
            }
        }
        Op::Tidy => {
            table.tidy(5);
        }
        Op::Rebuild(keep) => {
            table.rebuild(keep, guard);
            if !keep {
                *list = naive::FlowTable::new();
            }
        }
        Op::NewGuard => {}
        Op::Lookup(n) => {
            let key = flow(n).key;
            let reader = table.reader();
            let found = reader.lookup(&key, guard).map(ovs_classifier::Flow::id);
            let all: Vec<FlowId> = list.matching(&key).collect();
            prop_assert!(found.map_or(all.is_empty(), |found| all.contains(&found)));
            let exact = list.find(&flow(n));
            prop_assert_eq!(table.find(&flow(n), guard).map(ovs_classifier::Flow::id), exact);
            prop_assert_eq!(reader.find(&flow(n), guard).map(ovs_classifier::Flow::id), exact);
        }
    }
    Ok(())
}

fn same_content((table, list): &Pair, guard: &Guard<'_>) -> Result<(), TestCaseError> {
    let mut dumped = BTreeSet::new();
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        cursor = table.reader().dump(at, 7, guard, |flow| {
            assert!(dumped.insert((flow.id(), *flow.value())));
            assert_eq!(Some(flow.value()), list.get(flow.id()));
        });
    }
    prop_assert_eq!(dumped.len(), list.flows().len());
    prop_assert_eq!(table.len(), list.flows().len());
    for (id, matching, value) in list.flows() {
        let flow = table.get(*id, guard);
        prop_assert_eq!(flow.map(|flow| *flow.value()), Some(*value));
        prop_assert_eq!(flow.map(ovs_classifier::Flow::to_match), Some(*matching));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_a_list(ops in prop::collection::vec(op(), 1..600)) {
        let domain = Domain::new();
        let table = FlowTable::new(&domain, FlowTableConfig::default().max_flows(300).max_masks(4));
        let mut pair = (table, naive::FlowTable::new());
        let mut reader = domain.reader();
        for ops in ops.chunk_by(|_, op| !matches!(op, Op::NewGuard)) {
            let guard = reader.enter();
            for op in ops {
                apply(&mut pair, op, &guard)?;
            }
            same_content(&pair, &guard)?;
            drop(guard);
            domain.reclaim(10);
        }
    }
}

#[test]
fn limits_refuse_by_name() {
    let domain = Domain::new();
    let mut table = FlowTable::new(&domain, FlowTableConfig::default().max_flows(4).max_masks(2));
    let mut reader = domain.reader();
    let guard = reader.enter();
    let stats = FlowStats { packets: 3, used: Some(Duration::from_millis(5)), ..FlowStats::default() };
    let id = table.insert(&flow(0), 0, stats, &guard).expect("room");
    assert_eq!(table.insert(&flow(0), 0, stats, &guard), Err(FlowTableError::Exists(id)));
    table.insert(&flow(1), 1, stats, &guard).expect("room");
    let refused = table.insert(&flow(2), 2, stats, &guard);
    assert_eq!(refused, Err(FlowTableError::TooManyMasks { limit: 2 }));
    table.insert(&flow(4), 4, stats, &guard).expect("room");
    table.insert(&flow(5), 5, stats, &guard).expect("room");
    assert_eq!(table.insert(&flow(8), 8, stats, &guard), Err(FlowTableError::Full { limit: 4 }));
    let flow = table.get(id, &guard).expect("it is there");
    flow.counters().add(2, 120, 0x12, Duration::from_millis(9));
    let expected =
        FlowStats { packets: 5, bytes: 120, used: Some(Duration::from_millis(9)), tcp_flags: 0x12 };
    assert_eq!(flow.stats(), expected);
}

/// Flows that stay are found by every reader, whatever comes, goes and grows around them.
#[test]
fn readers_find_what_stays() {
    const STAY: u32 = 50;
    let domain = Domain::new();
    let mut table = FlowTable::new(&domain, FlowTableConfig::default().max_flows(5000));
    let mut own = domain.reader();
    for n in 0..STAY {
        table.insert(&flow(n), n, FlowStats::default(), &own.enter()).expect("room");
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (flows, mut reader, stop) = (table.reader(), domain.reader(), &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let guard = reader.enter();
                    for n in 0..STAY {
                        let found = flows.find(&flow(n), &guard).expect("it stays");
                        assert_eq!(*found.value(), n);
                    }
                    let mut seen = 0;
                    let mut cursor = Some(0);
                    while let Some(at) = cursor {
                        cursor = flows.dump(at, 64, &guard, |flow| seen += u32::from(*flow.value() < STAY));
                    }
                    assert_eq!(seen, STAY);
                }
            });
        }
        let (stop, control) = (&stop, domain.clone());
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                control.reclaim(100);
            }
        });
        let end = Instant::now() + Duration::from_secs(2);
        let mut round = 0;
        while Instant::now() < end {
            let mut added = Vec::new();
            for n in 0..1000 {
                let guard = own.enter();
                match table.insert(
                    &flow(400 + (n * 7 + round) % 3000),
                    n + STAY,
                    FlowStats::default(),
                    &guard,
                ) {
                    Ok(id) => added.push(id),
                    Err(FlowTableError::Waiting) => std::thread::yield_now(),
                    Err(other) => panic!("{other}"),
                }
            }
            for id in added {
                assert!(table.remove(id, &own.enter()));
            }
            table.rebuild(true, &own.enter());
            round += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(table.len(), STAY as usize);
}
