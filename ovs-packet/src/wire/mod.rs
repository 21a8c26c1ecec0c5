//! Wire views: what the bytes of each protocol mean.

pub(crate) mod bytes;
mod numbers;

pub use numbers::{EtherType, IpProtocol};
