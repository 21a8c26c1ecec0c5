//! Traffic between two hosts on veth pairs.

use serde_json::Value;

use crate::{BenchError, Daemon, Database, Programs, Who, World, run};

const ADDRESSES: [&str; 2] = ["10.8.0.1", "10.8.0.2"];
/// With this payload a frame is 64 bytes long, its checksum included.
const PAYLOAD: &str = "18";

/// Gbit/s that arrive.
pub fn tcp(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    let report = iperf3(programs, who, seconds, &[])?;
    let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
    positive(rate.map(|bits| bits / 1e9), &report)
}

/// Packets/s that arrive.
pub fn udp64(programs: &Programs, who: Who, seconds: u32) -> Result<f64, BenchError> {
    let report = iperf3(programs, who, seconds, &["-u", "-b", "0", "-l", PAYLOAD])?;
    let sum = &report["end"]["sum"];
    let arrived = match (sum["packets"].as_f64(), sum["lost_packets"].as_f64(), sum["seconds"].as_f64()) {
        (Some(sent), Some(lost), Some(seconds)) => Some((sent - lost) / seconds),
        _ => None,
    };
    positive(arrived, &report)
}

fn positive(figure: Option<f64>, report: &Value) -> Result<f64, BenchError> {
    figure.filter(|figure| *figure > 0.0).ok_or_else(|| {
        let said = report["error"].as_str().unwrap_or("nothing");
        BenchError::unexpected("iperf3", "packets that arrive", said)
    })
}

/// Runs iperf3 between two hosts on a bridge that learns; gives its report.
fn iperf3(programs: &Programs, who: Who, seconds: u32, more: &[&str]) -> Result<Value, BenchError> {
    let mut world = World::start(programs, who, Database::Server)?;
    // Without this the distribution's switch passes no TCP between hosts whose checksums the devices are to make.
    world.vsctl("--no-wait set Open_vSwitch . other_config:userspace-tso-enable=true")?;
    let client = world.add_host("sbs1", &format!("{}/24", ADDRESSES[0]))?;
    let server = world.add_host("sbs2", &format!("{}/24", ADDRESSES[1]))?;
    world.vsctl(
        "add-br br0 -- set bridge br0 datapath_type=netdev -- add-port br0 sbs1 -- add-port br0 sbs2",
    )?;
    let mut listen = world.inside(&server, "iperf3");
    listen.args(["-s", "-1", "--forceflush"]);
    let mut daemon = Daemon::start("iperf3", world.folder(), listen)?;
    daemon.wait_until("its socket", |daemon| daemon.printed().contains("listening"))?;
    // Addresses are learned before the clock runs.
    run(world.inside(&client, "ping").args(["-q", "-c", "3", "-i", "0.2", "-w", "5", ADDRESSES[1]]))?;
    let mut command = world.inside(&client, "timeout");
    let (limit, seconds) = ((seconds + 15).to_string(), seconds.to_string());
    command.args([&limit, "iperf3", "-J", "-c", ADDRESSES[1], "-t", &seconds, "--connect-timeout", "4000"]);
    let text = run(command.args(more))?;
    serde_json::from_str(&text).map_err(|_| BenchError::unexpected("iperf3", "a report", text))
}
