//! FTP and TFTP between real hosts, through translated addresses and the tracker's helpers.

use std::path::PathBuf;

use crate::harness::{Daemon, Database, Kind, World, exclusive, tools};

/// Client 10.7.0.1 and server 10.7.0.2; what each is known as to the other.
const CLIENT_SEEN: &str = "10.7.0.99";
const SERVER_SEEN: &str = "10.7.0.80";

/// What a test's rules do with a control connection that begins.
fn flows(translation: &str) -> String {
    let begin = |matched: &str, alg: &str| {
        format!(
            "table=1,priority=9,ct_state=+trk+new-rel,{matched},\
             actions=ct(commit,alg={alg},nat({translation})),normal\n"
        )
    };
    [
        "table=0,priority=1,arp,actions=normal\n".to_owned(),
        "table=0,priority=1,ip,actions=ct(table=1,nat)\n".to_owned(),
        "table=1,priority=5,ct_state=+trk+est,ip,actions=normal\n".to_owned(),
        "table=1,priority=10,ct_state=+trk+new+rel,ip,actions=ct(commit,nat),normal\n".to_owned(),
        begin("tcp,tp_dst=21", "ftp"),
        begin("udp,tp_dst=69", "tftp"),
        "table=1,priority=0,actions=drop\n".to_owned(),
    ]
    .concat()
}

/// A switch with these rules, the client's namespace, and the server's.
fn start(test: &str, translation: &str) -> Option<(World, String, Daemon)> {
    let tools = tools(test)?;
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    let client = world.add_host("v1", "10.7.0.1/24");
    let server = world.add_host("v2", "10.7.0.2/24");
    world.ok(
        "ovs-vsctl",
        &["add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure", "--", "add-port", "br0", "v1"],
    );
    world.ok("ovs-vsctl", &["add-port", "br0", "v2"]);
    let file = world.folder().join("flows");
    std::fs::write(&file, flows(translation)).unwrap();
    world.ok("ovs-ofctl", &["-O", "OpenFlow13", "add-flows", "br0", file.to_str().unwrap()]);
    // Nobody answers for addresses that only the switch knows.
    for (host, other, seen) in [(&client, &server, SERVER_SEEN), (&server, &client, CLIENT_SEEN)] {
        let text = world.inside(other, "cat", &["/sys/class/net/eth0/address"]).output().unwrap();
        let mac = String::from_utf8_lossy(&text.stdout).trim().to_owned();
        let done =
            world.inside(host, "ip", &["neigh", "replace", seen, "lladdr", &mac, "dev", "eth0"]).status();
        assert!(done.unwrap().success(), "{seen} is {mac}");
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/scripts/ftp_server.py");
    let command = world.inside(&server, "python3", &[script.to_str().unwrap(), "10.7.0.2"]);
    let server = Daemon::start("ftp-server", world.folder(), command);
    Some((world, client, server))
}

/// Gets the file in every way that there is.
fn fetch(world: &World, client: &str, host: &str) {
    let ways: [(&str, &[&str]); 5] = [
        ("ftp", &["--disable-epsv"]),
        ("ftp", &[]),
        ("ftp", &["--disable-eprt", "-P", "-"]),
        ("ftp", &["-P", "-"]),
        ("tftp", &[]),
    ];
    for (scheme, options) in ways {
        let address = format!("{scheme}://{host}/file");
        let args = [&["-s", "-S", "-m", "8"], options, &[address.as_str()]].concat();
        let mut said = String::new();
        let got = world.wait_for(&format!("{args:?}"), |world| {
            let output = world.inside(client, "curl", &args).output().unwrap();
            said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Until the server listens it refuses.
            (!said.contains("refused") && !said.contains("(7)")).then_some(output.stdout)
        });
        let table = world.appctl_ok(&["dpctl/dump-conntrack"]);
        assert_eq!(got.len(), 20_000, "{args:?}: {said}\n{table}");
        assert!(got.starts_with(b"through the tracker\n"), "{args:?}");
    }
}

#[test]
fn files_come_through_a_translated_source() {
    let _lock = exclusive();
    let test = "files_come_through_a_translated_source";
    let Some((world, client, _server)) = start(test, &format!("src={CLIENT_SEEN}")) else { return };
    fetch(&world, &client, "10.7.0.2");
}

#[test]
fn files_come_through_a_translated_destination() {
    let _lock = exclusive();
    let test = "files_come_through_a_translated_destination";
    let Some((world, client, _server)) = start(test, "dst=10.7.0.2") else { return };
    fetch(&world, &client, SERVER_SEEN);
}
