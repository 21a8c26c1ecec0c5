//! NUMA nodes and their cores: the system's, or those that `--dummy-numa` makes up.

use std::collections::{BTreeMap, BTreeSet};

use ovs_dpif::Core;

/// The processors that the system has, as `0-3,5`.
const ONLINE: &str = "/sys/devices/system/cpu/online";
/// Where the system says which processors a node has.
const NODES: &str = "/sys/devices/system/node";

/// Which cores there are, and on which nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Nodes of cores.
    cores: BTreeMap<usize, u32>,
    is_dummy: bool,
}

impl Topology {
    /// Of this machine, or of one whose cores, in their order, are on these nodes.
    pub fn new(dummy: &[u32]) -> Self {
        if dummy.is_empty() { Self::of_system() } else { Self::of_dummy(dummy) }
    }

    fn of_dummy(nodes: &[u32]) -> Self {
        let topology = Self { cores: nodes.iter().copied().enumerate().collect(), is_dummy: true };
        topology.log();
        topology
    }

    fn of_system() -> Self {
        let online = std::fs::read_to_string(ONLINE).unwrap_or_default();
        let mut cores: BTreeMap<usize, u32> = listed(&online).map(|core| (core, 0)).collect();
        for entry in std::fs::read_dir(NODES).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(node) = name.strip_prefix("node").and_then(|number| number.parse().ok()) else {
                continue;
            };
            let list = std::fs::read_to_string(entry.path().join("cpulist")).unwrap_or_default();
            for core in listed(&list) {
                cores.entry(core).and_modify(|of| *of = node);
            }
        }
        Self { cores, is_dummy: false }
    }

    /// Says what was made up, in the original's words.
    fn log(&self) {
        let nodes: BTreeSet<u32> = self.cores.values().copied().collect();
        for node in &nodes {
            let count = self.cores.values().filter(|of| *of == node).count();
            tracing::info!(target: "ovs_numa", "Discovered {count} CPU cores on NUMA node {node}");
        }
        let (nodes, cores) = (nodes.len(), self.cores.len());
        tracing::info!(target: "ovs_numa", "Discovered {nodes} NUMA nodes and {cores} CPU cores");
    }

    /// A core that is there; any is where the system does not tell.
    pub fn core(&self, number: usize) -> Option<Core> {
        let mut core = Core::new(number);
        match self.cores.get(&number) {
            Some(numa) => core.numa = *numa,
            None if self.cores.is_empty() => {}
            None => return None,
        }
        Some(core)
    }

    /// The cores for polling threads where nobody has named any: one on each of these nodes. A made-up machine gives its
    /// first ones, as the original does; a real one has others to run on the first, and gives its last.
    pub fn usual(&self, nodes: &BTreeSet<u32>) -> Vec<usize> {
        let of_node = |node: &u32| {
            let mut own = self.cores.iter().filter(|(_, of)| *of == node).map(|(core, _)| *core);
            if self.is_dummy { own.next() } else { own.next_back() }
        };
        let mut cores: Vec<usize> = nodes.iter().filter_map(of_node).collect();
        if cores.is_empty() {
            let all = &self.cores;
            let any = if self.is_dummy { all.first_key_value() } else { all.last_key_value() };
            cores.push(any.map_or(0, |(core, _)| *core));
        }
        cores
    }
}

/// The numbers of a list such as `0-3,5`.
fn listed(list: &str) -> impl Iterator<Item = usize> {
    list.trim().split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let bounds = first.parse::<usize>().ok().zip(last.parse::<usize>().ok());
        // No machine has more cores than a mask can name.
        bounds.map_or(0..0, |(first, last)| first..last.saturating_add(1).min(super::polling::CORES))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_listed_by_ranges() {
        assert_eq!(listed("0-2,5,8-9\n").collect::<Vec<_>>(), [0, 1, 2, 5, 8, 9]);
        assert_eq!(listed("").count() + listed("x,1-,3-2").count(), 0);
        assert!(listed("0-18446744073709551615").count() <= 1024);
    }

    #[test]
    fn this_machine_has_a_core() {
        let topology = Topology::new(&[]);
        assert_eq!(topology.core(0), Some(Core::new(0)));
        assert_eq!(topology.usual(&BTreeSet::new()).len(), 1);
    }

    #[test]
    fn a_made_up_machine_has_the_cores_that_were_said() {
        let topology = Topology::new(&[0, 0, 1, 1]);
        assert_eq!(topology.core(2).map(|core| core.numa), Some(1));
        assert_eq!(topology.core(4), None);
        let usual = |nodes: &[u32]| topology.usual(&nodes.iter().copied().collect());
        assert_eq!((usual(&[0, 1]), usual(&[1]), usual(&[])), (vec![0, 2], vec![2], vec![0]));
        assert_eq!(usual(&[7]), [0], "a node without cores");
    }
}
