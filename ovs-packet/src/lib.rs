#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]
#![doc = include_str!("../README.md")]

extern crate alloc;

#[allow(unsafe_code, reason = "the one module that owns raw frame memory; see its safety essay")]
pub mod frame;

pub mod build;
pub mod checksum;
pub mod edit;
mod facts;
pub mod fragment;
pub mod pcap;
pub mod wire;

pub use facts::{ABSENT, DeviceFacts, LayerOffsets, Offload};
pub use frame::{BATCH_MAX, Batch, NoRoom, Packet, Pool, PoolConfig, PoolStats, TooShort};
