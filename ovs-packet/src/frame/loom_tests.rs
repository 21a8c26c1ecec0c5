//! The return stack under every interleaving (`RUSTFLAGS="--cfg loom" cargo test -p ovs-packet --lib --release`).

use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::vec::Vec;

use super::{Frame, Home, HomeVtable, ReturnStack};

static VTABLE: HomeVtable = HomeVtable { give_back: never };

/// The model calls the stack itself.
unsafe fn never(_: NonNull<Home>, _: NonNull<Frame>, _: NonNull<Frame>, _: usize) {}

/// A frame without a buffer, leaked: the model is small.
fn frame(home: &'static Home) -> NonNull<Frame> {
    let place = NonNull::from(Box::leak(Box::new(core::mem::MaybeUninit::<Frame>::uninit()))).cast();
    // SAFETY: the place is a leaked box of a frame, and the buffer is empty.
    unsafe { Frame::init(place, NonNull::from(home), NonNull::dangling(), 0) };
    place
}

#[derive(Clone, Copy)]
struct Carried(NonNull<Frame>);

// SAFETY: a frame that is out belongs to one thread at a time.
unsafe impl Send for Carried {}

/// How many frames a chain has.
fn count(mut chain: Option<NonNull<Frame>>) -> usize {
    let mut n = 0;
    while let Some(frame) = chain {
        n += 1;
        // SAFETY: the chain is the caller's.
        chain = unsafe { Frame::next(frame) };
    }
    n
}

/// Two threads give frames back while the owner closes: every frame is freed by exactly one of them, and exactly one
/// is told to free the home.
#[test]
fn closing_loses_no_frame_and_ends_once() {
    let home: &'static Home = Box::leak(Box::new(Home::new(&VTABLE)));
    loom::model(move || {
        let stack = loom::sync::Arc::new(ReturnStack::new());
        let (freed, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let (stack, freed, ended) = (stack.clone(), Arc::clone(&freed), Arc::clone(&ended));
                let carried = Carried(frame(home));
                loom::thread::spawn(move || {
                    let Carried(frame) = { carried };
                    // SAFETY: this thread owns the frame.
                    if !unsafe { stack.push(frame, frame) } {
                        freed.fetch_add(1, Ordering::Relaxed);
                        ended.fetch_add(usize::from(stack.stragglers_gone(1)), Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let home_again = count(stack.take_all());
        let closed = count(stack.close());
        freed.fetch_add(home_again + closed, Ordering::Relaxed);
        let out = 2 - (home_again + closed) as isize;
        ended.fetch_add(usize::from(stack.expect_stragglers(out)), Ordering::Relaxed);
        for pusher in pushers {
            pusher.join().expect("it does not panic");
        }
        assert_eq!((freed.load(Ordering::Relaxed), ended.load(Ordering::Relaxed)), (2, 1));
    });
}
