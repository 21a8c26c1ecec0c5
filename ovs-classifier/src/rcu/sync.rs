//! The atomics that [`super`] is built on: core's, or loom's while a model runs.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, fence};

pub(crate) use core::sync::atomic::Ordering;
