//! The options that put something around a device.

use std::path::Path;

use super::{Direction, FaultConfig, Faults, Recorder, wrap};
use crate::{Netdev, OpenError, Options};

/// Puts around a device what its options ask for: first what harms, then what records, so that the record has what the
/// switch sees.
pub(crate) fn apply(
    mut device: Box<dyn Netdev>,
    name: &str,
    options: &Options,
) -> Result<Box<dyn Netdev>, OpenError> {
    let bad = |option: &str, reason: String| OpenError::BadOption {
        name: name.to_owned(),
        option: option.to_owned(),
        reason,
    };
    if let Some(config) = faults(options).map_err(|(option, reason)| bad(option, reason))? {
        device = wrap(device, Box::new(Faults::new(config)));
    }
    let mut recorder = None;
    for (option, direction) in [("record-rx", Direction::Received), ("record-tx", Direction::Sent)] {
        if let Some(path) = options.get(option) {
            let old: Recorder = recorder.unwrap_or_default();
            let new = old.record(direction, Path::new(path));
            recorder = Some(new.map_err(|error| bad(option, format!("{path}: {error}")))?);
        }
    }
    Ok(match recorder {
        Some(recorder) => wrap(device, Box::new(recorder)),
        None => device,
    })
}

fn faults(options: &Options) -> Result<Option<FaultConfig>, (&'static str, String)> {
    let percent = |option: &'static str| match options.get(option) {
        None => Ok(0),
        Some(text) => match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok((percent * 10_000.0) as u32),
            _ => Err((option, format!("{text} is not a percentage"))),
        },
    };
    let config = FaultConfig::default()
        .loss(percent("fault-loss")?)
        .duplicate(percent("fault-duplicate")?)
        .corrupt(percent("fault-corrupt")?);
    let seed = match options.get("fault-seed") {
        None => 0,
        Some(text) => text.parse().map_err(|_| ("fault-seed", format!("{text} is not a number")))?,
    };
    Ok((config != FaultConfig::default()).then(|| config.seed(seed)))
}
