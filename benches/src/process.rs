//! What the system says of a process and a namespace.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

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

/// How long each thread of a process has run.
#[derive(Clone, Debug, Default)]
pub struct Threads(BTreeMap<String, Duration>);

impl Threads {
    /// Of a process that is alive, up to now.
    pub fn of(pid: u32) -> Result<Self, BenchError> {
        let folder = format!("/proc/{pid}/task");
        let entries = fs::read_dir(&folder).map_err(BenchError::system(folder))?;
        let ran = |entry: fs::DirEntry| {
            // A thread may have ended since.
            let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
            let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), Duration::from_nanos(nanoseconds)))
        };
        Ok(Self(entries.flatten().filter_map(ran).collect()))
    }

    /// How long the thread has run that has run the most since then.
    pub fn busiest_since(&self, before: &Self) -> Duration {
        let since = |(id, now): (&String, &Duration)| {
            now.saturating_sub(before.0.get(id).copied().unwrap_or_default())
        };
        self.0.iter().map(since).max().unwrap_or_default()
    }
}

/// How many devices a namespace has.
pub fn devices(namespace: &str) -> Result<usize, BenchError> {
    Ok(ip(&format!("-n {namespace} -o link show"))?.lines().count())
}
