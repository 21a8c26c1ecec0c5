//! What an index is built with, why it refuses, and what it tells.

use crate::arch::Arch;

/// Seed, limits and instruction set of a [`MegaflowIndex`](super::MegaflowIndex).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MegaflowConfig {
    /// Secret from which the keys of the hash tables derive.
    pub seed: [u64; 2],
    /// The most megaflows.
    pub max_flows: usize,
    /// The masks that [`admit`](super::MegaflowIndex::admit) lets each port of entry have, beside up to 32 that are
    /// exact.
    pub masks_per_port: usize,
    /// What the machine can do.
    pub arch: Arch,
}

impl Default for MegaflowConfig {
    /// Seed 0, 2^20 megaflows, 256 masks a port, no more instructions than every machine has.
    fn default() -> Self {
        Self { seed: [0; 2], max_flows: 1 << 20, masks_per_port: 256, arch: Arch::PORTABLE }
    }
}

impl MegaflowConfig {
    /// With this seed.
    pub fn seed(mut self, seed: [u64; 2]) -> Self {
        self.seed = seed;
        self
    }

    /// With at most this many megaflows.
    pub fn max_flows(mut self, flows: usize) -> Self {
        self.max_flows = flows;
        self
    }

    /// With this many masks a port.
    pub fn masks_per_port(mut self, masks: usize) -> Self {
        self.masks_per_port = masks;
        self
    }

    /// For a machine that can do this.
    pub fn arch(mut self, arch: Arch) -> Self {
        self.arch = arch;
        self
    }
}

/// Why a megaflow is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MegaflowError {
    /// There are as many as the configuration allows.
    #[error("the megaflow index is full: {limit} megaflows")]
    Full {
        /// [`MegaflowConfig::max_flows`]
        limit: usize,
    },
    /// Hundreds of megaflows have the same hash: the secret is known, or was none.
    #[error("too many megaflows have the same hash")]
    Crowded,
}

/// What an index holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MegaflowStats {
    /// Megaflows held.
    pub flows: usize,
    /// Masks held; the same mask under two ports counts twice.
    pub masks: usize,
    /// Of these, masks of many megaflows, which are hashed; the megaflows of the others stand in filters.
    pub hashed_masks: usize,
    /// The most masks that one port has, to compare with [`MegaflowConfig::masks_per_port`].
    pub most_masks: usize,
    /// Lookups that found a megaflow.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Steps of those that found one: groups of masks hashed, filters asked, megaflows compared.
    pub hit_probes: u64,
    /// The same steps of those that found none.
    pub miss_probes: u64,
}
