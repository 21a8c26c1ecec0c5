//! A backend that dies after any of its writes, and one that takes over from it.

use std::cell::RefCell;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Chain, Inflight, Next, Ring, Setup, feature, is_passed};
use crate::vhost::memory::{Memory, watch};
use crate::vhost::message::{Malformed, Region, Watch};

const ENTRIES: u16 = 8;
const SIZE: u64 = 0x1_0000;
const AVAILABLE: u64 = 0x1000;
const USED: u64 = 0x2000;

fn file(bytes: &[u8]) -> File {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(memfd_create("ring", flags).unwrap());
    file.write_all_at(bytes, 0).unwrap();
    file
}

fn bytes(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// A split ring at the beginning of the memory, with a record of what is in flight.
fn ring(memory: &File, record: &File) -> Result<Ring, Malformed> {
    let all = Region { guest: 0, user: 0, size: SIZE, offset: 0 };
    let memory = Memory::map(vec![all], &[OwnedFd::from(memory.try_clone().unwrap())]).unwrap();
    let watch = Watch { size: record.metadata().unwrap().len(), offset: 0, rings: 1, entries: ENTRIES };
    let inflight = Inflight::new(watch, record.try_clone().unwrap().into())?.of_ring(0);
    assert!(inflight.is_some());
    // What a frontend says whose backend has died is of no use.
    let base = 0;
    let addresses = [0, AVAILABLE, USED];
    let features = feature::VERSION_1;
    Ring::new(Setup {
        memory: Arc::new(memory),
        entries: ENTRIES.into(),
        addresses,
        base,
        features,
        inflight,
    })
}

/// The driver, and what it knows.
#[derive(Clone)]
struct Driver {
    offered: u16,
    seen: u16,
    /// Heads that the device has, in the order in which they were offered.
    out: Vec<u16>,
    free: Vec<u16>,
}

impl Driver {
    fn new(memory: &File) -> Self {
        for head in 0..u64::from(ENTRIES) {
            let descriptor = [(0x4000 + 64 * head).to_le_bytes(), 64_u64.to_le_bytes()].concat();
            memory.write_all_at(&descriptor, 16 * head).unwrap();
        }
        Self { offered: 0, seen: 0, out: Vec::new(), free: (0..ENTRIES).collect() }
    }

    fn offer(&mut self, memory: &File, which: usize) {
        if self.free.is_empty() {
            return;
        }
        let head = self.free.remove(which % self.free.len());
        let slot = u64::from(self.offered % ENTRIES);
        memory.write_all_at(&head.to_le_bytes(), AVAILABLE + 4 + 2 * slot).unwrap();
        self.offered = self.offered.wrapping_add(1);
        memory.write_all_at(&self.offered.to_le_bytes(), AVAILABLE + 2).unwrap();
        self.out.push(head);
    }

    /// Takes back what was used; each must be its own.
    fn collect(&mut self, memory: &[u8]) {
        let number = |at: u64| u16::from_le_bytes([memory[at as usize], memory[at as usize + 1]]);
        while self.seen != number(USED + 2) {
            let head = number(USED + 4 + 8 * u64::from(self.seen % ENTRIES));
            let at = self.out.iter().position(|out| *out == head).expect("a chain comes back once");
            self.out.remove(at);
            self.free.push(head);
            self.seen = self.seen.wrapping_add(1);
        }
    }
}

fn taken(ring: &mut Ring) -> Option<Chain> {
    match ring.pop(false, &mut Vec::new()) {
        Next::Chain(chain) => Some(chain),
        Next::Empty => None,
        next => panic!("{next:?}"),
    }
}

/// What stands in both memories.
type Shot = (Vec<u8>, Vec<u8>);

/// A backend goes on with what another has left: it gets every chain that the driver misses, each once, in their order.
fn takes_over((memory, record): &Shot, driver: &Driver) {
    let (memory, record, mut driver) = (file(memory), file(record), driver.clone());
    driver.collect(&bytes(&memory));
    let mut ring = ring(&memory, &record).unwrap();
    let chains: Vec<Chain> = std::iter::from_fn(|| taken(&mut ring)).collect();
    let heads: Vec<u16> = chains.iter().map(|chain| chain.id).collect();
    assert_eq!(heads, driver.out, "lost, doubled or out of order");
    // Half of them go back as they were, and come again.
    let (first, second) = chains.split_at(chains.len() / 2);
    for chain in second.iter().rev() {
        ring.put_back(*chain);
    }
    for chain in first {
        ring.give_back(*chain, 0);
    }
    while let Some(chain) = taken(&mut ring) {
        ring.give_back(chain, 0);
    }
    ring.publish();
    driver.collect(&bytes(&memory));
    assert!(driver.out.is_empty());
    assert_eq!(ring.base(), u32::from(driver.offered));
}

/// One life of a backend, ended after each of its writes.
fn live(seed: u32) -> usize {
    let (memory, record) = (file(&vec![0; SIZE as usize]), file(&[0; 192]));
    let mut driver = Driver::new(&memory);
    let mut ring = ring(&memory, &record).unwrap();
    let shots: Rc<RefCell<Vec<Shot>>> = Rc::default();
    let (kept, files) = (Rc::clone(&shots), [memory.try_clone().unwrap(), record.try_clone().unwrap()]);
    watch::set(Some(Box::new(move || kept.borrow_mut().push((bytes(&files[0]), bytes(&files[1]))))));
    let (mut random, mut held, mut ends) = (seed, Vec::<Chain>::new(), 0);
    let mut newest = None;
    for _ in 0..120 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (what, which) = (random >> 28, random as usize >> 8);
        match what {
            0..5 => driver.offer(&memory, which),
            5..10 => {
                newest = taken(&mut ring);
                held.extend(newest);
            }
            10 if newest.is_some() && held.last() == newest.as_ref() => {
                held.extend(newest.take());
                held.pop();
                held.pop().into_iter().for_each(|chain| ring.put_back(chain));
            }
            11..14 if !held.is_empty() => ring.give_back(held.remove(which % held.len()), 0),
            _ => drop(ring.publish()),
        }
        ends += shots.borrow().len();
        for shot in shots.take() {
            let watcher = Rc::clone(&shots);
            watch::set(None);
            takes_over(&shot, &driver);
            let files = [memory.try_clone().unwrap(), record.try_clone().unwrap()];
            watch::set(Some(Box::new(move || {
                watcher.borrow_mut().push((bytes(&files[0]), bytes(&files[1])));
            })));
        }
        driver.collect(&bytes(&memory));
    }
    watch::set(None);
    ends
}

#[test]
fn whenever_a_backend_dies_nothing_is_lost_or_doubled() {
    let ends: usize = (0..40).map(live).sum();
    assert!(ends > 5_000, "{ends} ends are few");
}

#[test]
fn records_without_sense_are_refused() {
    let at = |place: usize, number: u16| {
        let (memory, record) = (file(&vec![0; SIZE as usize]), file(&[0; 192]));
        Driver::new(&memory);
        drop(ring(&memory, &record).unwrap());
        record.write_all_at(&number.to_ne_bytes(), place as u64).unwrap();
        ring(&memory, &record).map(drop)
    };
    assert!(at(12, 3).is_ok(), "the last batch is of no interest where there is none");
    for (place, number) in [(8, 2), (10, 9), (14, 100), (14, u16::MAX)] {
        let result = at(place, number);
        // A batch of one, whose chain is there.
        let fine = (place, number) == (14, u16::MAX);
        assert_eq!(result.is_ok(), fine, "{number} at {place}: {result:?}");
    }
    // A batch that leads out of the record.
    let (memory, record) = (file(&vec![0; SIZE as usize]), file(&[0; 192]));
    drop(ring(&memory, &record).unwrap());
    record.write_all_at(&[0xff; 2], 12).unwrap();
    memory.write_all_at(&[1], USED + 2).unwrap();
    assert!(matches!(ring(&memory, &record), Err(Malformed::Inflight)));
    // A record that is too short for the ring, and one that is not there.
    assert!(matches!(ring(&memory, &file(&[0; 100])), Err(Malformed::Inflight)));
}

#[test]
fn a_driver_is_called_when_it_wants_to_be() {
    let calls = |event, new, count| is_passed(event, new, count, 16);
    assert!(calls(4, 5, 1) && calls(4, 8, 4) && calls(15, 0, 1) && calls(15, 3, 4));
    assert!(!calls(5, 5, 1) && !calls(4, 8, 3) && !calls(4, 5, 0) && !calls(3, 2, 14));
}
