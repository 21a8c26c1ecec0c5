//! Where frames go, from one thread and from several.

use std::{sync::mpsc, thread, vec::Vec};

use super::*;
use crate::{ABSENT, Offload};

fn pool(limit: u32) -> Pool {
    Pool::new(PoolConfig::default().small_limit(limit).large_limit(2))
}

#[test]
fn limits_are_kept_and_counted() {
    let mut pool = pool(2);
    let (a, b) = (pool.get_small(), pool.get_small());
    assert!(a.is_some() && b.is_some());
    assert!(pool.get_small().is_none());
    assert_eq!(pool.stats().small_refused, 1);
    drop(a);
    assert!(pool.get_small().is_some(), "a dropped frame is used again");
    assert_eq!(pool.stats().small_frames, 2);
    assert!(pool.get(1 << 20).is_none());
    assert_eq!(pool.stats().too_large, 1);
}

#[test]
fn both_ends_have_room_until_they_do_not() {
    let mut pool = pool(4);
    let mut packet = pool.packet_from(b"payload").unwrap();
    assert!(packet.headroom() >= 128);
    packet.push_front(3).unwrap().copy_from_slice(b"abc");
    packet.push_back(2).unwrap().copy_from_slice(b"yz");
    assert_eq!(packet.data(), b"abcpayloadyz");
    packet.pull_front(5).unwrap();
    packet.truncate(3);
    assert_eq!(packet.data(), b"ylo");
    assert_eq!(packet.pull_front(4), Err(TooShort { wanted: 4, len: 3 }));
    let room = packet.headroom();
    assert_eq!(packet.push_front(room + 1).unwrap_err(), NoRoom { wanted: room + 1, room });
    let room = packet.tailroom();
    assert!(packet.push_back(room + 1).is_err());
    assert_eq!(packet.push_back(room).unwrap().len(), room);
    assert!(packet.set_len(usize::MAX).is_err());
}

#[test]
fn offsets_follow_the_bytes() {
    let mut packet = Packet::detached(&[0; 100]).unwrap();
    packet.layers_mut().l3 = 14;
    packet.layers_mut().l4 = 34;
    packet.facts_mut().offload = Offload::NEEDS_L4_CSUM;
    packet.facts_mut().csum_start = 34;
    packet.push_front(4).unwrap();
    assert_eq!((packet.layers().l3, packet.layers().l4, packet.facts().csum_start), (18, 38, 38));
    assert_eq!(packet.layers().l2_5, ABSENT);
    packet.pull_front(20).unwrap();
    assert_eq!((packet.layers().l3, packet.layers().l4, packet.facts().csum_start), (ABSENT, 18, 18));
    packet.pull_front(20).unwrap();
    assert!(!packet.facts().is_unfinished(), "the header that wanted a checksum is gone");
}

#[test]
fn a_clone_has_the_bytes_and_the_facts() {
    let mut pool = pool(4);
    let mut packet = Packet::detached(b"hello").unwrap();
    packet.facts_mut().timestamp = Some(7);
    packet.layers_mut().l3 = 3;
    let copy = packet.try_clone_into(&mut pool).unwrap();
    assert_eq!(copy.data(), packet.data());
    assert_eq!(copy.facts(), packet.facts());
    assert_eq!(copy.layers(), packet.layers());
    let fresh = {
        pool.recycle(copy);
        pool.get_small().unwrap()
    };
    assert_eq!(fresh.facts().timestamp, None, "a frame used again remembers nothing");
}

#[test]
fn packets_outlive_their_pool() {
    let mut pool = pool(64);
    let packets: Vec<_> = (0..40u8).map(|i| pool.packet_from(&[i; 60]).unwrap()).collect();
    drop(pool);
    for (i, packet) in packets.iter().enumerate() {
        assert_eq!(packet.data(), [i as u8; 60]);
    }
    let worker = thread::spawn(move || drop(packets));
    worker.join().unwrap();
}

#[test]
fn frames_come_home_from_many_threads() {
    let mut pool = pool(512);
    let mut senders = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let (tx, rx) = mpsc::sync_channel::<Batch>(4);
        senders.push(tx);
        workers.push(thread::spawn(move || rx.iter().map(|batch| batch.len()).sum::<usize>()));
    }
    let mut sent = 0;
    for round in 0..3000usize {
        let mut batch = Batch::new();
        for _ in 0..=round % BATCH_MAX {
            if let Some(packet) = pool.packet_from(&[1, 2, 3]) {
                batch.push(packet).unwrap();
            }
        }
        sent += batch.len();
        senders[round % 3].send(batch).unwrap();
    }
    // The pool goes first while the queues still hold its packets.
    assert!(pool.stats().small_frames <= 512);
    drop(pool);
    drop(senders);
    assert_eq!(workers.into_iter().map(|w| w.join().unwrap()).sum::<usize>(), sent);
}

#[test]
fn batches_keep_order_and_drop_by_home() {
    let (mut one, mut two) = (pool(64), pool(64));
    let mut batch = Batch::new();
    for i in 0..BATCH_MAX as u8 {
        let from = if i % 5 < 3 { &mut one } else { &mut two };
        batch.push(from.packet_from(&[i]).unwrap()).unwrap();
    }
    assert!(batch.is_full());
    let extra = one.packet_from(&[99]).unwrap();
    let extra = batch.push(extra).unwrap_err();
    batch.retain(|p| p.data()[0] % 2 == 0);
    assert_eq!(batch.iter().map(|p| p.data()[0]).collect::<Vec<_>>(), (0..32).step_by(2).collect::<Vec<_>>());
    assert_eq!(batch.pop().unwrap().data(), [30]);
    let mut drain = batch.drain();
    let first = [drain.next(), drain.next()].map(|p| p.unwrap().data()[0]);
    assert_eq!(first, [0, 2]);
    assert_eq!(
        drain.as_mut_slice().iter().map(|p| p.data()[0]).collect::<Vec<_>>(),
        (4..30).step_by(2).collect::<Vec<_>>()
    );
    drop(drain);
    assert!(batch.is_empty());
    drop(extra);
    assert_eq!((one.frames_out(), two.frames_out()), (0, 0));
}

#[test]
fn append_moves_what_fits() {
    let mut pool = pool(64);
    let (mut a, mut b) = (Batch::new(), Batch::new());
    for i in 0..20u8 {
        a.push(pool.packet_from(&[i]).unwrap()).unwrap();
        b.push(pool.packet_from(&[100 + i]).unwrap()).unwrap();
    }
    assert_eq!(a.append(&mut b), 12);
    assert_eq!((a.len(), b.len()), (32, 8));
    assert_eq!((a[20].data(), b[0].data()), (&[100][..], &[112][..]));
    a.clear();
    assert_eq!(a.append(&mut b), 8);
    pool.recycle_batch(&mut a);
    assert_eq!(pool.frames_out(), 0);
}
