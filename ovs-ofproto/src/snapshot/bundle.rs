//! What NORMAL and mirrors see as one way in and out.

use std::sync::Arc;

use ovs_flow::{Match, OfPort};

use crate::rule::RuleStats;
use crate::{PriorityTags, VlanMode};

/// A port as NORMAL sees it: one or several interfaces.
#[derive(Clone, Debug)]
pub(crate) struct BundleSnap {
    pub name: Arc<str>,
    pub mode: VlanMode,
    /// The VLAN of untagged packets, 0 for none.
    pub vlan: u16,
    /// The VLANs carried, `None` for all.
    pub trunks: Option<Vlans>,
    /// The customers' VLANs carried, `None` for all.
    pub cvlans: Option<Vlans>,
    /// The type of a service tag.
    pub service_tpid: u16,
    pub priority_tags: PriorityTags,
    pub protected: bool,
    pub members: Vec<OfPort>,
    pub floodable: bool,
    pub mirrors: BundleMirrors,
}

/// What mirrors have to do with a bundle: sets of places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BundleMirrors {
    /// Those that select what comes in.
    pub src: u32,
    /// Those that select what goes out.
    pub dst: u32,
    /// Whether copies go out here, and nothing else.
    pub out: bool,
}

/// A mirror.
#[derive(Clone, Debug)]
pub(crate) struct MirrorSnap {
    /// Its place, as one bit.
    pub bit: u32,
    /// All mirrors with the same output, this one among them.
    pub same_output: u32,
    /// The VLANs selected, `None` for all.
    pub vlans: Option<Vlans>,
    pub filter: Option<Box<Match>>,
    pub output: MirrorTo,
    pub snaplen: Option<u32>,
    pub stats: Arc<RuleStats>,
}

/// Where copies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MirrorTo {
    /// A bundle, by its index.
    Bundle(usize),
    Vlan(u16),
}

/// A set of VLANs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vlans(Box<[u64; 64]>);

impl Vlans {
    pub fn new(vids: impl IntoIterator<Item = u16>) -> Self {
        let mut bits = Box::new([0; 64]);
        for vid in vids {
            bits[usize::from(vid & 0xfff) / 64] |= 1 << (vid % 64);
        }
        Self(bits)
    }

    /// `None` for no VLAN at all, which columns of the database use to say "all of them".
    pub fn some(vids: impl IntoIterator<Item = u16>) -> Option<Self> {
        let mut vids = vids.into_iter().peekable();
        vids.peek().is_some().then(|| Self::new(vids))
    }

    pub fn contains(&self, vid: u16) -> bool {
        self.0[usize::from(vid & 0xfff) / 64] >> (vid % 64) & 1 == 1
    }
}

impl BundleSnap {
    /// Whether tagged packets of `vid` are carried.
    pub fn trunks_vlan(&self, vid: u16) -> bool {
        self.trunks.as_ref().is_none_or(|trunks| trunks.contains(vid))
    }

    /// Whether packets of a customer's VLAN are carried.
    pub fn allows_cvlan(&self, vid: u16) -> bool {
        self.cvlans.as_ref().is_none_or(|cvlans| cvlans.contains(vid))
    }

    /// Whether packets with these VLANs, the outer one first, leave by this bundle at all.
    pub fn includes_vlans(&self, [outer, inner]: [u16; 2]) -> bool {
        match self.mode {
            VlanMode::Access => outer == self.vlan && inner == 0,
            VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => self.trunks_vlan(outer),
            VlanMode::Dot1qTunnel => outer == self.vlan && self.allows_cvlan(inner),
        }
    }
}
