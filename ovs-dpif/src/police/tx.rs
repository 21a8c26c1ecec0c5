//! What a port may send: `egress-policer` and `trtcm-policer`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ovs_netdev::{Netdev, Qos, QosError, QosView, QueueCounters, QueueView};
use ovs_packet::Packet;

use super::{Drops, counted};
use crate::bucket::{Bucket, Ticks};

/// Settings by name, as they are shown.
type Shown = Vec<(&'static str, u64)>;

/// A colour of RFC 4115. Red packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Green,
    Yellow,
    Red,
}

/// Two rates: what is within the committed one is green, what is within the excess one yellow (RFC 4115 section 3).
#[derive(Debug)]
struct TwoRates {
    committed: Bucket,
    excess: Bucket,
    shown: Shown,
}

impl TwoRates {
    /// From `cir`, `cbs`, `eir` and `ebs`: bytes a second, and bytes.
    fn new([cir, cbs, eir, ebs]: [u64; 4]) -> Self {
        Self {
            committed: Bucket::new(cir.into(), cbs.into()),
            excess: Bucket::new(eir.into(), ebs.into()),
            shown: vec![("cir", cir), ("cbs", cbs), ("eir", eir), ("ebs", ebs)],
        }
    }

    /// The colour of so many bytes that were of colour `before`; green for those that nobody has looked at.
    fn mark(&self, bytes: u64, before: Colour, now: Ticks) -> Colour {
        if before == Colour::Green && self.committed.take_or_borrow(bytes, now) {
            Colour::Green
        } else if before != Colour::Red && self.excess.take_or_borrow(bytes, now) {
            Colour::Yellow
        } else {
            Colour::Red
        }
    }
}

/// A queue of `trtcm-policer`.
#[derive(Debug)]
struct Queue {
    rates: TwoRates,
    packets: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
}

#[derive(Debug)]
enum Kind {
    Single {
        bucket: Bucket,
        shown: Shown,
    },
    /// The port's, and those of queues, of which queue 0 is one.
    Hierarchy {
        port: TwoRates,
        queues: BTreeMap<u32, Queue>,
    },
}

/// Polices what a port sends, from all workers together.
#[derive(Debug)]
pub(crate) struct TxPolicer {
    wanted: Qos,
    kind: Kind,
    drops: Arc<Drops>,
}

impl TxPolicer {
    /// The types that there are.
    pub const KINDS: &'static [&'static str] = &["egress-policer", "trtcm-policer"];

    /// What is wanted for a device's port, or why it cannot be.
    pub fn new(device: &dyn Netdev, wanted: &Qos, drops: Arc<Drops>) -> Result<Self, QosError> {
        let kind = match wanted.kind.as_str() {
            "egress-policer" => single(device.name(), wanted)?,
            "trtcm-policer" => hierarchy(device.name(), wanted)?,
            _ => return Err(QosError::unsupported(device.name(), device.kind(), wanted, Self::KINDS)),
        };
        Ok(Self { wanted: wanted.clone(), kind, drops })
    }

    pub fn wanted(&self) -> &Qos {
        &self.wanted
    }

    /// Whether a packet is within the rates; if not, it is to be dropped.
    pub fn admit(&self, packet: &Packet, now: Duration) -> bool {
        let (bytes, now) = (counted(packet.len()), Ticks::from(now));
        let admitted = match &self.kind {
            Kind::Single { bucket, .. } => bucket.take_or_borrow(bytes, now),
            Kind::Hierarchy { port, queues } => {
                let queue = queues.get(&packet.facts().queue).or_else(|| queues.get(&0));
                queue.is_none_or(|queue| {
                    let colour = queue.rates.mark(bytes, Colour::Green, now);
                    let admitted = port.mark(bytes, colour, now) != Colour::Red;
                    queue.count(packet.len() as u64, admitted);
                    admitted
                })
            }
        };
        if !admitted {
            self.drops.tx.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// What is in effect, and what it has counted.
    pub fn view(&self) -> QosView {
        let mut view = QosView::new(self.wanted.kind.as_str());
        match &self.kind {
            Kind::Single { shown, .. } => view.options.clone_from(shown),
            Kind::Hierarchy { port, queues } => {
                view.options.clone_from(&port.shown);
                view.queues = queues.iter().map(|(number, queue)| (*number, queue.view())).collect();
            }
        }
        view
    }
}

impl Queue {
    fn new(rates: TwoRates) -> Self {
        Self { rates, packets: AtomicU64::new(0), bytes: AtomicU64::new(0), errors: AtomicU64::new(0) }
    }

    fn count(&self, bytes: u64, admitted: bool) {
        if admitted {
            self.packets.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn view(&self) -> QueueView {
        let read = |counter: &AtomicU64| Some(counter.load(Ordering::Relaxed));
        let counters = QueueCounters {
            packets: read(&self.packets),
            bytes: read(&self.bytes),
            errors: read(&self.errors),
        };
        QueueView::new(self.rates.shown.clone(), counters)
    }
}

/// A setting without which there is nothing to police by.
fn needed(device: &str, qos: &Qos, option: &str) -> Result<u64, QosError> {
    let number = qos.number(device, option)?.filter(|number| *number > 0);
    number.ok_or_else(|| QosError::BadOption {
        device: device.to_owned(),
        qos: qos.kind.clone(),
        option: option.to_owned(),
        reason: "is missing or 0".to_owned(),
    })
}

fn single(device: &str, qos: &Qos) -> Result<Kind, QosError> {
    if let Some(queue) = qos.queues.keys().find(|queue| **queue != 0) {
        let (device, kind) = (device.to_owned(), qos.kind.clone());
        let reason = "this type has no queues".to_owned();
        return Err(QosError::BadQueue { device, qos: kind, queue: *queue, reason });
    }
    let (cir, cbs) = (needed(device, qos, "cir")?, needed(device, qos, "cbs")?);
    Ok(Kind::Single { bucket: Bucket::new(cir.into(), cbs.into()), shown: vec![("cir", cir), ("cbs", cbs)] })
}

fn hierarchy(device: &str, qos: &Qos) -> Result<Kind, QosError> {
    let or_none = |option| qos.number(device, option).map(Option::unwrap_or_default);
    let own = [needed(device, qos, "cir")?, needed(device, qos, "cbs")?, or_none("eir")?, or_none("ebs")?];
    let mut queues = BTreeMap::new();
    for number in qos.queues.keys() {
        let of = |option| qos.queue_number(device, *number, option).map(Option::unwrap_or_default);
        let rates = [of("cir")?, of("cbs")?, of("eir")?, of("ebs")?];
        if rates == [0; 4] && *number != 0 {
            return Err(QosError::BadQueue {
                device: device.to_owned(),
                qos: qos.kind.clone(),
                queue: *number,
                reason: "has neither cir and cbs nor eir and ebs".to_owned(),
            });
        }
        // A default queue without rates of its own has the port's, as if it were not named.
        queues.insert(*number, Queue::new(TwoRates::new(if rates == [0; 4] { own } else { rates })));
    }
    queues.entry(0).or_insert_with(|| Queue::new(TwoRates::new(own)));
    Ok(Kind::Hierarchy { port: TwoRates::new(own), queues })
}
