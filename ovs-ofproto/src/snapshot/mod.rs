//! What translation reads: configuration and tables as they were at one moment.
//!
//! A snapshot is not a copy. It holds the configuration of all bridges by reference, and of their tables only
//! the version that is to be read; the rules stay in concurrently readable classifiers.

mod bridge;
mod bundle;
mod shared;

pub(crate) use bridge::{BridgeId, BridgeSnap, PortSnap, World};
pub(crate) use bundle::{BundleMirrors, BundleSnap, MirrorSnap, MirrorTo, Vlans};
pub(crate) use shared::Shared;

use std::sync::Arc;

use ovs_classifier::Version;

/// Configuration and table version of one moment; cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) world: Arc<World>,
    pub(crate) version: Version,
    pub(crate) shared: Arc<Shared>,
}

impl Snapshot {
    /// The Geneve options that a bridge has fields for.
    pub(crate) fn options(&self, bridge: BridgeId) -> &crate::tunnel::OptionTable {
        self.world.bridges.get(&bridge).map_or(&crate::tunnel::NO_OPTIONS, |bridge| &bridge.options)
    }
}
