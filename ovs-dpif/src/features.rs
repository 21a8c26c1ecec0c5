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
    /// Connections are tracked: packets can be given to the tracker, and their state matched.
    pub ct_state: bool,
    /// Zones of the tracker can be named and matched.
    pub ct_zone: bool,
    /// Marks of connections can be written and matched.
    pub ct_mark: bool,
    /// Labels of connections can be written and matched.
    pub ct_label: bool,
    /// The tracker translates addresses, and whether it did can be matched.
    pub ct_state_nat: bool,
    /// The addresses and ports of a connection's first packet can be matched in IPv4.
    pub ct_orig_tuple: bool,
    /// The same in IPv6.
    pub ct_orig_tuple6: bool,
    /// Options and reserved bits of neighbour discovery can be matched and written.
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
            ct_state: true,
            ct_zone: true,
            ct_mark: true,
            ct_label: true,
            ct_state_nat: true,
            ct_orig_tuple: true,
            ct_orig_tuple6: true,
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

/// Why a feature cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// There is no feature of this name.
    #[error("no such feature")]
    Unknown,
    /// A flag was given to what is counted, or a count to a flag.
    #[error("a value of another type")]
    Type,
    /// More than the datapath has.
    #[error("beyond what the datapath can do")]
    Beyond,
}

impl Features {
    /// Sets the feature of this name (that of [`Feature::capability`]), to `boot`'s at most.
    pub fn set(&mut self, name: &str, value: FeatureValue, boot: &Self) -> Result<(), FeatureError> {
        let most = boot.list().find(|feature| feature.capability == name).ok_or(FeatureError::Unknown)?;
        match (value, most.value) {
            (FeatureValue::Flag(wanted), FeatureValue::Flag(most)) => {
                let flag = self.flag(name).ok_or(FeatureError::Unknown)?;
                if wanted && !most {
                    return Err(FeatureError::Beyond);
                }
                *flag = wanted;
            }
            (FeatureValue::Count(wanted), FeatureValue::Count(most)) => {
                let count = self.count(name).ok_or(FeatureError::Unknown)?;
                if wanted > most {
                    return Err(FeatureError::Beyond);
                }
                *count = wanted;
            }
            _ => return Err(FeatureError::Type),
        }
        Ok(())
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "masked_set_action" => &mut self.masked_set,
            "tnl_push_pop" => &mut self.tnl_push_pop,
            "ufid" => &mut self.ufid,
            "trunc" => &mut self.trunc,
            "clone" => &mut self.clone,
            "ct_eventmask" => &mut self.ct_eventmask,
            "ct_clear" => &mut self.ct_clear,
            "check_pkt_len" => &mut self.check_pkt_len,
            "ct_timeout" => &mut self.ct_timeout,
            "explicit_drop_action" => &mut self.explicit_drop,
            "lb_output_action" => &mut self.lb_output,
            "ct_zero_snat" => &mut self.ct_zero_snat,
            "add_mpls" => &mut self.add_mpls,
            "psample" => &mut self.psample,
            "ct_flush" => &mut self.ct_flush,
            "recirc" => &mut self.recirc,
            "ct_state" => &mut self.ct_state,
            "ct_zone" => &mut self.ct_zone,
            "ct_mark" => &mut self.ct_mark,
            "ct_label" => &mut self.ct_label,
            "ct_state_nat" => &mut self.ct_state_nat,
            "ct_orig_tuple" => &mut self.ct_orig_tuple,
            "ct_orig_tuple6" => &mut self.ct_orig_tuple6,
            "nd_ext" => &mut self.nd_extension,
            _ => return None,
        })
    }

    fn count(&mut self, name: &str) -> Option<&mut usize> {
        Some(match name {
            "sample_nesting" => &mut self.sample_nesting,
            "max_hash_alg" => &mut self.max_hash_algorithm,
            "max_vlan_headers" => &mut self.max_vlan_headers,
            "max_mpls_depth" => &mut self.max_mpls_depth,
            _ => return None,
        })
    }

    /// All of them, in the order in which they are shown.
    pub fn list(&self) -> impl Iterator<Item = Feature> + use<> {
        use FeatureValue::{Count, Flag};
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
            (Some("CT state"), "ct_state", Flag(self.ct_state)),
            (Some("CT zone"), "ct_zone", Flag(self.ct_zone)),
            (Some("CT mark"), "ct_mark", Flag(self.ct_mark)),
            (Some("CT label"), "ct_label", Flag(self.ct_label)),
            (Some("CT state NAT"), "ct_state_nat", Flag(self.ct_state_nat)),
            (Some("CT orig tuple"), "ct_orig_tuple", Flag(self.ct_orig_tuple)),
            (Some("CT orig tuple for IPv6"), "ct_orig_tuple6", Flag(self.ct_orig_tuple6)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_can_be_set_by_its_name_down_to_nothing_and_back_and_no_further() {
        let mut boot = Features::default();
        (boot.lb_output, boot.psample) = (true, true);
        let mut features = boot;
        for feature in boot.list() {
            let (name, none, more) = match feature.value {
                FeatureValue::Flag(_) => (feature.capability, FeatureValue::Flag(false), None),
                FeatureValue::Count(most) => {
                    (feature.capability, FeatureValue::Count(0), Some(FeatureValue::Count(most + 1)))
                }
            };
            assert_eq!(features.set(name, none, &boot), Ok(()), "{name}");
            let now = features.list().find(|other| other.capability == name).map(|other| other.value);
            assert_eq!(now, Some(none), "{name}");
            assert_eq!(
                features.list().filter(|other| boot.list().any(|b| b == *other)).count(),
                27,
                "{name}"
            );
            if let Some(more) = more {
                assert_eq!(features.set(name, more, &boot), Err(FeatureError::Beyond), "{name}");
            }
            assert_eq!(features.set(name, feature.value, &boot), Ok(()), "{name}");
        }
        assert_eq!(features, boot);
        assert_eq!(features.set("foo", FeatureValue::Flag(true), &boot), Err(FeatureError::Unknown));
        assert_eq!(features.set("clone", FeatureValue::Count(1), &boot), Err(FeatureError::Type));
        let less = Features::default();
        assert_eq!(features.set("psample", FeatureValue::Flag(true), &less), Err(FeatureError::Beyond));
    }
}
