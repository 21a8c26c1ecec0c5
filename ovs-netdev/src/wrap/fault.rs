//! Harming packets on purpose.

use ovs_packet::{Batch, Packet};

use super::{Direction, Hook, Wrapper};

/// How often what happens, in millionths; at most one of these to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultConfig {
    /// Packets that are lost.
    pub loss: u32,
    /// Packets that come twice, if the batch has room.
    pub duplicate: u32,
    /// Packets of which one bit is turned.
    pub corrupt: u32,
    /// Equal seeds harm equal packets of equal queues.
    pub seed: u64,
}

impl FaultConfig {
    /// Sets how many packets are lost.
    pub fn loss(mut self, millionths: u32) -> Self {
        self.loss = millionths;
        self
    }

    /// Sets how many packets come twice.
    pub fn duplicate(mut self, millionths: u32) -> Self {
        self.duplicate = millionths;
        self
    }

    /// Sets how many packets have one bit turned.
    pub fn corrupt(mut self, millionths: u32) -> Self {
        self.corrupt = millionths;
        self
    }

    /// Sets the seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// Loses, doubles and corrupts packets both ways.
#[derive(Clone, Copy, Debug)]
pub struct Faults(FaultConfig);

impl Faults {
    /// As `config` says.
    pub fn new(config: FaultConfig) -> Self {
        Self(config)
    }
}

impl Wrapper for Faults {
    fn hook(&mut self, direction: Direction, number: usize) -> Box<dyn Hook> {
        let stream = 2 * number as u64 + u64::from(direction == Direction::Sent);
        // A different sequence for each queue, of which none begins where another does.
        let state = Random(self.0.seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95)).next();
        Box::new(FaultHook { config: self.0, random: Random(state) })
    }
}

/// `SplitMix64`: good enough to harm packets, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

struct FaultHook {
    config: FaultConfig,
    random: Random,
}

impl FaultHook {
    /// What becomes of a packet: nothing, itself, or itself twice.
    fn harm(&mut self, mut packet: Packet) -> [Option<Packet>; 2] {
        let FaultConfig { loss, duplicate, corrupt, .. } = self.config;
        let mut dice = self.random.below(1_000_000) as u32;
        if dice < loss {
            return [None, None];
        }
        dice -= loss;
        if dice < duplicate {
            let twin = Packet::detached(packet.data()).ok().map(|mut twin| {
                *twin.facts_mut() = *packet.facts();
                twin
            });
            return [Some(packet), twin];
        }
        dice -= duplicate;
        if dice < corrupt {
            let bit = self.random.below(8 * packet.len() as u64) as usize;
            if let Some(byte) = packet.data_mut().get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        [Some(packet), None]
    }
}

impl Hook for FaultHook {
    fn pass(&mut self, batch: &mut Batch, first: usize) -> u64 {
        let (mut old, mut lost) = (std::mem::take(batch), 0);
        let mut left = old.len();
        for (at, packet) in old.drain().enumerate() {
            left -= 1;
            if at < first {
                let _ = batch.push(packet);
                continue;
            }
            let pieces = self.harm(packet);
            lost += u64::from(pieces[0].is_none());
            for (which, piece) in pieces.into_iter().enumerate() {
                // A second one only if all others still fit.
                if let Some(piece) = piece.filter(|_| which == 0 || batch.room() > left) {
                    let _ = batch.push(piece);
                }
            }
        }
        lost
    }
}
