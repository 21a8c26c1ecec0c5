//! Virtual machines at vhost-user ports: QEMU and the drivers of Linux, on split and on packed rings.

use rustix::process::Signal;

use crate::harness::{Daemon, Database, Kind, World, exclusive, tools, vm};

/// Features of virtio: mergeable buffers, chains in tables, numbers at which to be woken; packed rings.
const USUAL: u64 = 1 << 15 | 1 << 28 | 1 << 29;
const PACKED: u64 = 1 << 34;

/// The machine's cards, one at each port, and what its drivers use there.
const CARDS: [(&str, &str, u64); 2] = [("vm0", "on", USUAL | PACKED), ("vm1", "off", USUAL)];

/// A switch with a port for each card, and a host at each side of whose addresses a card is.
fn switch(test: &str) -> Option<(World, String)> {
    let tools = tools(test)?;
    let mut world = World::start(&tools, Kind::Ours, Database::Peer, &[]);
    let host = world.add_host("v1", "10.8.0.1/24");
    let second = ["addr", "add", "10.8.1.1/24", "dev", "eth0"];
    assert!(world.inside(&host, "ip", &second).status().unwrap().success());
    world.ok("ovs-vsctl", &["set", "Open_vSwitch", ".", "other_config:pmd-sleep-max=500"]);
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"]);
    world.ok("ovs-vsctl", &["add-port", "br0", "v1"]);
    for (port, ..) in CARDS {
        let path = format!("options:vhost-server-path={}", socket(&world, port));
        let kind = "type=dpdkvhostuserclient";
        world.ok("ovs-vsctl", &["add-port", "br0", port, "--", "set", "interface", port, kind, &path]);
    }
    Some((world, host))
}

fn socket(world: &World, port: &str) -> String {
    world.folder().join(format!("{port}.sock")).display().to_string()
}

/// QEMU's arguments for the cards.
fn cards(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for (n, (port, packed, _)) in CARDS.into_iter().enumerate() {
        let chardev = format!("socket,id={port},path={},server=on,wait=off", socket(world, port));
        // Without message interrupts: with them, QEMU 7.2 falls over its own feet where a processor is emulated.
        let device =
            format!("virtio-net-pci,netdev={port},mac=52:54:00:00:00:0{n},packed={packed},vectors=0");
        let netdev = format!("vhost-user,id={port},chardev={port}");
        all.extend(["-chardev", &chardev, "-netdev", &netdev, "-device", &device].map(str::to_owned));
    }
    all
}

/// What the machine does: with each card, both ways, echoes and streams; the switch dies during those of the last one.
const SCRIPT: &str = "\
set -e
for n in 0 1; do
    card=$(ip -o link | grep 52:54:00:00:00:0$n | cut -d' ' -f2 | tr -d :)
    ip addr add 10.8.$n.2/24 dev $card
    ip link set $card up
    ping -q -c 3 -i 0.2 -W 20 10.8.$n.1
    ping -q -c 3 -i 0.2 -W 20 -s 8000 10.8.$n.1
done
for n in 0 1; do
    echo sends by card $n
    iperf3 -c 10.8.$n.1 -n 200M
    iperf3 -c 10.8.$n.1 -n 30M -R
    ping -q -c 3 -i 0.2 -W 20 10.8.$n.1
done
";

/// Bytes that came in at a port.
fn received(world: &World, port: &str) -> u64 {
    let text = world.ok("ovs-ofctl", &["dump-ports", "br0", port]);
    let bytes = text.split("bytes=").nth(1).and_then(|rest| rest.split(',').next());
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn machines_talk_through_ports_whose_switch_dies() {
    let test = "machines_talk_through_ports_whose_switch_dies";
    let _lock = exclusive();
    let Some((mut world, host)) = switch(test) else { return };
    let _server = Daemon::start("iperf3", world.folder(), world.inside(&host, "iperf3", &["-s"]));
    let Some(mut machine) = vm::boot(test, &cards(&world), SCRIPT) else { return };
    for (n, (port, packed, features)) in CARDS.into_iter().enumerate() {
        machine.wait_for(&format!("sends by card {n}\n"));
        let told = world.ok("ovs-vsctl", &["get", "interface", port, "status:features"]);
        let told = told.trim().trim_matches('"').trim_start_matches("0x");
        let used = u64::from_str_radix(told, 16).unwrap();
        assert_eq!(used & (USUAL | PACKED), features, "{port}: {used:#x}");
        if packed == "off" {
            // Of a packed ring QEMU does not know where the switch was that has died. The stream is fifty times as long.
            world.wait_for("a stream", |world| (received(world, port) > 4_000_000).then_some(()));
            world.switch().signal(Signal::KILL);
            world.stop_switch();
            world.start_switch(Database::Peer, &[]);
        }
    }
    let printed = machine.end();
    assert_eq!(printed.matches("iperf Done.").count(), 4, "{printed}");
}
