//! The fragments that one worker holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ovs_packet::fragment::{Accepted, Family, Origin, Reassembler, ReassemblerConfig};
use ovs_packet::{Packet, Pool};

use super::board::Board;
use super::{Fragments, place};
use crate::{DropReason, Ledger};

/// Packets after which a list is written anew at the earliest, where turns are busy.
const LIST_AFTER: u64 = 256;

/// A reassembler that obeys the datapath's settings, and tells what it holds.
pub(crate) struct Held {
    reassembler: Reassembler,
    all: Fragments,
    board: Arc<Board>,
    /// The settings that it has.
    version: u32,
    /// How many the others have been told that this one holds.
    told: u32,
    /// Something has changed since the board's head was written.
    changed: bool,
    /// Packets that have changed something since the board's list was written.
    unlisted: u64,
    /// Datagrams that the list had when it was written.
    listed: u64,
}

impl Held {
    pub fn new(all: &Fragments) -> Self {
        let board = Arc::<Board>::default();
        all.shared.boards.lock().present.push(board.clone());
        let mut held = Self {
            reassembler: Reassembler::new(ReassemblerConfig::default()),
            all: all.clone(),
            board,
            version: 0,
            told: 0,
            changed: false,
            unlisted: 0,
            listed: 0,
        };
        held.obey();
        held
    }

    /// Takes a packet, as [`Reassembler::accept`].
    pub fn accept(&mut self, origin: Origin, packet: Packet, now: Duration, pool: &mut Pool) -> Accepted {
        self.obey();
        let accepted = self.reassembler.accept(origin, packet, now, pool);
        if !matches!(accepted, Accepted::NotAFragment(_)) {
            self.changed = true;
            self.unlisted += 1;
        }
        self.tell();
        accepted
    }

    /// Fragments held.
    pub fn held(&self) -> usize {
        self.reassembler.held()
    }

    /// Drops the fragments whose time is over.
    pub fn expire(&mut self, now: Duration, pool: &mut Pool, ledger: &mut Ledger) {
        let gone = self.reassembler.expire(now, &mut |packet| pool.recycle(packet)) as u64;
        if gone > 0 {
            ledger.queued -= gone;
            ledger.drop_many(DropReason::FragmentTimeout, gone);
            self.changed = true;
            self.unlisted += gone;
            self.tell();
        }
    }

    /// Does what is due at the end of a turn; says whether something was dropped. Costs nothing where there are no
    /// fragments. The list of datagrams is written in a turn that has nothing else to do, which
    /// [`Held::is_behind`] asks for, or when its cost is little for each of the packets that have changed it: or a
    /// stranger's lone fragments made every turn pay for all of them.
    pub fn turn(&mut self, now: Duration, idle: bool, pool: &mut Pool, ledger: &mut Ledger) -> bool {
        let due = self.next().is_some_and(|at| at <= now);
        if due {
            self.expire(now, pool, ledger);
        }
        if std::mem::take(&mut self.changed) {
            self.board.write_head(&self.reassembler);
        }
        if self.unlisted > if idle { 0 } else { self.listed.max(LIST_AFTER) } {
            self.listed = self.board.write_list(&self.reassembler);
            self.unlisted = 0;
        }
        due
    }

    /// Whether the list that others see is not what there is.
    pub fn is_behind(&self) -> bool {
        self.unlisted > 0
    }

    /// When the next fragment's time is over.
    pub fn next(&self) -> Option<Duration> {
        self.reassembler.next_deadline()
    }

    /// Takes the settings over, if they have changed, and what the others leave of the room.
    fn obey(&mut self) {
        let shared = &self.all.shared;
        let version = shared.version.load(Ordering::Acquire);
        let most = self.all.most();
        let others = shared.held.load(Ordering::Relaxed).saturating_sub(self.told);
        let room = most.saturating_sub(others);
        if version == self.version && room == self.reassembler.config().fragments {
            return;
        }
        self.version = version;
        let [v4, v6] =
            [Family::V4, Family::V6].map(|family| shared.least[place(family)].load(Ordering::Relaxed));
        let usual = ReassemblerConfig::default();
        // The other limits grow with the one that is set.
        let times = most.div_ceil(usual.fragments).max(1);
        let config = usual
            .enabled(self.all.is_enabled(Family::V4), self.all.is_enabled(Family::V6))
            .least(v4, v6)
            .fragments(room)
            .fragments_per_port(most.div_ceil(2))
            .datagrams(usual.datagrams * times)
            .bytes(usual.bytes * times as usize);
        self.reassembler.configure(config);
    }

    /// Lets the other workers know how many this one holds.
    fn tell(&mut self) {
        let held = self.reassembler.held() as u32;
        if held != self.told {
            self.all.shared.held.fetch_add(held.wrapping_sub(self.told), Ordering::Relaxed);
            self.told = held;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.reassembler.purge(&mut drop);
        self.tell();
        self.board.write_head(&self.reassembler);
        self.all.shared.boards.lock().part(&self.board);
    }
}

#[cfg(test)]
mod tests {
    use ovs_packet::{PoolConfig, build};

    use super::*;

    #[test]
    fn a_busy_worker_lists_rarely_and_an_idle_one_at_once() {
        let all = Fragments::default();
        let (mut pool, mut ledger) = (Pool::new(PoolConfig::default()), Ledger::default());
        let mut held = Held::new(&all);
        let mut lists = 0;
        all.set_most(5_000).unwrap();
        for id in 1..=1_000_u64 {
            let text = format!("eth / ipv4 10.0.0.1 > 10.0.0.2 mf=1 id={id} / udp 1 > 2 / 1400");
            let packet = Packet::detached(&build::frame(&text).unwrap()).unwrap();
            held.accept(Origin { zone: 0, port: id as u32 % 4 }, packet, Duration::ZERO, &mut pool);
            held.turn(Duration::ZERO, false, &mut pool, &mut ledger);
            lists += u32::from(!held.is_behind());
            assert_eq!(all.status().held, id);
        }
        assert!((1..5).contains(&lists), "{lists}");
        held.turn(Duration::ZERO, true, &mut pool, &mut ledger);
        assert!(!held.is_behind());
        assert_eq!(all.datagrams().len(), 1_000);
        drop(held);
        assert!(all.shared.boards.lock().present.is_empty());
        let status = all.status();
        assert_eq!((status.held, status.v4.accepted, all.datagrams().len()), (0, 1_000, 0));
    }
}
