//! Megaflows in the order in which they came, searched from the first.

use std::time::Duration;

use ovs_flow::{FlowKey, FlowMask, Match, Ufid};

use super::WORKER;
use crate::{Actions, DpifError, FlowPut, FlowStats, FlowView, PutMode};

pub(super) struct Flow {
    /// Counts up; a cursor's position.
    pub serial: u64,
    pub ufid: Ufid,
    pub what: Match,
    pub actions: Actions,
    pub stats: FlowStats,
}

impl Flow {
    pub fn view(&self) -> FlowView<'_> {
        FlowView {
            ufid: self.ufid,
            key: &self.what.key,
            mask: &self.what.mask,
            actions: &self.actions,
            stats: self.stats,
            worker: WORKER,
        }
    }
}

/// The list.
pub(super) struct Flows {
    list: Vec<Flow>,
    next: u64,
    limit: usize,
}

impl Flows {
    pub fn new(limit: usize) -> Self {
        Self { list: Vec::new(), next: 0, limit }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn masks(&self) -> usize {
        let mut masks: Vec<&FlowMask> = Vec::new();
        for flow in &self.list {
            if !masks.contains(&&flow.what.mask) {
                masks.push(&flow.what.mask);
            }
        }
        masks.len()
    }

    /// The flows whose serial is `serial` or more.
    pub fn from(&self, serial: u64) -> impl Iterator<Item = &Flow> {
        self.list.iter().filter(move |flow| flow.serial >= serial)
    }

    pub fn get(&self, ufid: Ufid) -> Option<&Flow> {
        self.list.iter().find(|flow| flow.ufid == ufid)
    }

    /// The actions for a packet with this key, which is counted.
    pub fn hit(&mut self, key: &FlowKey, bytes: usize, now: Duration) -> Option<Actions> {
        let flow = self.list.iter_mut().find(|flow| flow.what.matches(key))?;
        flow.stats.packets += 1;
        flow.stats.bytes += bytes as u64;
        flow.stats.used = Some(now);
        flow.stats.tcp_flags |= key.tcp_flags.get();
        Some(flow.actions.clone())
    }

    pub fn add(&mut self, ufid: Ufid, what: &Match, actions: Actions) -> Result<(), DpifError> {
        if self.get(ufid).is_some() || self.list.iter().any(|flow| flow.what == *what) {
            return Err(DpifError::FlowExists);
        }
        if self.list.len() >= self.limit {
            return Err(DpifError::FlowLimit);
        }
        self.list.push(Flow { serial: self.next, ufid, what: *what, actions, stats: FlowStats::default() });
        self.next += 1;
        Ok(())
    }

    pub fn put(&mut self, put: FlowPut) -> Result<Option<FlowStats>, DpifError> {
        let ufid = put.ufid.unwrap_or_else(|| crate::identity::flow_ufid(&put.key, &put.mask));
        match (self.list.iter_mut().find(|flow| flow.ufid == ufid), put.mode) {
            (Some(_), PutMode::Create) => Err(DpifError::FlowExists),
            (None, PutMode::Modify) => Err(DpifError::NoFlow),
            (Some(flow), _) => {
                flow.actions = put.actions;
                Ok(Some(flow.stats))
            }
            (None, _) => self.add(ufid, &Match::new(&put.key, *put.mask), put.actions).map(|()| None),
        }
    }

    pub fn remove(&mut self, ufid: Ufid) -> Option<FlowStats> {
        let index = self.list.iter().position(|flow| flow.ufid == ufid)?;
        Some(self.list.remove(index).stats)
    }

    /// Removes all.
    pub fn clear(&mut self) -> Vec<(Ufid, FlowStats)> {
        self.list.drain(..).map(|flow| (flow.ufid, flow.stats)).collect()
    }
}
