//! Meters, as `ovs-ofctl add-meter` takes and `dump-meters` prints them.

use core::fmt::{self, Display, Write};

use ovs_flow::text::tokens;

use super::ParseError;
use super::action_values::{u8, u32, wrong};
use crate::{BandKind, MeterBand, MeterConfig, MeterFlags, MeterMod, MeterModCommand};

/// One change of a meter: `meter=1,kbps,burst,bands=type=drop,rate=5,burst_size=6`. What stands behind `band=` is of
/// the bands, each of which begins with its type.
pub fn parse_meter_mod(command: MeterModCommand, text: &str) -> Result<MeterMod, ParseError> {
    let (head, bands) = ["bands=", "band="]
        .into_iter()
        .find_map(|key| text.split_once(key))
        .map_or((text, None), |(head, bands)| (head, Some(bands)));
    let mut config = MeterConfig::new(if command == MeterModCommand::Delete { MeterConfig::ALL } else { 0 });
    for token in tokens(head) {
        match token.name {
            "meter" => config.meter = parse_id(token.value)?,
            "kbps" => config.flags |= MeterFlags::KBPS,
            "pktps" => config.flags |= MeterFlags::PKTPS,
            "burst" => config.flags |= MeterFlags::BURST,
            "stats" => config.flags |= MeterFlags::STATS,
            other => return Err(wrong("meter", other, "meter, kbps, pktps, burst, stats or bands")),
        }
    }
    if command != MeterModCommand::Delete {
        if config.meter == 0 {
            return Err(ParseError::NoMeter);
        }
        if !config.flags.intersects(MeterFlags::KBPS | MeterFlags::PKTPS) {
            return Err(ParseError::NoMeterUnit);
        }
        let bands = bands.ok_or(ParseError::NoBands)?;
        config.bands = parse_bands(bands, config.flags)?;
    }
    Ok(MeterMod { command, config })
}

fn parse_id(text: &str) -> Result<u32, ParseError> {
    Ok(match text {
        "all" => MeterConfig::ALL,
        "controller" => MeterConfig::CONTROLLER,
        "slowpath" => MeterConfig::SLOWPATH,
        number => match u32("meter", number)? {
            id @ 1..=MeterConfig::MAX => id,
            _ => {
                return Err(wrong(
                    "meter",
                    text,
                    "a meter from 1 to 4294901760, all, controller or slowpath",
                ));
            }
        },
    })
}

fn parse_bands(text: &str, flags: MeterFlags) -> Result<Vec<MeterBand>, ParseError> {
    let mut bands: Vec<MeterBand> = Vec::new();
    for token in tokens(text) {
        if token.name == "type" {
            let kind = match token.value {
                "drop" => BandKind::Drop,
                "dscp_remark" => BandKind::DscpRemark(0),
                other => return Err(wrong("type", other, "drop or dscp_remark")),
            };
            bands.push(MeterBand { kind, rate: 0, burst: 0 });
            continue;
        }
        let band =
            bands.last_mut().ok_or_else(|| wrong("bands", text, "bands that begin with their type"))?;
        match (token.name, &mut band.kind) {
            ("rate", _) => band.rate = u32(token.name, token.value)?,
            ("burst_size", _) => {
                band.burst = u32(token.name, token.value)?;
                if !flags.contains(MeterFlags::BURST) {
                    return Err(ParseError::BurstWithoutFlag);
                }
            }
            ("prec_level", BandKind::DscpRemark(level)) => *level = u8(token.name, token.value)?,
            ("prec_level", BandKind::Drop) => {
                return Err(wrong("prec_level", token.value, "of a band of another type"));
            }
            (other, _) => return Err(wrong("band", other, "type, rate, burst_size or prec_level")),
        }
    }
    if bands.is_empty() {
        return Err(ParseError::NoBands);
    }
    Ok(bands)
}

/// A meter as the tools print it: its bands stand in lines of their own.
#[derive(Clone, Copy, Debug)]
pub struct MeterDisplay<'a>(pub &'a MeterConfig);

/// A meter's number, or the name that stands for it.
pub(super) struct MeterId(pub(super) u32);

impl Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MeterConfig::ALL => f.write_str("all"),
            MeterConfig::CONTROLLER => f.write_str("controller"),
            MeterConfig::SLOWPATH => f.write_str("slowpath"),
            id => write!(f, "{id}"),
        }
    }
}

/// The flags that are set, each with a space behind.
pub(super) fn write_flags(flags: MeterFlags, f: &mut impl Write) -> fmt::Result {
    for (flag, name) in [
        (MeterFlags::KBPS, "kbps "),
        (MeterFlags::PKTPS, "pktps "),
        (MeterFlags::BURST, "burst "),
        (MeterFlags::STATS, "stats "),
    ] {
        if flags.contains(flag) {
            f.write_str(name)?;
        }
    }
    Ok(())
}

impl Display for MeterDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        write!(f, "meter={} ", MeterId(config.meter))?;
        write_flags(config.flags, f)?;
        f.write_str("bands=\n")?;
        for band in &config.bands {
            let name = match band.kind {
                BandKind::Drop => "drop",
                BandKind::DscpRemark(_) => "dscp_remark",
            };
            write!(f, "type={name} rate={}", band.rate)?;
            if config.flags.contains(MeterFlags::BURST) {
                write!(f, " burst_size={}", band.burst)?;
            }
            if let BandKind::DscpRemark(level) = band.kind {
                write!(f, " prec_level={level}")?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }
}
