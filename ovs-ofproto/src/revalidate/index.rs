//! The megaflows by identity, and by what they depend on.

use std::collections::{BTreeMap, BTreeSet};

use ovs_flow::Ufid;

use super::Megaflow;
use crate::translate::Dep;

/// All megaflows that the control side knows.
#[derive(Debug, Default)]
pub(crate) struct Index {
    flows: BTreeMap<Ufid, Megaflow>,
    by_dep: BTreeMap<Dep, BTreeSet<Ufid>>,
}

impl Index {
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    pub fn get(&self, ufid: &Ufid) -> Option<&Megaflow> {
        self.flows.get(ufid)
    }

    /// For changes that leave the dependencies alone.
    pub fn get_mut(&mut self, ufid: &Ufid) -> Option<&mut Megaflow> {
        self.flows.get_mut(ufid)
    }

    pub fn ufids(&self) -> impl Iterator<Item = Ufid> {
        self.flows.keys().copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Ufid, &Megaflow)> {
        self.flows.iter()
    }

    pub fn dependents(&self, dep: Dep) -> impl Iterator<Item = Ufid> + '_ {
        self.by_dep.get(&dep).into_iter().flatten().copied()
    }

    pub fn insert(&mut self, ufid: Ufid, flow: Megaflow) {
        self.remove(&ufid);
        for dep in &flow.deps {
            self.by_dep.entry(*dep).or_default().insert(ufid);
        }
        self.flows.insert(ufid, flow);
    }

    pub fn remove(&mut self, ufid: &Ufid) -> Option<Megaflow> {
        let flow = self.flows.remove(ufid)?;
        self.forget(*ufid, &flow.deps);
        Some(flow)
    }

    fn forget(&mut self, ufid: Ufid, deps: &[Dep]) {
        for dep in deps {
            if let Some(set) = self.by_dep.get_mut(dep) {
                set.remove(&ufid);
                if set.is_empty() {
                    self.by_dep.remove(dep);
                }
            }
        }
    }

    /// Replaces what a megaflow depends on.
    pub fn set_deps(&mut self, ufid: Ufid, deps: Vec<Dep>) {
        let Some(flow) = self.flows.get_mut(&ufid) else { return };
        if flow.deps == deps {
            return;
        }
        let old = std::mem::replace(&mut flow.deps, deps.clone());
        self.forget(ufid, &old);
        for dep in deps {
            self.by_dep.entry(dep).or_default().insert(ufid);
        }
    }
}
