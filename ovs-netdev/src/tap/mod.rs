//! `tap` and `internal`: Ethernet devices that the switch makes, by TUN/TAP.
//!
//! What the host sends on the device, the switch receives, and the other way round; the counters are the switch's
//! view. The device is there as long as its [`Netdev`](crate::Netdev), unless it was there before (a persistent TAP
//! device is used and left alone). It stays usable when it is moved to another network namespace, but then can no
//! longer be configured from here.

mod device;
mod queue;

pub use device::{TapDevice, TapFactory};
