//! Quality of service: how what a device sends is queued, as tables `QoS` and `Queue` describe it.

use std::collections::BTreeMap;
use std::io;

use crate::Options;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Qos {
    /// The type: `linux-htb`, `egress-policer` …
    pub kind: String,
    /// Its settings, by their names in `QoS.other_config`.
    pub options: Options,
    /// Settings of queues by number, by their names in `Queue.other_config`. Queue 0 is for packets that name none; it
    /// is there also if it is not here.
    pub queues: BTreeMap<u32, Options>,
}

impl Qos {
    /// A type without settings.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// Adds a setting.
    pub fn option(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(key.into(), value.into());
        self
    }

    /// Sets all settings.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Adds a queue.
    pub fn queue(mut self, number: u32, options: Options) -> Self {
        self.queues.insert(number, options);
        self
    }

    /// A setting that is a number; `None` if it is not there.
    pub fn number(&self, device: &str, option: &str) -> Result<Option<u64>, QosError> {
        number(&self.options, option).map_err(|reason| QosError::BadOption {
            device: device.to_owned(),
            qos: self.kind.clone(),
            option: option.to_owned(),
            reason,
        })
    }

    /// A setting of a queue that is a number; `None` if queue or setting is not there.
    pub fn queue_number(&self, device: &str, queue: u32, option: &str) -> Result<Option<u64>, QosError> {
        let Some(options) = self.queues.get(&queue) else { return Ok(None) };
        number(options, option).map_err(|reason| QosError::BadQueue {
            device: device.to_owned(),
            qos: self.kind.clone(),
            queue,
            reason: format!("{option}: {reason}"),
        })
    }
}

fn number(options: &Options, option: &str) -> Result<Option<u64>, String> {
    let Some(text) = options.get(option) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| format!("{text} is not a whole number"))
}

/// What is in effect.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QosView {
    /// The type.
    pub kind: String,
    /// Settings with the values that hold, in the order in which they are shown.
    pub options: Vec<(&'static str, u64)>,
    /// Queues by number.
    pub queues: BTreeMap<u32, QueueView>,
}

impl QosView {
    /// Of this type, without settings and queues.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }
}

/// A queue that is in effect.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueView {
    /// Settings with the values that hold, in the order in which they are shown.
    pub options: Vec<(&'static str, u64)>,
    /// What it has counted.
    pub counters: QueueCounters,
}

impl QueueView {
    /// With these settings and counters.
    pub fn new(options: Vec<(&'static str, u64)>, counters: QueueCounters) -> Self {
        Self { options, counters }
    }
}

/// What a queue has counted; `None` where nobody counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct QueueCounters {
    /// Packets sent.
    pub packets: Option<u64>,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// Packets dropped.
    pub errors: Option<u64>,
}

/// Why quality of service was not set. The text is what a user finds in `Interface.error`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QosError {
    /// The device does not have the type.
    #[error(
        "{device}: no QoS of type {qos} on a device of type {kind}{}{}",
        if supported.is_empty() { "" } else { ", which has " },
        supported.join(", ")
    )]
    Unsupported {
        /// The device.
        device: String,
        /// Its type.
        kind: &'static str,
        /// The type asked for.
        qos: String,
        /// The types that it has.
        supported: Vec<&'static str>,
    },
    /// A setting is missing or makes no sense.
    #[error("{device}: QoS {qos}: {option}: {reason}")]
    BadOption {
        /// The device.
        device: String,
        /// The type.
        qos: String,
        /// The setting.
        option: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There cannot be such a queue.
    #[error("{device}: QoS {qos}: queue {queue}: {reason}")]
    BadQueue {
        /// The device.
        device: String,
        /// The type.
        qos: String,
        /// The queue.
        queue: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused.
    #[error("{device}: QoS {qos}: {what} failed ({source})")]
    System {
        /// The device.
        device: String,
        /// The type.
        qos: String,
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl QosError {
    /// A device of type `kind` has the types `supported` and not what is wanted.
    pub fn unsupported(device: &str, kind: &'static str, wanted: &Qos, supported: &[&'static str]) -> Self {
        let (device, qos) = (device.to_owned(), wanted.kind.clone());
        Self::Unsupported { device, kind, qos, supported: supported.to_vec() }
    }
}
