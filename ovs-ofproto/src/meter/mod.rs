//! Meters of a bridge: their numbers in the datapath, and which flows name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::RuleRef;
use ovs_dpif::{MeterId, MeterRate, MeterSpec, MeterUnit};
use ovs_openflow::{Action, BandKind, MeterConfig, MeterFlags, OfError};

use crate::rule::Flow;
use crate::users::Users;

/// The datapath's numbers of meters, as a snapshot has them.
pub(crate) type MeterIndex = Arc<BTreeMap<u32, MeterId>>;

/// A meter.
#[derive(Clone, Debug)]
pub(crate) struct MeterState {
    pub config: MeterConfig,
    /// The datapath's number.
    pub id: MeterId,
    pub created: Duration,
}

/// The meters of a bridge.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    states: BTreeMap<u32, MeterState>,
    index: MeterIndex,
    users: Users,
    /// Came or went since the snapshot was made.
    pub changed: bool,
}

impl Meters {
    /// For a snapshot.
    pub fn index(&self) -> &MeterIndex {
        &self.index
    }

    pub fn get(&self, meter: u32) -> Option<&MeterState> {
        self.states.get(&meter)
    }

    /// All meters, by number.
    pub fn iter(&self) -> impl Iterator<Item = &MeterState> {
        self.states.values()
    }

    /// Puts a meter in.
    pub fn insert(&mut self, state: MeterState) {
        let number = state.config.meter;
        if self.index.get(&number) != Some(&state.id) {
            Arc::make_mut(&mut self.index).insert(number, state.id);
            self.changed = true;
        }
        self.states.insert(number, state);
    }

    /// Takes a meter out.
    pub fn remove(&mut self, meter: u32) -> Option<MeterState> {
        let gone = self.states.remove(&meter)?;
        Arc::make_mut(&mut self.index).remove(&meter);
        self.changed = true;
        Some(gone)
    }

    /// A flow came or went.
    pub fn link(&mut self, rule: &RuleRef<Flow>, there: bool) {
        for action in &*rule.value().actions {
            if let Action::Meter(meter) = action {
                self.users.link(*meter, rule, there);
            }
        }
    }

    /// How many flows name a meter.
    pub fn references(&self, meter: u32) -> u32 {
        self.users.count(meter)
    }

    /// The flows that name a meter.
    pub fn users(&self, meter: u32) -> Vec<RuleRef<Flow>> {
        self.users.of(meter)
    }

    /// Whether all meters are there that actions name. Those of `controller` actions need not be.
    pub fn have_all_of(&self, actions: &[Action]) -> bool {
        let known = |meter: &u32| *meter <= MeterConfig::MAX && self.states.contains_key(meter);
        actions.iter().all(|action| if let Action::Meter(meter) = action { known(meter) } else { true })
    }
}

/// What the datapath is asked for. Without the flag for bursts, as much may come at once as in a second.
pub(crate) fn spec(config: &MeterConfig) -> Result<MeterSpec, OfError> {
    let unit =
        if config.flags.contains(MeterFlags::PKTPS) { MeterUnit::Packets } else { MeterUnit::Kilobits };
    let burst = config.flags.contains(MeterFlags::BURST);
    let rate = |band: &ovs_openflow::MeterBand| match band.kind {
        BandKind::Drop => Ok(MeterRate { rate: band.rate, burst: if burst { band.burst } else { 0 } }),
        _ => Err(OfError::MmfcBadBand),
    };
    Ok(MeterSpec { unit, rates: config.bands.iter().map(rate).collect::<Result<_, _>>()? })
}

/// The datapath's numbers: the lowest that is free is given.
#[derive(Debug, Default)]
pub(crate) struct MeterNumbers {
    taken: BTreeSet<u32>,
}

impl MeterNumbers {
    /// A number below `limit`; `None` if all are taken.
    pub fn take(&mut self, limit: u32) -> Option<MeterId> {
        let gap = self.taken.iter().zip(0..).find(|(taken, n)| *taken != n).map(|(_, n)| n);
        let free = gap.unwrap_or(self.taken.len() as u32);
        (free < limit && self.taken.insert(free)).then_some(MeterId(free))
    }

    /// Gives a number back.
    pub fn give(&mut self, id: MeterId) {
        self.taken.remove(&id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_number_is_given() {
        let mut numbers = MeterNumbers::default();
        let all: Vec<_> = (0..4).map(|_| numbers.take(3)).collect();
        assert_eq!(all, [Some(MeterId(0)), Some(MeterId(1)), Some(MeterId(2)), None]);
        numbers.give(MeterId(1));
        assert_eq!((numbers.take(3), numbers.take(3)), (Some(MeterId(1)), None));
    }
}
