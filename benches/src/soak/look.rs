//! One look at a switch at rest.

use std::fmt;
use std::time::Duration;

use crate::process::{Holdings, devices};
use crate::{BenchError, World};

/// How often memory is read for one look, and how long apart.
const READINGS: u32 = 10;
const APART: Duration = Duration::from_millis(200);

/// What a switch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// Bytes that are allocated.
    pub live_bytes: u64,
    /// Allocations that are not freed.
    pub live_allocations: u64,
    /// Descriptors, threads, resident memory.
    pub holdings: Holdings,
    /// Devices in its namespace.
    pub devices: usize,
    /// Packets that it has received.
    pub received: u64,
    /// Packets that the ledger cannot account for, as the ledger says it.
    pub ledger: String,
}

impl Look {
    /// Looks. The least of some readings counts: statistics, which are written every five seconds, are in memory
    /// while they are being written, and a tool that has just ended still has its connection.
    pub fn at(world: &World) -> Result<Self, BenchError> {
        let (mut least, mut holdings) = ((u64::MAX, u64::MAX), Holdings::of(world.pid())?);
        for _ in 0..READINGS {
            let text = world.appctl("memory/live")?;
            least = least.min((number(&text, "live bytes")?, number(&text, "live allocations")?));
            let now = Holdings::of(world.pid())?;
            holdings.descriptors = holdings.descriptors.min(now.descriptors);
            (holdings.threads, holdings.resident) = (now.threads, now.resident);
            std::thread::sleep(APART);
        }
        let ledger = world.appctl("ledger/show")?;
        Ok(Self {
            live_bytes: least.0,
            live_allocations: least.1,
            holdings,
            devices: devices(world.namespace())?,
            received: number(&ledger, "received")?,
            ledger: ledger.lines().last().unwrap_or_default().to_owned(),
        })
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holdings { descriptors, threads, resident, .. } = self.holdings;
        write!(
            f,
            "{} bytes in {} allocations live, {resident} KiB resident, {descriptors} descriptors, {threads} threads, \
             {} devices, {} packets received, ledger {}",
            self.live_bytes, self.live_allocations, self.devices, self.received, self.ledger
        )
    }
}

/// The count behind a name.
fn number(text: &str, name: &str) -> Result<u64, BenchError> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().parse().ok())
        .ok_or_else(|| BenchError::unexpected("what the switch shows", format!("a line `{name} N`"), text))
}
