//! The tables of a bridge, from the control side.
//!
//! Each table that ever had a rule is a classifier; workers read it at the version that is published, control
//! changes it for the next one. Timers of rules stand beside it.

mod eviction;
mod settings;
mod timers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::rcu::Domain;
use ovs_classifier::{ClassifierConfig, ClassifierReader, ClassifierWriter, PrefixField, RuleRef, Version};
use ovs_flow::TableId;

use crate::Limits;
use crate::rule::Flow;
use timers::Timers;

/// Tables that a controller can name, and the switch's own.
pub(crate) const TABLES: usize = 255;

/// The rules that a table holds, those that wait to be let go of included, when controllers may put in `limit`.
pub(crate) const fn max_rules(limit: usize) -> usize {
    limit.saturating_mul(2)
}

/// Counters of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct TableCounters {
    pub lookups: u64,
    pub matches: u64,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub rules: ClassifierWriter<Flow>,
    /// Rules that are there, those removed for the next version not counted.
    pub active: usize,
    /// Those that may go to make room, if any may.
    pub evictable: Option<Box<Evictable>>,
}

/// All tables of a bridge.
#[derive(Debug)]
pub(crate) struct Tables {
    domain: Domain,
    config: ClassifierConfig,
    /// Fields with tries, of tables that have others than the usual ones.
    prefixes: BTreeMap<u8, Vec<PrefixField>>,
    slots: BTreeMap<u8, Table>,
    counters: BTreeMap<u8, TableCounters>,
    readers: Arc<[Option<ClassifierReader<Flow>>]>,
    timers: Timers,
}

impl Tables {
    pub fn new(domain: &Domain, limits: &Limits, seed: [u64; 2]) -> Self {
        let config = ClassifierConfig::default()
            .seed(seed)
            .max_rules(max_rules(limits.rules_per_table))
            .max_masks(limits.masks_per_table);
        Self {
            domain: domain.clone(),
            config,
            prefixes: BTreeMap::new(),
            slots: BTreeMap::new(),
            counters: BTreeMap::new(),
            readers: vec![None; TABLES].into(),
            timers: Timers::default(),
        }
    }

    /// Lookup handles, for a snapshot.
    pub fn readers(&self) -> &Arc<[Option<ClassifierReader<Flow>>]> {
        &self.readers
    }

    pub fn get(&self, table: TableId) -> Option<&Table> {
        self.slots.get(&table.0)
    }

    pub fn get_mut(&mut self, table: TableId) -> Option<&mut Table> {
        self.slots.get_mut(&table.0)
    }

    /// The table, made if it is not there: `true` if it was, and the readers have to be published.
    pub fn make(&mut self, table: TableId) -> (&mut Table, bool) {
        let mut made = false;
        let slot = self.slots.entry(table.0).or_insert_with(|| {
            made = true;
            let config = match self.prefixes.get(&table.0) {
                Some(fields) => self.config.clone().prefixes(fields.iter().copied()),
                None => self.config.clone(),
            };
            let mut rules = ClassifierWriter::new(&self.domain, config);
            rules.defer();
            Table { rules, active: 0, evictable: None }
        });
        if made {
            let mut readers = self.readers.to_vec();
            if let Some(place) = readers.get_mut(usize::from(table.0)) {
                *place = Some(slot.rules.reader());
            }
            self.readers = readers.into();
        }
        (slot, made)
    }

    /// Sets the fields that have tries, `None` for the usual ones. A table that is there is taken out to be made anew:
    /// it is returned with its rules.
    pub fn set_prefixes(&mut self, table: TableId, fields: Option<&Vec<PrefixField>>) -> Option<Table> {
        if self.prefixes.get(&table.0) == fields {
            return None;
        }
        match fields {
            Some(fields) => self.prefixes.insert(table.0, fields.clone()),
            None => self.prefixes.remove(&table.0),
        };
        self.slots.remove(&table.0)
    }

    /// The tables that ever had a rule, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TableId, &Table)> {
        self.slots.iter().map(|(id, table)| (TableId(*id), table))
    }

    /// Those of them that a request names: one, or all that controllers see.
    pub fn named(&self, table: TableId) -> Vec<TableId> {
        let visible = self.slots.keys().map(|id| TableId(*id)).filter(|id| *id != TableId::INTERNAL);
        visible.filter(|id| table == TableId::ALL || *id == table).collect()
    }

    pub fn counters(&self, table: TableId) -> TableCounters {
        self.counters.get(&table.0).copied().unwrap_or_default()
    }

    pub fn count(&mut self, table: TableId, matched: bool, packets: u64) {
        let counters = self.counters.entry(table.0).or_default();
        counters.lookups += packets;
        counters.matches += if matched { packets } else { 0 };
    }

    /// Rules of all tables that controllers see.
    pub fn total(&self) -> usize {
        self.iter().filter(|(id, _)| *id != TableId::INTERNAL).map(|(_, table)| table.active).sum()
    }

    /// Puts a rule's timeouts on the clock.
    pub fn start_timer(&mut self, rule: &RuleRef<Flow>) {
        self.timers.start(rule);
    }

    /// The rules whose time has come, with what ended it; at most `max`.
    pub fn expired(&mut self, now: Duration, max: usize) -> Vec<(RuleRef<Flow>, Expiry)> {
        self.timers.expired(now, max)
    }

    /// When [`Tables::expired`] has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Before a version is told to readers: all tables show it fully.
    pub fn publish(&mut self) {
        for table in self.slots.values_mut() {
            table.rules.publish();
            // What comes next is collected until the next version.
            table.rules.defer();
        }
    }

    /// Lets go of up to `max` rules that no reader of `oldest` or later sees; says of how many.
    pub fn gc(&mut self, oldest: Version, max: usize) -> usize {
        let mut gone = 0;
        for table in self.slots.values_mut().filter(|table| table.rules.waiting() > 0) {
            gone += table.rules.gc_some(oldest, max - gone);
        }
        gone
    }

    /// Whether rules that were removed after `version` wait for [`Tables::gc`].
    pub fn waits_beyond(&self, version: Version) -> bool {
        self.slots.values().any(|table| table.rules.last_removed().is_some_and(|last| last > version))
    }
}

pub(crate) use eviction::Evictable;
pub(crate) use settings::{Miss, TableSettings};
pub(crate) use timers::Expiry;
