//! What comes and goes leaves nothing: live memory after rounds of the same work is what it was after a few.
//!
//! A binary of its own, because the allocator that counts is the program's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ovs_classifier::rcu::Domain;
use ovs_classifier::{
    ClassifierConfig, ClassifierWriter, FlowStats, FlowTable, FlowTableConfig, MegaflowConfig, MegaflowIndex,
    Version,
};
use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};

/// The system's allocator, which counts what this thread has live.
struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LIVE.try_with(|live| live.set(live.get() + 1));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|live| live.set(live.get() - 1));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Live allocations after each of some rounds of `work`.
fn rounds(mut work: impl FnMut(u64)) -> Vec<i64> {
    (0..40)
        .map(|round| {
            work(round);
            LIVE.get()
        })
        .collect()
}

/// Live memory has settled: in the second half it grows no more.
fn assert_settled(what: &str, live: &[i64]) {
    let (first, last) = (live[live.len() / 2], live[live.len() - 1]);
    assert!(last <= first + 8, "{what}: {live:?}");
}

/// Rules of a few masks whose values differ from round to round.
fn rule(round: u64, n: u64) -> (Match, i32) {
    let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
    key.dl_type = U16::new(0x0800);
    mask.fields.dl_type = U16::new(0xffff);
    let len = 24 + (n % 9) as u32;
    mask.fields.nw_dst = U32::new(u32::MAX << (32 - len));
    key.nw_dst = U32::new((round as u32 * 977 + n as u32).wrapping_mul(0x9e37_79b9));
    if n.is_multiple_of(3) {
        key.nw_proto = 17;
        mask.fields.nw_proto = 0xff;
        key.tp_dst = U16::new((round * 31 + n) as u16);
        mask.fields.tp_dst = U16::new(0xffff);
    }
    (Match::new(&key, mask), (n % 7) as i32)
}

#[test]
fn rules_that_come_and_go() {
    let domain = Domain::new();
    let mut writer = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let mut version = 1;
    let live = rounds(|round| {
        let mut rules = Vec::new();
        for n in 0..200 {
            let (matching, priority) = rule(round, n);
            rules.push(writer.insert(&matching, priority, n, Version(version)).unwrap().rule);
        }
        version += 1;
        for rule in &rules {
            writer.remove_at(rule, Version(version));
        }
        drop(rules);
        version += 1;
        writer.gc(Version(version));
        domain.reclaim(usize::MAX);
        assert!(writer.is_empty());
    });
    assert_settled("classifier", &live);
}

#[test]
fn megaflows_that_come_and_go() {
    let mut index = MegaflowIndex::new(MegaflowConfig::default());
    let live = rounds(|round| {
        for n in 0..200 {
            index.insert(&rule(round, n).0, n).unwrap();
        }
        for n in 0..200 {
            index.remove(&rule(round, n).0);
        }
        assert!(index.is_empty());
    });
    assert_settled("index", &live);
}

#[test]
fn flows_that_come_and_go() {
    let domain = Domain::new();
    let mut table = FlowTable::new(&domain, FlowTableConfig::default());
    let mut reader = domain.reader();
    let live = rounds(|round| {
        let guard = reader.enter();
        let ids: Vec<_> = (0..200)
            .filter_map(|n| table.insert(&rule(round, n).0, n, FlowStats::default(), &guard).ok())
            .collect();
        for id in ids {
            table.remove(id, &guard);
        }
        drop(guard);
        let guard = reader.enter();
        table.tidy(usize::MAX);
        drop(guard);
        domain.reclaim(usize::MAX);
        assert_eq!(table.len(), 0);
    });
    assert_settled("flow table", &live);
}
