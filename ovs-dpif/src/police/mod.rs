//! Policers: what ports receive and send beyond their rates is dropped here, by name.
//!
//! ```text
//!   receive ─▶ RxPolicer ─▶ pipeline ─▶ output ─▶ finish ─▶ TxPolicer ─▶ device
//! ```
//!
//! Rates count bytes behind the Ethernet header, as the original's do. A packet that is larger than a whole bucket (a
//! super-packet, usually) passes when the bucket is full, and is paid for afterwards.

mod rx;
mod tx;

pub use rx::Policing;
pub(crate) use rx::RxPolicer;
pub(crate) use tx::TxPolicer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_netdev::{Netdev, Qos, QosError, QosView, Statistics};

/// Bytes that no rate counts: the Ethernet header.
const LINK_HEADER: usize = 14;

/// What a packet of so many bytes counts.
fn counted(len: usize) -> u64 {
    len.saturating_sub(LINK_HEADER) as u64
}

/// Packets that a port's policers have dropped, received and to be sent.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    rx: AtomicU64,
    tx: AtomicU64,
}

/// The policers of a port, from the control side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Police {
    wanted: Policing,
    rx: Option<Arc<RxPolicer>>,
    tx: Option<Arc<TxPolicer>>,
    drops: Arc<Drops>,
}

impl Police {
    /// The types of quality of service that a device's port can have: the device's own, or those that are here.
    pub fn kinds(device: &dyn Netdev) -> &'static [&'static str] {
        let own = device.qos_kinds();
        if own.is_empty() { TxPolicer::KINDS } else { own }
    }

    /// What polices received packets.
    pub fn rx(&self) -> Option<Arc<RxPolicer>> {
        self.rx.clone()
    }

    /// What polices packets that are sent.
    pub fn tx(&self) -> Option<Arc<TxPolicer>> {
        self.tx.clone()
    }

    /// Sets what may be received. Whether that is another policer than before.
    pub fn set_policing(&mut self, wanted: Policing) -> bool {
        if self.wanted == wanted {
            return false;
        }
        self.wanted = wanted;
        self.rx = RxPolicer::new(wanted, Arc::clone(&self.drops)).map(Arc::new);
        true
    }

    /// Sets how what is sent is queued, or policed. Whether that is another policer than before.
    pub fn set_qos(&mut self, device: &mut dyn Netdev, qos: Option<&Qos>) -> Result<bool, QosError> {
        if !device.qos_kinds().is_empty() {
            return device.set_qos(qos).map(|()| false);
        }
        if self.tx.as_ref().map(|tx| tx.wanted()) == qos {
            return Ok(false);
        }
        self.tx = match qos {
            None => None,
            Some(qos) => Some(Arc::new(TxPolicer::new(device, qos, Arc::clone(&self.drops))?)),
        };
        Ok(true)
    }

    /// What [`Police::set_qos`] has set.
    pub fn qos(&self, device: &mut dyn Netdev) -> Option<QosView> {
        self.tx.as_ref().map_or_else(|| device.qos(), |tx| Some(tx.view()))
    }

    /// Adds what policers have dropped to what a device has counted.
    pub fn count_into(&self, statistics: &mut Statistics) {
        for (drops, sum, own) in [
            (&self.drops.rx, &mut statistics.rx_dropped, &mut statistics.rx_policed),
            (&self.drops.tx, &mut statistics.tx_dropped, &mut statistics.tx_policed),
        ] {
            let drops = drops.load(Ordering::Relaxed);
            if drops > 0 {
                *sum = Some(sum.unwrap_or(0) + drops);
                *own = Some(drops);
            }
        }
    }
}
