//! What a datapath's matches and actions can do: asked by translation, shown by `dpif/show-dp-features`, told to the
//! database in `Datapath.capabilities`.

use std::fmt;

/// What a datapath can match and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// Set actions can be masked.
    pub masked_set: bool,
    /// `tnl_push` and `tnl_pop` work.
    pub tnl_push_pop: bool,
    /// Flows are named by ufid.
    pub ufid: bool,
    /// `trunc` works.
    pub trunc: bool,
    /// `clone` works.
    pub clone: bool,
    /// Nesting depth of `sample`.
    pub sample_nesting: usize,
    /// `ct` takes the mask of events that are told of a connection.
    pub ct_eventmask: bool,
    /// `ct_clear` works.
    pub ct_clear: bool,
    /// The highest number of an algorithm that `hash` knows.
    pub max_hash_algorithm: usize,
    /// `check_pkt_len` works.
    pub check_pkt_len: bool,
    /// `ct` takes the name of a timeout policy.
    pub ct_timeout: bool,
    /// Explicit drop actions work.
    pub explicit_drop: bool,
    /// `lb_output` works.
    pub lb_output: bool,
    /// `ct(nat(src=0.0.0.0))` is taken.
    pub ct_zero_snat: bool,
    /// `add_mpls` works.
    pub add_mpls: bool,
    /// `psample` works.
    pub psample: bool,
    /// Connections can be removed by part of their tuple.
    pub ct_flush: bool,
    /// 802.1Q tags that can be matched and pushed.
    pub max_vlan_headers: usize,
    /// MPLS labels that can be matched and pushed.
    pub max_mpls_depth: usize,
    /// Recirculation works.
    pub recirc: bool,
    /// Connections are tracked: state, zone, mark, label, translation and original tuples can be matched.
    pub conntrack: bool,
    /// Options and reserved bits of neighbour discovery can be matched.
    pub nd_extension: bool,
}

impl Default for Features {
    /// Those of the datapaths of this crate.
    fn default() -> Self {
        Self {
            masked_set: true,
            tnl_push_pop: true,
            ufid: true,
            trunc: true,
            clone: true,
            sample_nesting: 10,
            ct_eventmask: true,
            ct_clear: true,
            max_hash_algorithm: 1,
            check_pkt_len: true,
            ct_timeout: true,
            explicit_drop: true,
            lb_output: false,
            ct_zero_snat: true,
            add_mpls: true,
            psample: false,
            ct_flush: true,
            max_vlan_headers: ovs_flow::MAX_VLANS,
            max_mpls_depth: ovs_flow::MAX_MPLS,
            recirc: true,
            conntrack: true,
            nd_extension: true,
        }
    }
}

/// How much of a feature there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureValue {
    /// There or not.
    Flag(bool),
    /// How deep or how many.
    Count(usize),
}

impl fmt::Display for FeatureValue {
    /// As `dpif/show-dp-features` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(there) => f.write_str(if *there { "Yes" } else { "No" }),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// One feature, under the names by which users meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Feature {
    /// In `dpif/show-dp-features`, if it is shown there.
    pub title: Option<&'static str>,
    /// The key in `Datapath.capabilities`.
    pub capability: &'static str,
    /// How much of it there is.
    pub value: FeatureValue,
}

impl Features {
    /// All of them, in the order in which they are shown.
    pub fn list(&self) -> impl Iterator<Item = Feature> + use<> {
        use FeatureValue::{Count, Flag};
        let connections = Flag(self.conntrack);
        [
            (Some("Masked set action"), "masked_set_action", Flag(self.masked_set)),
            (Some("Tunnel push pop"), "tnl_push_pop", Flag(self.tnl_push_pop)),
            (Some("Ufid"), "ufid", Flag(self.ufid)),
            (Some("Truncate action"), "trunc", Flag(self.trunc)),
            (Some("Clone action"), "clone", Flag(self.clone)),
            (Some("Sample nesting"), "sample_nesting", Count(self.sample_nesting)),
            (Some("Conntrack eventmask"), "ct_eventmask", Flag(self.ct_eventmask)),
            (Some("Conntrack clear"), "ct_clear", Flag(self.ct_clear)),
            (Some("Max dp_hash algorithm"), "max_hash_alg", Count(self.max_hash_algorithm)),
            (Some("Check pkt length action"), "check_pkt_len", Flag(self.check_pkt_len)),
            (Some("Conntrack timeout policy"), "ct_timeout", Flag(self.ct_timeout)),
            (Some("Explicit Drop action"), "explicit_drop_action", Flag(self.explicit_drop)),
            (Some("Optimized Balance TCP mode"), "lb_output_action", Flag(self.lb_output)),
            (Some("Conntrack all-zero IP SNAT"), "ct_zero_snat", Flag(self.ct_zero_snat)),
            (Some("MPLS Label add"), "add_mpls", Flag(self.add_mpls)),
            (Some("Psample action"), "psample", Flag(self.psample)),
            (None, "ct_flush", Flag(self.ct_flush)),
            (Some("Max VLAN headers"), "max_vlan_headers", Count(self.max_vlan_headers)),
            (Some("Max MPLS depth"), "max_mpls_depth", Count(self.max_mpls_depth)),
            (Some("Recirc"), "recirc", Flag(self.recirc)),
            (Some("CT state"), "ct_state", connections),
            (Some("CT zone"), "ct_zone", connections),
            (Some("CT mark"), "ct_mark", connections),
            (Some("CT label"), "ct_label", connections),
            (Some("CT state NAT"), "ct_state_nat", connections),
            (Some("CT orig tuple"), "ct_orig_tuple", connections),
            (Some("CT orig tuple for IPv6"), "ct_orig_tuple6", connections),
            (Some("IPv6 ND Extension"), "nd_ext", Flag(self.nd_extension)),
        ]
        .into_iter()
        .map(|(title, capability, value)| Feature { title, capability, value })
    }

    /// `Datapath.capabilities`: a flag is `true` or `false`, and so is the depth of `sample`.
    pub fn capabilities(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        self.list().map(|feature| {
            let value = match feature.value {
                FeatureValue::Flag(there) => there.to_string(),
                FeatureValue::Count(depth) if feature.capability == "sample_nesting" => {
                    (depth > 0).to_string()
                }
                FeatureValue::Count(count) => count.to_string(),
            };
            (feature.capability, value)
        })
    }
}
