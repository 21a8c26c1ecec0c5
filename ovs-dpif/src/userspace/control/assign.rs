//! Which worker gets which queue: a function of what is known, with no state.

use std::cmp::Reverse;

use crate::{RxConfig, RxPolicy, WorkerId};

/// A queue to be given away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub polled: bool,
    /// The core that it is to be on.
    pub pinned: Option<usize>,
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
}

/// The worker of each queue, in the order of `queues`; `None` for all if there is no worker.
///
/// Polled queues go to workers that poll, others to workers that sleep; where there is none of that kind, to any. A
/// pinned queue goes to the worker on its core, if there is one and the queue is polled.
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
        match config.policy {
            RxPolicy::RoundRobin => give(&order, fitting.iter().cycle(), &mut chosen),
            RxPolicy::Cycles => give(&order, fitting.iter().chain(fitting.iter().rev()).cycle(), &mut chosen),
            RxPolicy::Group => group(&order, queues, &fitting, &mut chosen),
        }
    }
    chosen
}

/// The worker on the core that a queue is pinned to.
fn pinned(queue: &Wish, seats: &[Seat]) -> Option<WorkerId> {
    let core = queue.pinned.filter(|_| queue.polled)?;
    seats.iter().find(|seat| seat.polls && seat.core == Some(core)).map(|seat| seat.worker)
}

fn give<'a>(order: &[usize], seats: impl Iterator<Item = &'a &'a Seat>, chosen: &mut [Option<WorkerId>]) {
    for (at, seat) in order.iter().zip(seats) {
        chosen[*at] = Some(seat.worker);
    }
}

/// Each queue to the worker with the least work; of those with equal work, to the one with the fewest queues.
fn group(order: &[usize], queues: &[Wish], fitting: &[&Seat], chosen: &mut [Option<WorkerId>]) {
    let load = |worker: WorkerId, chosen: &[Option<WorkerId>]| {
        let own = || queues.iter().zip(chosen).filter(|(_, one)| **one == Some(worker));
        (own().map(|(queue, _)| queue.busy).sum::<u64>(), own().count())
    };
    for at in order {
        let least = fitting.iter().min_by_key(|seat| load(seat.worker, chosen));
        chosen[*at] = least.map(|seat| seat.worker);
    }
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
        let main = Seat { worker: WorkerId(0), polls: false, core: None };
        let polling = cores.iter().enumerate();
        let polling = polling.map(|(at, core)| Seat {
            worker: WorkerId(at as u32 + 1),
            polls: true,
            core: Some(*core),
        });
        std::iter::once(main).chain(polling).collect()
    }

    fn workers(queues: &[Wish], cores: &[usize], config: RxConfig) -> Vec<u32> {
        assign(queues, &seats(cores), config).into_iter().map(|worker| worker.map_or(99, |w| w.0)).collect()
    }

    fn busy(loads: &[u64]) -> Vec<Wish> {
        loads.iter().map(|busy| Wish { polled: true, pinned: None, keep: None, busy: *busy }).collect()
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
