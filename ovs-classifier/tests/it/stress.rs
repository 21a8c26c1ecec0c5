//! Readers that look up while the writer changes everything around them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Version};
use ovs_flow::{FlowKey, FlowMask, Match, U16, U32};

const RULES: u64 = 64;

fn rule(n: u64) -> (Match, i32) {
    let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
    key.dl_type = U16::new(0x0800);
    mask.fields.dl_type = U16::new(0xffff);
    let len = 20 + (n % 13) as u32;
    key.nw_dst = U32::new((n as u32) << 12 | 0x0a00_0000 | (n as u32));
    mask.fields.nw_dst = U32::new(u32::MAX << (32 - len));
    (Match::new(&key, mask), (n % 5) as i32)
}

/// In version v all rules have the value v: each version replaces all of them. A reader that sees another
/// value, or none, saw half of a change.
#[test]
fn every_lookup_sees_one_version() {
    let domain = Domain::new();
    let mut writer = ClassifierWriter::new(&domain, ClassifierConfig::default());
    let (current, stop) = (AtomicU64::new(1), AtomicBool::new(false));
    // Per reader, the version that it uses: the writer collects what is older than all of them.
    let used = [const { AtomicU64::new(1) }; 3];
    for n in 0..RULES {
        let (matching, priority) = rule(n);
        writer.insert(&matching, priority, 1, Version(1)).expect("no limit is met");
    }
    let lookups = std::thread::scope(|scope| {
        let readers: Vec<_> = used
            .iter()
            .map(|used| {
                let (lookups, mut reader) = (writer.reader(), domain.reader());
                let (current, stop) = (&current, &stop);
                scope.spawn(move || {
                    let mut count = 0u64;
                    while !stop.load(Ordering::Relaxed) {
                        // Announce first, then make sure that it was still current: so it is not collected.
                        let version = current.load(Ordering::SeqCst);
                        used.store(version, Ordering::SeqCst);
                        if current.load(Ordering::SeqCst) != version {
                            continue;
                        }
                        let guard = reader.enter();
                        for n in 0..RULES {
                            let key = rule(n).0.key;
                            let mut mask = FlowMask::default();
                            let plain = lookups.lookup(Version(version), &key, None, &guard);
                            let masked = lookups.lookup(Version(version), &key, Some(&mut mask), &guard);
                            assert_eq!(plain.map(|rule| *rule.value()), Some(version));
                            assert_eq!(masked.map(|rule| *rule.value()), Some(version));
                            count += 1;
                        }
                        let keys: Vec<FlowKey> = (0..RULES).map(|n| rule(n).0.key).collect();
                        let mut masks = vec![FlowMask::default(); keys.len()];
                        let mut found = vec![None; keys.len()];
                        lookups.lookup_batch(Version(version), &keys, Some(&mut masks), &mut found, &guard);
                        assert!(found.iter().all(|rule| rule.map(|rule| *rule.value()) == Some(version)));
                    }
                    count
                })
            })
            .collect();
        let end = Instant::now() + Duration::from_secs(2);
        let mut version = 1;
        while Instant::now() < end {
            version += 1;
            for n in 0..RULES {
                let (matching, priority) = rule((n * 7 + version) % RULES);
                writer.insert(&matching, priority, version, Version(version)).expect("no limit is met");
            }
            current.store(version, Ordering::SeqCst);
            let oldest = used.iter().map(|used| used.load(Ordering::SeqCst)).min().unwrap_or(version);
            writer.gc(Version(oldest));
            domain.reclaim(1000);
            if writer.waiting() > 100_000 {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().expect("no reader fails")).sum::<u64>()
    });
    assert!(lookups > 0);
}
