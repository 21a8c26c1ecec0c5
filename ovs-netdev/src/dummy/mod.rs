//! The dummy device: packets go in and come out by function call.
//!
//! ```text
//!   DummyHandle::receive(bytes) ──▶ inbox ──▶ RxQueue ──▶ switch ──▶ TxQueue ──▶ outbox ──▶ DummyHandle::take_sent()
//! ```
//!
//! Tests, simulations and `--enable-dummy` drive a whole switch with it. Devices are found again by name
//! in the [`Dummies`] that made them, so that a switch may own a device while a test holds its handle.

mod device;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use device::DummyDevice;
pub use state::DummyHandle;
use state::lock;

use crate::{EtherAddr, Factory, Netdev, OpenError, Options};

/// First Ethernet address of a dummy device; each further one counts up.
const FIRST_MAC: u64 = 0xaa55_aa55_0000;
/// Packets that wait on a dummy device in either direction before more are dropped.
pub const DEFAULT_QUEUE: usize = 4096;

/// The type whose queues cannot be slept on.
const POLLED: &str = "dummy-pmd";
/// Receive queues that a device can have.
const QUEUES_MAX: u32 = 1024;

/// An option that is a number in a range; `None` if it is not there.
fn number(
    name: &str,
    options: &Options,
    option: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, OpenError> {
    let Some(text) = options.get(option) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| OpenError::BadOption {
        name: name.to_owned(),
        option: option.to_owned(),
        reason: format!("{text} is not a number from {least} to {most}"),
    })
}

#[derive(Debug, Default)]
struct Shared {
    next_mac: u64,
    live: BTreeMap<String, DummyHandle>,
}

/// A world of dummy devices: makes them, and finds them by name while they live.
#[derive(Clone, Debug, Default)]
pub struct Dummies {
    shared: Arc<Mutex<Shared>>,
}

impl Dummies {
    /// An empty world.
    pub fn new() -> Self {
        Self::default()
    }

    /// A factory for a registry; `kind` is what its devices call their type.
    pub fn factory(&self, kind: &'static str) -> DummyFactory {
        DummyFactory { dummies: self.clone(), kind }
    }

    /// Makes the device `name`. A name is free again once its device is dropped.
    pub fn open(&self, name: &str, kind: &'static str) -> Result<DummyDevice, OpenError> {
        self.open_with(name, kind, &Options::new())
    }

    /// As [`Dummies::open`], with options: `numa_id`, the NUMA node that it says it is on, and for the type `dummy-pmd`
    /// `n_rxq`, its receive queues.
    pub fn open_with(
        &self,
        name: &str,
        kind: &'static str,
        options: &Options,
    ) -> Result<DummyDevice, OpenError> {
        let queues =
            if kind == POLLED { number(name, options, "n_rxq", 1, QUEUES_MAX)?.unwrap_or(1) } else { 1 };
        let numa = number(name, options, "numa_id", 0, u32::MAX)?;
        if name.is_empty() {
            return Err(OpenError::BadName { name: name.to_owned(), reason: "it is empty" });
        }
        let mut shared = lock(&self.shared);
        if shared.live.get(name).is_some_and(DummyHandle::is_open) {
            return Err(OpenError::InUse { name: name.to_owned() });
        }
        let [_, _, mac @ ..] = (FIRST_MAC + shared.next_mac).to_be_bytes();
        shared.next_mac += 1;
        let handle = DummyHandle::new(name, EtherAddr(mac), queues as usize);
        shared.live.insert(name.to_owned(), handle.clone());
        Ok(DummyDevice::new(kind, handle, numa))
    }

    /// The device `name`, if it is open.
    pub fn handle(&self, name: &str) -> Option<DummyHandle> {
        lock(&self.shared).live.get(name).filter(|h| h.is_open()).cloned()
    }

    /// All open devices, by name.
    pub fn handles(&self) -> Vec<DummyHandle> {
        lock(&self.shared).live.values().filter(|h| h.is_open()).cloned().collect()
    }
}

/// Opens dummy devices by name.
#[derive(Clone, Debug)]
pub struct DummyFactory {
    dummies: Dummies,
    kind: &'static str,
}

impl Factory for DummyFactory {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn open(&self, name: &str, options: &Options) -> Result<Box<dyn Netdev>, OpenError> {
        Ok(Box::new(self.dummies.open_with(name, self.kind, options)?))
    }
}
