//! What the system says of a process and a namespace.

use std::fs;

use crate::{BenchError, world::ip};

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holdings {
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Resident memory in KiB.
    pub resident: u64,
}

impl Holdings {
    /// Of a process that is alive.
    pub fn of(pid: u32) -> Result<Self, BenchError> {
        let count = |what: &str| {
            let folder = format!("/proc/{pid}/{what}");
            fs::read_dir(&folder).map(Iterator::count).map_err(BenchError::system(folder))
        };
        let (descriptors, threads) = (count("fd")?, count("task")?);
        let file = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&file).map_err(BenchError::system(file))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let resident = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok(Self { descriptors, threads, resident })
    }
}

/// How many devices a namespace has.
pub fn devices(namespace: &str) -> Result<usize, BenchError> {
    Ok(ip(&format!("-n {namespace} -o link show"))?.lines().count())
}
