//! Mirrors of a bridge: their places, and what they have counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rule::RuleStats;
use crate::{MirrorConfig, MirrorStatus};

/// The most mirrors of one bridge.
const MAX_MIRRORS: usize = 32;

/// A mirror.
#[derive(Debug)]
struct Mirror {
    key: String,
    stats: Arc<RuleStats>,
}

/// The mirrors of a bridge, each in a place that it keeps: packets go to them in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Mirrors {
    places: [Option<Mirror>; MAX_MIRRORS],
}

impl Mirrors {
    /// Takes over the mirrors that are wanted; gives the names of those for which there is no place.
    pub fn configure(&mut self, wanted: &BTreeMap<String, MirrorConfig>) -> Vec<String> {
        for place in &mut self.places {
            place.take_if(|mirror| !wanted.contains_key(&mirror.key));
        }
        let mut refused = Vec::new();
        for (key, config) in wanted {
            if self.places.iter().flatten().any(|mirror| mirror.key == *key) {
                continue;
            }
            match self.places.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(Mirror { key: key.clone(), stats: Arc::default() }),
                None => refused.push(config.name.clone()),
            }
        }
        refused
    }

    /// All of them in order: place, key, counters.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str, &Arc<RuleStats>)> {
        let mirrors = self.places.iter().enumerate();
        mirrors.filter_map(|(place, mirror)| {
            mirror.as_ref().map(|mirror| (place, mirror.key.as_str(), &mirror.stats))
        })
    }

    /// What they have counted, by key.
    pub fn status(&self) -> BTreeMap<String, MirrorStatus> {
        let told = self.iter().map(|(_, key, stats)| {
            let (tx_packets, tx_bytes) = stats.counts();
            (key.to_owned(), MirrorStatus { tx_packets, tx_bytes })
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MirrorOutput;

    fn wanted(keys: &[String]) -> BTreeMap<String, MirrorConfig> {
        let mirror = |key: &String| (key.clone(), MirrorConfig::new(key, MirrorOutput::Port("p".into())));
        keys.iter().map(mirror).collect()
    }

    #[test]
    fn places_are_kept_and_those_without_one_are_named() {
        let keys: Vec<String> = (10..=10 + MAX_MIRRORS).map(|n| n.to_string()).collect();
        let mut mirrors = Mirrors::default();
        assert_eq!(mirrors.configure(&wanted(&keys)), [keys[MAX_MIRRORS].clone()]);
        assert!(mirrors.configure(&wanted(&keys[1..])).is_empty());
        let order: Vec<&str> = mirrors.iter().map(|(_, key, _)| key).collect();
        assert_eq!((order[0], order[1]), (keys[MAX_MIRRORS].as_str(), keys[1].as_str()));
    }
}
