//! Changes of meters that come by a connection, and what is told of meters.

use ovs_dpif::MeterLimits;
use ovs_openflow::{
    FlowRemovedReason, MeterConfig, MeterFeatures, MeterFlags, MeterMod, MeterModCommand, MeterStats,
    OfError, StatsReplyBody,
};

use super::connection::ConnId;
use crate::meter::{MeterState, spec};
use crate::revalidate::Change;
use crate::snapshot::BridgeId;
use crate::switch::Switch;

/// The bit of a band that drops.
const DROP: u32 = 1 << 1;

/// Whether a number is one that a meter can have.
fn is_number(meter: u32) -> bool {
    (1..=MeterConfig::MAX).contains(&meter)
        || matches!(meter, MeterConfig::SLOWPATH | MeterConfig::CONTROLLER)
}

impl Switch {
    pub(super) fn serve_meter_mod(&mut self, id: ConnId, change: &MeterMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        match change.command {
            MeterModCommand::Delete => self.delete_meters(&name, change.config.meter),
            command => self.set_meter(&name, command, &change.config),
        }
    }

    fn set_meter(
        &mut self,
        name: &str,
        command: MeterModCommand,
        config: &MeterConfig,
    ) -> Result<(), OfError> {
        let limits = self.dpif.meter_limits();
        let bridge = self.bridges.get_mut(name).ok_or(OfError::BrcEperm)?;
        if !is_number(config.meter) {
            return Err(OfError::MmfcInvalidMeter);
        }
        if config.bands.len() > usize::from(limits.rates) {
            return Err(OfError::MmfcOutOfBands);
        }
        let old = bridge.meters.get(config.meter).cloned();
        match (command, &old) {
            (MeterModCommand::Add, Some(_)) => return Err(OfError::MmfcMeterExists),
            (MeterModCommand::Modify, None) => return Err(OfError::MmfcUnknownMeter),
            _ => {}
        }
        let spec = spec(config)?;
        let (meter, created) = if let Some(old) = &old {
            (old.id, old.created)
        } else {
            let taken = self.meter_numbers.take(limits.meters);
            (taken.ok_or(OfError::MmfcOutOfMeters)?, self.now)
        };
        if self.dpif.set_meter(meter, &spec).is_err() {
            if old.is_none() {
                self.meter_numbers.give(meter);
            }
            return Err(OfError::MmfcUnknown);
        }
        bridge.meters.insert(MeterState { config: config.clone(), id: meter, created });
        self.revalidator.changes.note(Change::Meter { bridge: bridge.id, meter: config.meter });
        Ok(())
    }

    fn delete_meters(&mut self, name: &str, meter: u32) -> Result<(), OfError> {
        let bridge = self.bridges.get(name).ok_or(OfError::BrcEperm)?;
        let id = bridge.id;
        let gone: Vec<u32> = match meter {
            MeterConfig::ALL => bridge.meters.iter().map(|state| state.config.meter).collect(),
            // To delete what is not there is no error.
            one => bridge.meters.get(one).map(|state| state.config.meter).into_iter().collect(),
        };
        for meter in gone {
            self.change_rules(name, |bridge, round| {
                for rule in bridge.meters.users(meter) {
                    bridge.remove(&rule, FlowRemovedReason::MeterDelete, round);
                }
            });
            let state = self.bridges.get_mut(name).and_then(|bridge| bridge.meters.remove(meter));
            self.revalidator.changes.note(Change::Meter { bridge: id, meter });
            self.retire_meters(state);
        }
        Ok(())
    }

    /// Meters go once no worker can meet their numbers any more.
    pub(in crate::switch) fn retire_meters(&mut self, meters: impl IntoIterator<Item = MeterState>) {
        for meter in meters {
            let until = self.request_settling();
            self.meters_leaving.push((until, meter.id));
        }
    }

    /// Lets go of the meters whose time has come.
    pub(in crate::switch) fn drop_meters(&mut self) {
        let settled = self.settler.settled();
        let (gone, later) =
            std::mem::take(&mut self.meters_leaving).into_iter().partition(|(u, _)| *u <= settled);
        self.meters_leaving = later;
        let gone: Vec<_> = gone;
        for (_, id) in gone {
            self.dpif.remove_meter(id);
            self.meter_numbers.give(id);
        }
    }

    fn meters_named(&self, name: &str, meter: u32) -> Result<Vec<(BridgeId, MeterState, u32)>, OfError> {
        let bridge = self.bridges.get(name).ok_or(OfError::BrcEperm)?;
        if meter != MeterConfig::ALL && bridge.meters.get(meter).is_none() {
            return Err(if is_number(meter) { OfError::MmfcUnknownMeter } else { OfError::MmfcInvalidMeter });
        }
        let wanted = |state: &&MeterState| meter == MeterConfig::ALL || state.config.meter == meter;
        let found = bridge.meters.iter().filter(wanted);
        Ok(found
            .map(|state| (bridge.id, state.clone(), bridge.meters.references(state.config.meter)))
            .collect())
    }

    pub(super) fn meter_configs(&self, name: &str, meter: u32) -> Result<StatsReplyBody, OfError> {
        let found = self.meters_named(name, meter)?;
        Ok(StatsReplyBody::MeterConfig(found.into_iter().map(|(_, state, _)| state.config).collect()))
    }

    pub(super) fn meter_stats(&self, name: &str, meter: u32) -> Result<StatsReplyBody, OfError> {
        let told = self.meters_named(name, meter)?.into_iter().map(|(_, state, flows)| {
            let counters = self.dpif.meter_counters(state.id).unwrap_or_default();
            MeterStats {
                meter: state.config.meter,
                flows,
                packets: counters.packets,
                bytes: counters.bytes,
                duration: self.now.saturating_sub(state.created),
                bands: counters.dropped,
            }
        });
        Ok(StatsReplyBody::Meter(told.collect()))
    }

    pub(super) fn meter_features(&self) -> MeterFeatures {
        let MeterLimits { meters, rates, .. } = self.dpif.meter_limits();
        let none = meters == 0;
        MeterFeatures {
            max_meters: meters,
            band_types: if none { 0 } else { DROP },
            capabilities: if none { MeterFlags::empty() } else { MeterFlags::all() },
            max_bands: rates,
            max_color: 0,
        }
    }
}
