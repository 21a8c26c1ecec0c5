//! Which worker gets which queue: a function of what is known, with no state.

use std::cmp::Reverse;

use crate::{RxConfig, RxPolicy, WorkerId};

/// A queue to be given away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub polled: bool,
    /// The core that it is to be on.
    pub pinned: Option<usize>,
    /// The NUMA node that its device is on.
    pub numa: u32,
    /// What it costs.
    pub busy: u64,
    /// The worker that it stays with, if it is not pinned elsewhere.
    pub keep: Option<WorkerId>,
}

/// A worker that takes queues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub worker: WorkerId,
    /// It is for queues that cannot be slept on.
    pub polls: bool,
    pub core: Option<usize>,
    /// The NUMA node of its core.
    pub numa: u32,
}

/// The worker of each queue, in the order of `queues`; `None` for all if there is no worker.
///
/// Polled queues go to workers that poll, others to workers that sleep; where there is none of that kind, to any. A
/// pinned queue goes to the worker on its core, if there is one and the queue is polled. Workers on the NUMA node of a
/// queue's device are preferred to all others; where there is none, nodes take turns.
pub(super) fn assign(queues: &[Wish], seats: &[Seat], config: RxConfig) -> Vec<Option<WorkerId>> {
    let pins: Vec<Option<WorkerId>> = queues.iter().map(|queue| pinned(queue, seats)).collect();
    let mut chosen: Vec<Option<WorkerId>> =
        queues.iter().zip(&pins).map(|(queue, pin)| pin.or(queue.keep)).collect();
    for polled in [false, true] {
        let mut fitting: Vec<&Seat> = seats.iter().filter(|seat| seat.polls == polled).collect();
        if config.isolate {
            let open: Vec<&Seat> =
                fitting.iter().copied().filter(|seat| !pins.contains(&Some(seat.worker))).collect();
            // If all are isolated, the queues must go somewhere.
            if !open.is_empty() {
                fitting = open;
            }
        }
        if fitting.is_empty() {
            fitting = seats.iter().collect();
        }
        if fitting.is_empty() {
            return chosen;
        }
        fitting.sort_by_key(|seat| (seat.core, seat.worker));
        let mut order: Vec<usize> =
            (0..queues.len()).filter(|at| queues[*at].polled == polled && chosen[*at].is_none()).collect();
        if config.policy != RxPolicy::RoundRobin {
            order.sort_by_key(|at| Reverse(queues[*at].busy));
        }
        let mut nodes = Nodes::of(&fitting);
        for at in order {
            let Some(node) = nodes.near(queues[at].numa) else { continue };
            let worker = match config.policy {
                RxPolicy::RoundRobin => node.next(false),
                RxPolicy::Cycles => node.next(true),
                RxPolicy::Group => least(&node.seats, queues, &chosen),
            };
            chosen[at] = worker;
        }
    }
    chosen
}

/// The worker on the core that a queue is pinned to.
fn pinned(queue: &Wish, seats: &[Seat]) -> Option<WorkerId> {
    let core = queue.pinned.filter(|_| queue.polled)?;
    seats.iter().find(|seat| seat.polls && seat.core == Some(core)).map(|seat| seat.worker)
}

/// The workers of one NUMA node, and how many of its queues have been given away.
struct Node<'a> {
    numa: u32,
    seats: Vec<&'a Seat>,
    given: usize,
}

impl Node<'_> {
    /// The worker whose turn it is: one after the other from the first, or up and down.
    fn next(&mut self, up_and_down: bool) -> Option<WorkerId> {
        let count = self.seats.len().max(1);
        let (round, at) = (self.given / count, self.given % count);
        self.given += 1;
        let at = if up_and_down && round % 2 == 1 { count - 1 - at } else { at };
        self.seats.get(at).map(|seat| seat.worker)
    }
}

/// Workers by NUMA node.
struct Nodes<'a> {
    nodes: Vec<Node<'a>>,
    /// Which node takes the next queue that has none of its own.
    turn: usize,
}

impl<'a> Nodes<'a> {
    /// The nodes of workers that stand in the order in which they are to be taken.
    fn of(seats: &[&'a Seat]) -> Self {
        let mut nodes: Vec<Node<'a>> = Vec::new();
        for seat in seats {
            match nodes.iter_mut().find(|node| node.numa == seat.numa) {
                Some(node) => node.seats.push(seat),
                None => nodes.push(Node { numa: seat.numa, seats: vec![seat], given: 0 }),
            }
        }
        nodes.sort_by_key(|node| node.numa);
        Self { nodes, turn: 0 }
    }

    /// The node with this number, or the one whose turn it is.
    fn near(&mut self, numa: u32) -> Option<&mut Node<'a>> {
        let own = self.nodes.iter().position(|node| node.numa == numa);
        let at = own.unwrap_or_else(|| {
            let turn = self.turn % self.nodes.len().max(1);
            self.turn += 1;
            turn
        });
        self.nodes.get_mut(at)
    }
}

/// The worker with the least work; of those with equal work, the one with the fewest queues.
fn least(seats: &[&Seat], queues: &[Wish], chosen: &[Option<WorkerId>]) -> Option<WorkerId> {
    let load = |worker: WorkerId| {
        let own = || queues.iter().zip(chosen).filter(|(_, one)| **one == Some(worker));
        (own().map(|(queue, _)| queue.busy).sum::<u64>(), own().count())
    };
    seats.iter().min_by_key(|seat| load(seat.worker)).map(|seat| seat.worker)
}

/// The variance of what workers have to do.
pub(super) fn variance(loads: &[u64]) -> u64 {
    let count = loads.len().max(1) as u64;
    let mean = loads.iter().sum::<u64>() / count;
    loads.iter().map(|load| load.abs_diff(mean).pow(2)).sum::<u64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(cores: &[usize]) -> Vec<Seat> {
        let main = Seat { worker: WorkerId(0), polls: false, core: None, numa: 0 };
        let polling = cores.iter().enumerate();
        let polling = polling.map(|(at, core)| Seat {
            worker: WorkerId(at as u32 + 1),
            polls: true,
            core: Some(*core),
            // Ten cores to a node.
            numa: (*core / 10) as u32,
        });
        std::iter::once(main).chain(polling).collect()
    }

    fn workers(queues: &[Wish], cores: &[usize], config: RxConfig) -> Vec<u32> {
        assign(queues, &seats(cores), config).into_iter().map(|worker| worker.map_or(99, |w| w.0)).collect()
    }

    fn busy(loads: &[u64]) -> Vec<Wish> {
        loads
            .iter()
            .map(|busy| Wish { polled: true, pinned: None, keep: None, numa: 0, busy: *busy })
            .collect()
    }

    #[test]
    fn each_policy_gives_in_its_order() {
        let queues = busy(&[10, 80, 30, 20, 70, 60]);
        let by = |policy| workers(&queues, &[3, 5, 7], RxConfig::default().policy(policy));
        assert_eq!(by(RxPolicy::RoundRobin), [1, 2, 3, 1, 2, 3]);
        assert_eq!(by(RxPolicy::Cycles), [1, 1, 3, 2, 2, 3]);
        assert_eq!(by(RxPolicy::Group), [1, 1, 3, 2, 2, 3]);
        let by = |policy| workers(&busy(&[90, 40, 30, 20]), &[3, 5], RxConfig::default().policy(policy));
        assert_eq!(by(RxPolicy::Cycles), [1, 2, 2, 1]);
        assert_eq!(by(RxPolicy::Group), [1, 2, 2, 2]);
    }

    #[test]
    fn pinned_queues_keep_others_away_if_asked() {
        let mut queues = busy(&[10, 10, 10]);
        queues[1].pinned = Some(3);
        let round = RxConfig::default().policy(RxPolicy::RoundRobin);
        assert_eq!(workers(&queues, &[3, 5], round), [2, 1, 2]);
        assert_eq!(workers(&queues, &[3, 5], round.isolate(false)), [1, 1, 2]);
        // A core that no worker is on pins nothing; where all are isolated, queues go there all the same.
        queues[1].pinned = Some(4);
        assert_eq!(workers(&queues, &[3, 5], round), [1, 2, 1]);
        queues[1].pinned = Some(3);
        assert_eq!(workers(&queues, &[3], round), [1, 1, 1]);
    }

    #[test]
    fn queues_go_to_workers_of_their_kind_or_to_any() {
        let mut queues = busy(&[10, 10]);
        queues[0].polled = false;
        assert_eq!(workers(&queues, &[3], RxConfig::default()), [0, 1]);
        assert_eq!(workers(&queues, &[], RxConfig::default()), [0, 0]);
        assert_eq!(assign(&queues, &[], RxConfig::default()), [None, None]);
    }

    #[test]
    fn queues_go_to_their_own_node_or_to_each_in_turn() {
        let mut queues = busy(&[0; 6]);
        queues[..4].iter_mut().for_each(|queue| queue.numa = 1);
        let by = |cores: &[usize], policy| workers(&queues, cores, RxConfig::default().policy(policy));
        // As the original has it: four queues on node 1, then two on node 0.
        assert_eq!(by(&[0, 1, 10, 11], RxPolicy::Cycles), [3, 4, 4, 3, 1, 2]);
        assert_eq!(by(&[0, 1, 10, 11], RxPolicy::RoundRobin), [3, 4, 3, 4, 1, 2]);
        assert_eq!(by(&[0, 1, 10, 11], RxPolicy::Group), [3, 4, 3, 4, 1, 2]);
        assert_eq!(by(&[0, 1], RxPolicy::Cycles), [1, 2, 2, 1, 1, 2], "no thread on node 1");
        assert_eq!(by(&[0, 20], RxPolicy::Cycles), [1, 2, 1, 2, 1, 1], "nodes 0 and 2 take turns");
        let mut pinned = queues.clone();
        (pinned[0].pinned, pinned[1].pinned) = (Some(0), Some(11));
        let group = RxConfig::default().policy(RxPolicy::Group);
        assert_eq!(workers(&pinned, &[0, 1, 10, 11], group), [1, 4, 3, 3, 2, 2], "pins look at no node");
    }

    #[test]
    fn queues_that_stay_leave_the_emptier_workers_to_others() {
        let mut queues = busy(&[0, 0, 0, 0]);
        queues[0].keep = Some(WorkerId(1));
        queues[1].keep = Some(WorkerId(1));
        let group = RxConfig::default().policy(RxPolicy::Group);
        assert_eq!(workers(&queues, &[3, 5], group), [1, 1, 2, 2]);
        queues[1].pinned = Some(5);
        assert_eq!(workers(&queues, &[3, 5], group.isolate(false)), [1, 2, 1, 2]);
        assert_eq!(workers(&queues, &[3, 5], group), [1, 2, 1, 1]);
    }

    #[test]
    fn variance_is_zero_where_all_have_the_same() {
        assert_eq!(variance(&[]), 0);
        assert_eq!(variance(&[40, 40, 40]), 0);
        assert_eq!(variance(&[100, 0]), 2500);
    }
}
