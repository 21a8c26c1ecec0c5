//! Forwarding detection over a tunnel between our switch and the distribution's.

use crate::harness::{Kind, World, compare, exclusive, tools};
use crate::tunnels::{Site, two_sites};

/// What a switch says of the session on its tunnel: `key=value` for each key, sorted.
fn status(world: &World) -> Vec<String> {
    let told = world.ok("ovs-vsctl", &["get", "interface", "tun", "bfd_status"]);
    let told = told.trim().trim_matches(['{', '}']).replace('"', "");
    let mut pairs: Vec<String> = told.split(", ").map(str::to_owned).collect();
    pairs.sort();
    pairs
}

fn wait(sites: &[Site], site: usize, wanted: &[&str]) {
    let what = format!("{wanted:?} of {site}");
    let reached = sites[site].world.wait_at_most(|world| {
        let told = status(world);
        wanted.iter().all(|pair| told.iter().any(|have| have == pair))
    });
    let shown: Vec<_> = sites.iter().map(|site| (status(&site.world), site.state())).collect();
    assert!(reached, "{what}: {shown:?}");
}

fn set(site: &Site, pairs: &[&str]) {
    let mut args = vec!["set", "interface", "tun"];
    args.extend(pairs);
    site.world.ok("ovs-vsctl", &args);
}

/// The names of what `bfd/show` prints.
fn names(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
}

const FAST: &[&str] = &["bfd:enable=true", "bfd:min_rx=200", "bfd:min_tx=200"];

#[test]
fn sessions_with_the_original_come_up_and_go_down() {
    let _lock = exclusive();
    let Some(tools) = tools("sessions_with_the_original_come_up_and_go_down") else { return };
    let mut sites = two_sites(&tools, [Kind::Ours, Kind::Peer]);
    for (site, remote) in sites.iter().zip(["172.31.1.2", "172.31.1.1"]) {
        site.add_tunnel("geneve", remote, &["options:key=flow"]);
        site.world.ok("ovs-ofctl", &["add-flow", "br-int", "actions=NORMAL"]);
        set(site, FAST);
    }
    let up = ["state=up", "remote_state=up", "forwarding=true", "diagnostic=No Diagnostic"];
    (0..2).for_each(|site| wait(&sites, site, &up));
    // Their packets are no rule's.
    let [ours, peer] = [0, 1].map(|site: usize| &sites[site].world);
    for world in [ours, peer] {
        let flows = world.appctl_ok(&["dpctl/dump-flows"]);
        assert!(flows.contains("actions:userspace(pid=0,slow_path(bfd))"), "{flows}");
    }
    let shown = [ours, peer].map(|world| world.appctl_ok(&["bfd/show", "tun"]));
    assert_eq!(names(&shown[0]), names(&shown[1]), "{shown:?}");
    for command in [
        &["bfd/show", "nosuch"][..],
        &["bfd/show", "a", "b"],
        &["bfd/set-forwarding"],
        &["bfd/set-forwarding", "maybe"],
        &["bfd/set-forwarding", "tun", "maybe"],
        &["bfd/set-forwarding", "nosuch", "true"],
        &["bfd/set-forwarding", "tun", "false"],
    ] {
        compare(ours, peer, "ovs-appctl", command, &[]);
    }
    (0..2).for_each(|site| wait(&sites, site, &["state=up", "forwarding=false"]));
    for site in &sites {
        site.world.appctl_ok(&["bfd/set-forwarding", "normal"]);
    }
    (0..2).for_each(|site| wait(&sites, site, &up));

    // A path behind one end is down: the other does not send that way.
    for (there, here) in [(0, 1), (1, 0)] {
        set(&sites[there], &["bfd:cpath_down=true"]);
        wait(&sites, here, &["state=up", "forwarding=false", "remote_diagnostic=Concatenated Path Down"]);
        set(&sites[there], &["bfd:cpath_down=false"]);
        wait(&sites, here, &["state=up", "forwarding=true", "remote_diagnostic=No Diagnostic"]);
    }

    // One end speaks no more.
    sites[0].world.ok("ovs-vsctl", &["clear", "interface", "tun", "bfd"]);
    wait(&sites, 1, &["state=down", "forwarding=false", "diagnostic=Control Detection Time Expired"]);
    assert_eq!(status(&sites[0].world), [""], "nothing is told of a session that is not there");
    set(&sites[0], FAST);
    wait(&sites, 0, &["state=up", "forwarding=true"]);
    wait(&sites, 1, &["state=up", "forwarding=true"]);

    // The other end is gone.
    sites[1].world.stop_switch();
    wait(&sites, 0, &["state=down", "forwarding=false", "diagnostic=Control Detection Time Expired"]);
}
