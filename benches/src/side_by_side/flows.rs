//! A hundred thousand flows in and out, and a million in.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::native::Sender;
use crate::process::Holdings;
use crate::{BenchError, Database, Programs, Who, World};

const FLOWS: usize = 100_000;
const MILLION: usize = 1_000_000;

/// A switch with one empty bridge, and a file of flows.
struct Bench {
    world: World,
    file: PathBuf,
    text: String,
}

impl Bench {
    fn new(programs: &Programs, who: Who, count: usize) -> Result<Self, BenchError> {
        let world = World::start(programs, who, Database::Server)?;
        world.vsctl(
            "add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure \
             protocols=OpenFlow10,OpenFlow13,OpenFlow14",
        )?;
        let (file, text) = (world.folder().join("flows"), flows(count));
        std::fs::write(&file, &text).map_err(BenchError::system("writing flows"))?;
        Ok(Self { world, file, text })
    }

    /// Runs `ovs-ofctl` with the file's name last; gives what it prints and how many seconds it takes.
    fn timed(&self, words: &str) -> Result<(String, f64), BenchError> {
        let began = Instant::now();
        let text = self.world.ofctl(words)?;
        Ok((text, began.elapsed().as_secs_f64()))
    }

    fn load(&self, how: &str) -> Result<f64, BenchError> {
        Ok(self.timed(&format!("{how} add-flows br0 {}", self.file.display()))?.1)
    }

    fn sender(&self) -> Result<Sender, BenchError> {
        Sender::connect(&self.world.folder().join("br0.mgmt"))
    }

    /// Fails unless the bridge has that many flows.
    fn expect(&self, flows: usize) -> Result<(), BenchError> {
        let text = self.world.ofctl("-O OpenFlow13 dump-aggregate br0")?;
        let wanted = format!("flow_count={flows}");
        if text.contains(&wanted) {
            Ok(())
        } else {
            Err(BenchError::unexpected("the bridge", wanted, text.trim()))
        }
    }
}

/// Rules as of a packet filter: source and destination networks of several lengths, ports, priorities.
fn flows(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let (high, low) = (n >> 8, n & 0xff);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "priority={},tcp,nw_src=172.16.{}.0/{},nw_dst=10.{}.{}.{low},tp_dst={},actions=output:{}",
            1 + n % 997,
            n % 251,
            24 - n % 3,
            high >> 8,
            high & 0xff,
            1 + n % 6007,
            1 + n % 7
        );
    }
    text
}

/// Seconds to add them one by one.
pub fn add(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, FLOWS)?;
    let seconds = bench.load("-O OpenFlow13")?;
    bench.expect(FLOWS)?;
    Ok(seconds)
}

/// Seconds to add them all or none.
pub fn bundle(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, FLOWS)?;
    let seconds = bench.load("-O OpenFlow14 --bundle")?;
    bench.expect(FLOWS)?;
    Ok(seconds)
}

/// Seconds to show them.
pub fn dump(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, FLOWS)?;
    bench.load("-O OpenFlow13")?;
    let (text, seconds) = bench.timed("-O OpenFlow13 dump-flows br0")?;
    match text.matches("actions=").count() {
        FLOWS => Ok(seconds),
        other => Err(BenchError::unexpected("flows in the dump", FLOWS, other)),
    }
}

/// Seconds to delete them at once.
pub fn delete(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, FLOWS)?;
    bench.load("-O OpenFlow13")?;
    let (_, seconds) = bench.timed("-O OpenFlow13 del-flows br0")?;
    bench.expect(0)?;
    Ok(seconds)
}

/// Flow changes a second, told by a sender that only sends.
pub fn native(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    told(programs, who, FLOWS, Sender::add_flows)
}

/// The same, until there are a million.
pub fn native_million(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    told(programs, who, MILLION, Sender::add_flows)
}

/// A million in one bundle.
pub fn bundle_million(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    told(programs, who, MILLION, Sender::bundle_flows)
}

fn told(
    programs: &Programs,
    who: Who,
    flows: usize,
    tell: impl FnOnce(&mut Sender, &str) -> Result<Duration, BenchError>,
) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, flows)?;
    let time = tell(&mut bench.sender()?, &bench.text)?;
    bench.expect(flows)?;
    Ok(flows as f64 / time.as_secs_f64())
}

/// Bytes of resident memory that a flow adds, when there are a million.
pub fn memory(programs: &Programs, who: Who, _seconds: u32) -> Result<f64, BenchError> {
    let bench = Bench::new(programs, who, MILLION)?;
    let resident = || Holdings::of(bench.world.pid()).map(|holdings| holdings.resident);
    let before = resident()?;
    bench.sender()?.add_flows(&bench.text)?;
    bench.expect(MILLION)?;
    Ok(resident()?.saturating_sub(before) as f64 * 1024.0 / MILLION as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn flows_differ_by_what_they_match() {
        let text = flows(FLOWS);
        let matches: BTreeSet<&str> = text.lines().filter_map(|line| line.split(",actions").next()).collect();
        assert_eq!(matches.len(), FLOWS);
    }
}
