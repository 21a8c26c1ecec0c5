//! The megaflows of one worker: its private lookup structures, and the view that the control side reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ovs_flow::{FlowKey, FlowMask, SparseKey, Ufid};
use parking_lot::Mutex;

use super::megaflow::{Counters, Megaflow};
use crate::{Actions, DpifError, FlowPut, FlowStats, FlowView, PutMode, WorkerId};

type Shared = Arc<Mutex<BTreeMap<u64, Arc<Megaflow>>>>;

/// A megaflow in [`Tables`]; good until the next change of the tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FlowRef(u64);

/// Counters of lookups.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LookupStats {
    pub cache_hit: u64,
    pub mask_probed: u64,
}

/// The worker's side.
pub(super) struct Tables {
    shared: Shared,
    flows: HashMap<u64, Arc<Megaflow>>,
    by_ufid: HashMap<Ufid, u64>,
    masks: Vec<(FlowMask, HashMap<FlowKey, u64>)>,
    next: u64,
    pub stats: LookupStats,
}

impl Tables {
    pub fn new() -> (Self, TableView) {
        let shared = Shared::default();
        let tables = Self {
            shared: shared.clone(),
            flows: HashMap::new(),
            by_ufid: HashMap::new(),
            masks: Vec::new(),
            next: 1,
            stats: LookupStats::default(),
        };
        (tables, TableView { shared })
    }

    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    pub fn masks(&self) -> usize {
        self.masks.len()
    }

    /// Looks up a batch of keys.
    pub fn lookup(&mut self, keys: &[SparseKey], found: &mut [Option<FlowRef>]) {
        for (key, found) in keys.iter().zip(found) {
            let key = key.expand();
            self.stats.mask_probed += self.masks.len() as u64;
            *found = self
                .masks
                .iter()
                .find_map(|(mask, map)| map.get(&key.masked(&mask.fields)))
                .map(|f| FlowRef(*f));
        }
    }

    pub fn get(&self, flow: FlowRef) -> Option<&Megaflow> {
        self.flows.get(&flow.0).map(|f| &**f)
    }

    /// Adds a flow, unless one with this identity is there.
    pub fn add(
        &mut self,
        ufid: Ufid,
        key: &FlowKey,
        mask: &FlowMask,
        actions: Actions,
    ) -> Result<(), DpifError> {
        if self.by_ufid.contains_key(&ufid) {
            return Err(DpifError::FlowExists);
        }
        let id = self.next;
        self.next += 1;
        let key = key.masked(&mask.fields);
        let flow = Arc::new(Megaflow { ufid, key, mask: *mask, actions, counters: Counters::default() });
        let index = match self.masks.iter().position(|(m, _)| m == mask) {
            Some(index) => index,
            None => {
                self.masks.push((*mask, HashMap::new()));
                self.masks.len() - 1
            }
        };
        self.masks[index].1.insert(key, id);
        self.by_ufid.insert(ufid, id);
        self.shared.lock().insert(id, flow.clone());
        self.flows.insert(id, flow);
        Ok(())
    }

    /// Puts a flow as the control side asks; gives the counters of a flow that was changed.
    pub fn put(&mut self, ufid: Ufid, put: &FlowPut, limit: usize) -> Result<Option<FlowStats>, DpifError> {
        match (self.by_ufid.get(&ufid).copied(), put.mode) {
            (Some(_), PutMode::Create) => Err(DpifError::FlowExists),
            (None, PutMode::Modify) => Err(DpifError::NoFlow),
            (None, _) if self.flows.len() >= limit => Err(DpifError::FlowLimit),
            (None, _) => self.add(ufid, &put.key, &put.mask, put.actions.clone()).map(|()| None),
            (Some(id), _) => Ok(self.change(id, put.actions.clone())),
        }
    }

    fn change(&mut self, id: u64, actions: Actions) -> Option<FlowStats> {
        let old = self.flows.get_mut(&id)?;
        let stats = old.counters.read();
        *old = Arc::new(Megaflow {
            ufid: old.ufid,
            key: old.key,
            mask: old.mask,
            actions,
            counters: Counters::new(stats),
        });
        self.shared.lock().insert(id, old.clone());
        Some(stats)
    }

    /// Removes a flow and gives its counters.
    pub fn remove(&mut self, ufid: Ufid) -> Option<FlowStats> {
        let id = self.by_ufid.remove(&ufid)?;
        let flow = self.flows.remove(&id)?;
        self.shared.lock().remove(&id);
        for (mask, map) in &mut self.masks {
            if *mask == flow.mask {
                map.remove(&flow.key);
            }
        }
        self.masks.retain(|(_, map)| !map.is_empty());
        Some(flow.counters.read())
    }

    /// Some flow, if there is one.
    pub fn any(&self) -> Option<Ufid> {
        self.shared.lock().first_key_value().map(|(_, flow)| flow.ufid)
    }
}

/// The control side's view of a worker's flows.
pub(super) struct TableView {
    shared: Shared,
}

impl TableView {
    /// Shows flows from `position` on, at most `max`; moves `position` behind the last one shown. `true` if there
    /// may be more.
    pub fn dump(
        &self,
        position: &mut u64,
        max: usize,
        worker: WorkerId,
        show: &mut dyn FnMut(FlowView<'_>),
    ) -> usize {
        let flows: Vec<_> =
            self.shared.lock().range(*position..).take(max).map(|(id, f)| (*id, f.clone())).collect();
        for (id, flow) in &flows {
            *position = id + 1;
            show(flow.view(worker));
        }
        flows.len()
    }

    pub fn get(&self, ufid: Ufid, worker: WorkerId, show: &mut dyn FnMut(FlowView<'_>)) {
        let flow = self.shared.lock().values().find(|f| f.ufid == ufid).cloned();
        if let Some(flow) = flow {
            show(flow.view(worker));
        }
    }
}
