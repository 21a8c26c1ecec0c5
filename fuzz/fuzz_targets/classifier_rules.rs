//! Operations on the rule classifier, beside its naive twin: rules and clauses of conjunctions, versions, bundles that are
//! taken back, orders that are deferred. The first byte chooses the tries; then an operation is 19 bytes.
#![no_main]

#[path = "classifier/keys.rs"]
mod keys;

use keys::{key, mask};
use libfuzzer_sys::fuzz_target;
use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Clause, Inserted, PrefixField, Version, naive};
use ovs_flow::{FlowMask, Match, U16};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let prefixes: &[PrefixField] = match first % 4 {
        0 => &[],
        1 => &[PrefixField::NwSrc],
        2 => &PrefixField::DEFAULT,
        _ => &[PrefixField::TunSrc, PrefixField::NwDst],
    };
    run(prefixes, rest.chunks_exact(19));
});

fn run<'a>(prefixes: &[PrefixField], operations: impl Iterator<Item = &'a [u8]>) {
    let domain = Domain::new();
    let config = ClassifierConfig::default().prefixes(prefixes.iter().copied()).max_dimensions(4);
    let mut fast = ClassifierWriter::new(&domain, config);
    let mut twin = naive::Classifier::new(prefixes.iter().copied());
    let (lookups, mut reader) = (fast.reader(), domain.reader());
    let (mut version, mut deferred, mut last) = (Version(1), false, None);
    for (n, bytes) in operations.enumerate() {
        let key = key(&bytes[3..11]);
        let (matching, priority) = (Match::new(&key, mask(&bytes[11..19])), i32::from(bytes[0] >> 5));
        let undo = last.take();
        match bytes[0] % 8 {
            0..=2 => {
                let clauses = clauses(bytes[1], bytes[2]);
                if let Ok(done) = fast.insert_clauses(&matching, priority, clauses.clone().into(), n, version)
                {
                    twin.insert(&matching, priority, &clauses, n, version);
                    last = Some(done);
                }
            }
            3 => {
                let rule = fast.find_exact(&matching, priority, Version(u64::MAX - 1));
                let removed = rule.is_some_and(|rule| fast.remove_at(&rule, version));
                assert_eq!(removed, twin.remove_at(&matching, priority, version));
            }
            4 => {
                fast.publish();
                twin.publish();
                (version, deferred) = (version.next(), false);
                assert_eq!(fast.gc(Version(version.0 - 1)), twin.gc(Version(version.0 - 1)));
                domain.reclaim(usize::from(bytes[1]));
            }
            5 => {
                fast.defer();
                twin.defer();
                deferred = true;
            }
            6 => {
                if let Some(Inserted { rule, replaced }) = undo {
                    assert!(fast.discard(&rule));
                    assert!(replaced.is_none_or(|rule| fast.restore(&rule)));
                    twin.undo();
                }
            }
            _ => {
                let overlap = fast.find_overlap(&matching, priority, version).is_some();
                let meets = |rule: &naive::Rule<usize>| {
                    rule.priority == priority
                        && (rule.added..rule.removed).contains(&version)
                        && rule.matching.overlaps(&matching)
                };
                assert_eq!(overlap, twin.rules().iter().any(meets));
            }
        }
        let seen = if deferred { Version(version.0 - 1) } else { version };
        let mut packet = key;
        packet.conj_id = 0;
        let (mut ours, mut theirs) = (FlowMask::default(), FlowMask::default());
        (ours.fields.dl_type, theirs.fields.dl_type) = (U16::new(0xffff), U16::new(0xffff));
        let guard = reader.enter();
        let found = lookups.lookup(seen, &packet, Some(&mut ours), &guard).map(|rule| *rule.value());
        assert_eq!(found, lookups.lookup(seen, &packet, None, &guard).map(|rule| *rule.value()));
        assert_eq!(found, twin.lookup_and_mask(seen, &packet, &mut theirs).map(|rule| rule.value));
        assert!(deferred || ours == theirs);
    }
}

fn clauses(count: u8, bits: u8) -> Vec<Clause> {
    let clause = |n: u8| {
        let bits = bits.rotate_left(u32::from(n) * 3);
        Clause { id: u32::from(bits & 3), dimension: bits >> 2 & 3, dimensions: bits >> 4 & 7 }
    };
    (0..count.saturating_sub(190) / 20).map(clause).collect()
}
