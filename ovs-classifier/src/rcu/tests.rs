use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{Cell, Domain};

struct CountDrop(Arc<core::sync::atomic::AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn what_is_retired_waits_for_those_who_entered_before() {
    let domain = Domain::new();
    let drops = Arc::new(core::sync::atomic::AtomicUsize::new(0));
    let count = || drops.load(core::sync::atomic::Ordering::Relaxed);
    let (mut early, mut late) = (domain.reader(), domain.reader());
    let guard = early.enter();
    domain.retire(Box::new(CountDrop(drops.clone())));
    let after = late.enter();
    assert_eq!(domain.reclaim(10), 0);
    drop(guard);
    assert_eq!(domain.reclaim(10), 1, "the late reader cannot know it");
    assert_eq!(count(), 1);
    drop(after);
    for _ in 0..5 {
        domain.retire(Box::new(CountDrop(drops.clone())));
    }
    assert_eq!(domain.reclaim(3), 3);
    assert_eq!(count(), 4);
    drop((early, late));
    drop(domain);
    assert_eq!(count(), 6, "the last handle takes the rest along");
}

#[test]
fn slots_are_reused() {
    let domain = Domain::new();
    for _ in 0..100 {
        let (mut a, mut b) = (domain.reader(), domain.reader());
        drop((a.enter(), b.enter()));
    }
    let cell = Cell::new(&domain, Arc::new(7));
    let mut reader = domain.reader();
    let guard = reader.enter();
    assert_eq!(*cell.load_arc(&guard), 7);
}

#[test]
#[should_panic(expected = "another domain")]
fn a_guard_of_another_domain_is_refused() {
    let cell = Cell::new(&Domain::new(), Arc::new(7));
    let other = Domain::new();
    let mut reader = other.reader();
    cell.load(&reader.enter());
}
