//! Models for loom: every interleaving of a few small programs.

use std::boxed::Box;
use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{Domain, Link};

/// A value that knows whether it was dropped, and where to say so: the state outlives it.
struct Tracked {
    state: Arc<AtomicUsize>,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.state.store(1, Ordering::SeqCst);
    }
}

/// What a reader loads is not dropped while its guard is held, whatever writer and control side do.
#[test]
fn nothing_is_dropped_under_a_guard() {
    loom::model(|| {
        let domain = Domain::new();
        let first = Arc::new(AtomicUsize::new(0));
        let link = Arc::new(Link::new(Some(Arc::new(Tracked { state: first }))));
        let mut reader = domain.reader();
        let reading = {
            let link = Arc::clone(&link);
            thread::spawn(move || {
                let guard = reader.enter();
                let seen = link.load(&guard).expect("never empty");
                assert_eq!(seen.state.load(Ordering::SeqCst), 0);
                thread::yield_now();
                assert_eq!(seen.state.load(Ordering::SeqCst), 0);
                drop(guard);
            })
        };
        let second = Arc::new(AtomicUsize::new(0));
        link.replace(Some(Arc::new(Tracked { state: second })), &domain);
        domain.reclaim(10);
        reading.join().expect("no panic");
        drop(link);
    });
}

/// Two writers retire and two threads reclaim at once: each value is dropped once.
#[test]
fn concurrent_retirement_drops_each_once() {
    loom::model(|| {
        let domain = Domain::new();
        let drops = Arc::new(AtomicUsize::new(0));
        struct Once(Arc<AtomicUsize>);
        impl Drop for Once {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let other = {
            let (domain, drops) = (domain.clone(), Arc::clone(&drops));
            thread::spawn(move || {
                domain.retire(Box::new(Once(drops)));
                domain.reclaim(10);
            })
        };
        domain.retire(Box::new(Once(Arc::clone(&drops))));
        domain.reclaim(10);
        other.join().expect("no panic");
        domain.reclaim(10);
        assert_eq!(drops.load(Ordering::SeqCst), 2);
    });
}

/// A slot that one reader gives back and another takes protects the second just as well.
#[test]
fn a_slot_changes_hands() {
    loom::model(|| {
        let domain = Domain::new();
        let state = Arc::new(AtomicUsize::new(0));
        let link = Arc::new(Link::new(Some(Arc::new(Tracked { state }))));
        drop(domain.reader().enter());
        let reading = {
            let (link, domain) = (Arc::clone(&link), domain.clone());
            thread::spawn(move || {
                let mut reader = domain.reader();
                let guard = reader.enter();
                if let Some(seen) = link.load(&guard) {
                    assert_eq!(seen.state.load(Ordering::SeqCst), 0);
                    thread::yield_now();
                    assert_eq!(seen.state.load(Ordering::SeqCst), 0);
                }
                drop(guard);
            })
        };
        link.replace(None, &domain);
        domain.reclaim(10);
        reading.join().expect("no panic");
        drop(link);
    });
}
