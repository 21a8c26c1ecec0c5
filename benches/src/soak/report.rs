//! What came of a soak, and whether that is well.

use std::fmt;
use std::time::Duration;

use super::Sample;
use super::look::Look;

/// The most that live memory may differ, as a share of what it was.
const LIVE: f64 = 0.01;
/// The most that resident memory at the end may be, as a multiple of what it was after a fifth of the time.
const RESIDENT: f64 = 1.1;
/// Below this time resident memory is still growing into its size and is not judged.
const JUDGED: Duration = Duration::from_mins(5);

/// What a report shows of each look.
const ROWS: [(&str, Figure); 6] = [
    ("live bytes", |look| look.live_bytes),
    ("live allocations", |look| look.live_allocations),
    ("resident KiB", |look| look.holdings.resident),
    ("descriptors", |look| look.holdings.descriptors as u64),
    ("threads", |look| look.holdings.threads as u64),
    ("devices", |look| look.devices as u64),
];
type Figure = fn(&Look) -> u64;

/// See the module's head.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How long the load lasted.
    pub time: Duration,
    /// The switch as it was configured.
    pub fresh: Look,
    /// After warming up, at rest.
    pub before: Look,
    /// After the load, at rest.
    pub after: Look,
    /// Resident memory on the way, in tenths of the time.
    pub samples: Vec<Sample>,
    /// How often each part of the load was done.
    pub done: Vec<(&'static str, u64)>,
}

impl Report {
    /// What is not well, in words; nothing if all is well.
    pub fn faults(&self) -> Vec<String> {
        self.faults_beyond(LIVE)
    }

    /// The same, with another share that live memory may differ by.
    pub fn faults_beyond(&self, live: f64) -> Vec<String> {
        let (before, after) = (&self.before, &self.after);
        let mut faults = Vec::new();
        let change = after.live_bytes as f64 / before.live_bytes as f64 - 1.0;
        if change.abs() > live {
            let (was, is) = (before.live_bytes, after.live_bytes);
            faults.push(format!("live bytes changed by {:+.2}%: {was} before, {is} after", change * 100.0));
        }
        for (what, was, is) in [
            ("descriptors", before.holdings.descriptors, after.holdings.descriptors),
            ("threads", before.holdings.threads, after.holdings.threads),
            ("devices", before.devices, after.devices),
        ] {
            if was != is {
                faults.push(format!("{what}: {was} before, {is} after"));
            }
        }
        if after.ledger != "balanced" {
            faults.push(format!("the ledger does not balance: {}", after.ledger));
        }
        if after.received == before.received {
            faults.push("no packet was received".to_owned());
        }
        if let Some(growth) = self.growth().filter(|_| self.time >= JUDGED)
            && growth > RESIDENT
        {
            faults.push(format!(
                "resident memory grew to {growth:.2} of what it was after a fifth of the time"
            ));
        }
        faults
    }

    /// Resident memory at the end by that after a fifth of the time.
    pub fn growth(&self) -> Option<f64> {
        let fifth = self.samples.iter().find(|sample| sample.at >= self.time / 5)?;
        let last = self.samples.last()?;
        Some(last.resident as f64 / fifth.resident as f64)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (&self.before, &self.after);
        writeln!(f, "{:<18} {:>14} {:>14} {:>14}", "", "fresh", "before", "after")?;
        for (name, of) in ROWS {
            writeln!(f, "{name:<18} {:>14} {:>14} {:>14}", of(&self.fresh), of(before), of(after))?;
        }
        let change = (after.live_bytes as f64 / before.live_bytes as f64 - 1.0) * 100.0;
        writeln!(f, "live bytes changed by {change:+.3}%")?;
        if let Some(growth) = self.growth() {
            writeln!(f, "resident memory at the end: {growth:.3} of that after a fifth of the time")?;
        }
        writeln!(f, "packets received: {}, ledger: {}", after.received, after.ledger)?;
        let done: Vec<String> = self.done.iter().map(|(what, count)| format!("{what} {count}")).collect();
        write!(f, "done: {}", done.join(", "))
    }
}
