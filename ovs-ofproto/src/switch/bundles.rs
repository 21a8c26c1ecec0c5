//! Bundles and mirrors of a bridge, from its configuration and its ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovs_flow::VlanId;
use ovs_openflow::PortConfig as OfConfig;

use crate::bridge::{BridgeState, PortRecord};
use crate::snapshot::{BundleMirrors, BundleSnap, MirrorSnap, MirrorTo, Vlans};
use crate::{MirrorConfig, MirrorOutput, PortConfig, VlanMode};

/// The bundles of a bridge in the order in which they came: that of floods.
pub(super) fn bundles(bridge: &BridgeState) -> Vec<BundleSnap> {
    let mut members: BTreeMap<&str, Vec<&PortRecord>> = BTreeMap::new();
    for record in bridge.ports.values() {
        members.entry(&record.port).or_default().push(record);
    }
    let default = PortConfig::default();
    let mut bundles: Vec<(Option<u64>, BundleSnap)> = members
        .into_iter()
        .map(|(name, records)| {
            let config = bridge.config.ports.get(name).unwrap_or(&default);
            let first = records.iter().map(|record| record.order).min();
            (first, bundle(name, config, &records))
        })
        .collect();
    bundles.sort_by_key(|(first, _)| *first);
    bundles.into_iter().map(|(_, bundle)| bundle).collect()
}

fn bundle(name: &str, config: &PortConfig, records: &[&PortRecord]) -> BundleSnap {
    let tag = config.tag.map(VlanId::get);
    let mode = config.vlan_mode.unwrap_or(if tag.is_some() { VlanMode::Access } else { VlanMode::Trunk });
    BundleSnap {
        name: name.into(),
        mode,
        vlan: if mode == VlanMode::Trunk { 0 } else { tag.unwrap_or(0) },
        trunks: trunks(mode, tag.unwrap_or(0), config),
        cvlans: Vlans::some(config.cvlans.iter().copied().map(VlanId::get)),
        service_tpid: config.service_tpid,
        priority_tags: config.priority_tags,
        protected: config.protected,
        members: records.iter().map(|record| record.number).collect(),
        floodable: records.iter().all(|record| !record.of_config.contains(OfConfig::NO_FLOOD)),
        mirrors: BundleMirrors::default(),
    }
}

/// The VLANs that a bundle carries with tags. A native VLAN is always among them, and then no packets are in VLAN 0.
fn trunks(mode: VlanMode, native: u16, config: &PortConfig) -> Option<Vlans> {
    let given = || config.trunks.iter().copied().map(VlanId::get);
    match mode {
        VlanMode::Access | VlanMode::Dot1qTunnel => None,
        VlanMode::NativeTagged | VlanMode::NativeUntagged if native != 0 => {
            let every = config.trunks.is_empty().then_some(1..4096).into_iter().flatten();
            Some(Vlans::new(given().filter(|vid| *vid != 0).chain(every).chain([native])))
        }
        VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => Vlans::some(given()),
    }
}

/// The mirrors of a bridge whose output is there; tells the bundles of them.
pub(super) fn mirrors(bridge: &BridgeState, bundles: &mut [BundleSnap]) -> Vec<MirrorSnap> {
    let mut mirrors = Vec::new();
    for (place, key, stats) in bridge.mirrors.iter() {
        let Some(config) = bridge.config.mirrors.get(key) else { continue };
        let Some(output) = output(config, bundles) else { continue };
        let bit = 1 << place;
        for (index, bundle) in bundles.iter_mut().enumerate() {
            let marks = &mut bundle.mirrors;
            if config.select_all || config.src_ports.contains(&*bundle.name) {
                marks.src |= bit;
            }
            if config.select_all || config.dst_ports.contains(&*bundle.name) {
                marks.dst |= bit;
            }
            marks.out |= output == MirrorTo::Bundle(index);
        }
        mirrors.push(MirrorSnap {
            bit,
            same_output: 0,
            vlans: Vlans::some(config.vlans.iter().copied().map(VlanId::get)),
            filter: config.filter.clone().map(|mut filter| {
                // A filter that names an option without a field takes nothing.
                let _ = bridge.options.places.place(&mut filter);
                filter
            }),
            output,
            snaplen: config.snaplen,
            stats: Arc::clone(stats),
        });
    }
    let outputs: Vec<(MirrorTo, u32)> = mirrors.iter().map(|mirror| (mirror.output, mirror.bit)).collect();
    for mirror in &mut mirrors {
        let same = outputs.iter().filter(|(output, _)| *output == mirror.output);
        mirror.same_output = same.fold(0, |set, (_, bit)| set | bit);
    }
    mirrors
}

/// Where a mirror's copies go, if that is there.
fn output(config: &MirrorConfig, bundles: &[BundleSnap]) -> Option<MirrorTo> {
    match &config.output {
        MirrorOutput::Vlan(vlan) => Some(MirrorTo::Vlan(vlan.get())),
        MirrorOutput::Port(name) => {
            bundles.iter().position(|bundle| *bundle.name == **name).map(MirrorTo::Bundle)
        }
    }
}
