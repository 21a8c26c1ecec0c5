//! Devices around devices: what passes is recorded, traced, or harmed on purpose.
//!
//! ```text
//!   any device ─▶ RxQueue ─▶ Hook ─▶ worker        worker ─▶ Hook ─▶ TxQueue ─▶ any device
//! ```
//!
//! A [`Wrapper`] makes one [`Hook`] for each queue; [`wrap`] puts them in place. [`Recorder`] writes pcap files,
//! [`Tracer`] calls a function, [`Faults`] loses, doubles and corrupts packets by a seed. A [`Registry`](crate::Registry)
//! wraps every device whose options ask for it: `record-rx` and `record-tx` name files; `fault-loss`,
//! `fault-duplicate` and `fault-corrupt` are percentages, and `fault-seed` a number.
//!
//! ```
//! use ovs_netdev::{Registry, Options, dummy::Dummies};
//!
//! let dummies = Dummies::new();
//! let mut registry = Registry::new();
//! registry.register(Box::new(dummies.factory("dummy")));
//! let file = std::env::temp_dir().join(format!("record-{}.pcap", std::process::id()));
//! let options = Options::from([("record-tx".to_owned(), file.to_string_lossy().into_owned())]);
//! let device = registry.open("dummy", "p1", &options)?;
//! assert_eq!(device.kind(), "dummy");
//! # drop(device);
//! # std::fs::remove_file(&file).ok();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod device;
mod fault;
mod options;
mod record;
mod trace;

pub use device::wrap;
pub use fault::{FaultConfig, Faults};
pub(crate) use options::apply;
pub use record::Recorder;
pub use trace::Tracer;

use ovs_packet::Batch;

/// Which way packets go, seen from the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device to the switch.
    Received,
    /// From the switch to the device.
    Sent,
}

/// What is put around a device.
pub trait Wrapper: Send {
    /// The hook of one queue. `number` counts the queues of this direction as they are handed out.
    fn hook(&mut self, direction: Direction, number: usize) -> Box<dyn Hook>;

    /// Key-value pairs that the device's status shall have too.
    fn details(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// What the packets of one queue pass by.
pub trait Hook: Send {
    /// The packets of `batch` from `first` on pass. They may be changed, be taken out or become more (if the batch
    /// has room). Returns how many were taken out.
    fn pass(&mut self, batch: &mut Batch, first: usize) -> u64;
}
